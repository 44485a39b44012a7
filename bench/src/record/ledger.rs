//! The ledger of one subscriber: which message of which publisher has come.

use serde::{Deserialize, Serialize};

use super::Ranges;

/// How a delivery stands to those before it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Booked {
    /// Later than all before it.
    InOrder,
    /// New, but after a later one of the same publisher.
    Late,
    /// It came before.
    Again,
}

/// What one subscriber has received, by publisher.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ledger {
    channel: u32,
    publishers: Vec<(u16, Ranges)>,
}

impl Ledger {
    /// An empty ledger of a subscriber of `channel`.
    #[must_use]
    pub fn new(channel: u32) -> Self {
        Self {
            channel,
            publishers: Vec::new(),
        }
    }

    /// The channel that it reads.
    #[must_use]
    pub fn channel(&self) -> u32 {
        self.channel
    }

    /// Books a delivery.
    pub fn book(&mut self, publisher: u16, sequence: u32) -> Booked {
        let at = match self
            .publishers
            .iter()
            .position(|(known, _)| *known == publisher)
        {
            Some(at) => at,
            None => {
                self.publishers.push((publisher, Ranges::default()));
                self.publishers.len() - 1
            }
        };
        let seen = &mut self.publishers[at].1;
        let late = seen.last().is_some_and(|last| sequence < last);
        match (seen.insert(sequence), late) {
            (false, _) => Booked::Again,
            (true, true) => Booked::Late,
            (true, false) => Booked::InOrder,
        }
    }

    /// Bytes that it keeps, itself included.
    #[must_use]
    pub fn memory(&self) -> usize {
        let ranges: usize = self.publishers.iter().map(|(_, seen)| seen.memory()).sum();
        size_of::<Self>() + self.publishers.capacity() * size_of::<(u16, Ranges)>() + ranges
    }

    /// Ranges that it keeps, for whoever must know how much it is to tell.
    #[must_use]
    pub fn ranges(&self) -> usize {
        self.publishers.iter().map(|(_, seen)| seen.ranges()).sum()
    }

    /// The sequence numbers received from `publisher`.
    #[must_use]
    pub fn received(&self, publisher: u16) -> Option<&Ranges> {
        self.publishers
            .iter()
            .find(|(known, _)| *known == publisher)
            .map(|(_, ranges)| ranges)
    }
}
