//! How many connections are open, and for how long they are.

use std::cell::Cell;

use crate::clock::Moment;

/// Connections of one thread that are open now, and the time that all have been open together. Kept by the
/// sockets themselves from their opening until they are dropped: counted, not worked out from who should have one.
#[derive(Debug)]
pub struct Open {
    now: Cell<u64>,
    since: Cell<Moment>,
    /// Nanoseconds of one connection.
    held: Cell<u64>,
}

impl Default for Open {
    fn default() -> Self {
        Self {
            now: Cell::default(),
            since: Cell::new(Moment(0)),
            held: Cell::default(),
        }
    }
}

impl Open {
    pub(super) fn opened(&self) {
        let _ = self.held(Moment::now());
        self.now.set(self.now.get() + 1);
    }

    pub(super) fn closed(&self) {
        let _ = self.held(Moment::now());
        self.now.set(self.now.get().saturating_sub(1));
    }

    /// Connections open now.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.now.get()
    }

    /// Nanoseconds that all connections have been open together, until `now`.
    pub fn held(&self, now: Moment) -> u64 {
        let span = now.0.saturating_sub(self.since.replace(now).0);
        let held = self.held.get() + span * self.now.get();
        self.held.set(held);
        held
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_connections_of_a_second_are_two_seconds_of_one() {
        let open = Open::default();
        let second = 1_000_000_000;
        assert_eq!(open.held(Moment(5 * second)), 0);
        open.now.set(2);
        assert_eq!(open.held(Moment(6 * second)), 2 * second);
        open.now.set(0);
        assert_eq!(open.held(Moment(9 * second)), 2 * second);
    }
}
