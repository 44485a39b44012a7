//! The channels that exist: made on first use, bounded in number, removed when idle.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use tokio::time::Instant;

use super::LogLimits;
use super::channel::Channel;
use super::epochs::Epochs;
use super::level::level;
use super::ring::{Ring, RingLimits};
use super::sequence::Sequence;
use crate::message::{Account, ChannelName, Epoch, Message, Payload, Position};

/// A guard may outlive a panic of its holder: every change below leaves the data whole.
pub(super) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// All channels are in use: `--max-channels`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the relay has all the channels it may have; publish to one that exists or try later")]
pub struct TooManyChannels;

/// The channel is there already.
#[derive(Debug)]
pub(super) struct Exists;

/// What a channel was in an earlier process.
#[derive(Debug)]
pub(super) struct Past {
    pub(super) epoch: Epoch,
    pub(super) ring: Ring,
    /// What its messages are on.
    pub(super) account: Arc<Account>,
    /// As if it had been used last then: it counts against other channels, and for [`Channels::sweep`].
    pub(super) used: Instant,
}

/// What the logs hold at one moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Kept {
    /// Channels that exist.
    pub channels: usize,
    /// Messages in their rings.
    pub messages: usize,
    /// Payload bytes in their rings.
    pub bytes: usize,
    /// What these messages take in memory with all their forms, as it is held to `--log-bytes`.
    pub weight: usize,
    /// Messages that were evicted because all channels together kept too much.
    pub trimmed: u64,
}

#[derive(Debug, Default)]
struct Map {
    channels: HashMap<ChannelName, Arc<Channel>>,
    epochs: Epochs,
    closed: bool,
}

/// The map of channels.
#[derive(Debug)]
pub(super) struct Channels {
    map: Mutex<Map>,
    pub(super) me: Weak<Self>,
    pub(super) limits: LogLimits,
    pub(super) sequence: Arc<Sequence>,
    ring: RingLimits,
    /// What all that is kept takes in memory.
    weight: Arc<AtomicUsize>,
    trimmed: AtomicU64,
}

impl Channels {
    pub(super) fn new(limits: LogLimits, ring: RingLimits) -> Arc<Self> {
        Arc::new_cyclic(|me| Self {
            me: Weak::clone(me),
            map: Mutex::default(),
            limits,
            sequence: Arc::default(),
            ring,
            weight: Arc::default(),
            trimmed: AtomicU64::new(0),
        })
    }

    /// Finds or makes a channel and holds it for a reader, who must [`Channel::release`] it.
    ///
    /// The hold is counted under the map's lock, so the sweeper cannot come between.
    pub(super) fn hold(&self, name: &ChannelName) -> Result<Arc<Channel>, TooManyChannels> {
        let mut map = lock(&self.map);
        let channel = self.find(&mut map, name)?;
        channel.hold();
        Ok(channel)
    }

    /// Gives the epoch that a channel has, or would have if it were made now.
    pub(super) fn epoch(&self, name: &ChannelName) -> Epoch {
        lock(&self.map).epochs.of(name)
    }

    /// Appends to a channel, made when it does not exist.
    pub(super) fn append(
        &self,
        name: &ChannelName,
        mut payload: Payload,
    ) -> Result<Position, TooManyChannels> {
        self.make_room(Message::OVERHEAD + payload.bytes().len());
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
        if map.channels.len() >= self.limits.channels {
            return Err(TooManyChannels);
        }
        let ring = Ring::resumed(self.ring, self.sequence.floor());
        let account = self.account();
        let epoch = map.epochs.of(name);
        let channel = Arc::new(Channel::new(name.clone(), epoch, ring, account, self));
        channel.tell_closed(map.closed);
        map.channels.insert(name.clone(), Arc::clone(&channel));
        Ok(channel)
    }

    /// Adds a message that a store has numbered, to a channel that is made when it does not exist.
    pub(super) fn put(
        &self,
        name: &ChannelName,
        offset: u64,
        at: Instant,
        mut payload: Payload,
    ) -> Result<(), TooManyChannels> {
        self.make_room(Message::OVERHEAD + payload.bytes().len());
        loop {
            let channel = self.find(&mut lock(&self.map), name)?;
            match channel.put(offset, at, payload) {
                Ok(()) => return Ok(()),
                Err(back) => payload = back,
            }
        }
    }

    /// Begins another sequence: every channel begins another life, and its readers are told.
    pub(super) fn begin(&self, key: u128, floor: u64) {
        let map = &mut *lock(&self.map);
        map.epochs = Epochs::of_key(key);
        self.sequence.begin(floor);
        for (name, channel) in &map.channels {
            channel.renew(map.epochs.of(name), self.ring, floor);
        }
    }

    /// Loses everything up to an offset that is not known here.
    pub(super) fn lose(&self, up_to: u64) {
        let map = lock(&self.map);
        self.sequence.raise_floor(up_to);
        for channel in map.channels.values() {
            channel.lose(up_to);
        }
    }

    /// Gives an account for the messages of a channel to come.
    pub(super) fn account(&self) -> Arc<Account> {
        Arc::new(Account::within(&self.weight))
    }

    /// Puts a channel of an earlier process back; false when there may be no more.
    pub(super) fn restore(&self, name: &ChannelName, past: Past) -> Result<bool, Exists> {
        let Past {
            epoch,
            mut ring,
            account,
            used,
        } = past;
        {
            let mut map = lock(&self.map);
            if map.channels.contains_key(name) {
                return Err(Exists);
            }
            if map.channels.len() >= self.limits.channels {
                // Its offsets would begin anew, and so must its epoch.
                map.epochs.end(name);
                while !ring.is_empty() {
                    ring.evict();
                }
                return Ok(false);
            }
            let channel = Channel::new(name.clone(), epoch, ring, account, self);
            channel.was_used(used);
            channel.tell_closed(map.closed);
            map.channels.insert(name.clone(), Arc::new(channel));
        }
        self.make_room(0);
        Ok(true)
    }

    /// Looks at the epochs of all channels, or takes over those of another process.
    pub(super) fn with_epochs<T>(&self, look: impl FnOnce(&mut Epochs) -> T) -> T {
        look(&mut lock(&self.map).epochs)
    }

    /// Counts the messages that were evicted because all channels together kept too much.
    pub(super) fn trimmed(&self) -> u64 {
        self.trimmed.load(Ordering::Relaxed)
    }

    /// Gives all channels, the one used last first.
    pub(super) fn by_use(&self) -> Vec<(ChannelName, Arc<Channel>)> {
        let map = lock(&self.map);
        let mut all: Vec<_> = map
            .channels
            .iter()
            .map(|(name, channel)| (channel.used(), name.clone(), Arc::clone(channel)))
            .collect();
        all.sort_by(|(a, one, _), (b, other, _)| {
            b.cmp(a).then_with(|| one.as_str().cmp(other.as_str()))
        });
        all.into_iter()
            .map(|(_, name, channel)| (name, channel))
            .collect()
    }

    /// Trims the channels that keep most when all together would keep too much with `more` bytes.
    ///
    /// It frees a sixteenth at once, so that looking at all channels is paid for by many messages. The
    /// message that is to come has its room then: it is not trimmed before its readers have woken.
    fn make_room(&self, more: usize) {
        let most = self.limits.bytes;
        if self.weight.load(Ordering::Relaxed).saturating_add(more) <= most {
            return;
        }
        let channels: Vec<_> = lock(&self.map).channels.values().cloned().collect();
        let weights = channels.iter().map(|c| c.weight()).collect();
        let level = level(weights, (most - most / 16).saturating_sub(more));
        let trimmed = channels.iter().map(|channel| channel.trim(level)).sum();
        self.trimmed.fetch_add(trimmed, Ordering::Relaxed);
    }

    /// Drops what is too old and removes channels that nobody used for `idle`.
    pub(super) fn sweep(&self, idle: Duration) {
        let now = Instant::now();
        let map = &mut *lock(&self.map);
        map.channels.retain(|name, channel| {
            let retired = channel.retire(now, idle);
            if retired && self.sequence.is_shared() {
                self.sequence.raise_floor(channel.head());
            } else if retired && !channel.is_blank() {
                map.epochs.end(name);
            }
            !retired
        });
    }

    /// Removes a channel if `may` still says so under the map's lock, under which readers come.
    pub(super) fn remove(&self, name: &ChannelName, may: impl FnOnce() -> bool) {
        let mut map = lock(&self.map);
        if may() {
            map.channels.remove(name);
        }
    }

    /// Ends all readers, those that wait and those to come.
    pub(super) fn close(&self) {
        let mut map = lock(&self.map);
        map.closed = true;
        for channel in map.channels.values() {
            channel.tell_closed(true);
        }
    }

    pub(super) fn kept(&self) -> Kept {
        let map = lock(&self.map);
        let mut kept = Kept {
            channels: map.channels.len(),
            weight: self.weight.load(Ordering::Relaxed),
            trimmed: self.trimmed.load(Ordering::Relaxed),
            ..Kept::default()
        };
        for channel in map.channels.values() {
            let (messages, bytes) = channel.kept();
            kept.messages += messages;
            kept.bytes += bytes;
        }
        kept
    }
}
