//! `bench run`: scenarios to results, with what a person sees meanwhile.

use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;

use tokio_util::sync::CancellationToken;

use super::follow::Follow;
use super::outputs::Views;
use super::progress::Display;
use super::{RunArgs, baseline, chain, complain, plans, plans_that, say, style, tell};
use crate::exit::Exit;
use crate::fleet::{self, Company, Event, Outcome, With};
use crate::judge;
use crate::live;
use crate::report::{self, alarms};
use crate::result::{RunResult, Store, StoreError, Verdict, metric};
use crate::scenario::{Plan, capacity};
use crate::target;

/// What the shell reports for a program that a Ctrl-C ended.
const INTERRUPTED: i32 = 130;

/// A plan and the stored run that its gates compare with, if they do.
type Planned = (Plan, Option<RunResult>);

/// A run that has ended, and the folder that it is kept in.
struct Ended {
    result: RunResult,
    kept: Option<PathBuf>,
}

pub(super) fn run(args: &RunArgs) -> Exit {
    let mut scenarios = args.scenarios.clone();
    let company = match args.crew.read() {
        Ok((company, set)) => {
            scenarios.sets.extend(set);
            company
        }
        Err(exit) => return exit,
    };
    let read = match company {
        Company::Here => plans(&scenarios),
        // Workers on other hosts are checked when they come.
        Company::Nats { .. } => plans_that(&scenarios, capacity::check_server),
    };
    let plans = match read {
        Ok(plans) => plans,
        Err(exit) => return exit,
    };
    let baselines = match baseline::of_plans(&args.baseline, &plans) {
        Ok(baselines) => baselines,
        Err(exit) => return exit,
    };
    if let Err(exit) = args.outputs.prepare() {
        return exit;
    }
    let mut follow = match args.follow.start(args.quiet) {
        Ok(follow) => follow,
        Err(exit) => return exit,
    };
    let planned: Vec<Planned> = plans.into_iter().zip(baselines).collect();
    let stop = CancellationToken::new();
    let exit = match block_on(&stop, all(args, &company, &planned, follow.as_mut(), &stop)) {
        Ok(exit) | Err(exit) => exit,
    };
    if let Some(follow) = follow {
        follow.end(exit, exit.meaning(), &stop, args.quiet);
    }
    exit
}

/// Does `work` on a runtime of its own until it ends or a second Ctrl-C does.
pub(super) fn block_on<T>(
    stop: &CancellationToken,
    work: impl Future<Output = T>,
) -> Result<T, Exit> {
    let runtime = match tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
    {
        Ok(runtime) => runtime,
        Err(error) => {
            complain(&format!("cannot start a runtime: {error}"));
            return Err(Exit::Bug);
        }
    };
    let done = runtime.block_on(async {
        tokio::select! {
            done = work => Ok(done),
            exit = interrupts(stop) => Err(exit),
        }
    });
    // A name that is still being looked up must not hold up the end.
    runtime.shutdown_background();
    done
}

async fn all(
    args: &RunArgs,
    company: &Company,
    planned: &[Planned],
    mut follow: Option<&mut Follow>,
    stop: &CancellationToken,
) -> Exit {
    let mut exit = Exit::Ok;
    let mut ended = Vec::new();
    for planned in planned {
        if !stop.is_cancelled() {
            let (run, its_exit) = one(args, company, planned, follow.as_deref_mut(), stop).await;
            ended.extend(run);
            exit = exit.worse(its_exit);
        }
    }
    exit.worse(args.outputs.deliver(&views(&ended)))
}

/// What CI reads of all runs.
fn views(ended: &[Ended]) -> Views {
    let runs: Vec<&RunResult> = ended.iter().map(|ended| &ended.result).collect();
    let markdown = ended.iter().map(|ended| {
        let kept = ended.kept.as_ref().map(|dir| dir.display().to_string());
        report::markdown::of_run(&ended.result, kept.as_deref())
    });
    let alarms: Vec<_> = runs.iter().flat_map(|run| alarms::of_run(run)).collect();
    Views {
        junit: report::junit::of_runs(&runs),
        markdown: markdown.collect::<Vec<_>>().join("\n"),
        annotations: report::annotations::render(&alarms),
    }
}

/// The first Ctrl-C (or SIGTERM) stops the run in good order; the second ends the process at once.
async fn interrupts(stop: &CancellationToken) -> Exit {
    use tokio::signal::unix::{SignalKind, signal};
    let (Ok(mut interrupt), Ok(mut terminate)) = (
        signal(SignalKind::interrupt()),
        signal(SignalKind::terminate()),
    ) else {
        return std::future::pending().await;
    };
    loop {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
        if stop.is_cancelled() {
            target::kill_all();
            live::leave();
            #[expect(clippy::exit, reason = "a person who asks twice wants no tidying up")]
            std::process::exit(INTERRUPTED);
        }
        stop.cancel();
        // The terminal has put `^C` where the cursor is; a view wipes it away.
        let line = if live::is_shown() { "" } else { "\n" };
        tell(&format!(
            "{line}stopping; what was measured is kept (press Ctrl-C again to end at once)"
        ));
    }
}

/// Runs one plan. Gives its result when there is one, and how the process ends with it.
async fn one(
    args: &RunArgs,
    company: &Company,
    (plan, baseline): &Planned,
    mut follow: Option<&mut Follow>,
    stop: &CancellationToken,
) -> (Option<Ended>, Exit) {
    let store = match Store::create(&args.out, &plan.name, jiff::Timestamp::now()) {
        Ok(store) => store,
        Err(error) => {
            complain(&chain(&error));
            return (None, Exit::Usage);
        }
    };
    let mut display = Display::new(args.quiet, follow.as_deref_mut());
    display.plan(plan, "");
    let (mut logs, mut trouble) = (Vec::new(), None);
    let with = With {
        company: company.clone(),
        witness: None,
    };
    let mut observe = |event: Event<'_>| {
        display.show(&event);
        if let Event::Ended { result, log } = event {
            logs.push((log.name, log.text));
            // Kept after each trial, so that a later failure loses nothing.
            trouble = store.checkpoint(result).err();
        }
    };
    let outcome = fleet::run_with(plan, command(), stop, &mut observe, with).await;
    display.done();
    let (result, mut exit) = judge(plan, baseline.as_ref(), outcome, args.allow_invalid);
    if result.trials.is_empty() {
        // Nothing was measured: an empty folder would only puzzle.
        let _ = std::fs::remove_dir(store.dir());
        return (Some(Ended { result, kept: None }), exit);
    }
    let kept = match trouble.map_or_else(|| keep(&store, &result, &logs, plan), Err) {
        Ok(()) => Some(store.dir().to_owned()),
        Err(error) => {
            complain(&chain(&error));
            None
        }
    };
    if kept.is_none() {
        exit = exit.worse(Exit::Usage);
    }
    if let Some(follow) = follow {
        follow.report(0, &result, store.dir());
    }
    // What could not be kept is at least shown.
    if !args.quiet {
        let dir = kept.as_ref().map(|dir| dir.display().to_string());
        let style = style(io::stdout().is_terminal());
        exit = exit.worse(say(&report::console::render(
            &result,
            dir.as_deref(),
            style,
        )));
    }
    (Some(Ended { result, kept }), exit)
}

/// The command that was typed, word by word, without the passwords of URLs: it stands in results. A path need not be text.
pub(super) fn command() -> Vec<String> {
    std::env::args_os()
        .map(|word| without_passwords(&word.to_string_lossy()))
        .collect()
}

fn without_passwords(word: &str) -> String {
    let Some((before, after)) = word.split_once("://") else {
        return word.to_owned();
    };
    let end = after.find(['/', '?', '#']).unwrap_or(after.len());
    match after[..end].rfind('@') {
        Some(at) => format!("{before}://***{}", &after[at..]),
        None => word.to_owned(),
    }
}

pub(super) fn keep(
    store: &Store,
    result: &RunResult,
    logs: &[(String, Vec<u8>)],
    plan: &Plan,
) -> Result<(), StoreError> {
    store.write(result, logs, &plan.resolved)?;
    if let Err(error) = report::write_all(store.dir(), result) {
        // The result itself is safe; `bench report` makes the rest again.
        complain(&chain(&error));
    }
    Ok(())
}

/// The verdict of a run, and how the process ends with it.
pub(super) fn judge(
    plan: &Plan,
    baseline: Option<&RunResult>,
    outcome: Outcome,
    allow_invalid: bool,
) -> (RunResult, Exit) {
    let Outcome {
        mut result,
        error,
        interrupted,
    } = outcome;
    result.cells = metric::cells(&result.trials);
    // Of a search only the trials that settled it are held to gates.
    let judged = judge::search::standing(&result).map(|trials| RunResult {
        trials,
        ..result.clone()
    });
    let judged = judged.as_ref().unwrap_or(&result);
    let mut gates = judge::gate::evaluate(&plan.gates, judged, baseline);
    if judged.trials.is_empty() && !result.searches.is_empty() {
        for gate in &mut gates {
            gate.note =
                Some("the search found no value that holds, so there is none to judge".to_owned());
        }
    }
    let verdict = judge::verdict(&judged.trials, &gates);
    result.verdict = judge::search::verdict(&result.searches, verdict);
    result.gates = gates;
    let unfinished = error.is_some() || interrupted || result.trials.len() < plan.trials.len();
    if unfinished {
        result.verdict = Verdict::Invalid;
    }
    let allowed = allow_invalid && !unfinished;
    let exit = match (&error, result.verdict) {
        (Some(error), _) => {
            complain(&chain(error));
            if error.is_a_bug() {
                Exit::Bug
            } else {
                Exit::Target
            }
        }
        (None, Verdict::Invalid) if allowed => {
            warn_of_invalid(&result);
            if result.gates.iter().all(|gate| gate.holds) {
                Exit::Ok
            } else {
                Exit::Gate
            }
        }
        (None, Verdict::Invalid) => Exit::Invalid,
        (None, Verdict::Fail) => Exit::Gate,
        (None, Verdict::Pass) => Exit::Ok,
    };
    (result, exit)
}

/// Whoever lets an invalid run pass is told each time, even when nothing else is printed.
fn warn_of_invalid(result: &RunResult) {
    let mut text =
        "INVALID: this run cannot be trusted; --allow-invalid lets its exit code pass\n".to_owned();
    for trial in &result.trials {
        for reason in &trial.invalid_reasons {
            text.push_str(&format!("  {}: {reason}\n", trial.id));
        }
    }
    let _ = io::stderr().write_all(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_in_the_command_is_not_kept() {
        let kept = |word: &str| without_passwords(word);
        assert_eq!(kept("nats://me:secret@host:4222"), "nats://***@host:4222");
        assert_eq!(
            kept("--workers=nats://token@host"),
            "--workers=nats://***@host"
        );
        for word in [
            "run",
            "target.url=http://127.0.0.1:80",
            "http://a/b@c",
            "me@here",
        ] {
            assert_eq!(kept(word), word);
        }
    }
}
