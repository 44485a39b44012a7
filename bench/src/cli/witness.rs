//! `bench witness`: scenarios with a real browser beside the simulated clients.

use std::io::{self, IsTerminal};
use std::path::PathBuf;

use clap::Args;
use tokio_util::sync::CancellationToken;

use super::progress::Display;
use super::run::{block_on, command, judge, keep};
use super::{CheckArgs, chain, complain, plans, say, style};
use crate::exit::Exit;
use crate::fleet::{self, Event, Outcome};
use crate::report;
use crate::result::{FORMAT, RunResult, Store, Verdict, Witnessed};
use crate::scenario::Plan;
use crate::witness::{self, Browser, MOST_SUBSCRIBERS, Programs, Witness};

/// What `bench witness` was given.
#[derive(Debug, Args)]
pub(crate) struct WitnessArgs {
    #[command(flatten)]
    scenarios: CheckArgs,
    /// Subscribers in the browser's page, each on a channel of its own as far as there are so many
    #[arg(long, value_name = "COUNT", default_value_t = 4, value_parser = subscribers)]
    subscribers: usize,
    /// Folder for results; each run makes a folder of its own in it
    #[arg(long, value_name = "DIR", default_value = "results")]
    out: PathBuf,
    /// Print nothing but errors
    #[arg(long, short)]
    quiet: bool,
}

fn subscribers(text: &str) -> Result<usize, String> {
    let count: usize = text.parse().map_err(|_| "not a number".to_owned())?;
    if (1..=MOST_SUBSCRIBERS).contains(&count) {
        Ok(count)
    } else {
        Err(format!(
            "from 1 to {MOST_SUBSCRIBERS}: a browser opens six connections to a host, and one must be free for the page itself"
        ))
    }
}

pub(super) fn run(args: &WitnessArgs) -> Exit {
    let plans = match plans(&args.scenarios) {
        Ok(plans) => plans,
        Err(exit) => return exit,
    };
    for plan in &plans {
        if let Err(why) = witness::fits(plan) {
            complain(&format!("{}: {why}", plan.file.display()));
            return Exit::Usage;
        }
    }
    // Before anything is measured: this machine can do it, or it cannot.
    let programs = match Programs::find() {
        Ok(programs) => programs,
        Err(error) => {
            complain(&chain(&error));
            return Exit::Usage;
        }
    };
    let stop = CancellationToken::new();
    match block_on(&stop, all(args, &plans, &programs, &stop)) {
        Ok(exit) | Err(exit) => exit,
    }
}

async fn all(
    args: &WitnessArgs,
    plans: &[Plan],
    programs: &Programs,
    stop: &CancellationToken,
) -> Exit {
    let mut exit = Exit::Ok;
    for plan in plans {
        if !stop.is_cancelled() {
            exit = exit.worse(one(args, plan, programs, stop).await);
        }
    }
    exit
}

/// Runs one plan beside a browser of its own.
async fn one(
    args: &WitnessArgs,
    plan: &Plan,
    programs: &Programs,
    stop: &CancellationToken,
) -> Exit {
    let store = match Store::create(&args.out, &plan.name, jiff::Timestamp::now()) {
        Ok(store) => store,
        Err(error) => {
            complain(&chain(&error));
            return Exit::Usage;
        }
    };
    // Nothing was measured: an empty folder would only puzzle.
    let discard = || drop(std::fs::remove_dir(store.dir()));
    // Cancel-safe: a browser that has not come up yet is killed.
    let browser = tokio::select! {
        browser = Browser::of(programs) => browser,
        () = stop.cancelled() => {
            discard();
            return Exit::Invalid;
        }
    };
    let browser = match browser {
        Ok(browser) => browser,
        Err(error) => {
            discard();
            complain(&chain(&error));
            return Exit::Target;
        }
    };
    let mut witness = Witness::new(browser, args.subscribers);
    let mut display = Display::new(args.quiet, None);
    display.plan(plan, "");
    let (mut logs, mut trouble) = (Vec::new(), None);
    let mut observe = |event: Event<'_>| {
        display.show(&event);
        if let Event::Ended { result, log } = event {
            logs.push((log.name, log.text));
            // Kept after each trial, so that a later failure loses nothing.
            trouble = store.checkpoint(result).err();
        }
    };
    let ran = {
        let with = fleet::With {
            witness: Some(&mut witness),
            company: fleet::Company::Here,
        };
        fleet::run_with(plan, command(), stop, &mut observe, with)
    };
    let outcome = ran.await;
    display.done();
    let witnessed = Witnessed {
        format: FORMAT,
        title: plan.title.clone(),
        browser: witness.version().to_owned(),
        trials: witness.quit().await,
    };
    let (result, exit) = verdict(plan, outcome, &witnessed);
    if result.trials.is_empty() {
        discard();
        return exit;
    }
    let kept = trouble.map_or_else(|| keep(&store, &result, &logs, plan), Err);
    let kept = kept.and_then(|()| store.put_witness(&witnessed));
    if let Err(error) = kept {
        complain(&chain(&error));
        return exit.worse(Exit::Usage);
    }
    if let Err(error) = report::witness::write(store.dir(), &witnessed, &result) {
        complain(&chain(&error));
    }
    if !args.quiet {
        say(&report::witness::console(
            &witnessed,
            &result,
            &store.dir().display().to_string(),
            style(io::stdout().is_terminal()),
        ));
    }
    exit
}

/// The verdict of the run, which a browser that contradicts it takes away.
fn verdict(plan: &Plan, outcome: Outcome, witnessed: &Witnessed) -> (RunResult, Exit) {
    let (mut result, exit) = judge(plan, None, outcome, false);
    let contradicted = witnessed
        .trials
        .iter()
        .any(|trial| !trial.contradictions.is_empty());
    if contradicted {
        result.verdict = Verdict::Invalid;
        return (result, exit.worse(Exit::Invalid));
    }
    (result, exit)
}
