//! Workers on other hosts: the same messages as over pipes, carried by NATS.
//!
//! | subject | from, to | what |
//! |---|---|---|
//! | `pushmark.workers` | coordinator, every worker | a [`Call`] for workers, twice a second until enough have come |
//! | `pushmark.fleet.FLEET` | a worker, coordinator | its [`Offer`], or that it is busy |
//! | `pushmark.worker.WORKER` | coordinator, this worker | [`Packet`]s of orders |
//! | `pushmark.worker.WORKER.clock` | coordinator, this worker | asks for its clock; the reply holds it |
//! | `pushmark.fleet.FLEET.WORKER` | this worker, coordinator | [`Packet`]s of what it says |
//!
//! `FLEET` is drawn anew for each trial, `WORKER` for each worker; of several runs that call, the one that has waited longest gets
//! the free workers (`choice`). Each packet names its fleet, and who works for another takes no
//! notice of it. NATS delivers at most once: packets are numbered, each end says
//! with its signs of life which have come, and what has not is sent again. Who does not hear of the other end for
//! [`SILENCE`] takes it for lost, as a process that died.

mod call;
mod choice;
mod clock;
mod far;
mod packet;
mod recruit;
mod sent;

use std::fmt;
use std::time::Duration;

use async_nats::{Client, ConnectOptions, Subject, Subscriber};
use bytes::Bytes;
use percent_encoding::percent_decode_str;
use serde::{Deserialize, Serialize};
use thiserror::Error;

pub use far::{Waiting, work};
pub(super) use recruit::{Recruit, Recruits, recruit};

use super::wire::Hello;

/// What every subject begins with.
const PREFIX: &str = "pushmark";
/// How often each end of a link gives a sign of life, whatever it is busy with.
const BEAT: Duration = Duration::from_millis(200);
/// An end of a link that is silent for so long is gone. A connection that was cut for 5 s is back within 7 s: TCP tries again after
/// 6.4 s at the latest.
pub(super) const SILENCE: Duration = Duration::from_secs(10);
/// How long it may take to connect.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);
/// Messages of a subscription that may wait to be read.
const CAPACITY: usize = 16 * 1024;

/// What NATS itself does wrong.
#[derive(Debug, Error)]
pub enum NatsError {
    /// No connection.
    #[error("cannot connect to NATS at {url}: {source}")]
    Connect {
        /// Where, without a password.
        url: String,
        /// Why.
        #[source]
        source: async_nats::ConnectError,
    },
    /// A connection that carries nothing.
    #[error("NATS at {url}: {why}")]
    Failed {
        /// Where.
        url: String,
        /// Why.
        why: String,
    },
    /// Too few workers.
    #[error("{found} of {expected} workers answered at {url} within {} s: start the others (bench worker --nats {url})", limit.as_secs())]
    Few {
        /// Where.
        url: String,
        /// How many came.
        found: usize,
        /// How many were to come.
        expected: usize,
        /// How long they were waited for.
        limit: Duration,
    },
    /// Another version.
    #[error("{0}")]
    Version(String),
}

/// Asks for workers.
#[derive(Debug, Serialize, Deserialize)]
struct Call {
    /// Of the messages.
    version: u32,
    /// Of the program.
    #[serde(default)]
    program: String,
    #[serde(default)]
    fleet: String,
}

/// A worker that is free, unless it says otherwise.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Offer {
    hello: Hello,
    #[serde(default)]
    name: String,
    #[serde(default)]
    worker: String,
    /// It works for another run, or is promised to one.
    #[serde(default)]
    busy: bool,
}

/// A connection to a NATS server.
#[derive(Debug, Clone)]
struct Nats {
    client: Client,
    /// Without a password.
    url: String,
}

impl Nats {
    /// Connects; from then on it comes back by itself when it is lost.
    async fn connect(url: &str, name: &str) -> Result<Self, NatsError> {
        let shown = without_password(url);
        let mut options = ConnectOptions::new()
            .name(name)
            .connection_timeout(CONNECT_LIMIT)
            .subscription_capacity(CAPACITY)
            .ping_interval(Duration::from_secs(5));
        // The client itself leaves out what a URL says of its user.
        options = match login(url) {
            Some((name, Some(password))) => options.user_and_password(name, password),
            Some((token, None)) => options.token(token),
            None => options,
        };
        match options.connect(&shown).await {
            Ok(client) => Ok(Self { client, url: shown }),
            Err(source) => Err(NatsError::Connect { url: shown, source }),
        }
    }

    fn failed(&self, why: &impl ToString) -> NatsError {
        NatsError::Failed {
            url: self.url.clone(),
            why: why.to_string(),
        }
    }

    async fn subscribe(&self, subject: &Subject) -> Result<Subscriber, NatsError> {
        let subscribed = self.client.subscribe(subject.clone()).await;
        subscribed.map_err(|error| self.failed(&error))
    }

    async fn publish(&self, subject: &Subject, payload: Bytes) -> Result<(), NatsError> {
        let published = self.client.publish(subject.clone(), payload).await;
        published.map_err(|error| self.failed(&error))
    }

    async fn tell(&self, subject: &Subject, message: &impl Serialize) -> Result<(), NatsError> {
        let text = serde_json::to_vec(message).map_err(|error| self.failed(&error))?;
        self.publish(subject, text.into()).await
    }

    /// Until all that was published is with the server.
    async fn flush(&self) -> Result<(), NatsError> {
        self.client
            .flush()
            .await
            .map_err(|error| self.failed(&error))
    }
}

/// Longest name of a worker or a run that others chose.
const LONGEST: usize = 64;

/// Whether what others call themselves can be part of a subject.
fn is_word(text: &str) -> bool {
    (1..=LONGEST).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric())
}

/// The subject of these parts.
fn subject(parts: &[&str]) -> Subject {
    let mut text = PREFIX.to_owned();
    for part in parts {
        text.push('.');
        text.push_str(part);
    }
    text.into()
}

/// The workers of one trial, and who coordinates them. They are ordered by when they were called for, as far as clocks agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Fleet(u64);

impl Fleet {
    /// One that nobody else has: milliseconds of the Unix epoch, which last until 2109, above 22 bits of chance.
    fn draw() -> Self {
        let millis = jiff::Timestamp::now().as_millisecond().unsigned_abs();
        Self(millis << 22 | u64::from(rand::random::<u32>() >> 10))
    }

    /// The same once more, as old.
    fn again(self) -> Self {
        Self(self.0.wrapping_add(1))
    }

    /// Reads its name; `None` when it is none.
    fn read(name: &str) -> Option<Self> {
        u64::from_str_radix(name, 16).ok().map(Self)
    }
}

impl fmt::Display for Fleet {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

/// A name that nobody else has.
fn draw() -> String {
    format!("{:016x}", rand::random::<u64>())
}

/// The user and the password, or the token, that a URL names.
fn login(url: &str) -> Option<(String, Option<String>)> {
    let (before, _) = url.rsplit_once('@')?;
    let named = before.split_once("://").map_or(before, |(_, named)| named);
    let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
    Some(match named.split_once(':') {
        Some((name, password)) => (plain(name), Some(plain(password))),
        None => (plain(named), None),
    })
}

/// A URL without what it says of its user, to be shown.
fn without_password(url: &str) -> String {
    match url.rsplit_once('@') {
        Some((before, host)) => {
            let scheme = before
                .split_once("://")
                .map_or("nats", |(scheme, _)| scheme);
            format!("{scheme}://{host}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn user_and_password_or_a_token_stand_in_a_url() {
        let user = |name: &str, password: Option<&str>| {
            Some((name.to_owned(), password.map(str::to_owned)))
        };
        assert_eq!(login("nats://me:p%40ss@c:1"), user("me", Some("p@ss")));
        assert_eq!(login("me:a:b@c"), user("me", Some("a:b")));
        assert_eq!(login("nats://to%2Fken@c"), user("to/ken", None));
        assert_eq!(login("nats://c:1"), None);
    }

    #[test]
    fn a_password_is_not_shown() {
        assert_eq!(without_password("nats://a:b@c:1"), "nats://c:1");
        assert_eq!(without_password("tls://secret@c"), "tls://c");
        assert_eq!(without_password("nats://c:1"), "nats://c:1");
    }
}
