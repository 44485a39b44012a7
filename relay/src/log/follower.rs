//! The channels as they follow a store.

use std::sync::Arc;

use tokio::time::Instant;

use super::channels::Channels;
use crate::store::{Follower, Stored};

/// Puts what a store gives where readers find it.
#[derive(Debug)]
pub(super) struct Followed(Arc<Channels>);

impl Followed {
    pub(super) fn new(channels: Arc<Channels>) -> Self {
        Self(channels)
    }
}

impl Follower for Followed {
    fn begin(&self, key: u128, floor: u64) {
        self.0.begin(key, floor);
    }

    fn message(&self, message: Stored) {
        let Stored {
            channel,
            offset,
            age,
            payload,
        } = message;
        let now = Instant::now();
        let at = now.checked_sub(age).unwrap_or(now);
        if self.0.put(&channel, offset, at, payload).is_err() {
            // There is no room for its channel. Whoever reads that one day is told that something was before.
            self.0.sequence.raise_floor(offset);
        }
    }

    fn lose(&self, up_to: u64) {
        self.0.lose(up_to);
    }

    fn apply(&self, offset: u64) {
        self.0.sequence.apply(offset);
    }

    fn learn(&self, offset: u64) {
        let (sequence, _) = self.0.sequence.known();
        self.0.sequence.learn(sequence, offset);
    }
}
