//! The log: each channel is one append-only sequence of messages, read by cursor.
//!
//! Polling, long polling, streaming, server-sent events and WebSocket are five ways to use a
//! [`Reader`]. An append moves the channel's head and wakes each waiting reader once; the
//! reader then takes what it has not seen from the ring. There is no queue per subscriber,
//! and no seam between what was kept and what is new.

mod channel;
mod channels;
mod crowd;
mod epochs;
mod level;
mod reader;
mod ring;
mod run;
mod snapshot;
#[cfg(test)]
mod tests;

use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::time::Duration;

pub use channels::{Kept, TooManyChannels};
pub use reader::{Batch, InFuture, Missed, Pick, Reader, Start, Wait};
pub use ring::{Limit, Ring, RingLimits};
pub use run::Run;
pub use snapshot::{Restored, SnapshotError};

use crate::message::{ChannelName, Payload, Position};
use channels::Channels;

/// The reason a reader could not be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// The channel does not exist and may not be made.
    #[error(transparent)]
    TooManyChannels(#[from] TooManyChannels),
    /// The position lies beyond the log's head.
    #[error(transparent)]
    InFuture(#[from] InFuture),
}

/// How much all channels may be together.
#[derive(Debug, Clone, Copy)]
pub struct LogLimits {
    /// The most channels.
    pub channels: usize,
    /// The most memory that their messages take, in bytes, all forms included.
    pub bytes: usize,
    /// The most payload bytes that a reader with a bound may be behind.
    pub behind: usize,
}

/// All logs of a relay, by channel.
#[derive(Debug)]
pub struct Log {
    channels: Arc<Channels>,
    ring: RingLimits,
    limit: Limit,
}

impl Log {
    /// Makes an empty log; `ring` bounds each channel, `limit` what one read returns.
    #[must_use]
    pub fn new(limits: LogLimits, ring: RingLimits, limit: Limit) -> Self {
        Self {
            channels: Channels::new(limits, ring),
            ring,
            limit,
        }
    }

    /// Writes all that is kept, for [`Log::restore`] of another process; `now` is the time of day, in milliseconds
    /// since 1970.
    ///
    /// What is appended meanwhile may be in it or not, so who wants it whole calls it when nothing appends any more.
    ///
    /// # Errors
    /// What `out` says.
    pub fn save(&self, now: u64, out: &mut impl Write) -> io::Result<Kept> {
        snapshot::write(&self.channels, now, out)
    }

    /// Takes up what [`Log::save`] wrote: epochs, positions and payloads are as they were, and messages older by the
    /// time in between. It is for a log that is still empty, and is held to this log's limits.
    ///
    /// # Errors
    /// [`SnapshotError`]; the log is to be dropped then, for it may hold a part.
    pub fn restore(&self, now: u64, from: &mut impl BufRead) -> Result<Restored, SnapshotError> {
        snapshot::read(&self.channels, self.ring, now, from)
    }

    /// Appends a message and wakes the channel's readers.
    ///
    /// It is async because a log may live in a store across the network, which assigns the
    /// position; in memory it never waits.
    ///
    /// # Errors
    /// [`TooManyChannels`] when the channel does not exist and may not be made.
    pub async fn append(
        &self,
        channel: &ChannelName,
        payload: Payload,
    ) -> Result<Position, TooManyChannels> {
        self.channels.append(channel, payload)
    }

    /// Opens a reader on a channel, which is made when it does not exist.
    ///
    /// # Errors
    /// [`OpenError`] when there are too many channels or the position lies in the future.
    pub fn open(&self, channel: &ChannelName, start: Start) -> Result<Reader, OpenError> {
        let channel = self.channels.hold(channel)?;
        Ok(Reader::open(channel, start, self.limit)?)
    }

    /// Drops what has grown too old and removes channels that are empty and unused for `idle`.
    pub fn sweep(&self, idle: Duration) {
        self.channels.sweep(idle);
    }

    /// Ends all readers, those that wait and those to come; appending stays possible.
    pub fn close(&self) {
        self.channels.close();
    }

    /// Counts what is kept.
    #[must_use]
    pub fn kept(&self) -> Kept {
        self.channels.kept()
    }
}
