//! Addresses: what stands at each, and what a request to it wants.

use http::Method;

use super::query::{Query, decode};
use crate::access::Wanted;
use crate::demo;
use crate::message::{ChannelName, NameError};
use crate::metrics::{Route, Transport};
use crate::state::Role;

/// What an address stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Target<'a> {
    /// One of a channel's addresses; the name is not checked yet.
    Channel(Leaf, &'a str),
    Tickets,
    Health,
    Stats,
    Metrics,
    /// A file of the demo.
    File(&'static demo::File),
    /// Where the demo finds the relay.
    Place,
    /// The bytes of one delivery by each transport.
    Deliveries,
    /// What the relay answers to a page of the copy's origin.
    Answers,
    Nowhere,
}

/// What stands behind `/channels/NAME/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Leaf {
    Messages,
    Stream,
    Events,
    Socket,
}

impl<'a> Target<'a> {
    pub(super) fn of(path: &'a str, role: Role) -> Self {
        // The copy of the chat page has no channels: its page is to use the relay's.
        let copy = matches!(role, Role::Copy { .. });
        match path.strip_prefix("/channels/") {
            Some(rest) if !copy => return Self::of_channel(rest),
            _ => {}
        }
        match path {
            "/healthz" => Self::Health,
            "/demo.json" => Self::Place,
            "/answers" => Self::Answers,
            "/tickets" if !copy => Self::Tickets,
            "/stats" if !copy => Self::Stats,
            "/metrics" if !copy => Self::Metrics,
            "/explain/deliveries" if !copy => Self::Deliveries,
            _ => demo::find(path, role).map_or(Self::Nowhere, Self::File),
        }
    }

    fn of_channel(rest: &'a str) -> Self {
        let Some((name, leaf)) = rest.rsplit_once('/') else {
            return Self::Nowhere;
        };
        let leaf = match leaf {
            "messages" => Leaf::Messages,
            "stream" => Leaf::Stream,
            "events" => Leaf::Events,
            "socket" => Leaf::Socket,
            _ => return Self::Nowhere,
        };
        Self::Channel(leaf, name)
    }

    /// Reads the name of the channel, where there is one.
    pub(super) fn channel(self) -> Option<Result<ChannelName, NameError>> {
        let Self::Channel(_, name) = self else {
            return None;
        };
        let name = decode(name).ok_or(NameError);
        Some(name.and_then(|name| ChannelName::parse(&name)))
    }

    /// Says what a request to this address wants. Every address has its answer here, and none has it by default.
    pub(super) fn wanted<'n>(
        self,
        method: &Method,
        channel: Option<&'n Result<ChannelName, NameError>>,
        query: &Query,
    ) -> Wanted<'n> {
        let (leaf, channel) = match (self, channel) {
            (Self::Channel(..) | Self::Tickets, _) if method == Method::OPTIONS => {
                return Wanted::Question;
            }
            (Self::Channel(leaf, _), Some(Ok(channel))) => (leaf, channel.as_str()),
            // It names no channel, which is what it will be told.
            (Self::Channel(..), _) => return Wanted::Question,
            (Self::Tickets, _) => return Wanted::Ticket,
            // A recording makes the relay ask itself and publish: not for everybody who passes by.
            (Self::Stats | Self::Metrics | Self::Deliveries, _) => return Wanted::Operate,
            (Self::Health | Self::File(_) | Self::Place | Self::Answers | Self::Nowhere, _) => {
                return Wanted::Anything;
            }
        };
        match leaf {
            Leaf::Messages if method == Method::POST => Wanted::Publish(channel),
            Leaf::Socket if query.receive.as_deref() == Some("false") => Wanted::Publish(channel),
            Leaf::Messages | Leaf::Stream | Leaf::Events | Leaf::Socket => Wanted::Read(channel),
        }
    }

    pub(super) fn route(self, method: &Method, waits: bool) -> Route {
        match self {
            Self::Channel(..) | Self::Tickets if method == Method::OPTIONS => Route::Preflight,
            Self::Channel(Leaf::Messages, _) if method == Method::POST => Route::Publish,
            Self::Channel(Leaf::Messages, _) if waits => Route::Read(Transport::LongPolling),
            Self::Channel(Leaf::Messages, _) => Route::Read(Transport::Polling),
            Self::Channel(Leaf::Stream, _) => Route::Read(Transport::Streaming),
            Self::Channel(Leaf::Events, _) => Route::Read(Transport::Sse),
            Self::Channel(Leaf::Socket, _) => Route::Read(Transport::WebSocket),
            Self::Tickets => Route::Ticket,
            Self::Health => Route::Health,
            Self::Stats => Route::Stats,
            Self::Metrics => Route::Metrics,
            Self::File(_) | Self::Place | Self::Deliveries | Self::Answers => Route::Demo,
            Self::Nowhere => Route::Unknown,
        }
    }
}
