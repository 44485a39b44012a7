//! The words that metrics, logs and routes use for the same thing.

use prometheus_client::encoding::{EncodeLabelSet, EncodeLabelValue, LabelValueEncoder};

/// The ways a message reaches a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// Asking again and again.
    Polling,
    /// Asking, with an answer that waits for a message.
    LongPolling,
    /// One endless HTTP response, a line of JSON for each message.
    Streaming,
    /// One endless HTTP response of server-sent events.
    Sse,
    /// A WebSocket.
    WebSocket,
}

impl Transport {
    /// Every transport, in the order of the enum.
    pub const ALL: [Self; 5] = [
        Self::Polling,
        Self::LongPolling,
        Self::Streaming,
        Self::Sse,
        Self::WebSocket,
    ];

    /// Gives the one name used everywhere.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::LongPolling => "long-polling",
            Self::Streaming => "streaming",
            Self::Sse => "sse",
            Self::WebSocket => "websocket",
        }
    }
}

/// What a request was for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Route {
    /// Publishing a message.
    Publish,
    /// Reading by one transport.
    Read(Transport),
    /// A preflight of another origin.
    Preflight,
    /// `/tickets`.
    Ticket,
    /// `/healthz`.
    Health,
    /// `/stats`.
    Stats,
    /// `/metrics`.
    Metrics,
    /// The demo page.
    Demo,
    /// Anything else.
    Unknown,
}

impl Route {
    fn name(self) -> &'static str {
        match self {
            Self::Publish => "publish",
            Self::Read(transport) => transport.name(),
            Self::Preflight => "preflight",
            Self::Ticket => "ticket",
            Self::Health => "healthz",
            Self::Stats => "stats",
            Self::Metrics => "metrics",
            Self::Demo => "demo",
            Self::Unknown => "unknown",
        }
    }
}

/// Why the relay closed a connection, or saw it closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Closed {
    /// The client ended it, or it was cut.
    Client,
    /// It ended between requests, by an answer that closes or after its keep-alive time.
    Finished,
    /// There was no TLS handshake: the client speaks something else, or does not trust the certificate.
    Handshake,
    /// A request's head, or the TLS handshake, did not arrive in time.
    HeaderDeadline,
    /// A request's body did not arrive in time.
    BodyDeadline,
    /// The client read nothing for the write deadline, or less than the least rate.
    WriteDeadline,
    /// A WebSocket's client did not answer a ping in time.
    PongDeadline,
    /// The client fell too far behind, and the policy is to disconnect it.
    SlowReader,
    /// The client sent what the protocol does not allow.
    Protocol,
    /// The client sent more than the limit.
    TooLarge,
    /// Too many connections, or channels for one more WebSocket.
    Refused,
    /// Too many connections of one address.
    AddressRefused,
    /// The token that it was opened by has expired.
    Expired,
    /// The relay shut down.
    Shutdown,
}

impl Closed {
    /// Every reason.
    pub const ALL: [Self; 14] = [
        Self::Client,
        Self::Finished,
        Self::Handshake,
        Self::HeaderDeadline,
        Self::BodyDeadline,
        Self::WriteDeadline,
        Self::PongDeadline,
        Self::SlowReader,
        Self::Protocol,
        Self::TooLarge,
        Self::Refused,
        Self::AddressRefused,
        Self::Expired,
        Self::Shutdown,
    ];

    /// Gives the reason's name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Finished => "finished",
            Self::Handshake => "handshake",
            Self::HeaderDeadline => "header_deadline",
            Self::BodyDeadline => "body_deadline",
            Self::WriteDeadline => "write_deadline",
            Self::PongDeadline => "pong_deadline",
            Self::SlowReader => "slow_reader",
            Self::Protocol => "protocol",
            Self::TooLarge => "too_large",
            Self::Refused => "refused",
            Self::AddressRefused => "address_refused",
            Self::Expired => "expired",
            Self::Shutdown => "shutdown",
        }
    }
}

impl EncodeLabelValue for Route {
    fn encode(&self, encoder: &mut LabelValueEncoder<'_>) -> Result<(), std::fmt::Error> {
        self.name().encode(encoder)
    }
}

/// The labels of the request counter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct Request {
    pub(super) route: Route,
    pub(super) status: u16,
}
