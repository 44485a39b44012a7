//! How many connections are served at once: counted, never queued.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A bounded number of slots for connections.
#[derive(Debug, Clone)]
pub struct Connections {
    taken: Arc<AtomicUsize>,
    most: usize,
}

/// One connection's slot, given back when dropped.
#[derive(Debug)]
pub struct Slot {
    taken: Arc<AtomicUsize>,
}

impl Connections {
    /// Makes `most` free slots.
    #[must_use]
    pub fn new(most: usize) -> Self {
        Self {
            taken: Arc::default(),
            most,
        }
    }

    /// Takes a slot, or gives `None` when all are taken.
    #[must_use]
    pub fn take(&self) -> Option<Slot> {
        let taken = self.taken.fetch_add(1, Ordering::Relaxed);
        let slot = Slot {
            taken: Arc::clone(&self.taken),
        };
        (taken < self.most).then_some(slot)
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.taken.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slot_is_free_again_when_dropped() {
        let connections = Connections::new(2);
        let (first, second) = (connections.take(), connections.take());
        assert!(first.is_some() && second.is_some());
        assert!(connections.take().is_none());
        assert!(connections.take().is_none(), "a refusal takes no slot");
        drop(first);
        assert!(connections.take().is_some());
    }
}
