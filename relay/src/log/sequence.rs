//! The one sequence of offsets that the channels of a store share, as far as this process knows it.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use super::channels::lock;

/// What is known of the sequence that a store numbers all its messages by.
///
/// Channels in memory number each for itself: for them everything here is 0 and stays so, and the same rules hold.
#[derive(Debug, Default)]
pub(super) struct Sequence {
    /// A store numbers the messages.
    shared: AtomicBool,
    /// Nothing is known of messages up to here, of a channel that does not exist here.
    floor: AtomicU64,
    /// Every message up to here that is still kept is in its ring.
    applied: AtomicU64,
    /// How many sequences there were, and the last offset that the present one has given out, as far as somebody has asked.
    known: Mutex<(u64, u64)>,
}

impl Sequence {
    /// Begins another sequence, whose messages up to `floor` are gone.
    pub(super) fn begin(&self, floor: u64) {
        let mut known = lock(&self.known);
        *known = (known.0 + 1, floor);
        self.floor.store(floor, Ordering::Relaxed);
        self.applied.store(floor, Ordering::Relaxed);
        self.shared.store(true, Ordering::Release);
    }

    /// Tells whether a store numbers the messages: then a channel that goes needs no other epoch, only the floor.
    pub(super) fn is_shared(&self) -> bool {
        self.shared.load(Ordering::Acquire)
    }

    pub(super) fn floor(&self) -> u64 {
        self.floor.load(Ordering::Relaxed)
    }

    /// Messages up to here may have been, and are not known any more.
    pub(super) fn raise_floor(&self, offset: u64) {
        self.floor.fetch_max(offset, Ordering::Relaxed);
    }

    pub(super) fn applied(&self) -> u64 {
        self.applied.load(Ordering::Acquire)
    }

    /// Everything up to here is in its ring, or lost.
    pub(super) fn apply(&self, offset: u64) {
        self.applied.fetch_max(offset, Ordering::Release);
    }

    /// Gives the count of the present sequence and its last known offset.
    pub(super) fn known(&self) -> (u64, u64) {
        *lock(&self.known)
    }

    /// Learns of an offset that a sequence has given out, if it is still that one.
    pub(super) fn learn(&self, sequence: u64, offset: u64) {
        let mut known = lock(&self.known);
        if known.0 == sequence {
            known.1 = known.1.max(offset);
        }
    }
}
