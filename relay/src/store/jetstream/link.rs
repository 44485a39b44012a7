//! The connection to NATS, and what publishers, the follower and those who ask share of it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use async_nats::jetstream::stream::Info;
use async_nats::jetstream::{self, Context};
use async_nats::{Client, ConnectError, ConnectOptions, Event};
use rand::RngExt;
use tokio::sync::{Notify, Semaphore, watch};
use tokio::time::{Instant, timeout};

use super::applied::Applied;
use super::stream;
use crate::store::place::Login;
use crate::store::{Servers, StoreArgs};

/// How long one question to the server may take.
pub(super) const ASK: Duration = Duration::from_secs(2);
/// How often the server is asked whether it is there: after the third question without an answer it is not.
const PING: Duration = Duration::from_secs(2);
/// The longest pause between two attempts to reach it again.
const PAUSE: Duration = Duration::from_secs(1);
/// What the headers of a message may take beside its payload.
const HEADERS: usize = 1024;
/// How often the log says the same.
const COMPLAINT: Duration = Duration::from_secs(5);

/// The connection, and what is shared of it.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) client: Client,
    pub(super) context: Context,
    pub(super) args: StoreArgs,
    pub(super) age: Duration,
    /// The client has a connection.
    pub(super) connected: watch::Receiver<bool>,
    /// The stream is followed, and was to its end: messages go both ways.
    pub(super) attached: watch::Sender<bool>,
    pub(super) reconnects: AtomicU64,
    pub(super) unreadable: AtomicU64,
    pub(super) applied: Applied,
    pub(super) permits: Semaphore,
    /// The identity of the stream that is followed, 0 before there was one.
    pub(super) identity: Mutex<u128>,
    /// Somebody saw that it is another one.
    pub(super) changed: Notify,
    /// Begins the name of every message of this relay's.
    node: u64,
    messages: AtomicU64,
    /// When the last answer was asked for, and what it was: one answer serves all who waited for it.
    asked: tokio::sync::Mutex<Option<(Instant, Option<u64>)>>,
    complained: Mutex<Option<Instant>>,
}

impl Link {
    pub(super) async fn connect(
        servers: &Servers,
        args: &StoreArgs,
        age: Duration,
    ) -> Result<Self, ConnectError> {
        let (tell, connected) = watch::channel(true);
        let mut options = ConnectOptions::new()
            .name("pushmark relay")
            .ping_interval(PING)
            .connection_timeout(ASK)
            .request_timeout(Some(ASK))
            .reconnect_delay_callback(|attempts| {
                let factor = 1 << attempts.min(5);
                (Duration::from_millis(25) * factor).min(PAUSE)
            })
            .event_callback(move |event| {
                match event {
                    Event::Connected => {
                        tell.send_replace(true);
                    }
                    Event::Disconnected | Event::Closed => {
                        tell.send_replace(false);
                    }
                    other => tracing::debug!(%other, "the store's connection"),
                }
                async {}
            });
        if let Some(file) = &args.store_ca {
            options = options.add_root_certificates(file.clone());
        }
        options = match servers.login() {
            Some(Login::User { name, password }) => options.user_and_password(name, password),
            Some(Login::Token(token)) => options.token(token),
            None => options,
        };
        let client = options.connect(servers.addresses()).await?;
        let mut context = jetstream::new(client.clone());
        context.set_timeout(ASK);
        Ok(Self {
            client,
            context,
            args: args.clone(),
            age,
            connected,
            attached: watch::Sender::new(false),
            reconnects: AtomicU64::new(0),
            unreadable: AtomicU64::new(0),
            applied: Applied::default(),
            permits: Semaphore::new(args.store_pending),
            identity: Mutex::new(0),
            changed: Notify::new(),
            node: rand::rng().random(),
            messages: AtomicU64::new(0),
            asked: tokio::sync::Mutex::default(),
            complained: Mutex::default(),
        })
    }

    /// Gives the longest payload that the server takes.
    pub(super) fn longest_payload(&self) -> usize {
        self.client.max_payload().saturating_sub(HEADERS)
    }

    /// Gives a name that no other message has.
    pub(super) fn message_id(&self) -> String {
        let count = self.messages.fetch_add(1, Ordering::Relaxed);
        format!("{:x}-{count:x}", self.node)
    }

    /// Counts the publishes on their way.
    pub(super) fn pending(&self) -> usize {
        self.args
            .store_pending
            .saturating_sub(self.permits.available_permits())
    }

    /// Asks what the stream is now.
    pub(super) async fn info(&self) -> Option<Info> {
        let stream = self.context.get_stream(&self.args.store_name);
        match timeout(ASK, stream).await {
            Ok(Ok(stream)) => Some(stream.cached_info().clone()),
            Ok(Err(_)) | Err(_) => None,
        }
    }

    /// Asks for the last number that was given out; `None` when nobody answers, or it is another stream by now.
    pub(super) async fn head(&self) -> Option<u64> {
        let begun = Instant::now();
        if !*self.attached.borrow() {
            return None;
        }
        let mut asked = self.asked.lock().await;
        if let Some((at, answer)) = *asked
            && at >= begun
        {
            return answer;
        }
        let at = Instant::now();
        let info = self.info().await;
        let same = info.filter(|info| {
            let same = stream::identity(info) == self.identity();
            if !same {
                self.changed.notify_one();
            }
            same
        });
        let answer = same.map(|info| info.state.last_sequence);
        *asked = Some((at, answer));
        answer
    }

    pub(super) fn identity(&self) -> u128 {
        *self.identity.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn identify(&self, identity: u128) {
        *self.identity.lock().unwrap_or_else(PoisonError::into_inner) = identity;
    }

    /// Tells whether the log may be told once more that something is wrong: not at every message.
    pub(super) fn may_complain(&self) -> bool {
        let mut complained = self
            .complained
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let may = complained.is_none_or(|at| at.elapsed() >= COMPLAINT);
        if may {
            *complained = Some(Instant::now());
        }
        may
    }
}
