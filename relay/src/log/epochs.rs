//! The epochs of channels: computed from their names, so that nothing is kept of a channel that is gone.

use rand::RngExt;
use sha2::{Digest, Sha256};

use crate::message::{ChannelName, Epoch};

/// How many counts there are. Names that share one learn of each other's ends, which costs a reader no
/// more than being told that its channel began anew.
const COUNTS: usize = 1 << 16;

/// A channel that was never written to has the same epoch each time it is asked for, although it is
/// forgotten in between; one that had messages has another epoch after it was removed.
///
/// A process that goes on with the log of another takes over both: its clients stand in channels that were never
/// written to as well, and a life that has ended must not begin again.
#[derive(Debug)]
pub(super) struct Epochs {
    key: u128,
    /// How many channels of such a name have been removed with messages behind them.
    ended: Box<[u32]>,
}

impl Default for Epochs {
    fn default() -> Self {
        Self::of_key(rand::rng().random())
    }
}

impl Epochs {
    /// Makes those of another process, before any life has ended.
    pub(super) fn of_key(key: u128) -> Self {
        Self {
            key,
            ended: vec![0; COUNTS].into(),
        }
    }

    /// Gives what the epochs are computed from.
    pub(super) fn key(&self) -> u128 {
        self.key
    }

    /// Gives the counts that are not 0, each with its place.
    pub(super) fn ends(&self) -> impl Iterator<Item = (usize, u32)> {
        let all = self.ended.iter().copied().enumerate();
        all.filter(|(_, count)| *count > 0)
    }

    /// Takes over a count; false when there is no such place.
    pub(super) fn set_ends(&mut self, place: usize, count: u32) -> bool {
        let ended = self.ended.get_mut(place).map(|ended| *ended = count);
        ended.is_some()
    }

    /// Gives the epoch of a channel's present life.
    pub(super) fn of(&self, name: &ChannelName) -> Epoch {
        let ended = self.ended[self.place(name)];
        Epoch::of_number(self.hash(name, Some(ended)))
    }

    /// Ends a life that had messages.
    pub(super) fn end(&mut self, name: &ChannelName) {
        let place = self.place(name);
        self.ended[place] = self.ended[place].wrapping_add(1);
    }

    fn place(&self, name: &ChannelName) -> usize {
        (self.hash(name, None) % COUNTS as u64) as usize
    }

    /// A number that nobody without the key can foresee.
    fn hash(&self, name: &ChannelName, ended: Option<u32>) -> u64 {
        let mut hash = Sha256::new().chain_update(self.key.to_be_bytes());
        if let Some(ended) = ended {
            hash.update(ended.to_be_bytes());
        }
        // A name is no number of four bytes: it comes last, and a zero sets the two apart.
        hash.update([u8::from(ended.is_some())]);
        hash.update(name.as_str());
        let bytes: [u8; 32] = hash.finalize().into();
        bytes[..8]
            .iter()
            .fold(0, |number, byte| number << 8 | u64::from(*byte))
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
