//! The browser beside a trial's swarm, if there is one.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::time::Duration;

use tokio_util::sync::CancellationToken;

use super::conclude::Ending;
use super::{RunError, Trialled};
use crate::record::Window;
use crate::swarm::Assignment;
use crate::witness::{Place, Witness};

/// Takes the browser through one trial; without one, every step is nothing.
pub(super) struct Beside<'a> {
    witness: Option<&'a mut Witness>,
    assignment: Assignment,
    stop: &'a CancellationToken,
}

impl<'a> Beside<'a> {
    pub(super) fn new(
        witness: Option<&'a mut Witness>,
        assignment: &Assignment,
        stop: &'a CancellationToken,
    ) -> Self {
        Self {
            witness,
            assignment: assignment.clone(),
            stop,
        }
    }

    /// The browser subscribes: the phases begin when it can receive.
    pub(super) async fn follow(&mut self) -> Ending {
        let Some(witness) = &mut self.witness else {
            return Ending::Complete;
        };
        let load = self.assignment.load.clone();
        let place = Place {
            run: self.assignment.run,
            server: self.assignment.server,
            authority: self.assignment.authority.clone(),
            channels: (0..load.channels)
                .map(|channel| self.assignment.channel(channel))
                .collect(),
            load,
        };
        tokio::select! {
            followed = witness.follow(place) => followed.map_or_else(Ending::Witness, |()| Ending::Complete),
            () = self.stop.cancelled() => Ending::Stopped,
        }
    }

    /// Goes on as long as the phases do. Cancel-safe.
    pub(super) async fn attend(&mut self, window: Window) -> Infallible {
        match &mut self.witness {
            Some(witness) => witness.attend(window).await,
            None => std::future::pending().await,
        }
    }

    /// The browser waits for its last messages, at most for `limit`, and leaves: only then may the server end.
    pub(super) async fn leave(&mut self, window: Window, limit: Duration) -> Ending {
        let Some(witness) = &mut self.witness else {
            return Ending::Complete;
        };
        let mut planned: BTreeMap<u32, u64> = BTreeMap::new();
        for due in self.assignment.schedule(&window) {
            *planned.entry(due.channel).or_default() += 1;
        }
        let expected = witness.expects(&planned);
        tokio::select! {
            left = witness.leave(expected, limit) => left.map_or_else(Ending::Witness, |()| Ending::Complete),
            () = self.stop.cancelled() => Ending::Stopped,
        }
    }

    /// What the browser saw is booked.
    pub(super) fn conclude(&mut self, trialled: &Trialled, window: Window) -> Result<(), RunError> {
        match &mut self.witness {
            Some(witness) => Ok(witness.conclude(&trialled.result, window, &trialled.accepted)?),
            None => Ok(()),
        }
    }
}
