//! A log of either kind, and what stories do with it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use relay::Settings;
use relay::log::{AppendError, Batch, Limit, Log, LogLimits, Reader, RingLimits, Start, Wait};
use relay::message::{ChannelName, Payload, Position};
use relay::store::{Place, StartError, StoreArgs};
use tokio::time::Instant;

use crate::nats::{self, Nats};

/// Nothing takes as long that succeeds.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// Where a story's log lives.
pub(crate) enum Here {
    Memory,
    JetStream(Box<Nats>),
}

/// The limits of stories that say nothing of limits.
pub(crate) fn ring() -> RingLimits {
    RingLimits {
        messages: 1000,
        bytes: 1 << 20,
        age: Duration::from_secs(60),
    }
}

/// The store's flags, with a server.
pub(crate) fn args(store: Place) -> StoreArgs {
    StoreArgs {
        store,
        ..Settings::default().store
    }
}

/// An empty log in memory.
pub(crate) fn log(ring: RingLimits) -> Log {
    let limits = LogLimits {
        channels: 100,
        bytes: usize::MAX,
        behind: usize::MAX,
    };
    let limit = Limit {
        messages: 1000,
        bytes: 1 << 20,
    };
    Log::new(limits, ring, limit)
}

/// A log that follows the store at an address, as one node does.
pub(crate) async fn node_at(address: SocketAddr) -> Log {
    follow(&args(nats::place(address)), ring()).await.unwrap()
}

pub(crate) async fn follow(args: &StoreArgs, ring: RingLimits) -> Result<Log, StartError> {
    log(ring).in_store(args, 1000).await
}

impl Here {
    pub(crate) fn jetstream() -> Option<Self> {
        Nats::start().map(|nats| Self::JetStream(Box::new(nats)))
    }

    pub(crate) async fn log(&self) -> Log {
        self.log_with(ring()).await
    }

    pub(crate) async fn log_with(&self, ring: RingLimits) -> Log {
        match self {
            Self::Memory => log(ring),
            Self::JetStream(nats) => follow(&args(nats.place()), ring).await.unwrap(),
        }
    }

    /// Loses all that the log has kept, and whatever made it the log that it was.
    pub(crate) async fn recreate(&self, old: Log) -> Log {
        match self {
            Self::Memory => log(ring()),
            Self::JetStream(nats) => {
                let reader = old.open(&name("recreated"), Start::Latest).unwrap();
                let before = reader.position();
                nats.admin().await.delete_stream("pushmark").await.unwrap();
                until("the relay has seen it", || {
                    let reader = old.open(&name("recreated"), Start::Latest).unwrap();
                    reader.position().epoch != before.epoch
                })
                .await;
                old
            }
        }
    }
}

pub(crate) fn name(text: &str) -> ChannelName {
    ChannelName::parse(text).unwrap()
}

pub(crate) fn payload(value: u64) -> Payload {
    Payload::parse(value.to_string().as_bytes(), 100).unwrap()
}

pub(crate) async fn publish(log: &Log, channel: &str, value: u64) -> Position {
    try_publish(log, channel, value).await.unwrap()
}

pub(crate) async fn try_publish(
    log: &Log,
    channel: &str,
    value: u64,
) -> Result<Position, AppendError> {
    log.append(&name(channel), payload(value)).await
}

pub(crate) async fn open(log: &Log, channel: &str, start: Start) -> Reader {
    let start = log.settle(&name(channel), start).await;
    log.open(&name(channel), start).unwrap()
}

/// Reads what there is now.
pub(crate) async fn read(log: &Log, channel: &str, start: Start) -> Batch {
    open(log, channel, start)
        .await
        .next(Wait::No)
        .await
        .unwrap()
}

/// Reads on until there is something.
pub(crate) async fn next(reader: &mut Reader) -> Batch {
    let batch = reader
        .next(Wait::UpTo(Instant::now() + PATIENCE))
        .await
        .unwrap();
    assert!(!batch.is_empty(), "nothing came");
    batch
}

/// Reads on until a value comes, and gives all up to it; nothing may be missed.
pub(crate) async fn until_value(reader: &mut Reader, last: u64) -> Vec<u64> {
    let mut all = Vec::new();
    while all.last() != Some(&last) {
        let batch = next(reader).await;
        assert_eq!(batch.missed, None);
        all.extend(values(&batch));
    }
    all
}

pub(crate) fn value(payload: &Payload) -> u64 {
    std::str::from_utf8(payload.bytes())
        .unwrap()
        .parse()
        .unwrap()
}

pub(crate) fn values(batch: &Batch) -> Vec<u64> {
    batch.messages.iter().map(|m| value(&m.payload)).collect()
}

/// Waits until something is so.
pub(crate) async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !so() {
        assert!(Instant::now() < end, "it does not come to that: {what}");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Waits until a node has found its store again.
pub(crate) async fn attached(log: &Arc<Log>) {
    until("the store is followed", || log.store().connected).await;
}
