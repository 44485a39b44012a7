//! The log: each channel is one append-only sequence of messages, read by cursor.
//!
//! Polling, long polling, streaming, server-sent events and WebSocket are five ways to use a
//! [`Reader`]. An append moves the channel's head and wakes each waiting reader once; the
//! reader then takes what it has not seen from the ring. There is no queue per subscriber,
//! and no seam between what was kept and what is new.

mod ask;
mod channel;
mod channels;
mod crowd;
mod epochs;
mod follower;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod level;
mod reader;
mod ring;
mod run;
mod sequence;
mod snapshot;
#[cfg(test)]
mod tests;

use std::io::{self, BufRead, Write};
use std::sync::Arc;
use std::time::Duration;

pub use ask::{Pick, Start, Wait};
pub use channels::{Kept, TooManyChannels};
pub use reader::{Batch, InFuture, Missed, Reader};
pub use ring::{Limit, Ring, RingLimits};
pub use run::Run;
pub use snapshot::{Restored, SnapshotError};

use crate::message::{ChannelName, Payload, Position};
use crate::store::{Health, JetStream, StartError, StoreArgs, StoreError, Terms};
use channel::Held;
use channels::Channels;
use follower::Followed;

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

/// The reason nothing was appended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// The channel does not exist and may not be made.
    #[error(transparent)]
    TooManyChannels(#[from] TooManyChannels),
    /// The store took nothing, or did not say so.
    #[error(transparent)]
    Store(#[from] StoreError),
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
    /// Who numbers the messages; none for a log in memory.
    store: Option<JetStream>,
}

impl Log {
    /// Makes an empty log in memory; `ring` bounds each channel, `limit` what one read returns.
    #[must_use]
    pub fn new(limits: LogLimits, ring: RingLimits, limit: Limit) -> Self {
        Self {
            channels: Channels::new(limits, ring),
            ring,
            limit,
            store: None,
        }
    }

    /// Takes a log that lives in a store: it returns when all that is kept there, and fits the limits, is here.
    ///
    /// Messages have to fit the store, `payload` bytes each. Where the flags name no store the log is one in memory.
    ///
    /// # Errors
    /// [`StartError`] when the store cannot be followed.
    pub async fn in_store(mut self, args: &StoreArgs, payload: usize) -> Result<Self, StartError> {
        let follower = Arc::new(Followed::new(Arc::clone(&self.channels)));
        let age = self.ring.age;
        self.store = JetStream::open(args, Terms { age, payload }, follower).await?;
        Ok(self)
    }

    /// Tells whether it lives in a store, so that appending may wait.
    #[must_use]
    pub fn is_shared(&self) -> bool {
        self.store.is_some()
    }

    /// Tells how it stands with the store.
    #[must_use]
    pub fn store(&self) -> Health {
        let known = || self.channels.sequence.known().1;
        let store = self.store.as_ref();
        store.map_or(Health::MEMORY, |store| store.health(known()))
    }

    /// Learns whether the store has come as far as a position that was given by another relay, before a reader begins
    /// there: in front of what this relay has followed it may be right or made up.
    ///
    /// Gives where the reader is to begin. When the store cannot be asked the position is taken for right, for this reader alone.
    pub async fn settle(&self, channel: &ChannelName, start: Start) -> Start {
        let (Some(store), Start::After(position)) = (&self.store, start) else {
            return start;
        };
        let sequence = &self.channels.sequence;
        let (life, known) = sequence.known();
        if position.offset > sequence.applied()
            && position.offset > known
            && self.channels.epoch(channel) == position.epoch
        {
            let Some(head) = store.head().await else {
                return Start::Unasked(position);
            };
            sequence.learn(life, head);
        }
        start
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
    /// In memory it never waits. In a store, the message is kept there when this returns, and is here too unless this
    /// relay has fallen behind.
    ///
    /// # Errors
    /// [`AppendError`] when the channel does not exist and may not be made, or the store has not confirmed it.
    pub async fn append(
        &self,
        channel: &ChannelName,
        payload: Payload,
    ) -> Result<Position, AppendError> {
        let Some(store) = &self.store else {
            return Ok(self.channels.append(channel, payload)?);
        };
        // Held, the channel is there: a message that has no place here is not published from here. Its life is that of
        // before: were the stream made anew meanwhile, whoever goes on from the position would be told.
        let here = Held(self.channels.hold(channel)?);
        let epoch = here.0.epoch();
        let offset = store.append(channel, &payload).await?;
        Ok(Position { epoch, offset })
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
