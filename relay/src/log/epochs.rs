//! The epochs of channels: computed from their names, so that nothing is kept of a channel that is gone.

use std::hash::{BuildHasher, RandomState};

use crate::message::{ChannelName, Epoch};

/// How many counts there are. Names that share one learn of each other's ends, which costs a reader no
/// more than being told that its channel began anew.
const COUNTS: usize = 1 << 16;

/// A channel that was never written to has the same epoch each time it is asked for, although it is
/// forgotten in between; one that had messages has another epoch after it was removed.
#[derive(Debug)]
pub(super) struct Epochs {
    key: RandomState,
    /// How many channels of such a name have been removed with messages behind them.
    ended: Box<[u32]>,
}

impl Default for Epochs {
    fn default() -> Self {
        Self {
            key: RandomState::new(),
            ended: vec![0; COUNTS].into(),
        }
    }
}

impl Epochs {
    /// Gives the epoch of a channel's present life.
    pub(super) fn of(&self, name: &ChannelName) -> Epoch {
        let ended = self.ended[self.place(name)];
        Epoch::of_number(self.key.hash_one((name.as_str(), ended)))
    }

    /// Ends a life that had messages.
    pub(super) fn end(&mut self, name: &ChannelName) {
        let place = self.place(name);
        self.ended[place] = self.ended[place].wrapping_add(1);
    }

    fn place(&self, name: &ChannelName) -> usize {
        (self.key.hash_one(name.as_str()) % COUNTS as u64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_epoch_lasts_until_a_life_with_messages_ends() {
        let name = |text: &str| ChannelName::parse(text).unwrap();
        let mut epochs = Epochs::default();
        let (a, b) = (epochs.of(&name("a")), epochs.of(&name("b")));
        assert!(a == epochs.of(&name("a")) && a != b);
        epochs.end(&name("a"));
        assert_ne!(a, epochs.of(&name("a")));
        assert_ne!(
            a,
            Epochs::default().of(&name("a")),
            "each relay has its own"
        );
    }
}
