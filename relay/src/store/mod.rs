//! Where logs live besides in this process: a sequence of messages that several relays share.
//!
//! A store numbers messages and keeps them; it serves no readers. A relay follows the whole sequence, in order, and holds
//! what it follows in the same rings that a relay by itself has (see [`crate::log`]). So a message that one relay has
//! published reaches the readers of all of them, and in the same order, its publisher's own included.

mod args;
mod jetstream;
mod place;
mod subject;

use std::fmt::Debug;
use std::time::Duration;

use args::known_twice;
pub use args::{StoreArgs, TooPatient};
pub use jetstream::{JetStream, Terms};
pub use place::{Place, PlaceError, Servers};

use crate::message::{ChannelName, Payload};

/// One message as a store gives it.
#[derive(Debug)]
pub struct Stored {
    /// The channel that it was published to.
    pub channel: ChannelName,
    /// Its number: greater than that of any message before it, in whichever channel.
    pub offset: u64,
    /// For how long the store has had it.
    pub age: Duration,
    /// What was published.
    pub payload: Payload,
}

/// Who follows a store's sequence. It is called by one task, in the order of the sequence.
pub trait Follower: Debug + Send + Sync {
    /// A sequence begins, that of `key`: whatever was known is of another one. Messages up to `floor` are gone.
    fn begin(&self, key: u128, floor: u64);
    /// The next message; every one before it was given, or is lost.
    fn message(&self, message: Stored);
    /// Messages up to an offset are gone which were not given, and nobody knows of which channels.
    fn lose(&self, up_to: u64);
    /// Everything up to an offset was given, or concerns no channel.
    fn apply(&self, offset: u64);
    /// The store has given out this offset, and will come to it.
    fn learn(&self, offset: u64);
}

/// The reason a store took no message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// It cannot be reached, or cannot keep more.
    #[error("the store cannot be reached, or keeps no more: nothing was published; try again")]
    Unavailable,
    /// It was sent and no answer came in time.
    #[error(
        "the store did not confirm in time: the message may be published, now or soon; a reader of the channel sees whether"
    )]
    Unconfirmed,
    /// As many are on their way as may be: `--store-pending`.
    #[error("too many messages wait for the store: nothing was published; try again")]
    Busy,
}

/// The reason a relay could not begin to follow its store.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no NATS server.
    #[error("cannot reach the store at {servers}: {source} (see --store)")]
    Connect {
        /// Where it should be, without what it asks for.
        servers: Servers,
        /// Why.
        source: async_nats::ConnectError,
    },
    /// There is a NATS server, and it does not let the relay in.
    #[error(
        "the store at {servers} does not let the relay in: {source} (user and password, or a token, stand in --store-env or --store)"
    )]
    Refused {
        /// Where it is, without what it was shown.
        servers: Servers,
        /// Why.
        source: async_nats::ConnectError,
    },
    /// It was reached, but its sequence cannot be followed.
    #[error("cannot follow the store at {servers}: {why}")]
    Follow {
        /// Where it is.
        servers: Servers,
        /// Why.
        why: String,
    },
    /// What is published here could not be kept there.
    #[error(
        "the store at {servers} takes messages of {most} B and --max-body allows {asked} B: lower that, or raise max_payload of the NATS server"
    )]
    Payload {
        /// Where it is.
        servers: Servers,
        /// What it takes.
        most: usize,
        /// What may be published.
        asked: usize,
    },
    /// It has more than could be read in time.
    #[error("the store at {servers} was not read to its end within {within:?}")]
    Behind {
        /// Where it is.
        servers: Servers,
        /// The time allowed.
        within: Duration,
    },
}

/// How a relay stands with its store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Health {
    /// Its name: `memory` or `nats`.
    pub kind: &'static str,
    /// It is followed.
    pub connected: bool,
    /// How many times it was lost and found again.
    pub reconnects: u64,
    /// Messages that it was given and has not confirmed.
    pub pending: usize,
    /// How many offsets it has given out that have not come here yet.
    pub lag: u64,
    /// Messages that came and were none of a relay's.
    pub unreadable: u64,
}

impl Health {
    /// How a log in memory stands: it is always there.
    pub const MEMORY: Self = Self {
        kind: "memory",
        connected: true,
        reconnects: 0,
        pending: 0,
        lag: 0,
        unreadable: 0,
    };
}
