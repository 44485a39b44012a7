//! What one process of the generator did.

use serde::{Deserialize, Serialize};

use super::Summary;

/// One worker of a trial that several processes ran.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct WorkerResult {
    /// Counts from 1.
    pub number: u64,
    /// The name that it was given, when it is not a process of this machine's run.
    #[serde(default)]
    pub name: Option<String>,
    /// Its process.
    pub pid: Option<u32>,
    /// Processors of its host; null when it is the coordinator's.
    #[serde(default)]
    pub processors: Option<u64>,
    /// Subscribers that it simulated.
    pub clients: u64,
    /// Whether it published.
    pub publishes: bool,
    /// Delivery latency of its subscribers, so that one bad worker is visible among many; null when nothing was recorded.
    pub delivery: Option<Summary>,
    /// CPU time in the measured phase.
    pub cpu_ns: Option<u64>,
    /// CPU time over the time between its two readings.
    pub cores_busy: Option<f64>,
    /// The largest resident memory.
    pub rss_peak: Option<u64>,
    /// Its clock against the coordinator's; null where both are one.
    #[serde(default)]
    pub clock: Option<ClockReading>,
    /// How it was lost; null for one that was not.
    pub lost: Option<String>,
}

/// Where a worker's clock stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClockReading {
    /// How far it is ahead of the coordinator's, in nanoseconds; negative when it is behind. Deliveries are corrected by it.
    pub offset_ns: i64,
    /// The most that the true offset can be from that: so much may every latency of this worker be wrong.
    pub bound_ns: u64,
}
