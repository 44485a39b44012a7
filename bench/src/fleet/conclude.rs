//! The end of a trial: every connection closed, the server ended, the result made.

use super::assemble::{Measured, assemble};
use super::crew::Crew;
use super::timeline::Timeline;
use super::{Event, RunError, TrialLog, Trialled, incidents, theory};
use crate::record::Window;
use crate::result::TrialResult;
use crate::scenario::Trial;
use crate::swarm::{Assignment, SwarmReport};
use crate::target::Server;
use crate::witness::WitnessError;

/// How a trial came to its end.
#[derive(Debug)]
pub(super) enum Ending {
    /// By the plan.
    Complete,
    /// A person stopped it.
    Stopped,
    /// The server is gone.
    Lost(String),
    /// The browser beside the swarm failed.
    Witness(WitnessError),
    /// A worker is lost; the crew says which.
    Worker,
    /// Nobody could connect, or a thread of the swarm ended; its report says why.
    Swarm,
}

/// All that a trial leaves behind.
pub(super) struct End {
    pub(super) assignment: Assignment,
    pub(super) server: Server,
    pub(super) crew: Crew,
    pub(super) window: Window,
    pub(super) timeline: Timeline,
    pub(super) measured: Measured,
    pub(super) ending: Ending,
}

impl End {
    /// Closes everything, tells the last seconds and makes the trial's result.
    pub(super) async fn conclude(
        mut self,
        trial: &Trial,
        observe: &mut dyn FnMut(Event<'_>),
    ) -> Result<Trialled, RunError> {
        let (address, target) = (self.server.address.to_string(), self.server.name.clone());
        let nobody = self.crew.standing().opened == 0;
        let peak = self.crew.peak();
        self.measured.sample_memory(peak);
        let report = self.crew.finish(&mut self.timeline).await;
        self.server.stop().await;
        // Whoever waits for them may begin with a server of the same address.
        self.crew.part().await;
        let report = report?;
        let (seconds, log, totals) = self.timeline.finish(observe);
        let told = (seconds, &totals);
        let mut result = assemble(&self.assignment, trial, &report, told, &self.measured);
        result.events = incidents::results(&self.assignment, &report, &self.window);
        theory::add(&mut result, &self.assignment, &totals.delivery);
        result.workers = self.crew.results();
        let doubts = std::mem::take(&mut self.measured.doubts);
        for reason in doubts.into_iter().chain(self.crew.doubts()) {
            doubt(&mut result, reason);
        }
        let error = match self.ending {
            Ending::Swarm => {
                let reason = first_error(&report);
                let error = RunError::NoClients { address, reason };
                if nobody {
                    return Err(error);
                }
                Some(error)
            }
            Ending::Lost(reason) => {
                doubt(
                    &mut result,
                    format!("the server was lost in mid-run: {reason}"),
                );
                Some(RunError::Lost { address, reason })
            }
            Ending::Witness(error) => {
                doubt(
                    &mut result,
                    "the browser beside the clients failed".to_owned(),
                );
                Some(RunError::Witness(error))
            }
            Ending::Stopped => {
                doubt(&mut result, "the run was stopped before its end".to_owned());
                None
            }
            Ending::Complete | Ending::Worker => None,
        };
        let error = match self.crew.loss() {
            Some(loss) => {
                doubt(&mut result, loss.to_string());
                // A server that is gone is why a worker may have nothing left to do.
                error.or(Some(loss))
            }
            None => error,
        };
        result.valid = result.invalid_reasons.is_empty();
        let name = format!("{}.hlog", trial.id);
        Ok(Trialled {
            result,
            log: TrialLog { name, text: log },
            target,
            stamped: report.shards.iter().all(|shard| shard.stamped),
            accepted: report.publisher.accepted,
            error,
        })
    }
}

fn doubt(result: &mut TrialResult, reason: String) {
    result.invalid_reasons.push(reason);
}

fn first_error(report: &SwarmReport) -> String {
    let errors = report.shards.iter().flat_map(|shard| &shard.errors);
    errors.max_by_key(|(_, count)| **count).map_or_else(
        || "it accepts connections and answers no request".to_owned(),
        |(text, _)| text.clone(),
    )
}
