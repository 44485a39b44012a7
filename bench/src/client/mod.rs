//! The five ways to receive, as protocol only: bytes in, deliveries out.
//!
//! A client neither waits, nor retries, nor records; it does not even own its
//! socket. The session in [`crate::swarm`] moves bytes between the two, which
//! lets one buffer serve all clients of a thread and lets a test cut a stream
//! at any byte.

mod browser;
mod frames;
mod lines;
mod long_polling;
mod page;
mod polling;
mod posting;
pub mod publisher;
mod request;
mod sse;
mod streaming;
mod template;
mod websocket;

use std::rc::Rc;

use thiserror::Error;

pub use posting::Preflights;
pub use request::Profile;
pub use template::Asked;

use crate::net::http::HttpError;
use crate::net::{Input, SecureError};
use crate::scenario::{FOREIGN_PAGE, Load, Transport};
use crate::stamp::Stamp;

/// Where a subscriber reads and how it asks. Shared by all subscribers of a channel.
#[derive(Debug, Clone)]
pub struct Subscription {
    /// `host:port` of the server.
    pub authority: Rc<str>,
    /// The channel's name.
    pub channel: Rc<str>,
    /// The headers of its requests.
    pub profile: Rc<Profile>,
    /// What a poll asks for behind the position, such as `&wait=25000ms`.
    query: Rc<str>,
    /// What it asks for instead, where the server has an interface of its own.
    asked: Option<Rc<Asked>>,
}

impl Subscription {
    /// A subscription of `load` to `channel` at the server `authority`.
    #[must_use]
    pub fn new(load: &Load, authority: Rc<str>, channel: Rc<str>, profile: Rc<Profile>) -> Self {
        Self {
            authority,
            channel,
            profile,
            query: request::query(load).into(),
            asked: None,
        }
    }

    /// The same at a server with an interface of its own.
    #[must_use]
    pub fn by_template(mut self, asked: Option<&Rc<Asked>>) -> Self {
        self.asked = asked.cloned();
        self
    }

    /// Whether a long poll from here waits for a message: the relay's first one says where the log stands.
    #[must_use]
    pub fn is_held(&self, cursor: &Cursor) -> bool {
        self.asked.is_some() || cursor.has_position()
    }
}

/// What a subscriber remembers from one connection to the next.
#[derive(Debug, Default)]
pub struct Cursor {
    /// The position of the last message, as the server wrote it; empty before the first answer.
    position: String,
    /// Bytes of the last response head.
    response_head: usize,
}

impl Cursor {
    /// Whether the server has said where the log stands.
    #[must_use]
    pub fn has_position(&self) -> bool {
        !self.position.is_empty()
    }

    /// A reader that stands at `position` and whose last answer had a head of so many bytes.
    #[must_use]
    pub fn at(position: &str, response_head: usize) -> Self {
        Self {
            position: position.to_owned(),
            response_head,
        }
    }

    fn advance(&mut self, position: &str) {
        // Reuses the allocation: this runs for every delivery.
        self.position.clear();
        self.position.push_str(position);
    }
}

/// What a client finds in what it is fed.
pub trait Sink {
    /// A message has been parsed.
    fn message(&mut self, stamp: Stamp);
    /// The server says that messages were dropped before this subscriber read them.
    fn missed(&mut self);
    /// A request was answered; `empty` when the answer brought no message.
    fn answered(&mut self, empty: bool);
}

/// What a client needs after it was fed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    /// More bytes.
    More,
    /// It can receive from now on.
    Open,
    /// Its request is answered; the next one may be written. `close` when the server ends the connection.
    Answered {
        /// Whether the next request needs a new connection.
        close: bool,
    },
    /// The server has ended the stream in good order; reconnect and go on from the position.
    Ended,
}

/// An answer that a client cannot use.
#[derive(Debug, Error)]
pub enum ClientError {
    /// Not HTTP as it should be.
    #[error(transparent)]
    Http(#[from] HttpError),
    /// Another status than the protocol needs.
    #[error("{transport} was answered with status {status}")]
    Status {
        /// What was asked for.
        transport: Transport,
        /// The status.
        status: u16,
    },
    /// An answer that a browser would not hand to a page of another origin.
    #[error(
        "the server does not let pages of {FOREIGN_PAGE} read it: allow that origin there (relay: --allow-origin {FOREIGN_PAGE}), with credentials where load.cookies are set, or set load.origin = \"same\""
    )]
    Origin,
    /// An answer in a coding that only real browsers read.
    #[error(
        "the answer is compressed ({0}), which bench does not read: switch compression off at the server, or set load.headers = \"minimal\""
    )]
    Coded(Box<str>),
    /// A body that is not the JSON expected.
    #[error("the answer is not the JSON expected: {0}")]
    Json(#[from] serde_json::Error),
    /// An answer to a poll whose end only the end of the connection would show.
    #[error("the answer to a poll has no length")]
    NoLength,
    /// A stream in which the template expects chunks.
    #[error(
        "the answer is not in chunks; set target.template.streaming.framing to \"line\" or \"multipart\""
    )]
    NoChunks,
    /// An answer in which the template expects parts.
    #[error(
        "the answer names no boundary of multipart/mixed; set its \"framing\" in [target.template] otherwise"
    )]
    Boundary,
    /// A line, event or message that does not end.
    #[error("a message is longer than {} MiB", MAX_RECORD / 1024 / 1024)]
    TooLong,
    /// TLS or HTTP/2 that cannot be gone on with. Boxed, or every session would keep room for it.
    #[error(transparent)]
    Secure(Box<SecureError>),
    /// A WebSocket handshake or frame that breaks RFC 6455.
    #[error("the server breaks the WebSocket protocol: {0}")]
    WebSocket(&'static str),
}

impl From<SecureError> for ClientError {
    fn from(error: SecureError) -> Self {
        Self::Secure(Box::new(error))
    }
}

/// Longest record that is put together from pieces, in bytes.
const MAX_RECORD: usize = 16 * 1024 * 1024;

/// The protocol state of one connection.
#[derive(Debug)]
pub enum Client {
    /// A request at a fixed interval.
    Polling(polling::Polling),
    /// A request that waits.
    LongPolling(long_polling::LongPolling),
    /// A response of JSON lines.
    Streaming(streaming::Streaming),
    /// Server-sent events.
    Sse(Box<sse::Sse>),
    /// A WebSocket.
    WebSocket(Box<websocket::WebSocket>),
    /// Any of these, at a server with an interface of its own.
    Template(Box<template::Templated>),
}

impl Client {
    /// The state of a connection of a subscriber that has just been opened.
    #[must_use]
    pub fn of(transport: Transport, subscription: &Subscription) -> Self {
        match &subscription.asked {
            Some(asked) => Self::Template(Box::new(template::Templated::new(asked))),
            None => Self::new(transport),
        }
    }

    /// The same for a server that speaks the relay's interface.
    #[must_use]
    pub fn new(transport: Transport) -> Self {
        match transport {
            Transport::Polling => Self::Polling(polling::Polling::default()),
            Transport::LongPolling => Self::LongPolling(long_polling::LongPolling::default()),
            Transport::Streaming => Self::Streaming(streaming::Streaming::default()),
            Transport::Sse => Self::Sse(Box::default()),
            Transport::Websocket => Self::WebSocket(Box::default()),
        }
    }

    /// Whether it turns its connection into a WebSocket.
    #[must_use]
    pub fn upgrades(&self) -> bool {
        match self {
            Self::WebSocket(_) => true,
            Self::Template(client) => client.is_socket(),
            _ => false,
        }
    }

    /// Writes the opening request, or the next poll, to `out`.
    pub fn request(&mut self, subscription: &Subscription, cursor: &Cursor, out: &mut Vec<u8>) {
        match self {
            Self::Polling(client) => client.request(subscription, cursor, out),
            Self::LongPolling(client) => client.request(subscription, cursor, out),
            Self::Streaming(client) => client.request(subscription, cursor, out),
            Self::Sse(client) => client.request(subscription, cursor, out),
            Self::WebSocket(client) => client.request(subscription, cursor, out),
            Self::Template(client) => client.request(subscription, cursor, out),
        }
    }

    /// Takes in all of `input`; writes what must be answered at once to `out`.
    ///
    /// # Errors
    /// [`ClientError`]; the connection is of no more use.
    pub fn feed<'a>(
        &mut self,
        input: impl Into<Input<'a>>,
        cursor: &mut Cursor,
        out: &mut Vec<u8>,
        sink: &mut impl Sink,
    ) -> Result<Step, ClientError> {
        let input = input.into();
        match self {
            Self::Polling(client) => client.feed(input, cursor, sink),
            Self::LongPolling(client) => client.feed(input, cursor, sink),
            Self::Streaming(client) => client.feed(input, cursor, sink),
            Self::Sse(client) => client.feed(input, cursor, sink),
            Self::WebSocket(client) => client.feed(input, cursor, out, sink),
            Self::Template(client) => client.feed(input, cursor, out, sink),
        }
    }
}

/// Finds the messages in one record, whatever envelope it has, and its position.
fn take_record(record: &[u8], cursor: &mut Cursor, sink: &mut impl Sink) {
    let mut found = false;
    for stamp in Stamp::find_all(record) {
        found = true;
        sink.message(stamp);
    }
    let envelope = page::envelope(record);
    if let Some(position) = &envelope.position {
        cursor.advance(position);
    }
    if envelope.missed && !found {
        sink.missed();
    }
}

#[cfg(test)]
pub(crate) mod tests;
