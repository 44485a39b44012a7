//! The load of one trial: who connects, what is published and how.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

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
}
