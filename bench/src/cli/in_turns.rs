//! Runs of several plans in turns, trial by trial: what the machine does meanwhile it does to all.

use std::path::{Path, PathBuf};

use tokio_util::sync::CancellationToken;

use super::follow::Follow;
use super::progress::Display;
use super::run::{command, judge, keep};
use super::{chain, complain};
use crate::exit::Exit;
use crate::fleet::{self, Event, Outcome, TrialLog};
use crate::result::{RunResult, Store};
use crate::scenario::{Plan, Trial};

/// A plan and what it is in the comparison, which names its results.
pub(super) struct Side {
    pub(super) plan: Plan,
    pub(super) part: String,
}

/// A side with what is measured of it so far.
struct Running<'a> {
    side: &'a Side,
    store: Store,
    logs: Vec<TrialLog>,
    outcome: Option<Outcome>,
}

/// Runs the first trial of each plan, then the second of each in the opposite order, and so on
/// (A B B A), so that neither is always the first; gives the folder and the result of each.
pub(super) async fn run(
    sides: &[Side],
    out: &Path,
    (quiet, mut follow): (bool, Option<&mut Follow>),
    stop: &CancellationToken,
) -> Result<Vec<(PathBuf, RunResult)>, Exit> {
    let mut running = sides
        .iter()
        .map(|side| Running::begin(side, out))
        .collect::<Result<Vec<_>, Exit>>()?;
    let mut display = Display::new(quiet, follow.as_deref_mut());
    for side in sides {
        display.plan(&side.plan, &side.part);
    }
    let rounds = sides
        .iter()
        .map(|side| side.plan.trials.len())
        .max()
        .unwrap_or(0);
    let of = sides.iter().map(|side| side.plan.trials.len()).sum();
    let mut number = 0;
    'rounds: for round in 0..rounds {
        let mut order: Vec<usize> = (0..running.len()).collect();
        if round % 2 == 1 {
            order.reverse();
        }
        for place in order {
            let Some(trial) = running[place].side.plan.trials.get(round) else {
                continue;
            };
            number += 1;
            display.turn_to(place);
            running[place]
                .trial(trial, (number, of), &mut display, stop)
                .await;
            if stop.is_cancelled() || running[place].failed() {
                break 'rounds;
            }
        }
    }
    display.done();
    // All of them are kept, also when one failed.
    let ended: Vec<_> = running.into_iter().map(Running::end).collect();
    for (turn, side) in ended.iter().enumerate() {
        if let (Some(follow), Ok((dir, result))) = (&mut follow, side) {
            follow.report(turn, result, dir);
        }
    }
    ended.into_iter().collect()
}

impl<'a> Running<'a> {
    fn begin(side: &'a Side, out: &Path) -> Result<Self, Exit> {
        let name = format!("{}-{}", side.plan.name, side.part);
        let store = Store::create(out, &name, jiff::Timestamp::now()).map_err(|error| {
            complain(&chain(&error));
            Exit::Usage
        })?;
        Ok(Self {
            side,
            store,
            logs: Vec::new(),
            outcome: None,
        })
    }

    fn failed(&self) -> bool {
        self.outcome.as_ref().is_some_and(|o| o.error.is_some())
    }

    /// Runs one trial of this side and adds it to what there is.
    async fn trial(
        &mut self,
        trial: &Trial,
        (number, of): (usize, usize),
        display: &mut Display<'_>,
        stop: &CancellationToken,
    ) {
        let alone = Plan {
            trials: vec![trial.clone()],
            ..self.side.plan.clone()
        };
        let shown = Trial {
            id: format!("{} {}", self.side.part, trial.id),
            ..trial.clone()
        };
        let logs = &mut self.logs;
        let ran = fleet::run(&alone, command(), stop, &mut |event| {
            match event {
                Event::Trial { .. } => display.show(&Event::Trial {
                    number,
                    of: Some(of),
                    trial: &shown,
                }),
                Event::Ended { result, log } => {
                    display.show(&Event::Ended {
                        result,
                        log: log.clone(),
                    });
                    logs.push(log);
                }
                Event::Waiting | Event::Phase(_) | Event::Second { .. } => display.show(&event),
            };
        })
        .await;
        let together = match self.outcome.take() {
            None => ran,
            Some(mut before) => {
                before.result.environment.kernel_timestamps &=
                    ran.result.environment.kernel_timestamps;
                before.result.trials.extend(ran.result.trials);
                before.error = ran.error;
                before.interrupted |= ran.interrupted;
                before
            }
        };
        // Kept after each trial, so that a later failure loses nothing.
        if let Err(error) = self.store.checkpoint(&together.result) {
            complain(&chain(&error));
        }
        self.outcome = Some(together);
    }

    /// Judges what was measured and writes it.
    fn end(self) -> Result<(PathBuf, RunResult), Exit> {
        let Some(outcome) = self.outcome else {
            let _ = std::fs::remove_dir(self.store.dir()); // empty: nothing was measured
            complain(&format!(
                "nothing was measured of the {}, so there is nothing to compare",
                self.side.part
            ));
            return Err(Exit::Invalid);
        };
        let (result, exit) = judge(&self.side.plan, None, outcome, false);
        let logs: Vec<_> = self
            .logs
            .into_iter()
            .map(|log| (log.name, log.text))
            .collect();
        if let Err(error) = keep(&self.store, &result, &logs, &self.side.plan) {
            complain(&chain(&error));
            return Err(Exit::Usage);
        }
        match exit {
            // What the run's own gates say is not the comparison's business.
            Exit::Ok | Exit::Gate | Exit::Invalid => Ok((self.store.dir().to_path_buf(), result)),
            trouble => Err(trouble),
        }
    }
}
