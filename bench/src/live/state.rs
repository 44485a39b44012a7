//! What there is to know of a run now: where it is, and the newest figures of each transport.

use crate::clock::Moment;
use crate::fleet::{Event, Phase, Progress};
use crate::result::{Second, TrialResult};
use crate::scenario::{Plan, Transport, Trial};

/// A run, or several in turns, as far as they are.
#[derive(Debug, Default)]
pub struct State {
    plans: Vec<Planned>,
    /// The place in `plans` of the run whose trial goes on.
    turn: usize,
    pub(super) current: Option<Current>,
    pub(super) rows: Vec<Row>,
    /// How many trials have ended, and what they took together, in seconds.
    ended: u32,
    took: f64,
}

/// What is known of a run beforehand.
#[derive(Debug)]
struct Planned {
    title: String,
    part: String,
    /// Seconds that a trial takes, and the whole run.
    trial: f64,
    whole: f64,
}

/// The trial that goes on.
#[derive(Debug)]
pub(super) struct Current {
    pub(super) number: usize,
    pub(super) of: Option<usize>,
    pub(super) id: String,
    row: usize,
    began: Moment,
    /// Whether workers that it needs are with another run.
    waits: bool,
    /// Nothing until its server runs.
    pub(super) progress: Option<Progress>,
    /// The newest whole second.
    pub(super) second: Option<Second>,
}

/// A transport of a run, with the newest there is of it.
#[derive(Debug)]
pub(super) struct Row {
    turn: usize,
    transport: Transport,
    pub(super) name: String,
    pub(super) figures: Figures,
    /// Trials that have ended.
    pub(super) ended: usize,
}

/// Figures of a transport, in nanoseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Figures {
    pub(super) p50: Option<u64>,
    pub(super) p99: Option<u64>,
    /// Of a second, or of a whole trial.
    pub(super) delivered: Option<u64>,
    pub(super) kind: Kind,
}

/// What figures are of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Kind {
    /// Nothing yet.
    #[default]
    None,
    /// The newest second of the trial that goes on.
    Second,
    /// A trial that has ended.
    Trial,
    /// One that has ended and cannot be trusted.
    Invalid,
}

impl State {
    /// Adds a run that is about to begin; `part` is what it is in a comparison, and else empty.
    pub fn plan(&mut self, plan: &Plan, part: &str) {
        let whole = plan.expected_time().as_secs_f64();
        let trial = whole / plan.trials.len().max(1) as f64;
        let turn = self.plans.len();
        self.plans.push(Planned {
            title: plan.title.clone(),
            part: part.to_owned(),
            trial,
            whole,
        });
        let listed = |transport: &Transport| {
            let mut trials = plan.trials.iter();
            trials.any(|trial| trial.load.transport == *transport)
        };
        for transport in Transport::ALL.into_iter().filter(listed) {
            self.rows.push(Row {
                turn,
                transport,
                name: format!("{part} {transport}").trim_start().to_owned(),
                figures: Figures::default(),
                ended: 0,
            });
        }
    }

    /// Says which of several runs the next trial belongs to, by the order in which they were added.
    pub fn turn_to(&mut self, turn: usize) {
        self.turn = turn;
    }

    /// Takes in what has happened.
    pub fn take(&mut self, event: &Event<'_>) {
        match event {
            Event::Trial { number, of, trial } => self.begin(*number, *of, trial),
            Event::Waiting => {
                if let Some(current) = &mut self.current {
                    current.waits = true;
                }
            }
            Event::Phase(progress) => {
                if let Some(current) = &mut self.current {
                    // The wait before it is no part of what a trial takes.
                    if std::mem::take(&mut current.waits) {
                        current.began = Moment::now();
                    }
                    current.progress = Some(*progress);
                }
            }
            Event::Second { whole, second, .. } => {
                if *whole {
                    self.second(second);
                }
            }
            Event::Ended { result, .. } => {
                if let Some(trial) = result.trials.last() {
                    self.end(trial);
                }
            }
        }
    }

    fn begin(&mut self, number: usize, of: Option<usize>, trial: &Trial) {
        let transport = trial.load.transport;
        let place = |row: &Row| row.turn == self.turn && row.transport == transport;
        self.current = self.rows.iter().position(place).map(|row| Current {
            number,
            of,
            id: trial.id.clone(),
            row,
            began: Moment::now(),
            waits: false,
            progress: None,
            second: None,
        });
    }

    fn second(&mut self, second: &Second) {
        let Some(current) = &mut self.current else {
            return;
        };
        current.second = Some(*second);
        self.rows[current.row].figures = Figures {
            p50: second.delivery_p50,
            p99: second.delivery_p99,
            delivered: Some(second.delivered),
            kind: Kind::Second,
        };
    }

    fn end(&mut self, trial: &TrialResult) {
        let Some(current) = self.current.take() else {
            return;
        };
        self.ended += 1;
        self.took += seconds_since(current.began);
        let row = &mut self.rows[current.row];
        row.ended += 1;
        row.figures = Figures {
            p50: trial.latency_ns.delivery.map(|delivery| delivery.p50),
            p99: trial.latency_ns.delivery.map(|delivery| delivery.p99),
            delivered: Some(trial.messages.delivered),
            kind: if trial.valid {
                Kind::Trial
            } else {
                Kind::Invalid
            },
        };
    }

    /// The title of the run whose trial goes on.
    #[must_use]
    pub fn title(&self) -> &str {
        self.plans
            .get(self.turn)
            .map_or("", |plan| plan.title.as_str())
    }

    /// What it is in a comparison; else empty.
    #[must_use]
    pub fn part(&self) -> &str {
        self.plans
            .get(self.turn)
            .map_or("", |plan| plan.part.as_str())
    }

    /// Whether the figures of a row are those of the trial that goes on.
    pub(super) fn goes_on(&self, row: usize) -> bool {
        self.current
            .as_ref()
            .is_some_and(|current| current.row == row)
    }

    /// Seconds until the trial has ended; `None` between trials.
    #[must_use]
    pub fn trial_left(&self) -> Option<f64> {
        let current = self.current.as_ref()?;
        let planned = self.plans.get(self.turn)?;
        Some(match &current.progress {
            Some(progress) => progress.left,
            None if current.waits => planned.trial,
            None => (planned.trial - seconds_since(current.began)).max(0.0),
        })
    }

    /// Seconds until the run has ended, as far as can be known: what is to come takes as long as what has
    /// ended took on average. A search knows its usual length only.
    #[must_use]
    pub fn run_left(&self) -> Option<f64> {
        let (current, planned) = (self.current.as_ref()?, self.plans.get(self.turn)?);
        let this = self.trial_left()?;
        let Some(of) = current.of else {
            let gone = self.took + seconds_since(current.began);
            return Some((planned.whole - gone).max(this));
        };
        let each = if self.ended > 0 {
            self.took / f64::from(self.ended)
        } else {
            planned.trial
        };
        Some(this + of.saturating_sub(current.number) as f64 * each)
    }

    /// The phase in a word or two.
    #[must_use]
    pub fn doing(&self) -> &'static str {
        match &self.current {
            None => "between trials",
            Some(current) => match current.progress {
                None if current.waits => "waiting for workers",
                None => "starting",
                Some(progress) => progress.phase.name(),
            },
        }
    }

    /// Where the trial is in its phase.
    pub(super) fn progress(&self) -> Option<&Progress> {
        self.current.as_ref()?.progress.as_ref()
    }

    /// Whether messages are being published.
    pub(super) fn publishes(&self) -> bool {
        self.progress()
            .is_some_and(|progress| matches!(progress.phase, Phase::WarmUp | Phase::Measure))
    }
}

fn seconds_since(moment: Moment) -> f64 {
    Moment::now().since(moment) as f64 / 1e9
}
