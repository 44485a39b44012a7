//! One channel: its log, and the head that its readers watch.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::channels::{Channels, lock};
use super::crowd::Crowd;
use super::ring::{Ring, RingLimits};
use super::sequence::Sequence;
use crate::message::{Account, ChannelName, Epoch, Message, Payload, Position};

/// One channel: its log, and the head that its readers watch.
#[derive(Debug)]
pub(super) struct Channel {
    name: ChannelName,
    /// Where it is found, until it is removed.
    home: Weak<Channels>,
    /// [`super::LogLimits::behind`].
    pub(super) behind: usize,
    pub(super) sequence: Arc<Sequence>,
    account: Arc<Account>,
    state: Mutex<State>,
    /// Is told of every append, and whether the log is closed.
    pub(super) grown: Crowd,
    readers: AtomicUsize,
}

#[derive(Debug)]
struct State {
    epoch: Epoch,
    ring: Ring,
    used: Instant,
    /// Set once, when the channel leaves the map: an append that found it before must look again.
    removed: bool,
}

impl Channel {
    pub(super) fn new(
        name: ChannelName,
        epoch: Epoch,
        ring: Ring,
        account: Arc<Account>,
        home: &Channels,
    ) -> Self {
        let state = State {
            epoch,
            ring,
            used: Instant::now(),
            removed: false,
        };
        Self {
            name,
            home: Weak::clone(&home.me),
            behind: home.limits.behind,
            sequence: Arc::clone(&home.sequence),
            account,
            state: Mutex::new(state),
            grown: Crowd::default(),
            readers: AtomicUsize::new(0),
        }
    }

    /// Says when it was used last.
    pub(super) fn was_used(&self, used: Instant) {
        lock(&self.state).used = used;
    }

    /// Appends a message and wakes the readers, or gives it back when the channel was removed.
    pub(super) fn append(&self, payload: Payload) -> Result<Position, Payload> {
        let position = {
            let mut state = lock(&self.state);
            if state.removed {
                return Err(payload);
            }
            let offset = state.ring.head() + 1;
            self.push(&mut state, offset, Instant::now(), payload)
        };
        self.grown.tell();
        Ok(position)
    }

    /// Adds a message that a store has numbered and wakes the readers, or gives it back when the channel was removed.
    pub(super) fn put(&self, offset: u64, at: Instant, payload: Payload) -> Result<(), Payload> {
        {
            let mut state = lock(&self.state);
            if state.removed {
                return Err(payload);
            }
            self.push(&mut state, offset, at, payload);
        }
        self.grown.tell();
        Ok(())
    }

    fn push(&self, state: &mut State, offset: u64, at: Instant, payload: Payload) -> Position {
        let epoch = state.epoch;
        let position = Position { epoch, offset };
        let message = Message::new(position, payload, &self.account);
        state.ring.push(at, Arc::new(message));
        state.used = at;
        position
    }

    /// Loses everything up to an offset, kept or not, unless the channel is beyond it already.
    pub(super) fn lose(&self, up_to: u64) {
        {
            let mut state = lock(&self.state);
            if state.ring.head() < up_to {
                state.ring.skip_to(up_to);
            }
        }
        self.grown.tell();
    }

    /// Begins another life, of which everything up to `floor` is gone.
    pub(super) fn renew(&self, epoch: Epoch, limits: RingLimits, floor: u64) {
        {
            let mut state = lock(&self.state);
            while !state.ring.is_empty() {
                state.ring.evict();
            }
            (state.epoch, state.ring) = (epoch, Ring::resumed(limits, floor));
        }
        self.grown.tell();
    }

    /// Gives the epoch of its present life.
    pub(super) fn epoch(&self) -> Epoch {
        lock(&self.state).epoch
    }

    /// Looks at the ring without what has grown too old, and at its life.
    pub(super) fn with_ring<T>(&self, look: impl FnOnce(&Ring, Epoch) -> T) -> T {
        let mut state = lock(&self.state);
        let now = Instant::now();
        state.used = now;
        state.ring.expire(now);
        look(&state.ring, state.epoch)
    }

    /// Looks at the ring as it is at an instant; that is no use of the channel.
    pub(super) fn with_ring_at<T>(&self, now: Instant, look: impl FnOnce(&Ring, Epoch) -> T) -> T {
        let mut state = lock(&self.state);
        state.ring.expire(now);
        look(&state.ring, state.epoch)
    }

    /// Counts a reader, until it calls [`Channel::release`].
    pub(super) fn hold(&self) {
        self.readers.fetch_add(1, Ordering::Relaxed);
    }

    /// Tells the readers whether the log is closed.
    pub(super) fn tell_closed(&self, closed: bool) {
        self.grown.tell_closed(closed);
    }

    /// Gives the instant of its last use.
    pub(super) fn used(&self) -> Instant {
        lock(&self.state).used
    }

    /// Counts its messages and their payload bytes.
    pub(super) fn kept(&self) -> (usize, usize) {
        let state = lock(&self.state);
        (state.ring.len(), state.ring.bytes())
    }

    /// Gives what its messages take in memory.
    pub(super) fn weight(&self) -> usize {
        self.account.weight()
    }

    /// Ends a reader's hold. A channel that nobody ever wrote to goes with its last reader: a stranger
    /// who asks for names leaves nothing behind.
    pub(super) fn release(&self) {
        if self.readers.fetch_sub(1, Ordering::Relaxed) > 1 || !self.is_blank() {
            return;
        }
        let Some(home) = self.home.upgrade() else {
            return;
        };
        home.remove(&self.name, || {
            let mut state = lock(&self.state);
            let blank = self.blank(&state) && self.readers.load(Ordering::Relaxed) == 0;
            let removed = blank && !state.removed;
            state.removed |= removed;
            removed
        });
    }

    /// Marks the channel removed when nothing holds it: no reader, no message, no use for `idle`.
    pub(super) fn retire(&self, now: Instant, idle: Duration) -> bool {
        let mut state = lock(&self.state);
        state.ring.expire(now);
        let unused =
            now.duration_since(state.used) >= idle && self.readers.load(Ordering::Relaxed) == 0;
        state.removed = unused && state.ring.is_empty();
        state.removed
    }

    /// Tells whether there never was a message, and the same channel can be had again.
    pub(super) fn is_blank(&self) -> bool {
        self.blank(&lock(&self.state))
    }

    fn blank(&self, state: &State) -> bool {
        state.ring.is_empty() && state.ring.head() <= self.sequence.floor()
    }

    /// Gives the offset of its youngest message.
    pub(super) fn head(&self) -> u64 {
        lock(&self.state).ring.head()
    }

    /// Evicts the oldest messages until no more than `level` bytes of memory are kept; counts them.
    pub(super) fn trim(&self, level: usize) -> u64 {
        let mut state = lock(&self.state);
        let mut trimmed = 0;
        while self.account.weight() > level && !state.ring.is_empty() {
            state.ring.evict();
            trimmed += 1;
        }
        trimmed
    }
}

/// A channel that is held, for as long as this lives.
pub(super) struct Held(pub(super) Arc<Channel>);

impl Drop for Held {
    fn drop(&mut self) {
        self.0.release();
    }
}

impl Drop for Channel {
    fn drop(&mut self) {
        self.trim(0);
    }
}
