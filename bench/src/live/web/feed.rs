//! What `fleet` tells, as events for the page.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::log::Board;
use crate::clock::Moment;
use crate::fleet::Event;
use crate::live::State;
use crate::result::{RunResult, Second, TrialResult};
use crate::scenario::{Incident, Plan, Trial};

/// Where a run is, is told so often and no more.
const PAUSE: Duration = Duration::from_millis(250);

/// Tells viewers of runs. It counts runs and trials from 0, over all that it is given.
#[derive(Debug)]
pub struct Feed {
    board: Arc<Board>,
    runs: usize,
    /// Runs that go on together, in turns, are one group.
    groups: usize,
    /// The first run of the group.
    first: usize,
    turn: usize,
    trials: usize,
    told: Option<Moment>,
}

impl Feed {
    pub(super) fn new(board: Arc<Board>) -> Self {
        Self {
            board,
            runs: 0,
            groups: 0,
            first: 0,
            turn: 0,
            trials: 0,
            told: None,
        }
    }

    /// Begins a group of runs: those that are in one picture.
    pub fn group(&mut self) {
        self.groups += 1;
        (self.first, self.turn) = (self.runs, 0);
    }

    /// Adds a run to the group; `part` is what it is in a comparison, and else empty.
    pub fn plan(&mut self, plan: &Plan, part: &str) {
        let data = json!({
            "run": self.runs,
            "group": self.groups,
            "title": plan.title,
            "part": part,
            "warm_up": plan.phases.warm_up.as_secs_f64(),
            "measure": plan.phases.measure.as_secs_f64(),
            "seconds": plan.expected_time().as_secs_f64(),
            "search": plan.search.as_ref().map(|search| &search.vary),
            "trials": plan.trials.len(),
            "events": plan.events.iter().map(incident).collect::<Vec<_>>(),
        });
        self.board.change(|log| log.add("run", &data));
        self.runs += 1;
    }

    /// Says which run of the group the next trial belongs to, by the order in which they were added.
    pub fn turn_to(&mut self, turn: usize) {
        self.turn = turn;
    }

    /// Takes in what has happened, after `state` has.
    pub fn take(&mut self, event: &Event<'_>, state: &State) {
        match event {
            Event::Trial { number, of, trial } => {
                let data = self.trial(*number, *of, trial);
                self.trials += 1;
                self.told = None;
                let now = self.now(state);
                self.board.change(|log| {
                    log.add("trial", &data);
                    log.set_now(&now);
                });
            }
            Event::Waiting | Event::Phase(_) => {
                let time = Moment::now();
                if self.told.is_none_or(|told| time >= told + PAUSE) {
                    self.told = Some(time);
                    let now = self.now(state);
                    self.board.change(|log| log.set_now(&now));
                }
            }
            Event::Second { at, whole, second } => {
                let data = self.second(*at, *whole, second);
                self.board.change(|log| log.add_second(&data));
            }
            Event::Ended { result, .. } => {
                if let Some(trial) = result.trials.last() {
                    let data = self.ended(trial);
                    self.board.change(|log| log.add("ended", &data));
                }
            }
        }
    }

    /// The number of the trial that goes on.
    fn number(&self) -> usize {
        self.trials.saturating_sub(1)
    }

    fn trial(&self, number: usize, of: Option<usize>, trial: &Trial) -> Value {
        json!({
            "trial": self.trials,
            "run": self.first + self.turn,
            "number": number,
            "of": of,
            "id": trial.id,
            "transport": trial.load.transport,
            "repeat": trial.repeat,
            "factors": trial.factors,
            "clients": trial.load.clients,
            "rate": trial.load.rate,
        })
    }

    fn now(&self, state: &State) -> Value {
        let progress = state.progress();
        json!({
            "trial": self.number(),
            "doing": state.doing(),
            "elapsed": progress.map(|progress| progress.elapsed),
            "of": progress.map(|progress| progress.of),
            "trial_left": state.trial_left(),
            "run_left": state.run_left(),
            "connected": progress.map(|progress| progress.connected),
            "clients": progress.map(|progress| progress.clients),
        })
    }

    /// Times in nanoseconds, sizes in bytes, as in `summary.json`; `at` in seconds.
    fn second(&self, at: f64, whole: bool, second: &Second) -> Value {
        json!({
            "trial": self.number(),
            "at": at,
            "whole": whole,
            "measured": second.measured,
            "published": second.published,
            "delivered": second.delivered,
            "p50": second.delivery_p50,
            "p99": second.delivery_p99,
            "max": second.delivery_max,
            "lag": second.schedule_lag_p99,
            "connected": whole.then_some(second.connected),
            "received": second.received,
            "sent": second.sent,
            "server_cpu": second.server_cpu_ns,
            "generator_cpu": second.generator_cpu_ns,
        })
    }

    fn ended(&self, trial: &TrialResult) -> Value {
        let delivery = trial.latency_ns.delivery;
        json!({
            "trial": self.number(),
            "valid": trial.valid,
            "reasons": trial.invalid_reasons,
            "p50": delivery.map(|delivery| delivery.p50),
            "p99": delivery.map(|delivery| delivery.p99),
            "expected": trial.messages.expected,
            "delivered": trial.messages.delivered,
            "lost": trial.messages.lost,
        })
    }

    /// Tells that a run of the group has ended, with its verdict and its report: a page that needs nothing else.
    pub fn report(&mut self, turn: usize, result: &RunResult, folder: &str, page: String) {
        let data = json!({
            "run": self.first + turn,
            "title": result.title,
            "verdict": result.verdict,
            "folder": folder,
            "html": page,
        });
        self.board.change(|log| {
            log.keep(page.into());
            log.add("report", &data);
        });
    }

    /// Tells that bench has done all it was asked for. `text` says what came of it, and `stays` whether the server does.
    pub fn end(&mut self, code: u8, text: &str, stays: bool) {
        let data = json!({ "exit": code, "text": text, "stays": stays });
        self.board.change(|log| {
            log.add("end", &data);
            log.end();
        });
    }
}

fn incident(incident: &Incident) -> Value {
    json!({
        "at": incident.at.as_secs_f64(),
        "what": incident.action.name(),
    })
}
