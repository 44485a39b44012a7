//! Runs a plan: each trial with a server of its own, one after another, into one result.

mod assemble;
mod assign;
mod beside;
mod conclude;
mod course;
mod crew;
mod deal;
mod freeze;
mod incidents;
mod link;
mod member;
mod nats;
mod prepare;
mod search;
mod theory;
mod timeline;
mod trial;
mod wire;
mod worker;

use thiserror::Error;
use tokio_util::sync::CancellationToken;

pub use assign::Company;
pub use nats::{NatsError, Waiting, work as work_over_nats};
pub use worker::over_stdio as work_over_stdio;

use crate::probe::{Processors, environment};
use crate::result::{FORMAT, RunResult, Second, TrialResult, Verdict};
use crate::scenario::capacity::MachineLimits;
use crate::scenario::{Plan, Target, Trial};
use crate::swarm::{Pairs, SwarmError};
use crate::target::TargetError;
use crate::witness::{Witness, WitnessError};

/// What happens in a run, for whoever shows it.
#[derive(Debug)]
pub enum Event<'a> {
    /// A trial begins; `number` counts from 1.
    Trial {
        /// Its place in the plan.
        number: usize,
        /// Trials of the plan; `None` in a search, which decides as it goes.
        of: Option<usize>,
        /// The trial.
        trial: &'a Trial,
    },
    /// It waits for workers elsewhere that are with another run.
    Waiting,
    /// A phase goes on.
    Phase(Progress),
    /// A second of the trial is over, on every thread of it. They come in order, and after the last the trial has ended.
    Second {
        /// When it began, in seconds since the measured phase did; below 0 in the warm-up.
        at: f64,
        /// Whether it lasted until its end. The last one is cut short: its counts are true, and no rates.
        whole: bool,
        /// What it held.
        second: &'a Second,
    },
    /// A trial has ended; the result so far can be kept.
    Ended {
        /// The result so far.
        result: &'a RunResult,
        /// The trial's interval log.
        log: TrialLog,
    },
}

/// How far a trial is.
#[derive(Debug, Clone, Copy)]
pub struct Progress {
    /// The phase.
    pub phase: Phase,
    /// Seconds since it began.
    pub elapsed: f64,
    /// Seconds that it takes at most.
    pub of: f64,
    /// Seconds until the trial has ended, when the last messages come at once.
    pub left: f64,
    /// Subscribers connected.
    pub connected: u64,
    /// Subscribers asked for.
    pub clients: u64,
    /// Messages sent.
    pub published: u64,
    /// Deliveries booked.
    pub delivered: u64,
}

/// A part of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Phase {
    /// Clients connect.
    Ramp,
    /// Publishing that is not measured.
    WarmUp,
    /// The measured phase.
    Measure,
    /// The last deliveries are awaited.
    Drain,
}

impl Phase {
    /// The phase in a word or two.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ramp => "connecting",
            Self::WarmUp => "warming up",
            Self::Measure => "measuring",
            Self::Drain => "draining",
        }
    }
}

/// The interval log of a trial: delivery latencies of each second, in the HdrHistogram log format V2.
#[derive(Debug, Clone)]
pub struct TrialLog {
    /// File name.
    pub name: String,
    /// Its text.
    pub text: Vec<u8>,
}

/// Why a run could not go on. What was measured before is in the result.
#[derive(Debug, Error)]
pub enum RunError {
    /// The server.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// No client could connect.
    #[error("no client could connect to {address}: {reason}")]
    NoClients {
        /// The server.
        address: String,
        /// What the clients were told.
        reason: String,
    },
    /// The server ended or stopped answering in mid-run.
    #[error("the server at {address} was lost in mid-run: {reason}")]
    Lost {
        /// The server.
        address: String,
        /// What is known of it.
        reason: String,
    },
    /// A process of the generator.
    #[error("{worker} {reason}")]
    Worker {
        /// Its number and its process.
        worker: String,
        /// What became of it.
        reason: String,
    },
    /// The road to workers elsewhere.
    #[error(transparent)]
    Nats(#[from] NatsError),
    /// The generator.
    #[error(transparent)]
    Swarm(#[from] SwarmError),
    /// The browser beside it.
    #[error(transparent)]
    Witness(#[from] WitnessError),
}

impl RunError {
    /// Whether bench itself is to blame, not the server.
    #[must_use]
    pub fn is_a_bug(&self) -> bool {
        matches!(
            self,
            Self::Swarm(SwarmError::Thread(_) | SwarmError::Panicked)
        )
    }
}

/// What became of a run.
#[derive(Debug)]
pub struct Outcome {
    /// Everything measured; its verdict is not yet made.
    pub result: RunResult,
    /// Why it stopped early, when it did.
    pub error: Option<RunError>,
    /// Whether a person stopped it.
    pub interrupted: bool,
}

/// What a run has to work with on this machine.
#[derive(Debug, Clone, Copy)]
struct Means<'a> {
    /// Where each side runs, when they are kept apart.
    processors: Option<&'a Processors>,
    /// `None` when the kernel does not tell.
    limits: Option<&'a MachineLimits>,
    company: &'a Company,
}

/// What became of one trial.
struct Trialled {
    result: TrialResult,
    log: TrialLog,
    target: String,
    stamped: bool,
    /// What the server accepted of the measured phase.
    accepted: Pairs,
    error: Option<RunError>,
}

/// Runs every trial of `plan`, telling `observe` what happens; `stop` ends it early and keeps what was measured.
pub async fn run(
    plan: &Plan,
    command: Vec<String>,
    stop: &CancellationToken,
    observe: &mut dyn FnMut(Event<'_>),
) -> Outcome {
    run_with(plan, command, stop, observe, With::default()).await
}

/// Who else takes part in a run.
#[derive(Debug, Default)]
pub struct With<'a> {
    /// A browser, in each trial; a search has none.
    pub witness: Option<&'a mut Witness>,
    /// Where the workers come from.
    pub company: Company,
}

/// The same with others.
pub async fn run_with(
    plan: &Plan,
    command: Vec<String>,
    stop: &CancellationToken,
    observe: &mut dyn FnMut(Event<'_>),
    with: With<'_>,
) -> Outcome {
    let With {
        mut witness,
        ref company,
    } = with;
    // A server that runs already is not ours to pin, so the generator takes every processor.
    let ours = plan.servers().all(Target::is_started_here);
    let half = plan.servers().any(|server| *server != Target::Bundled);
    let processors = ours.then(|| Processors::apart(half)).flatten();
    let limits = MachineLimits::read().ok();
    let means = Means {
        processors: processors.as_ref(),
        limits: limits.as_ref(),
        company,
    };
    let mut result = empty(plan, command, means.processors);
    if let Some(search) = &plan.search {
        let error = search::run(plan, search, means, stop, &mut result, observe).await;
        return Outcome {
            result,
            error,
            interrupted: stop.is_cancelled(),
        };
    }
    for (index, trial) in plan.trials.iter().enumerate() {
        if stop.is_cancelled() {
            break;
        }
        observe(Event::Trial {
            number: index + 1,
            of: Some(plan.trials.len()),
            trial,
        });
        let (trialled, error) =
            match trial::run(plan, trial, means, stop, observe, witness.as_deref_mut()).await {
                Ok(Some(mut trialled)) => {
                    let error = trialled.error.take();
                    (Some(trialled), error)
                }
                Ok(None) => (None, None),
                Err(error) => (None, Some(error)),
            };
        if let Some(trialled) = trialled {
            keep(&mut result, trialled, observe);
        }
        if error.is_some() {
            let interrupted = stop.is_cancelled();
            return Outcome {
                result,
                error,
                interrupted,
            };
        }
    }
    Outcome {
        result,
        error: None,
        interrupted: stop.is_cancelled(),
    }
}

/// The result before the first trial.
fn empty(plan: &Plan, command: Vec<String>, kept: Option<&Processors>) -> RunResult {
    RunResult {
        format: FORMAT,
        scenario: plan.name.clone(),
        title: plan.title.clone(),
        seed: plan.seed,
        started: jiff::Timestamp::now()
            .strftime("%Y-%m-%dT%H:%M:%SZ")
            .to_string(),
        command,
        // Until the run has ended and been judged: a checkpoint of one that died proves nothing.
        verdict: Verdict::Invalid,
        environment: environment(String::new(), kept.map(Processors::describe)),
        trials: Vec::new(),
        cells: Vec::new(),
        gates: Vec::new(),
        searches: Vec::new(),
        published: plan.published.clone(),
    }
}

/// Adds a trial to the result and tells of it.
fn keep(result: &mut RunResult, trialled: Trialled, observe: &mut dyn FnMut(Event<'_>)) {
    let known = &mut result.environment.target;
    // Each trial has a server of its own; of several kinds all are named.
    if known.is_empty() || !known.split(", ").any(|one| one == trialled.target) {
        let before = if known.is_empty() { "" } else { ", " };
        known.push_str(&format!("{before}{}", trialled.target));
    }
    result.environment.kernel_timestamps &= trialled.stamped;
    result.trials.push(trialled.result);
    let log = trialled.log;
    observe(Event::Ended { result, log });
}

#[cfg(test)]
mod tests;
