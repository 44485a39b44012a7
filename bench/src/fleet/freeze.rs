//! The freezes of a trial: the server is stopped and let go on by the clock.

use std::time::Duration;

use crate::clock::Moment;
use crate::record::Window;
use crate::scenario::{Action, Incident};
use crate::target::{Frozen, Server};

/// The freezes that are still to come, and the one that lasts. Dropped, it lets the server go on.
#[derive(Debug)]
pub(super) struct Freezer {
    /// When the server is stopped, and when it goes on; the latest first.
    spans: Vec<(Moment, Moment)>,
    frozen: Option<Frozen>,
}

impl Freezer {
    pub(super) fn new(events: &[Incident], window: &Window) -> Self {
        let at = |span: Duration| window.measure + span;
        let freezes = events.iter().rev();
        Self {
            spans: freezes
                .filter(|event| matches!(event.action, Action::Freeze { .. }))
                .map(|event| (at(event.at), at(event.over())))
                .collect(),
            frozen: None,
        }
    }

    /// When there is something to do.
    pub(super) fn next(&self) -> Option<Moment> {
        let (stop, go) = self.spans.last()?;
        Some(if self.frozen.is_some() { *go } else { *stop })
    }

    /// Does it; says what went wrong.
    pub(super) fn turn(&mut self, server: &Server) -> Result<(), String> {
        if self.frozen.take().is_some() {
            self.spans.pop();
            return Ok(());
        }
        match server.freeze() {
            Ok(frozen) => {
                self.frozen = Some(frozen);
                Ok(())
            }
            Err(error) => {
                self.spans.pop();
                Err(format!("the server could not be stopped: {error}"))
            }
        }
    }
}
