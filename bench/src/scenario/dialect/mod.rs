//! How clients speak to a server that has an interface of its own: plain data, filled in for each channel by
//! [`crate::client`].
//!
//! `server = "nchan"` is such a template, `nchan.toml` beside this file, and nothing more.

mod keys;
mod kinds;
mod pattern;
mod read;
mod write;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use pattern::{Part, Pattern, Slot};
pub(super) use read::read;
pub(super) use write::write;

use super::Transport;

/// The interface that a server speaks.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Dialect {
    /// The relay's own.
    #[default]
    Relay,
    /// That of Nchan, as its template has it.
    Nchan(Box<Template>),
    /// One that a scenario describes.
    Template(Box<Template>),
}

impl Dialect {
    /// Its word in scenarios, such as `nchan`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Nchan(_) => "nchan",
            Self::Template(_) => "template",
        }
    }

    /// What clients go by, unless it is the relay's own interface.
    #[must_use]
    pub fn template(&self) -> Option<&Template> {
        match self {
            Self::Relay => None,
            Self::Nchan(template) | Self::Template(template) => Some(template),
        }
    }

    /// Whether it can be asked by a transport.
    #[must_use]
    pub fn speaks(&self, transport: Transport) -> bool {
        self.template()
            .is_none_or(|template| template.ways.contains_key(&transport))
    }
}

/// The requests of a server's interface, and where in its answers what clients need stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Template {
    /// The name of a channel.
    pub channel: Pattern,
    /// How a message is posted.
    pub publish: Posting,
    /// How each transport is asked for; those without one cannot be measured.
    pub ways: BTreeMap<Transport, Way>,
}

/// A header line: its name and its value.
pub type Line = (String, Pattern);

/// How a message is posted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Posting {
    /// The method.
    pub method: String,
    /// Path and query.
    pub url: Pattern,
    /// Header lines beside those that every request has.
    pub headers: Vec<Line>,
    /// The body.
    pub body: Pattern,
}

/// How a subscriber asks and how it reads.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Way {
    /// The method.
    pub method: String,
    /// Path and query.
    pub url: Pattern,
    /// The same once a position is known.
    pub resume_url: Pattern,
    /// Header lines beside those that the transport needs.
    pub headers: Vec<Line>,
    /// More of them once a position is known.
    pub resume_headers: Vec<Line>,
    /// The body of the request; empty for none.
    pub body: Pattern,
    /// Where the position of the last message stands.
    pub cursor: Cursor,
    /// Statuses that say that there is nothing new; of polls alone.
    pub nothing: Vec<u16>,
    /// How messages are told apart.
    pub framing: Framing,
    /// An answer holds at most one message; of polls alone.
    pub one: bool,
    /// What only a WebSocket has.
    pub socket: Option<Socket>,
}

/// Where the server says how far a subscriber has read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cursor {
    /// Nowhere.
    None,
    /// In header lines of an answer, or of a part of it; all of them make the position.
    Headers(Vec<String>),
    /// In the `id` of an event.
    EventId,
    /// At a JSON pointer (RFC 6901) in the body, or in a record of a stream; `-` is the last item of a list.
    Json(String),
    /// In a line `NAME: VALUE` before the first empty line of a message.
    Field(String),
}

/// How messages are told apart in a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Framing {
    /// The body of an answer is one record.
    Body,
    /// A record is a line.
    Line,
    /// A record is a chunk of HTTP/1.1.
    Chunk,
    /// A record is a part of `multipart/mixed`.
    Multipart,
    /// A record is a server-sent event.
    Event,
    /// A record is a WebSocket message.
    Frame,
}

/// What only a WebSocket has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Socket {
    /// What it asks for in `Sec-WebSocket-Protocol`; empty for nothing.
    pub subprotocol: String,
    /// What the client says first.
    pub hello: Vec<Pattern>,
    /// A text that the message holds with which it can receive; empty when it can as soon as it is open.
    pub ready: String,
    /// What is answered to messages that have no more to say.
    pub replies: Vec<(String, String)>,
    /// The message that publishes; empty to publish by POST.
    pub publish: Pattern,
}
