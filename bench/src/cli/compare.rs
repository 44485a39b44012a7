//! `bench compare`: a verdict on two runs, stored or made now in turns.

use std::io::{self, IsTerminal};
use std::path::{Path, PathBuf};

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::follow::{Follow, FollowArgs};
use super::in_turns::{self, Side};
use super::outputs::{OutputArgs, Views};
use super::{CheckArgs, chain, complain, plans, say, style};
use crate::exit::Exit;
use crate::judge::ahead;
use crate::judge::compare;
use crate::judge::question::{self, METRICS, Named, Settings};
use crate::report::{self, console::Style};
use crate::result::compared::{Compared, Conclusion, Row};
use crate::result::{RunResult, Store, put};
use crate::scenario::Plan;

/// What `bench compare` was given.
#[derive(Debug, Args)]
pub(crate) struct CompareArgs {
    /// What the candidate is held against: a folder of results, or a scenario to run now
    base: PathBuf,
    /// What is judged: a folder of results; with a scenario as base, a scenario, run in turns with it
    candidate: PathBuf,
    /// The candidate measured again: a row that is worse in one of them only is not held against it
    confirmation: Option<PathBuf>,
    /// When a row is worse, measure again before failing: of stored results the candidate's
    /// scenario.toml with this program, of scenarios both in turns
    #[arg(long, conflicts_with = "confirmation")]
    rerun: bool,
    /// Compare this metric instead of the usual ones; may be given several times
    #[arg(long = "metric", value_name = "NAME")]
    metrics: Vec<String>,
    /// The least effect that counts
    #[arg(long, value_name = "SHARE", default_value = "5%", value_parser = share)]
    min_effect: f64,
    /// The most that the chance of a false alarm in the whole comparison may be
    #[arg(long, value_name = "SHARE", default_value = "5%", value_parser = level)]
    alpha: f64,
    /// Compare runs that cannot be trusted, too
    #[arg(long)]
    allow_invalid: bool,
    /// Fail as well when there is not enough evidence
    #[arg(long)]
    strict: bool,
    /// List the rows that show no difference, too
    #[arg(long)]
    all: bool,
    /// Write the comparison as JSON; - stands for standard output, and nothing else is printed there
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(flatten)]
    outputs: OutputArgs,
    #[command(flatten)]
    follow: FollowArgs,
    /// Folder for the results of what is run now
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,
    /// Change a key of both scenarios, such as run.repeats=7
    #[arg(long = "set", value_name = "KEY=VALUE")]
    sets: Vec<String>,
    /// Change a key of the base's scenario, such as target.command=["./old"]
    #[arg(long, value_name = "KEY=VALUE")]
    set_base: Vec<String>,
    /// Change a key of the candidate's scenario
    #[arg(long, value_name = "KEY=VALUE")]
    set_candidate: Vec<String>,
    /// Print nothing but errors
    #[arg(long, short)]
    quiet: bool,
}

/// How a page shows the comparison.
const PAGE: Style = Style {
    width: 110,
    color: false,
};

/// A run at hand and where it is.
struct Run {
    path: PathBuf,
    result: RunResult,
}

/// Runs made now, and whether a person stopped them.
struct Ran {
    runs: Vec<Run>,
    stopped: bool,
}

impl Run {
    fn named(&self) -> Named<'_> {
        Named {
            path: &self.path,
            run: &self.result,
        }
    }

    fn read(path: &Path) -> Result<Self, Exit> {
        let result = Store::open(path).and_then(|store| store.load());
        let result = result.map_err(|error| refuse(&chain(&error)))?;
        Ok(Self {
            path: path.to_path_buf(),
            result,
        })
    }
}

/// Prints why the command makes no sense.
fn refuse(text: &str) -> Exit {
    complain(text);
    Exit::Usage
}

pub(super) fn run(args: &CompareArgs) -> Exit {
    if let Err(exit) = args.outputs.prepare() {
        return exit;
    }
    let mut follow = match args.follow.start(args.quiet) {
        Ok(follow) => follow,
        Err(exit) => return exit,
    };
    let stop = CancellationToken::new();
    let (exit, text) = match compared(args, follow.as_mut(), &stop) {
        Ok(compared) => {
            let shown = show(args, &compared);
            let exit = match shown.worse(args.outputs.deliver(&views(args, &compared))) {
                Exit::Ok => exit(&compared, args.strict),
                trouble => trouble,
            };
            (exit, report::compared::render(&compared, args.all, PAGE))
        }
        Err(exit) => (exit, exit.meaning().to_owned()),
    };
    if let Some(follow) = follow {
        follow.end(exit, &text, &stop, args.quiet);
    }
    exit
}

/// What CI reads of a comparison.
fn views(args: &CompareArgs, compared: &Compared) -> Views {
    Views {
        junit: report::junit::of_comparison(compared, args.strict),
        markdown: report::markdown::of_comparison(compared),
        annotations: if args.json_to_stdout() {
            String::new()
        } else {
            report::annotations::render(&report::alarms::of_comparison(compared, args.strict))
        },
    }
}

impl CompareArgs {
    /// Whether standard output is for a program to read.
    fn json_to_stdout(&self) -> bool {
        self.json
            .as_ref()
            .is_some_and(|file| file.as_os_str() == "-")
    }
}

/// How the process ends with a comparison.
fn exit(compared: &Compared, strict: bool) -> Exit {
    match compared.verdict {
        Conclusion::Invalid => Exit::Invalid,
        Conclusion::Worse => Exit::Gate,
        Conclusion::NotEnoughEvidence if strict => Exit::Gate,
        Conclusion::NotEnoughEvidence | Conclusion::Better | Conclusion::NoDifference => Exit::Ok,
    }
}

fn compared(
    args: &CompareArgs,
    follow: Option<&mut Follow>,
    stop: &CancellationToken,
) -> Result<Compared, Exit> {
    let settings = settings(args)?;
    match (is_scenario(&args.base), is_scenario(&args.candidate)) {
        (false, false) if follow.is_some() && !args.rerun => Err(refuse(
            "--live follows what runs now, and of two stored runs nothing does",
        )),
        (false, false) => stored(args, &settings, follow, stop),
        (true, true) if args.confirmation.is_none() => run_now(args, &settings, follow, stop),
        (true, true) => Err(refuse(
            "a confirmation goes with stored results; for scenarios use --rerun",
        )),
        _ => Err(refuse(
            "name two folders of results, or two scenarios: what runs now is best compared with what runs now",
        )),
    }
}

fn settings(args: &CompareArgs) -> Result<Settings, Exit> {
    let usual = METRICS.map(str::to_owned).to_vec();
    let names = if args.metrics.is_empty() {
        &usual
    } else {
        &args.metrics
    };
    Ok(Settings {
        min_effect: args.min_effect,
        alpha: args.alpha,
        allow_invalid: args.allow_invalid,
        metrics: question::metrics(names).map_err(|text| refuse(&text))?,
    })
}

fn is_scenario(path: &Path) -> bool {
    path.extension().is_some_and(|ext| ext == "toml")
}

fn worse(compared: &Compared) -> bool {
    compared.rows.iter().any(Row::fails)
}

fn judge(base: &Run, candidate: &Run, settings: &Settings) -> Result<Compared, Exit> {
    compare::compare(base.named(), candidate.named(), settings)
        .map_err(|unlike| refuse(&unlike.to_string()))
}

fn confirm(
    first: Compared,
    base: &Run,
    again: &Run,
    settings: &Settings,
) -> Result<Compared, Exit> {
    compare::confirm(first, base.named(), again.named(), settings)
        .map_err(|unlike| refuse(&unlike.to_string()))
}

fn stored(
    args: &CompareArgs,
    settings: &Settings,
    follow: Option<&mut Follow>,
    stop: &CancellationToken,
) -> Result<Compared, Exit> {
    if !(args.set_base.is_empty() && args.set_candidate.is_empty() && args.sets.is_empty()) {
        return Err(refuse(
            "--set, --set-base and --set-candidate change scenarios; stored results stay as they are",
        ));
    }
    let (base, candidate) = (Run::read(&args.base)?, Run::read(&args.candidate)?);
    let again = args.confirmation.as_deref().map(Run::read).transpose()?;
    let first = judge(&base, &candidate, settings)?;
    let mut stopped = false;
    let again = match again {
        Some(again) => repetition(again, &base, &candidate)?,
        None if args.rerun && worse(&first) => {
            let store = Store::open(&args.candidate).map_err(|error| refuse(&chain(&error)))?;
            let mut plans = plan(&store.dir().join("scenario.toml"), &[])?;
            plans[0].name.clone_from(&candidate.result.scenario);
            let mut ran = now(args, plans, &["confirmation"], follow, stop)?;
            stopped = ran.stopped;
            ran.runs.remove(0)
        }
        None => return Ok(first),
    };
    let both = confirm(first, &base, &again, settings)?;
    Ok(if stopped { unfinished(both) } else { both })
}

/// A run measured again, and not one of those that it is to confirm.
fn repetition(again: Run, base: &Run, candidate: &Run) -> Result<Run, Exit> {
    for (run, side) in [(candidate, "candidate"), (base, "base")] {
        if again.result == run.result {
            return Err(refuse(&format!(
                "`{}` is the {side} itself and confirms nothing; measure the candidate again",
                again.path.display()
            )));
        }
    }
    Ok(again)
}

fn run_now(
    args: &CompareArgs,
    settings: &Settings,
    mut follow: Option<&mut Follow>,
    stop: &CancellationToken,
) -> Result<Compared, Exit> {
    let sets = |own: &[String]| [args.sets.as_slice(), own].concat();
    let mut both = plan(&args.base, &sets(&args.set_base))?;
    both.extend(plan(&args.candidate, &sets(&args.set_candidate))?);
    ahead::comparable(&both[0], &both[1]).map_err(|unlike| refuse(&unlike.to_string()))?;
    let parts = &["base", "candidate"];
    let Ran { runs, stopped } = now(args, both.clone(), parts, follow.as_deref_mut(), stop)?;
    let first = judge(&runs[0], &runs[1], settings)?;
    if stopped {
        // Whoever stopped the first does not want a second.
        return Ok(unfinished(first));
    }
    if !(args.rerun && worse(&first)) {
        return Ok(first);
    }
    let parts = &["base-again", "confirmation"];
    let Ran { runs, stopped } = now(args, both, parts, follow, stop)?;
    let both = confirm(first, &runs[0], &runs[1], settings)?;
    Ok(if stopped { unfinished(both) } else { both })
}

/// Nothing is concluded from what was stopped, whatever is allowed.
fn unfinished(compared: Compared) -> Compared {
    Compared {
        verdict: Conclusion::Invalid,
        ..compared
    }
}

/// The plan of one scenario, which has to know its trials ahead: they are run in turns and held against each other.
fn plan(file: &Path, sets: &[String]) -> Result<Vec<Plan>, Exit> {
    let plans = plans(&CheckArgs {
        files: vec![file.to_path_buf()],
        sets: sets.to_vec(),
    })?;
    match plans.iter().find_map(|plan| plan.search.as_ref()) {
        None => Ok(plans),
        Some(search) => Err(refuse(&format!(
            "{}: a scenario with [search] decides its trials as it goes, so it cannot be run in turns: run each with `bench run`, or give `{}` a value and leave [search] out",
            file.display(),
            search.vary
        ))),
    }
}

/// Runs plans in turns; each keeps its results in a folder named after its part.
fn now(
    args: &CompareArgs,
    plans: Vec<Plan>,
    parts: &[&str],
    follow: Option<&mut Follow>,
    stop: &CancellationToken,
) -> Result<Ran, Exit> {
    let sides = plans.into_iter().zip(parts).map(|(plan, part)| Side {
        plan,
        part: (*part).to_owned(),
    });
    let sides: Vec<Side> = sides.collect();
    let shown = (args.quiet, follow);
    let ran = super::run::block_on(stop, in_turns::run(&sides, &args.out, shown, stop))?;
    let runs = ran?.into_iter();
    Ok(Ran {
        runs: runs.map(|(path, result)| Run { path, result }).collect(),
        stopped: stop.is_cancelled(),
    })
}

fn show(args: &CompareArgs, compared: &Compared) -> Exit {
    let mut exit = Exit::Ok;
    if let Some(file) = &args.json {
        let mut json = match serde_json::to_vec_pretty(compared) {
            Ok(json) => json,
            Err(error) => {
                complain(&error.to_string());
                return Exit::Bug;
            }
        };
        json.push(b'\n');
        if args.json_to_stdout() {
            return say(&String::from_utf8_lossy(&json));
        }
        if let Err(error) = put(file, &json) {
            // It is shown all the same: what was measured for it may have taken long.
            exit = refuse(&format!("cannot write `{}`: {error}", file.display()));
        }
    }
    if args.quiet {
        return exit;
    }
    let style = style(io::stdout().is_terminal());
    exit.worse(say(&report::compared::render(compared, args.all, style)))
}

/// A share such as `5%` or `0.05`.
fn share(text: &str) -> Result<f64, String> {
    let (number, unit) = match text.trim().strip_suffix('%') {
        Some(number) => (number, 100.0),
        None => (text.trim(), 1.0),
    };
    let share = number.trim().parse::<f64>().ok().map(|n| n / unit);
    share
        .filter(|share| share.is_finite() && (0.0..10.0).contains(share))
        .ok_or_else(|| "write a share like 5% or 0.05".to_owned())
}

/// A share that a chance may be.
fn level(text: &str) -> Result<f64, String> {
    share(text)?;
    share(text)
        .ok()
        .filter(|share| *share > 0.0 && *share < 0.5)
        .ok_or_else(|| "a chance of false alarms lies above 0 and below 50%".to_owned())
}
