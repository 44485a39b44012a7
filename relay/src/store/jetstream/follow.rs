//! The task that follows the stream: one consumer, in order, from where it was.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use async_nats::jetstream::Message;
use async_nats::jetstream::stream::Info;
use futures_util::StreamExt;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::attach::{self, Ended, age};
use super::link::Link;
use super::stream;
use crate::message::Payload;
use crate::store::{Follower, Stored, subject};

/// How often it is asked whether the stream is the same.
const CHECK: Duration = Duration::from_secs(5);
/// The pauses between two attempts.
const PAUSES: [u64; 6] = [10, 50, 100, 250, 500, 1000];
/// So many times it is tried at the start: what does not work by then is somebody's to mend.
const AT_START: usize = 8;

/// Who follows, and how far it has come.
pub(super) struct Following {
    link: Arc<Link>,
    follower: Arc<dyn Follower>,
    /// Taken when the end was reached for the first time, or never will be.
    ready: Option<oneshot::Sender<Result<(), String>>>,
    applied: u64,
    /// The stream's description, of which its identity is made.
    description: Option<String>,
    /// When that was reached, messages are new.
    target: u64,
    /// Attempts since the end was reached.
    failures: usize,
}

/// Publishers wait from here on, whatever ended this.
struct Detach<'a>(&'a Link);

impl Drop for Detach<'_> {
    fn drop(&mut self) {
        self.0.attached.send_replace(false);
    }
}

impl Following {
    pub(super) fn new(
        link: Arc<Link>,
        follower: Arc<dyn Follower>,
        ready: oneshot::Sender<Result<(), String>>,
    ) -> Self {
        Self {
            link,
            follower,
            ready: Some(ready),
            applied: 0,
            description: None,
            target: 0,
            failures: 0,
        }
    }

    /// Follows for as long as the store lives; who owns the task ends it.
    pub(super) async fn run(mut self) {
        let link = Arc::clone(&self.link);
        loop {
            let Err(ended) = {
                let _detach = Detach(&link);
                self.session().await
            };
            self.failures += 1;
            let hopeless = matches!(ended, Ended::Unusable(_)) || self.failures >= AT_START;
            if let Some(ready) = self.ready.take_if(|_| hopeless) {
                let _ = ready.send(Err(ended.to_string()));
                return;
            }
            if self.ready.is_none() && link.may_complain() {
                tracing::warn!(why = %ended, "the store is away: publishing waits, readers stay");
            }
            let pause = PAUSES[(self.failures - 1).min(PAUSES.len() - 1)];
            sleep(Duration::from_millis(pause)).await;
        }
    }

    async fn session(&mut self) -> Result<std::convert::Infallible, Ended> {
        let link = Arc::clone(&self.link);
        let mut connected = link.connected.clone();
        if connected.wait_for(|connected| *connected).await.is_err() {
            return Err(Ended::Disconnected);
        }
        let info = attach::find(&link, self.applied, self.description.as_deref()).await?;
        self.adopt(&info);
        let mut messages = attach::consume(&link, self.applied + 1).await?;
        let mut expected = 1;
        let mut check = interval(CHECK);
        check.set_missed_tick_behavior(MissedTickBehavior::Delay);
        check.reset();
        self.attach_at_end();
        loop {
            // Each arm is cancel-safe: a message stays with the stream until it is taken.
            tokio::select! {
                biased;
                _ = connected.changed() => return Err(Ended::Disconnected),
                message = messages.next() => {
                    let message = match message {
                        Some(Ok(message)) => message,
                        Some(Err(error)) => return Err(Ended::Consumer(error.to_string())),
                        None => return Err(Ended::Consumer("it has ended".to_owned())),
                    };
                    self.take(&message, expected)?;
                    expected += 1;
                    self.attach_at_end();
                }
                _ = check.tick() => self.check().await?,
                () = link.changed.notified() => self.check().await?,
            }
        }
    }

    /// Begins with a stream, or goes on with it.
    fn adopt(&mut self, info: &Info) {
        let (identity, gone) = (stream::identity(info), stream::gone(info));
        if identity != self.link.identity() {
            if self.link.identity() != 0 {
                tracing::warn!("the store's stream is another one: every channel begins anew");
            }
            stream::remark(&info.config, &self.link.args, self.link.age);
            self.link.identify(identity);
            self.applied = gone;
            self.description.clone_from(&info.config.description);
            self.link.applied.begin(gone);
            self.follower.begin(identity, gone);
        } else if gone > self.applied {
            tracing::warn!(
                messages = gone - self.applied,
                "the store keeps messages no longer that came while it was away: readers are told"
            );
            self.lose(gone);
        }
        self.target = info.state.last_sequence;
        self.follower.learn(self.target);
    }

    /// Takes the next message, which must be the next that this consumer was sent.
    fn take(&mut self, message: &Message, expected: u64) -> Result<(), Ended> {
        let info = message
            .info()
            .map_err(|error| Ended::Consumer(error.to_string()))?;
        if info.consumer_sequence != expected {
            return Err(Ended::Skipped);
        }
        let offset = info.stream_sequence;
        if offset <= self.applied {
            return Ok(());
        }
        if offset > self.applied + 1 {
            self.lose(offset - 1);
        }
        let name = &self.link.args.store_name;
        let channel = subject::channel(name, &message.subject);
        let payload = Payload::parse(&message.payload, usize::MAX).ok();
        if let (Some(channel), Some(payload)) = (channel, payload) {
            let age = if offset <= self.target {
                age(info.published.unix_timestamp_nanos())
            } else {
                Duration::ZERO
            };
            self.follower.message(Stored {
                channel,
                offset,
                age,
                payload,
            });
        } else {
            self.link.unreadable.fetch_add(1, Ordering::Relaxed);
            if self.link.may_complain() {
                tracing::warn!(
                    offset,
                    "a message in the store is none of a relay's: it is passed over"
                );
            }
        }
        self.reach(offset);
        if info.pending > 0 {
            self.follower.learn(offset + info.pending);
        }
        Ok(())
    }

    fn lose(&mut self, up_to: u64) {
        self.follower.lose(up_to);
        self.reach(up_to);
    }

    fn reach(&mut self, offset: u64) {
        self.applied = offset;
        self.follower.apply(offset);
        self.link.applied.reach(offset);
    }

    /// Lets publishers go on, once what there was at the beginning is here.
    fn attach_at_end(&mut self) {
        if self.applied < self.target || *self.link.attached.borrow() {
            return;
        }
        self.failures = 0;
        self.link.attached.send_replace(true);
        if let Some(ready) = self.ready.take() {
            // Nobody waits any more only when the relay gave up.
            let _ = ready.send(Ok(()));
        } else {
            self.link.reconnects.fetch_add(1, Ordering::Relaxed);
            tracing::info!("the store is there again");
        }
    }

    /// Asks whether the stream is still the same.
    async fn check(&mut self) -> Result<(), Ended> {
        let Some(info) = self.link.info().await else {
            // Whether it is gone shows in the messages, or their beat.
            return Ok(());
        };
        let last = info.state.last_sequence;
        if stream::identity(&info) != self.link.identity() || last < self.applied {
            return Err(Ended::Changed);
        }
        self.follower.learn(last);
        let gone = stream::gone(&info);
        if self.applied < self.target && self.target <= gone {
            // What there was at the beginning has grown too old on its way: nothing will come that ends the wait for it.
            self.lose(gone);
            self.attach_at_end();
        }
        Ok(())
    }
}
