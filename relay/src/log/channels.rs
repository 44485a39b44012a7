//! The channels that exist: made on first use, bounded in number, removed when idle.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::watch;
use tokio::time::Instant;

use super::ring::{Ring, RingLimits};
use crate::message::{ChannelName, Epoch, Message, Payload, Position};

/// One channel: its log, and the head that its readers watch.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) epoch: Epoch,
    state: Mutex<State>,
    /// Moves with every append; its value tells whether the log is closed.
    grown: watch::Sender<bool>,
    readers: AtomicUsize,
}

#[derive(Debug)]
struct State {
    ring: Ring,
    used: Instant,
    /// Set once, when the channel leaves the map: an append that found it before must look again.
    removed: bool,
}

/// A guard may outlive a panic of its holder: every change below leaves the data whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Channel {
    fn new(epoch: Epoch, ring: Ring, closed: bool) -> Self {
        let state = State {
            ring,
            used: Instant::now(),
            removed: false,
        };
        Self {
            epoch,
            state: Mutex::new(state),
            grown: watch::Sender::new(closed),
            readers: AtomicUsize::new(0),
        }
    }

    /// Appends a message and wakes the readers, or gives it back when the channel was removed.
    fn append(&self, payload: Payload) -> Result<Position, Payload> {
        let position = {
            let mut state = lock(&self.state);
            if state.removed {
                return Err(payload);
            }
            let position = Position {
                epoch: self.epoch,
                offset: state.ring.head() + 1,
            };
            let now = Instant::now();
            state
                .ring
                .push(now, Arc::new(Message::new(position, payload)));
            state.used = now;
            position
        };
        self.grown.send_modify(|_closed| ());
        Ok(position)
    }

    /// Looks at the ring without what has grown too old.
    pub(super) fn with_ring<T>(&self, look: impl FnOnce(&Ring) -> T) -> T {
        let mut state = lock(&self.state);
        let now = Instant::now();
        state.used = now;
        state.ring.expire(now);
        look(&state.ring)
    }

    /// Looks at the ring as it is at an instant; that is no use of the channel.
    pub(super) fn with_ring_at<T>(&self, now: Instant, look: impl FnOnce(&Ring) -> T) -> T {
        let mut state = lock(&self.state);
        state.ring.expire(now);
        look(&state.ring)
    }

    /// Gives a receiver that sees every append from now on.
    pub(super) fn watch(&self) -> watch::Receiver<bool> {
        self.grown.subscribe()
    }

    /// Ends a reader's hold, which [`Channels::hold`] began.
    pub(super) fn release(&self) {
        self.readers.fetch_sub(1, Ordering::Relaxed);
    }

    /// Marks the channel removed when nothing holds it: no reader, no message, no use for `idle`.
    fn retire(&self, now: Instant, idle: Duration) -> bool {
        let mut state = lock(&self.state);
        state.ring.expire(now);
        let unused =
            now.duration_since(state.used) >= idle && self.readers.load(Ordering::Relaxed) == 0;
        state.removed = unused && state.ring.is_empty();
        state.removed
    }
}

/// All channels are in use: `--max-channels`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the relay has all the channels it may have; publish to one that exists or try later")]
pub struct TooManyChannels;

/// The channel is there already.
#[derive(Debug)]
pub(super) struct Exists;

/// What the logs hold at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// Channels that exist.
    pub channels: usize,
    /// Messages in their rings.
    pub messages: usize,
    /// Payload bytes in their rings.
    pub bytes: usize,
}

#[derive(Debug, Default)]
struct Map {
    channels: HashMap<ChannelName, Arc<Channel>>,
    closed: bool,
}

/// The map of channels.
#[derive(Debug)]
pub(super) struct Channels {
    map: Mutex<Map>,
    most: usize,
    ring: RingLimits,
}

impl Channels {
    pub(super) fn new(most: usize, ring: RingLimits) -> Self {
        Self {
            map: Mutex::default(),
            most,
            ring,
        }
    }

    /// Finds or makes a channel and holds it for a reader, who must [`Channel::release`] it.
    ///
    /// The hold is counted under the map's lock, so the sweeper cannot come between.
    pub(super) fn hold(&self, name: &ChannelName) -> Result<Arc<Channel>, TooManyChannels> {
        let mut map = lock(&self.map);
        let channel = self.find(&mut map, name)?;
        channel.readers.fetch_add(1, Ordering::Relaxed);
        Ok(channel)
    }

    /// Appends to a channel, made when it does not exist.
    pub(super) fn append(
        &self,
        name: &ChannelName,
        mut payload: Payload,
    ) -> Result<Position, TooManyChannels> {
        loop {
            let channel = self.find(&mut lock(&self.map), name)?;
            match channel.append(payload) {
                Ok(position) => return Ok(position),
                Err(back) => payload = back,
            }
        }
    }

    fn find(&self, map: &mut Map, name: &ChannelName) -> Result<Arc<Channel>, TooManyChannels> {
        if let Some(channel) = map.channels.get(name) {
            return Ok(Arc::clone(channel));
        }
        if map.channels.len() >= self.most {
            return Err(TooManyChannels);
        }
        let channel = Channel::new(Epoch::random(), Ring::new(self.ring), map.closed);
        let channel = Arc::new(channel);
        map.channels.insert(name.clone(), Arc::clone(&channel));
        Ok(channel)
    }

    /// Puts a channel of an earlier process back; false when there may be no more.
    pub(super) fn restore(
        &self,
        name: &ChannelName,
        epoch: Epoch,
        ring: Ring,
    ) -> Result<bool, Exists> {
        let mut map = lock(&self.map);
        if map.channels.contains_key(name) {
            return Err(Exists);
        }
        if map.channels.len() >= self.most {
            return Ok(false);
        }
        let channel = Channel::new(epoch, ring, map.closed);
        map.channels.insert(name.clone(), Arc::new(channel));
        Ok(true)
    }

    /// Gives all channels, the one used last first.
    pub(super) fn by_use(&self) -> Vec<(ChannelName, Arc<Channel>)> {
        let map = lock(&self.map);
        let mut all: Vec<_> = map
            .channels
            .iter()
            .map(|(name, channel)| (lock(&channel.state).used, name.clone(), Arc::clone(channel)))
            .collect();
        all.sort_by(|(a, one, _), (b, other, _)| {
            b.cmp(a).then_with(|| one.as_str().cmp(other.as_str()))
        });
        all.into_iter()
            .map(|(_, name, channel)| (name, channel))
            .collect()
    }

    /// Drops what is too old and removes channels that nobody used for `idle`.
    pub(super) fn sweep(&self, idle: Duration) {
        let now = Instant::now();
        lock(&self.map)
            .channels
            .retain(|_, channel| !channel.retire(now, idle));
    }

    /// Ends all readers, those that wait and those to come.
    pub(super) fn close(&self) {
        let mut map = lock(&self.map);
        map.closed = true;
        for channel in map.channels.values() {
            channel.grown.send_replace(true);
        }
    }

    pub(super) fn kept(&self) -> Kept {
        let map = lock(&self.map);
        let mut kept = Kept {
            channels: map.channels.len(),
            ..Kept::default()
        };
        for channel in map.channels.values() {
            let state = lock(&channel.state);
            kept.messages += state.ring.len();
            kept.bytes += state.ring.bytes();
        }
        kept
    }
}
