//! What one trial measured.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Check, EventResult, Explanation, Floor, Uniformity, WorkerResult};
use crate::scenario::{Factor, Transport};

/// One trial.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TrialResult {
    /// Unique in the run and fit for a file name.
    pub id: String,
    /// Counts from 1.
    pub repeat: u32,
    /// The transport measured.
    pub transport: Transport,
    /// The values that the matrix gave this trial.
    pub factors: BTreeMap<String, Factor>,
    /// Whether it can be trusted.
    pub valid: bool,
    /// Why not, one sentence each.
    pub invalid_reasons: Vec<String>,
    /// Every rule that was checked, kept or not; empty in the results of older programs.
    #[serde(default)]
    pub validity: Vec<Check>,
    /// What a reader should know, though the trial can be trusted.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// How long each phase took.
    pub phases: PhaseTimes,
    /// The load as run.
    pub load: crate::scenario::Load,
    /// The subscribers.
    pub clients: Clients,
    /// The ledger of messages due in the measured phase.
    pub messages: Messages,
    /// Latencies, in nanoseconds, of messages due in the measured phase.
    pub latency_ns: Latencies,
    /// Requests in the measured phase.
    pub requests: Requests,
    /// Bytes at the subscribers' sockets in the measured phase.
    pub bytes: Bytes,
    /// What the server cost.
    pub server: ServerCost,
    /// What the generator cost.
    pub generator: GeneratorCost,
    /// Each process of the generator by itself, when there were several.
    #[serde(default)]
    pub workers: Vec<WorkerResult>,
    /// What each event of the scenario did, in the order of time.
    #[serde(default)]
    pub events: Vec<EventResult>,
    /// What theory predicts; null where no model applies.
    pub predicted: Prediction,
    /// `measured / predicted - 1` of each.
    pub deviation: Prediction,
    /// What an idle exchange took, which the predicted delays rest on; null when the server did not answer one.
    #[serde(default)]
    pub floor: Option<Floor>,
    /// Polling's delays against the uniform law; null for the other transports.
    #[serde(default)]
    pub uniformity: Option<Uniformity>,
    /// Why figures are far from their predictions; empty when they are not.
    #[serde(default)]
    pub explanations: Vec<Explanation>,
    /// One row a second, warm-up and drain included.
    pub timeline: Vec<Second>,
    /// The delivery latency by percentile, for curves.
    pub percentiles: Vec<PercentilePoint>,
}

/// How long each phase took, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct PhaseTimes {
    /// From the first dial until every client could receive.
    pub ramp: u64,
    /// Publishing before the measured phase.
    pub warm_up: u64,
    /// The measured phase.
    pub measure: u64,
    /// Until the last delivery, or the limit.
    pub drain: u64,
}

/// The subscribers of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Clients {
    /// Asked for by the scenario.
    pub asked: u64,
    /// Able to receive when the measured phase began.
    pub connected: u64,
    /// Connections made again after one was lost, in all phases.
    pub reconnects: u64,
    /// Connections open at once in the measured phase, on average over it, for each client; publishers' are
    /// not among them. Counted at the sockets; null when none was open, and in older documents.
    #[serde(default)]
    pub connections_per_client: Option<f64>,
}

/// The ledger: what was to happen to the messages due in the measured phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Messages {
    /// Due by the schedule.
    pub planned: u64,
    /// Accepted by the server.
    pub published: u64,
    /// Deliveries that the accepted messages must give: one for each subscriber of their channel.
    pub expected: u64,
    /// Deliveries that came, each counted once.
    pub delivered: u64,
    /// `expected - delivered`.
    pub lost: u64,
    /// Deliveries that came again.
    pub duplicated: u64,
    /// Deliveries that came after a later one of the same publisher.
    pub reordered: u64,
    /// Times a server said it had dropped messages that a subscriber had not read; `None` of a server whose
    /// interface has no word for it that bench knows.
    #[serde(default)]
    pub missed_reports: Option<u64>,
    /// Publishes that the server refused or that could not be sent.
    #[serde(default)]
    pub publish_errors: u64,
}

/// The latency series; each is null when nothing was recorded.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Latencies {
    /// From due until the client had parsed the message.
    pub delivery: Option<Summary>,
    /// From due until the bytes had reached the client's socket, by the kernel's stamp; over an
    /// emulated link until they had reached its far end, computed from that stamp.
    pub arrival: Option<Summary>,
    /// From the sending of a publish until its answer had reached the publisher's socket.
    pub publish: Option<Summary>,
    /// From due until the publisher handed the message to its socket: the generator's own lateness.
    pub schedule_lag: Option<Summary>,
    /// From dialling until the client could receive.
    pub connect: Option<Summary>,
}

/// A latency series in short, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Summary {
    /// Samples, negative ones included.
    pub count: u64,
    /// Samples below zero: a clock or stamp that cannot be right.
    #[serde(default)]
    pub negative: u64,
    /// Arithmetic mean.
    pub mean: f64,
    /// Smallest.
    pub min: u64,
    /// Median.
    pub p50: u64,
    /// Lower end of the median's interval, 95 % by order statistics of independent observations
    /// (for deliveries, the messages published); null with too few.
    #[serde(default)]
    pub p50_low: Option<u64>,
    /// Upper end of the same.
    #[serde(default)]
    pub p50_high: Option<u64>,
    /// 90th percentile.
    pub p90: u64,
    /// 95th percentile; missing in older documents.
    #[serde(default)]
    pub p95: Option<u64>,
    /// 99th percentile; with fewer than 1,000 samples it says more about luck than about the server.
    pub p99: u64,
    /// Lower end of its interval, as for the median; null with fewer than 368 observations.
    #[serde(default)]
    pub p99_low: Option<u64>,
    /// Upper end of the same.
    #[serde(default)]
    pub p99_high: Option<u64>,
    /// 99.9th percentile; null with fewer than 10,000 samples.
    pub p99_9: Option<u64>,
    /// Largest.
    pub max: u64,
}

/// Requests of the subscribers in the measured phase.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Requests {
    /// Requests answered.
    pub total: u64,
    /// Answers that brought no message.
    pub empty: u64,
    /// Connections opened: one for each request without keep-alive.
    #[serde(default)]
    pub connections: u64,
}

/// Bytes of the subscribers in the measured phase, at three levels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Bytes {
    /// Messages that came with these bytes: delivered in the measured phase, whenever they were due.
    #[serde(default)]
    pub deliveries: u64,
    /// Payloads of the messages delivered, by the ledger.
    pub payload: u64,
    /// Written to the sockets: HTTP and WebSocket framing included.
    pub socket_sent: u64,
    /// Read from the sockets.
    pub socket_received: u64,
    /// With TCP/IP headers and acknowledgements, from `TCP_INFO`; null when the kernel gives none.
    pub wire_sent: Option<u64>,
    /// The same for what was received.
    pub wire_received: Option<u64>,
    /// Written to the subscribers' sockets in all phases.
    #[serde(default)]
    pub session_sent: Option<u64>,
    /// Read from them in all phases.
    #[serde(default)]
    pub session_received: Option<u64>,
    /// Sent on every connection of the trial, publishers' included, from its opening until it was
    /// closed, with TCP/IP headers and acknowledgements; null when the kernel gives no counters.
    #[serde(default)]
    pub trial_wire_sent: Option<u64>,
    /// The same for what was received.
    #[serde(default)]
    pub trial_wire_received: Option<u64>,
    /// Both directions at the sockets of the connections that `connect` timed, until each client could
    /// receive, all together: handshakes, the opening request and its answer; null when the kernel gives no
    /// counters, and in older documents.
    #[serde(default)]
    pub connect_socket: Option<u64>,
    /// The same on the wire.
    #[serde(default)]
    pub connect_wire: Option<u64>,
}

/// What the server cost; null for a server that is not watched.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct ServerCost {
    /// CPU time in the measured phase.
    pub cpu_ns: Option<u64>,
    /// CPU time over the time between its two readings, which a busy machine takes late.
    #[serde(default)]
    pub cores_busy: Option<f64>,
    /// Resident memory before the first client.
    pub rss_base: Option<u64>,
    /// Resident memory at the end of the measured phase.
    pub rss_loaded: Option<u64>,
    /// The largest resident memory.
    pub rss_peak: Option<u64>,
    /// Kernel memory of the server's half of the sockets; resident memory never shows it.
    pub kernel_socket_memory: Option<u64>,
}

/// What the generator cost.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct GeneratorCost {
    /// CPU time in the measured phase.
    pub cpu_ns: Option<u64>,
    /// The largest resident memory.
    pub rss_peak: Option<u64>,
    /// CPU time over the time between its two readings.
    pub cores_busy: Option<f64>,
}

/// What the analytic model predicts, or how far the measurement is from it.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Prediction {
    /// Mean delivery latency, nanoseconds.
    pub delivery_mean_ns: Option<f64>,
    /// 99th percentile of delivery latency, nanoseconds.
    pub delivery_p99_ns: Option<f64>,
    /// Wire bytes for each delivered message.
    pub wire_bytes_per_message: Option<f64>,
}

/// One second of a trial.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Second {
    /// Seconds since the warm-up began; the row covers this second.
    pub second: u32,
    /// `true` when the measured phase had begun and not ended.
    pub measured: bool,
    /// Messages sent.
    pub published: u64,
    /// Deliveries booked.
    pub delivered: u64,
    /// Median delivery latency of this second's deliveries, nanoseconds; null without any.
    pub delivery_p50: Option<u64>,
    /// 99th percentile of the same.
    pub delivery_p99: Option<u64>,
    /// The longest of the same.
    pub delivery_max: Option<u64>,
    /// 99th percentile of the generator's lateness in this second.
    pub schedule_lag_p99: Option<u64>,
    /// Clients connected at the end of the second.
    pub connected: u64,
    /// Socket bytes received by subscribers.
    pub received: u64,
    /// Socket bytes sent by subscribers.
    pub sent: u64,
    /// Server CPU time in the second, nanoseconds.
    pub server_cpu_ns: Option<u64>,
    /// Server resident memory at its end.
    pub server_rss: Option<u64>,
    /// Generator CPU time in the second, nanoseconds.
    pub generator_cpu_ns: Option<u64>,
}

/// A point of the percentile curve.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct PercentilePoint {
    /// The quantile, 0 to 1.
    pub quantile: f64,
    /// Delivery latency there, nanoseconds.
    pub delivery: u64,
    /// Arrival latency there, nanoseconds; null without kernel stamps.
    pub arrival: Option<u64>,
}
