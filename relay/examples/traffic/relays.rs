//! The relays that a client goes round.

use std::cell::Cell;

use crate::wire::Relay;

/// Relays of the same logs, and which of them is next.
pub(crate) struct Relays {
    all: Vec<Relay>,
    next: Cell<usize>,
}

impl Relays {
    /// Begins with one of them.
    pub(crate) fn new(all: &[Relay], first: usize) -> Self {
        Self {
            all: all.to_vec(),
            next: Cell::new(first),
        }
    }

    /// Gives the next to try.
    pub(crate) fn next(&self) -> Relay {
        let at = self.next.get();
        self.next.set(at + 1);
        self.all[at % self.all.len()]
    }
}
