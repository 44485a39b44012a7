//! The load of one trial: who connects, what is published and how.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Link;

/// The smallest payload in bytes: the stamp that every message carries, and its quotes.
pub const MIN_PAYLOAD: usize = 64;

/// The largest payload in bytes. A relay refuses more than 64 KiB unless it is told otherwise.
pub const MAX_PAYLOAD: usize = 1 << 20;

/// A way for a browser to receive messages; also the order of every table and chart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Transport {
    /// A request at a fixed interval.
    Polling,
    /// A request that the server holds until there is a message.
    LongPolling,
    /// One response that never ends, a JSON line for each message.
    Streaming,
    /// Server-sent events.
    Sse,
    /// A WebSocket.
    Websocket,
}

impl Transport {
    /// Every transport, in the order of every table and chart.
    pub const ALL: [Self; 5] = [
        Self::Polling,
        Self::LongPolling,
        Self::Streaming,
        Self::Sse,
        Self::Websocket,
    ];

    /// The name used in scenario files, results and gates, such as `long-polling`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Polling => "polling",
            Self::LongPolling => "long-polling",
            Self::Streaming => "streaming",
            Self::Sse => "sse",
            Self::Websocket => "websocket",
        }
    }
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// How the instants of publishing are spread over time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arrivals {
    /// Independent messages: exponential gaps.
    Poisson,
    /// Equal gaps.
    Constant,
    /// One burst a second, with all messages of that second due at once.
    Burst,
}

/// The way a message is published.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Publish {
    /// WebSocket trials publish over a socket, the others by POST.
    Same,
    /// Always by POST.
    Post,
}

/// What a poll asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Poll {
    /// Everything since the last position.
    #[default]
    Log,
    /// Only the newest value: what was published between two polls is missed.
    Latest,
}

/// The origin of a page that was not served by the server under test.
pub const FOREIGN_PAGE: &str = "http://app.example";

/// Where the page that a simulated browser shows comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    /// From the server under test.
    #[default]
    Same,
    /// From another origin: requests carry `Origin`, and those that need it a preflight.
    Cross,
}

/// The version of HTTP that clients speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default, Serialize, Deserialize)]
pub enum Http {
    /// HTTP/1.1 (RFC 9112).
    #[default]
    #[serde(rename = "1.1")]
    One,
    /// HTTP/2 (RFC 9113), which bench speaks over TLS only, as browsers do.
    #[serde(rename = "2")]
    Two,
}

/// As scenarios write it: `1.1` or `2`.
impl fmt::Display for Http {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::One => "1.1",
            Self::Two => "2",
        })
    }
}

/// The headers that a client's request carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Headers {
    /// Only what the protocol needs.
    Minimal,
    /// What a desktop browser sends.
    Browser,
    /// The minimum, padded so that the request head has this many bytes in all.
    PadTo(usize),
    /// The minimum, padded so that the request head and the response head before
    /// it have this many bytes together.
    PadExchangeTo(usize),
}

/// The load of one trial, every default resolved.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Load {
    /// How the subscribers receive.
    pub transport: Transport,
    /// Subscribers, spread evenly over the channels: subscriber `i` reads channel `i % channels`.
    pub clients: usize,
    /// Channels.
    pub channels: usize,
    /// Messages published per second in all channels together, open loop.
    pub rate: f64,
    /// How publishing is spread over time.
    pub arrivals: Arrivals,
    /// Bytes of a payload as JSON, quotes included.
    pub payload: usize,
    /// The way a message is published.
    pub publish: Publish,
    /// Connections that publish: publisher `c % publishers` serves channel `c`
    /// (and when there are more publishers than channels, they take turns).
    pub publishers: usize,
    /// Time from one poll to the next of the same client.
    pub poll_interval: Duration,
    /// How long a long poll asks the server to wait.
    pub hold: Duration,
    /// The headers of each request.
    pub headers: Headers,
    /// Whether a client keeps its connection from one request to the next.
    pub keep_alive: bool,
    /// What a poll asks for.
    #[serde(default)]
    pub poll: Poll,
    /// The most messages in one answer to a poll; `None` leaves it to the server.
    #[serde(default)]
    pub batch: Option<usize>,
    /// How long a long poll asks the server to wait for more after the first message.
    #[serde(default)]
    pub linger: Duration,
    /// The value of the `Cookie` header of each request; empty for none.
    #[serde(default)]
    pub cookies: String,
    /// Where the simulated page comes from.
    #[serde(default)]
    pub origin: Origin,
    /// The emulated network between each client and the server.
    #[serde(default)]
    pub link: Link,
    /// Whether connections are encrypted.
    #[serde(default)]
    pub tls: bool,
    /// The version of HTTP; `Two` only with `tls`.
    #[serde(default)]
    pub http: Http,
    /// Relays that share their logs and the address; more than one only of the bundled relay.
    #[serde(default = "one")]
    pub nodes: usize,
}

fn one() -> usize {
    1
}

impl Default for Load {
    /// The load of a scenario that says nothing.
    fn default() -> Self {
        Self {
            transport: Transport::Websocket,
            clients: 100,
            channels: 1,
            rate: 1.0,
            arrivals: Arrivals::Poisson,
            payload: 128,
            publish: Publish::Same,
            publishers: 1,
            poll_interval: Duration::from_secs(1),
            hold: Duration::from_secs(25),
            headers: Headers::Minimal,
            keep_alive: true,
            poll: Poll::Log,
            batch: None,
            linger: Duration::ZERO,
            cookies: String::new(),
            origin: Origin::Same,
            link: Link::NONE,
            tls: false,
            http: Http::One,
            nodes: 1,
        }
    }
}

impl Load {
    /// Whether messages are published over WebSockets.
    #[must_use]
    pub fn publishes_on_sockets(&self) -> bool {
        self.transport == Transport::Websocket && self.publish == Publish::Same
    }

    /// Sockets that publish: over WebSocket a channel needs one of its own.
    #[must_use]
    pub fn publishing_sockets(&self) -> usize {
        if self.publishes_on_sockets() {
            self.publishers.max(self.channels)
        } else {
            self.publishers
        }
    }

    /// Whether messages between two polls are passed over, as the scenario wishes: not every one that is missing is lost.
    #[must_use]
    pub fn passes_over(&self) -> bool {
        let polls = matches!(self.transport, Transport::Polling | Transport::LongPolling);
        polls && self.poll == Poll::Latest
    }

    /// Messages due in `span`, on average.
    #[must_use]
    pub fn messages_in(&self, span: Duration) -> f64 {
        self.rate * span.as_secs_f64()
    }

    /// Subscribers of a channel, on average over the channels: the deliveries of one message.
    #[expect(
        clippy::cast_precision_loss,
        reason = "both are at most a million, which a float holds exactly"
    )]
    #[must_use]
    pub fn subscribers_per_channel(&self) -> f64 {
        self.clients as f64 / self.channels.max(1) as f64
    }
}
