//! Does `bench compare` keep its word? The same relay against itself must raise no alarm, and a
//! relay slowed by a known share must be found.
//!
//! ```text
//! cargo build --release -p relay --example slowed
//! cargo bench -p bench --bench regression
//! cargo bench -p bench --bench regression -- --same 3 --planted 1 --set run.repeats=5
//! ```
//!
//! Every comparison is the real command on `scenarios/regression.toml`, both servers in turns. With
//! the defaults it takes about a quarter of an hour, on a machine that should do nothing else.
//! It fails when more than one in twenty comparisons of the same relay, or less than four in five of a
//! planted regression, have the verdict *worse*, and when more than one in five cannot be trusted.

#![expect(clippy::print_stdout, reason = "a benchmark prints what it measured")]

use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};
use std::time::Duration;

use bench::clock::Moment;
use bench::result::compared::{Compared, Conclusion};
use clap::Parser;

/// Compares a relay with itself, and with itself made slower.
#[derive(Debug, Parser)]
struct Cli {
    /// Comparisons of the same relay with itself
    #[arg(long, default_value_t = 20)]
    same: u32,
    /// Comparisons with each slowed relay
    #[arg(long, default_value_t = 5)]
    planted: u32,
    /// Shares by which the relay is slowed
    #[arg(long, value_delimiter = ',', default_value = "0.10,0.25")]
    by: Vec<f64>,
    /// The scenario
    #[arg(long, default_value = "../scenarios/regression.toml")]
    scenario: PathBuf,
    /// The slowed relay
    #[arg(long, default_value = "../target/release/examples/slowed")]
    slowed: PathBuf,
    /// Folder for results; none are kept without
    #[arg(long)]
    out: Option<PathBuf>,
    /// Change a key of the scenario; load.transport=sse, run.repeats=8
    #[arg(long = "set")]
    sets: Vec<String>,
    /// Change a key for the planted regressions only; the smaller the effect, the more repeats it needs
    #[arg(long = "planted-set")]
    planted_sets: Vec<String>,
    /// Compare this metric alone
    #[arg(long)]
    metric: Option<String>,
    /// What `cargo bench` says to every benchmark
    #[arg(long, hide = true)]
    bench: bool,
}

/// What became of the comparisons with one share.
#[derive(Debug, Default)]
struct Tally {
    worse: u32,
    better: u32,
    same: u32,
    unknown: u32,
    invalid: u32,
    /// The effect on server CPU that each found.
    effects: Vec<f64>,
}

impl Tally {
    fn count(&self) -> u32 {
        self.worse + self.better + self.same + self.unknown + self.invalid
    }

    /// Comparisons that can be trusted.
    fn judged(&self) -> u32 {
        self.count() - self.invalid
    }

    fn add(&mut self, compared: &Compared) {
        *match compared.verdict {
            Conclusion::Worse => &mut self.worse,
            Conclusion::Better => &mut self.better,
            Conclusion::NoDifference => &mut self.same,
            Conclusion::NotEnoughEvidence => &mut self.unknown,
            Conclusion::Invalid => &mut self.invalid,
        } += 1;
        let cpu = |row: &&bench::result::compared::Row| row.metric == "server_cpu_per_thousand";
        let effect = compared.rows.iter().find(cpu).and_then(|row| row.effect);
        self.effects.extend(effect.map(|effect| effect.ratio));
    }

    fn line(&self, by: f64) -> String {
        let cpu = bench::stats::median(self.effects.clone());
        let cpu = cpu.map_or_else(|| "–".to_owned(), |cpu| format!("{:+.1} %", cpu * 100.0));
        format!(
            "{:>6.0} %  {:>11}  {:>5}  {:>6}  {:>13}  {:>19}  {:>7}  {cpu:>17}",
            by * 100.0,
            self.count(),
            self.worse,
            self.better,
            self.same,
            self.unknown,
            self.invalid,
        )
    }
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match experiment(&cli) {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            println!("error: {error}");
            ExitCode::from(2)
        }
    }
}

/// Runs all comparisons; gives whether the tool kept its word.
fn experiment(cli: &Cli) -> Result<bool, String> {
    let slowed = cli.slowed.canonicalize().map_err(|error| {
        format!(
            "{}: {error}; build it with `cargo build --release -p relay --example slowed`",
            cli.slowed.display()
        )
    })?;
    let kept = tempfile::tempdir().map_err(|error| error.to_string())?;
    let out = cli.out.as_deref().unwrap_or(kept.path());
    let began = Moment::now();
    let mut tallies: Vec<(f64, Tally)> = std::iter::once(0.0)
        .chain(cli.by.iter().copied())
        .map(|by| (by, Tally::default()))
        .collect();
    // The shares take turns: a noisy minute falls on all of them.
    for round in 0..cli.same.max(cli.planted) {
        for (by, tally) in &mut tallies {
            let wanted = if *by == 0.0 { cli.same } else { cli.planted };
            if round >= wanted {
                continue;
            }
            let compared = compare(cli, &slowed, *by, out)?;
            println!(
                "{:>4.0} s  slowed by {:>2.0} %: {}",
                Duration::from_nanos(Moment::now().0 - began.0).as_secs_f64(),
                *by * 100.0,
                said(&compared)
            );
            tally.add(&compared);
        }
    }
    println!(
        "\nslowed by  comparisons  worse  better  no difference  not enough evidence  invalid  median CPU effect"
    );
    let mut kept_word = true;
    for (by, tally) in &tallies {
        println!("{}", tally.line(*by));
        kept_word &= if *by == 0.0 {
            tally.worse * 20 <= tally.judged()
        } else {
            tally.worse * 5 >= tally.judged() * 4
        };
        // What cannot be trusted proves nothing.
        kept_word &= tally.invalid * 5 <= tally.count();
    }
    println!(
        "\nfalse alarms: {} of {}",
        tallies[0].1.worse,
        tallies[0].1.judged()
    );
    Ok(kept_word)
}

/// Compares the relay with one slowed by a share, by the real command.
fn compare(cli: &Cli, slowed: &Path, by: f64, out: &Path) -> Result<Compared, String> {
    let scenario = cli.scenario.as_os_str();
    let side = |by: f64| {
        let words = [
            slowed.display().to_string(),
            "--by".to_owned(),
            by.to_string(),
            "--listen".to_owned(),
            "127.0.0.1:8088".to_owned(),
            "--log-level".to_owned(),
            "warn".to_owned(),
        ];
        let quoted: Vec<String> = words.iter().map(|word| format!("'{word}'")).collect();
        format!("target.command=[{}]", quoted.join(", "))
    };
    let mut command = Command::new(env!("CARGO_BIN_EXE_bench"));
    command.arg("compare").args([scenario, scenario]);
    command.args(["--set-base", &side(0.0), "--set-candidate", &side(by)]);
    for set in &cli.sets {
        command.args(["--set", set]);
    }
    if by > 0.0 {
        for set in &cli.planted_sets {
            command.args(["--set", set]);
        }
    }
    if let Some(metric) = &cli.metric {
        command.args(["--metric", metric]);
    }
    command.args(["--quiet", "--json", "-", "--out"]).arg(out);
    let ran = command.output().map_err(|error| error.to_string())?;
    serde_json::from_slice(&ran.stdout).map_err(|_| {
        format!(
            "bench compare ended with {}: {}",
            ran.status,
            String::from_utf8_lossy(&ran.stderr).trim()
        )
    })
}

/// A comparison in a line.
fn said(compared: &Compared) -> String {
    let worse: Vec<String> = compared
        .rows
        .iter()
        .filter(|row| row.fails())
        .map(|row| {
            let effect = row.effect.map_or(f64::NAN, |effect| effect.ratio);
            format!("{} {:+.1} %", row.metric, effect * 100.0)
        })
        .collect();
    format!("{:?} {}", compared.verdict, worse.join(", "))
}
