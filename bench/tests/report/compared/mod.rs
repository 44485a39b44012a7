//! Two runs held against each other: what is found, what is not, and how the command ends.

mod alarms;
mod command;
mod repetition;
mod unlike;
mod verdicts;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use bench::judge::compare::compare;
use bench::judge::question::{Named, Settings};
use bench::result::compared::{Compared, Finding};
use bench::result::{RunResult, TrialResult, metric};

use crate::fixture;

/// What eight launches of one program differ by.
const LAUNCHES: [f64; 8] = [1.00, 1.012, 0.991, 1.004, 0.987, 1.009, 0.996, 1.002];

/// A run of `transports` with a repeat for each factor on what it costs and how long it takes.
fn repeated(transports: &[&str], factors: &[f64]) -> RunResult {
    let mut run = fixture::compare();
    let trials = std::mem::take(&mut run.trials);
    run.gates.clear();
    run.published.clear();
    for (repeat, factor) in factors.iter().enumerate() {
        for trial in trials
            .iter()
            .filter(|t| transports.contains(&t.transport.name()))
        {
            let mut trial = trial.clone();
            trial.repeat = u32::try_from(repeat).unwrap() + 1;
            trial.id = format!("{}-r{}", trial.transport, trial.repeat);
            slow(&mut trial, *factor);
            run.trials.push(trial);
        }
    }
    run.cells = metric::cells(&run.trials);
    run
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures made up by hand, all of them small"
)]
fn slow(trial: &mut TrialResult, factor: f64) {
    let times = |value: u64| (value as f64 * factor) as u64;
    trial.server.cpu_ns = trial.server.cpu_ns.map(times);
    let delivery = trial.latency_ns.delivery.as_mut().unwrap();
    delivery.p50 = times(delivery.p50);
    delivery.p99 = times(delivery.p99);
}

/// Changes what every trial says.
fn with(mut run: RunResult, change: impl Fn(&mut TrialResult)) -> RunResult {
    run.trials.iter_mut().for_each(change);
    run
}

fn slower(by: f64) -> RunResult {
    repeated(&["websocket"], &LAUNCHES.map(|launch| launch * (1.0 + by)))
}

fn base() -> RunResult {
    repeated(&["websocket"], &LAUNCHES)
}

fn named(run: &RunResult) -> Named<'_> {
    Named {
        path: Path::new("somewhere"),
        run,
    }
}

fn judged(base: &RunResult, candidate: &RunResult) -> Compared {
    compare(named(base), named(candidate), &Settings::default()).unwrap()
}

fn found(compared: &Compared, metric: &str) -> Finding {
    let row = compared.rows.iter().find(|row| row.metric == metric);
    row.unwrap().verdict
}

/// Folders of results, and the command run on them.
struct Bench(tempfile::TempDir);

impl Bench {
    fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    fn keep(&self, name: &str, run: &RunResult) -> PathBuf {
        let folder = self.0.path().join(name);
        std::fs::create_dir_all(&folder).unwrap();
        let json = serde_json::to_vec(run).unwrap();
        std::fs::write(folder.join("summary.json"), json).unwrap();
        folder
    }

    /// Its exit code, standard output and standard error.
    fn compare(&self, words: &[&str]) -> (i32, String, String) {
        let ran: Output = Command::new(env!("CARGO_BIN_EXE_bench"))
            .arg("compare")
            .args(words)
            .current_dir(self.0.path())
            .output()
            .unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        (
            ran.status.code().unwrap(),
            text(ran.stdout),
            text(ran.stderr),
        )
    }
}
