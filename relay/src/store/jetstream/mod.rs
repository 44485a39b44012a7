//! A store on NATS: one stream of JetStream, which every relay of a cluster publishes to and follows.
//!
//! The number of a message is its sequence in the stream. Messages leave the stream only at its front, by age and by
//! bytes: so whatever a relay did not see is told apart from what never was, by one comparison, for every channel.

mod applied;
mod attach;
mod follow;
mod link;
mod publish;
mod stream;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::ConnectErrorKind;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep, timeout_at};

use super::{Follower, Health, Place, StartError, StoreArgs, StoreError};
use crate::message::{ChannelName, Payload};
use follow::Following;
use link::Link;

/// How long a relay tries to reach its store when it starts.
const REACH: Duration = Duration::from_secs(10);
/// How long it may take to read what is kept there.
const CATCH_UP: Duration = Duration::from_secs(60);
/// How long between two tries.
const AGAIN: Duration = Duration::from_millis(250);

/// The terms that a store has from the rest of the relay.
#[derive(Debug, Clone, Copy)]
pub struct Terms {
    /// The greatest age of a message.
    pub age: Duration,
    /// The longest payload.
    pub payload: usize,
}

/// A stream that is followed, and published to.
#[derive(Debug)]
pub struct JetStream {
    link: Arc<Link>,
    /// The task that follows; it ends with this value.
    _following: JoinSet<()>,
}

impl JetStream {
    /// Reaches the servers, makes the stream if it is not there, and returns when `follower` was given all that is kept.
    ///
    /// # Errors
    /// [`StartError`], when that does not succeed within about a minute. Nothing goes on then.
    pub async fn open(
        args: &StoreArgs,
        terms: Terms,
        follower: Arc<dyn Follower>,
    ) -> Result<Option<Self>, StartError> {
        let Place::Nats(servers) = args.place() else {
            return Ok(None);
        };
        let reach = Instant::now() + REACH;
        let link = loop {
            match Link::connect(servers, args, terms.age).await {
                Ok(link) => break Arc::new(link),
                // It will not think better of it.
                Err(source) if source.kind() == ConnectErrorKind::AuthorizationViolation => {
                    let servers = servers.clone();
                    return Err(StartError::Refused { servers, source });
                }
                Err(source) if Instant::now() >= reach => {
                    let servers = servers.clone();
                    return Err(StartError::Connect { servers, source });
                }
                Err(error) => {
                    tracing::debug!(%error, "the store is not there yet");
                    sleep(AGAIN).await;
                }
            }
        };
        let most = link.longest_payload();
        if most < terms.payload {
            let (servers, asked) = (servers.clone(), terms.payload);
            return Err(StartError::Payload {
                servers,
                most,
                asked,
            });
        }
        let mut tasks = JoinSet::new();
        let (ready, is_ready) = oneshot::channel();
        tasks.spawn(Following::new(Arc::clone(&link), follower, ready).run());
        let within = CATCH_UP;
        match timeout_at(Instant::now() + within, is_ready).await {
            Ok(Ok(Ok(()))) => Ok(Some(Self {
                link,
                _following: tasks,
            })),
            Ok(Ok(Err(why))) => Err(StartError::Follow {
                servers: servers.clone(),
                why,
            }),
            Ok(Err(_)) | Err(_) => Err(StartError::Behind {
                servers: servers.clone(),
                within,
            }),
        }
    }

    /// Publishes and gives the message's number, once the stream has it and this relay has followed so far.
    ///
    /// # Errors
    /// [`StoreError`] says whether it may be published nevertheless.
    pub async fn append(
        &self,
        channel: &ChannelName,
        payload: &Payload,
    ) -> Result<u64, StoreError> {
        publish::publish(&self.link, channel, payload).await
    }

    /// Asks for the last number that was given out; `None` when nobody answers, or another sequence has begun.
    pub async fn head(&self) -> Option<u64> {
        self.link.head().await
    }

    /// Tells how the relay stands with it; `known` is the greatest number that it knows to be given out.
    #[must_use]
    pub fn health(&self, known: u64) -> Health {
        let link = &self.link;
        Health {
            kind: "nats",
            connected: *link.attached.borrow(),
            reconnects: link.reconnects.load(Ordering::Relaxed),
            pending: link.pending(),
            lag: known.saturating_sub(link.applied.last()),
            unreadable: link.unreadable.load(Ordering::Relaxed),
        }
    }
}
