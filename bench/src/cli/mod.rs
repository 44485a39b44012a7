//! The command line: what was typed, and which command it is.

mod baseline;
mod compare;
mod follow;
mod in_turns;
mod manual;
mod outputs;
mod plan;
mod progress;
mod run;
mod selftest;
mod witness;
mod worker;

use std::io::{self, IsTerminal, Write};
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand};

use follow::FollowArgs;
use outputs::OutputArgs;

use crate::exit::Exit;
use crate::report::{self, console::Style};
use crate::result::{Store, metric};
use crate::scenario::{self, Plan, capacity};
use crate::target::{self, ClusterArgs};

/// Compares Web push transports: drives thousands of simulated clients and measures what each one
/// sees, and what it costs the network and the server.
#[derive(Debug, Parser)]
#[command(
    name = "bench",
    version,
    after_help = "Examples:
  bench run scenarios/compare.toml
  bench run scenarios/compare.toml --set load.clients=200 --set phases.measure=5s
  bench run scenarios/compare.toml --set target.tls=true --set target.http=2
  bench run scenarios/smoke.toml --junit smoke.xml
  bench run scenarios/compare.toml --live 127.0.0.1:8089
  bench check scenarios/*.toml
  bench report results/latest
  bench compare results/before results/after
  bench witness scenarios/witness.toml
  bench plan --clients 10_000_000 --rate 1000 --channels 100_000

Exit codes:
  0  all is well
  1  a bug in bench
  2  the command line or a scenario is wrong, or this machine cannot run it
  3  the target or a worker failed
  4  the run cannot be trusted
  5  a gate does not hold, or a comparison found the candidate worse"
)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
}

const RUN_EXAMPLES: &str = "Examples:
  bench run scenarios/compare.toml
  bench run scenarios/compare.toml --set load.clients=200 --set load.payload=1KiB
  bench run scenarios/compare.toml --set target.url=http://127.0.0.1:8080 --set target.pid=4242
  bench run scenarios/smoke.toml --quiet --junit smoke.xml --markdown smoke.md";

const COMPARE_EXAMPLES: &str = "Examples:
  bench compare results/before results/after
  bench compare results/before results/after --metric delivery.p99 --min-effect 10%
  bench compare before.toml after.toml --rerun --junit verdict.xml
  bench compare scenarios/regression.toml scenarios/regression.toml \\
      --set-base 'target.command=[\"./before/relay\",\"--listen\",\"127.0.0.1:8088\"]' \\
      --set-candidate 'target.command=[\"./after/relay\",\"--listen\",\"127.0.0.1:8088\"]'";

#[derive(Debug, Subcommand)]
enum Command {
    /// Run scenarios, write results, apply gates
    #[command(after_help = RUN_EXAMPLES)]
    Run(RunArgs),
    /// Validate scenarios; print the plan, its trials and how long they will take
    #[command(after_help = "Examples:
  bench check scenarios/*.toml
  bench check scenarios/scale.toml --set matrix.clients=[100,20000]")]
    Check(CheckArgs),
    /// Make CSV, charts and HTML again from stored results
    #[command(after_help = "Examples:
  bench report results/latest
  bench report results/reference/compare")]
    Report {
        /// A folder of results, such as results/latest
        dir: PathBuf,
    },
    /// Say whether a candidate is better or worse than a base, and how sure that is
    #[command(after_help = COMPARE_EXAMPLES)]
    Compare(compare::CompareArgs),
    /// Say how many machines a deployment needs, from measured unit costs and the laws by which they grow
    #[command(after_help = plan::EXAMPLES)]
    Plan(plan::PlanArgs),
    /// Measure the floor of the instrument, on this machine and now
    Selftest,
    /// Run scenarios with a real browser beside the clients, and compare what both saw
    #[command(after_help = "Examples:
  bench witness scenarios/witness.toml
  bench witness scenarios/witness.toml --subscribers 2 --set matrix.transport=[sse,websocket]")]
    Witness(witness::WitnessArgs),
    /// Wait at a NATS server for runs elsewhere, and simulate a part of their clients
    #[command(after_help = "Examples:
  bench worker --nats nats://10.0.0.1:4222
  bench worker --nats nats://10.0.0.1:4222 --name left --allow-host 10.0.0.9
  bench run scale.toml --workers nats://10.0.0.1:4222 --expect 4")]
    Worker(worker::WorkerArgs),
    /// Run the bundled relay
    #[command(after_help = "Examples:
  bench relay
  bench relay --listen 127.0.0.1:9000 --threads 2")]
    Relay(Box<target::RelayArgs>),
    /// Run several bundled relays on one address, which share their logs through NATS
    #[command(after_help = "Examples:
  bench cluster --nodes 4
  bench cluster --nodes 16 --listen 127.0.0.1:9000 -- --max-connections 19000
  bench cluster --nats nats://127.0.0.1:4222 --nodes 2")]
    Cluster(ClusterArgs),
    /// Print a script that completes commands and flags in a shell
    #[command(after_help = "Examples:
  bench completions bash > ~/.local/share/bash-completion/completions/bench
  bench completions zsh > ~/.zfunc/_bench
  bench completions fish > ~/.config/fish/completions/bench.fish")]
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Print the manual page, or write one for each command into a folder
    #[command(after_help = "Examples:
  bench man | man -l -
  bench man ~/.local/share/man/man1")]
    Man {
        /// The folder; it is made when it is not there
        dir: Option<PathBuf>,
    },
}

/// What `bench run` was given.
#[derive(Debug, Args)]
pub(crate) struct RunArgs {
    #[command(flatten)]
    scenarios: CheckArgs,
    /// Folder for results; each run makes a folder of its own in it
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,
    /// A stored run that gates compare with; once for each scenario that needs one
    #[arg(long, value_name = "DIR")]
    baseline: Vec<PathBuf>,
    #[command(flatten)]
    crew: worker::CrewArgs,
    #[command(flatten)]
    outputs: OutputArgs,
    #[command(flatten)]
    follow: FollowArgs,
    /// Print nothing but errors
    #[arg(long, short)]
    quiet: bool,
    /// Let the exit code say nothing of trust: a run that cannot be trusted still says so, but exits with what its
    /// gates say
    #[arg(long)]
    allow_invalid: bool,
}

/// Scenarios and what is changed in them.
#[derive(Debug, Clone, Args)]
pub(crate) struct CheckArgs {
    /// Scenario files
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// Change a key of every scenario, such as load.clients=200 or matrix.transport=[sse,websocket]
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
}

/// Runs the command that was typed. A panic in it is told, and has an exit code of its own.
#[must_use]
pub fn run(cli: Cli) -> ExitCode {
    guard(|| dispatch(cli))
}

fn guard(work: impl FnOnce() -> ExitCode) -> ExitCode {
    // Nothing that a panic may have left half-done is looked at again.
    panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        // Where and why was printed as it happened.
        complain("this is a bug in bench; please report it with the lines above");
        Exit::Bug.into()
    })
}

fn dispatch(cli: Cli) -> ExitCode {
    match cli.command {
        Command::Run(args) => run::run(&args).into(),
        Command::Check(args) => check(&args).into(),
        Command::Report { dir } => report(&dir).into(),
        Command::Compare(args) => compare::run(&args).into(),
        Command::Plan(args) => plan::run(&args).into(),
        Command::Selftest => selftest::run().into(),
        Command::Witness(args) => witness::run(&args).into(),
        Command::Worker(args) => worker::run(&args).into(),
        Command::Relay(args) => target::run_bundled_relay(*args),
        Command::Cluster(args) => cluster(args).into(),
        Command::Completions { shell } => manual::completions(shell).into(),
        Command::Man { dir } => manual::pages(dir.as_deref()).into(),
    }
}

fn cluster(args: ClusterArgs) -> Exit {
    match target::run_cluster(args) {
        Ok(()) => Exit::Ok,
        Err(error) => {
            complain(&chain(&error));
            Exit::Target
        }
    }
}

/// Reads every scenario and checks that this machine can run it; tells all that is wrong.
fn plans(args: &CheckArgs) -> Result<Vec<Plan>, Exit> {
    plans_that(args, capacity::check)
}

/// What says whether a machine can run a plan.
type Capacity = fn(&Plan, &capacity::MachineLimits) -> Result<(), capacity::CapacityError>;

/// The same for another check.
fn plans_that(args: &CheckArgs, check: Capacity) -> Result<Vec<Plan>, Exit> {
    let known = metric::known();
    let limits = capacity::MachineLimits::raise();
    let mut plans = Vec::new();
    let mut failed = false;
    for file in &args.files {
        let plan = scenario::read(file, &args.sets, &known).map_err(|error| chain(&error));
        let checked = plan.and_then(|plan| match &limits {
            Ok(limits) => match check(&plan.widest(), limits) {
                Ok(()) => Ok(plan),
                Err(error) => Err(format!("{}: {}", file.display(), excess(&plan, &error))),
            },
            Err(_) => Ok(plan),
        });
        match checked {
            Ok(plan) => plans.push(plan),
            Err(text) => {
                complain(&text);
                failed = true;
            }
        }
    }
    if failed { Err(Exit::Usage) } else { Ok(plans) }
}

/// What there is too little of; in a search the key to lower is the one that it raises.
fn excess(plan: &Plan, error: &capacity::CapacityError) -> String {
    let text = error.to_string();
    match &plan.search {
        Some(search) if search.vary == "clients" => text.replace("load.clients", "search.to"),
        Some(_) | None => text,
    }
}

fn check(args: &CheckArgs) -> Exit {
    match plans(args) {
        Ok(plans) => {
            let limits = capacity::MachineLimits::read().ok();
            let told = |plan| {
                let limits = limits.as_ref();
                let workers = limits.map(|limits| scenario::workers::told(plan, limits));
                scenario::describe(plan) + &workers.unwrap_or_default()
            };
            let texts: Vec<String> = plans.iter().map(told).collect();
            say(&texts.join("\n"))
        }
        Err(exit) => exit,
    }
}

fn report(dir: &Path) -> Exit {
    let made = Store::open(dir).and_then(|store| {
        let (run, witnessed) = (store.load()?, store.load_witness()?);
        Ok((store, run, witnessed))
    });
    let (store, run, witnessed) = match made {
        Ok(made) => made,
        Err(error) => {
            complain(&chain(&error));
            return Exit::Usage;
        }
    };
    let written = report::write_all(store.dir(), &run).and_then(|()| match &witnessed {
        Some(witnessed) => report::witness::write(store.dir(), witnessed, &run),
        None => Ok(()),
    });
    if let Err(error) = written {
        complain(&chain(&error));
        return Exit::Usage;
    }
    let (place, style) = (
        store.dir().display().to_string(),
        style(io::stdout().is_terminal()),
    );
    let mut text = report::console::render(&run, Some(&place), style);
    if let Some(witnessed) = &witnessed {
        let theirs = report::witness::console(witnessed, &run, &place, style);
        text.push_str(&format!("\n{theirs}"));
    }
    say(&text)
}

/// Columns and colours for what is printed.
fn style(terminal: bool) -> Style {
    let width = if terminal {
        rustix::termios::tcgetwinsize(io::stdout()).map_or(120, |size| usize::from(size.ws_col))
    } else {
        120
    };
    Style {
        width: width.clamp(60, 160),
        color: terminal && std::env::var_os("NO_COLOR").is_none(),
    }
}

/// Prints to standard output. A reader that has gone, as in `bench check | head`, is no error.
fn say(text: &str) -> Exit {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            complain(&format!("cannot write to standard output: {error}"));
            Exit::Usage
        }
        Ok(()) | Err(_) => Exit::Ok,
    }
}

/// Prints an error.
fn complain(text: &str) {
    // Nowhere is left to tell that standard error is gone.
    let _ = writeln!(io::stderr(), "error: {text}");
}

/// Prints what is neither a result nor an error.
fn tell(text: &str) {
    // As above.
    let _ = writeln!(io::stderr(), "{text}");
}

/// An error with its causes.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_has_the_exit_code_of_a_bug() {
        assert_eq!(guard(|| panic!("on purpose")), Exit::Bug.into());
        assert_eq!(guard(|| Exit::Gate.into()), Exit::Gate.into());
    }
}
