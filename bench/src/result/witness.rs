//! What a real browser saw beside the simulated clients: `witness.json`, beside `summary.json`.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Latencies, Messages, PercentilePoint, Summary, TrialResult, Uniformity};
use crate::scenario::{Factor, Load, Transport};

/// A run with a browser beside the swarm.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Witnessed {
    /// The document's version, as that of the results document.
    pub format: u32,
    /// The scenario's title.
    pub title: String,
    /// Name and version of the browser.
    pub browser: String,
    /// One entry for each trial that the browser saw to its end.
    pub trials: Vec<WitnessedTrial>,
}

/// One trial as both saw it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WitnessedTrial {
    /// As in the results document.
    pub id: String,
    /// Counts from 1.
    pub repeat: u32,
    /// The transport of both.
    pub transport: Transport,
    /// The values that the matrix gave this trial.
    pub factors: BTreeMap<String, Factor>,
    /// The load as run, of the simulated clients; the browser's subscribers come on top.
    pub load: Load,
    /// The simulated clients.
    pub simulated: Side,
    /// The browser's subscribers.
    pub browser: Side,
    /// The page's clock.
    pub clock: ClockBound,
    /// What a reader should know of the browser, one sentence each.
    pub notes: Vec<String>,
    /// What the browser saw otherwise than it may, one sentence each; empty when both agree.
    pub contradictions: Vec<String>,
}

/// How well the page's clock is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockBound {
    /// Readings of the page's clock between two readings of the host's.
    pub exchanges: u64,
    /// How far an instant of the page may be from the truth at most, in nanoseconds.
    pub bound_ns: u64,
    /// The step of the page's clock, in nanoseconds.
    pub resolution_ns: u64,
}

/// What one kind of client saw of the measured phase.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Side {
    /// Its subscribers.
    pub subscribers: u64,
    /// Deliveries that were to come.
    pub expected: u64,
    /// Those that came, each counted once.
    pub delivered: u64,
    /// `expected - delivered`.
    pub lost: u64,
    /// Deliveries that came again.
    pub duplicated: u64,
    /// Deliveries that came after a later one of the same publisher.
    pub reordered: u64,
    /// From due until the client's own code had the message; null without any.
    pub delivery: Option<Summary>,
    /// Requests in the measured phase.
    pub requests: u64,
    /// Bytes in the measured phase.
    pub bytes: SideBytes,
    /// Polling's delays against the uniform law; null for the other transports.
    pub uniformity: Option<Uniformity>,
    /// The delivery latency by percentile, for curves.
    pub percentiles: Vec<PercentilePoint>,
}

/// Bytes at the sockets of one kind of client in the measured phase, by the kernel's counters or, of
/// simulated clients, bench's own; null when the kernel tells of none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct SideBytes {
    /// Messages that came with these bytes, whenever they were due.
    pub deliveries: u64,
    /// Written to the sockets: HTTP and WebSocket framing included.
    pub socket_sent: Option<u64>,
    /// Read from the sockets.
    pub socket_received: Option<u64>,
    /// With TCP/IP headers and acknowledgements.
    pub wire_sent: Option<u64>,
    /// The same for what was received.
    pub wire_received: Option<u64>,
}

impl Side {
    /// The simulated clients of a trial.
    #[must_use]
    pub fn simulated(trial: &TrialResult) -> Self {
        let (messages, bytes): (&Messages, _) = (&trial.messages, &trial.bytes);
        let latencies: &Latencies = &trial.latency_ns;
        Self {
            subscribers: trial.clients.asked,
            expected: messages.expected,
            delivered: messages.delivered,
            lost: messages.lost,
            duplicated: messages.duplicated,
            reordered: messages.reordered,
            delivery: latencies.delivery,
            requests: trial.requests.total,
            bytes: SideBytes {
                deliveries: bytes.deliveries,
                socket_sent: Some(bytes.socket_sent),
                socket_received: Some(bytes.socket_received),
                wire_sent: bytes.wire_sent,
                wire_received: bytes.wire_received,
            },
            uniformity: trial.uniformity,
            percentiles: trial.percentiles.clone(),
        }
    }

    /// A count for each message that came with it; `None` without messages, or when it is not known.
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    #[must_use]
    pub fn per_message(&self, count: Option<u64>) -> Option<f64> {
        let messages = self.bytes.deliveries;
        count
            .filter(|_| messages > 0)
            .map(|count| count as f64 / messages as f64)
    }
}

/// How far apart two medians are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Apart {
    /// Browser less simulated, in nanoseconds.
    pub median: f64,
    /// The least that chance and the clock leave of it ...
    pub low: f64,
    /// ... and the most.
    pub high: f64,
}

impl WitnessedTrial {
    /// How much later the browser's median is; `None` without messages on one side.
    ///
    /// The ends of the range are those of the two medians' own 95 % intervals at their worst, and the
    /// bound of the page's clock: a range that certainly is wide enough.
    #[expect(
        clippy::cast_precision_loss,
        reason = "latencies stay far below 2^53 ns"
    )]
    #[must_use]
    pub fn apart(&self) -> Option<Apart> {
        let (simulated, browser) = (self.simulated.delivery?, self.browser.delivery?);
        let low = |side: Summary| side.p50_low.unwrap_or(side.min) as f64;
        let high = |side: Summary| side.p50_high.unwrap_or(side.max) as f64;
        let clock = self.clock.bound_ns as f64;
        Some(Apart {
            median: browser.p50 as f64 - simulated.p50 as f64,
            low: low(browser) - high(simulated) - clock,
            high: high(browser) - low(simulated) + clock,
        })
    }
}
