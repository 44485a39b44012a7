//! How far a swarm is, while it works.

use std::ops::AddAssign;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use serde::{Deserialize, Serialize};

/// Counters that the owner reads while the swarm works.
#[derive(Debug, Default)]
pub struct Progress {
    /// Subscribers able to receive now.
    pub connected: AtomicU64,
    /// Subscribers that have ever been able to receive.
    pub opened: AtomicU64,
    /// The publisher is connected.
    pub publisher_ready: AtomicBool,
    /// Messages sent.
    pub published: AtomicU64,
    /// Deliveries of any phase.
    pub delivered: AtomicU64,
    /// Deliveries of the measured phase, each counted once.
    pub measured: AtomicU64,
    /// Deliveries of the measured phase that may still come: of messages sent and not refused.
    pub expected: AtomicU64,
    /// The publisher has sent everything and had every answer.
    pub published_all: AtomicBool,
}

impl Progress {
    /// Reads every counter.
    #[must_use]
    pub fn read(&self) -> Standing {
        // First: once it is set, what is expected no longer changes.
        let published_all = self.published_all.load(Ordering::Acquire);
        Standing {
            connected: self.connected.load(Ordering::Relaxed),
            opened: self.opened.load(Ordering::Acquire),
            publisher_ready: self.publisher_ready.load(Ordering::Acquire),
            published: self.published.load(Ordering::Relaxed),
            delivered: self.delivered.load(Ordering::Relaxed),
            measured: self.measured.load(Ordering::Relaxed),
            expected: self.expected.load(Ordering::Relaxed),
            published_all,
        }
    }
}

/// What [`Progress`] said at an instant, of one process or of several together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Standing {
    /// See [`Progress::connected`], and so on below.
    pub connected: u64,
    /// See [`Progress::opened`].
    pub opened: u64,
    /// See [`Progress::publisher_ready`].
    pub publisher_ready: bool,
    /// See [`Progress::published`].
    pub published: u64,
    /// See [`Progress::delivered`].
    pub delivered: u64,
    /// See [`Progress::measured`].
    pub measured: u64,
    /// See [`Progress::expected`].
    pub expected: u64,
    /// See [`Progress::published_all`].
    pub published_all: bool,
}

impl Standing {
    /// Whether every delivery that must come has come.
    #[must_use]
    pub fn complete(&self) -> bool {
        self.published_all && self.measured >= self.expected
    }
}

impl AddAssign for Standing {
    fn add_assign(&mut self, other: Self) {
        self.connected += other.connected;
        self.opened += other.opened;
        self.publisher_ready |= other.publisher_ready;
        self.published += other.published;
        self.delivered += other.delivered;
        self.measured += other.measured;
        self.expected += other.expected;
        self.published_all |= other.published_all;
    }
}
