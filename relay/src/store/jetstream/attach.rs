//! How following begins: the stream, and a consumer of it.

use std::time::{Duration, SystemTime};

use async_nats::jetstream::ErrorCode;
use async_nats::jetstream::consumer::pull::{Config, Stream};
use async_nats::jetstream::consumer::{AckPolicy, DeliverPolicy};
use async_nats::jetstream::context::{CreateStreamError, CreateStreamErrorKind};
use async_nats::jetstream::stream::Info;
use tokio::time::timeout;

use super::link::{ASK, Link};
use super::stream;
use crate::store::StoreArgs;

/// Messages that the client may hold which are not followed yet.
const AHEAD: usize = 256;
/// How often the server shows that it is there when there is no message; it is given up after two of these.
const BEAT: Duration = Duration::from_secs(1);
/// How long the server keeps a consumer whose relay is gone.
const FORGOTTEN: Duration = Duration::from_secs(30);

/// Why following has ended for now.
#[derive(Debug, thiserror::Error)]
pub(super) enum Ended {
    #[error("the connection is lost")]
    Disconnected,
    #[error("{0}")]
    Unusable(&'static str),
    #[error("cannot find or make the stream: {0}")]
    Stream(String),
    #[error("cannot read the stream: {0}")]
    Consumer(String),
    #[error("a message was lost on its way")]
    Skipped,
    #[error("the stream is another one now")]
    Changed,
}

/// Finds the stream or makes it. One that ends before `applied`, what was followed of it, is given another description, and
/// so another identity, after the one that it was known by.
pub(super) async fn find(
    link: &Link,
    applied: u64,
    description: Option<&str>,
) -> Result<Info, Ended> {
    let config = stream::config(&link.args, link.age);
    let found = timeout(2 * ASK, link.context.get_or_create_stream(config)).await;
    let found = found.map_err(|_| Ended::Stream("no answer".to_owned()))?;
    let found = found.map_err(|error| Ended::Stream(refused(&error, &link.args)))?;
    let info = found.cached_info().clone();
    if let Some(why) = stream::objection(&info.config) {
        return Err(Ended::Unusable(why));
    }
    let same = stream::identity(&info) == link.identity();
    if !same || info.state.last_sequence >= applied {
        return Ok(info);
    }
    // Its numbers would be given out a second time, for other messages: whoever has an old one must be told.
    tracing::error!(
        last = info.state.last_sequence,
        followed = applied,
        "the store has lost messages that it had confirmed: every channel begins anew"
    );
    let mut config = info.config;
    config.description = Some(stream::next_life(description));
    let updated = link.context.update_stream(config).await;
    updated.map_err(|error| Ended::Stream(error.to_string()))
}

/// Says why there is no stream, and what helps.
fn refused(error: &CreateStreamError, args: &StoreArgs) -> String {
    let remedy = match error.kind() {
        CreateStreamErrorKind::JetStreamUnavailable => {
            "; start nats-server with -js, or let this user use JetStream".to_owned()
        }
        CreateStreamErrorKind::JetStream(error) => match error.error_code() {
            ErrorCode::STORAGE_RESOURCES_EXCEEDED
            | ErrorCode::ACCOUNT_RESOURCES_EXCEEDED
            | ErrorCode::INSUFFICIENT_RESOURCES
            | ErrorCode::STREAM_MAX_STREAM_BYTES_EXCEEDED => format!(
                "; it has no room for --store-bytes ({} B): lower that, or raise max_file_store of the NATS server, or max_file of the account",
                args.store_bytes
            ),
            ErrorCode::STREAM_REPLICAS_NOT_SUPPORTED | ErrorCode::CLUSTER_NO_PEERS => format!(
                "; --store-replicas {} needs as many servers in a cluster",
                args.store_replicas
            ),
            ErrorCode::JETSTREAM_NOT_ENABLED | ErrorCode::JETSTREAM_NOT_ENABLED_FOR_ACCOUNT => {
                "; the account has no JetStream".to_owned()
            }
            _ => String::new(),
        },
        _ => String::new(),
    };
    format!("{error}{remedy}")
}

/// Begins to read the stream at a number.
pub(super) async fn consume(link: &Link, from: u64) -> Result<Stream, Ended> {
    let failed = |why: String| Ended::Consumer(why);
    let config = Config {
        deliver_policy: DeliverPolicy::ByStartSequence {
            start_sequence: from,
        },
        ack_policy: AckPolicy::None,
        inactive_threshold: FORGOTTEN,
        memory_storage: true,
        num_replicas: 1,
        ..Config::default()
    };
    let name = &link.args.store_name;
    let made = link.context.create_consumer_on_stream(config, name);
    let consumer = timeout(2 * ASK, made).await;
    let consumer = consumer.map_err(|_| failed("no answer".to_owned()))?;
    let consumer = consumer.map_err(|error| failed(error.to_string()))?;
    let stream = consumer
        .stream()
        .max_messages_per_batch(AHEAD)
        .heartbeat(BEAT);
    let messages = timeout(ASK, stream.messages()).await;
    let messages = messages.map_err(|_| failed("no answer".to_owned()))?;
    messages.map_err(|error| failed(error.to_string()))
}

/// Gives how long ago something was, by two clocks that may differ.
#[expect(
    clippy::disallowed_methods,
    reason = "how long the store has had a message: no other clock goes on from one process to the next"
)]
pub(super) fn age(published: i128) -> Duration {
    let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    let now = now.map_or(0, |now| i128::try_from(now.as_nanos()).unwrap_or(i128::MAX));
    u64::try_from(now - published).map_or(Duration::ZERO, Duration::from_nanos)
}
