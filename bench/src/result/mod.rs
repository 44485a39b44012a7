//! The one results document, `summary.json`: every view of a run is made from it.
//!
//! Times are in nanoseconds and sizes in bytes. What was not measured is `null`,
//! never 0.

pub mod compared;
mod event;
mod finding;
pub mod metric;
mod search;
mod store;
mod trial;
mod witness;
mod worker;

use std::collections::BTreeMap;

pub use event::{EventKind, EventResult};
pub use finding::{Bound, Cause, Check, Explanation, Floor, Uniformity};
pub use search::{SearchEnd, SearchResult, SearchTrial};
pub(crate) use store::put;
pub use store::{Store, StoreError, document, load};
pub use trial::{
    Bytes, Clients, GeneratorCost, Latencies, Messages, PercentilePoint, PhaseTimes, Prediction,
    Requests, Second, ServerCost, Summary, TrialResult,
};
pub use witness::{Apart, ClockBound, Side, SideBytes, Witnessed, WitnessedTrial};
pub use worker::{ClockReading, WorkerResult};

use serde::{Deserialize, Serialize};

use crate::scenario::{Factor, Published};

/// The version of the document that this program writes.
pub const FORMAT: u32 = 1;

/// One run: its trials, what they mean, and whether they can be trusted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct RunResult {
    /// The document's version; readers refuse a newer one.
    pub format: u32,
    /// The scenario file's name without its extension.
    pub scenario: String,
    /// The scenario's title.
    pub title: String,
    /// The seed of the schedule.
    pub seed: u64,
    /// When the run began, RFC 3339 in UTC.
    pub started: String,
    /// The command that made it, word by word.
    pub command: Vec<String>,
    /// The run's verdict.
    pub verdict: Verdict,
    /// Where it ran.
    pub environment: Environment,
    /// One entry for each trial that ran, in the order of the plan.
    pub trials: Vec<TrialResult>,
    /// One entry for each combination of factors, over its repeats.
    pub cells: Vec<Cell>,
    /// One entry for each gate.
    pub gates: Vec<GateResult>,
    /// What each search found, one for each combination of factors.
    #[serde(default)]
    pub searches: Vec<SearchResult>,
    /// Figures that others published, from the scenario.
    #[serde(default)]
    pub published: Vec<Published>,
}

/// What a run says in one word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The run can be trusted and every gate holds.
    Pass,
    /// The run can be trusted and a gate does not hold.
    Fail,
    /// The run cannot be trusted.
    Invalid,
}

/// Where a run took place.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Environment {
    /// Kernel name and release.
    pub kernel: String,
    /// The processor's name.
    pub cpu: String,
    /// Processors that this process may use.
    pub cores: u32,
    /// Bytes of main memory.
    pub memory: u64,
    /// `release` or `dev`: the build profile of bench and the bundled relay.
    pub profile: String,
    /// Version of bench.
    pub version: String,
    /// Commit that bench was built from, when known.
    pub commit: Option<String>,
    /// The processors that server, swarm and publisher were pinned to, as a person would say it.
    pub pinning: Option<String>,
    /// The server under test, such as `bundled relay 0.1.0`.
    pub target: String,
    /// Whether the kernel stamps arrivals; when it does not, `arrival` is missing.
    pub kernel_timestamps: bool,
}

/// One combination of factors, over its repeats.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Cell {
    /// The combination.
    pub factors: BTreeMap<String, Factor>,
    /// Each metric, by the name that gates use.
    pub metrics: BTreeMap<String, Spread>,
}

/// A metric over the repeats of a cell.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Spread {
    /// Median over the repeats.
    pub median: f64,
    /// Lower end of the interval; null with a single repeat.
    pub low: Option<f64>,
    /// Upper end of the interval; null with a single repeat.
    pub high: Option<f64>,
    /// Confidence level of the interval; null with a single repeat.
    pub confidence: Option<f64>,
}

/// A gate and what became of it, in the combination of factors that is worst for it.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct GateResult {
    /// The rule, as `websocket delivery.p99 <= 20ms`.
    pub rule: String,
    /// The worst measured value, in the metric's own unit; null when nothing was measured.
    pub measured: Option<f64>,
    /// What it was held against, in the same unit; null when a relative rule found nothing to compare with.
    #[serde(default)]
    pub bound: Option<f64>,
    /// The combination that gave it; empty when no trial matches the rule.
    #[serde(default)]
    pub cell: BTreeMap<String, Factor>,
    /// The trial that gave it; null for a median over several repeats.
    pub trial: Option<String>,
    /// Whether the rule holds.
    pub holds: bool,
    /// What else there is to know: why nothing could be compared, in how many combinations it
    /// does not hold, in what a baseline differs.
    #[serde(default)]
    pub note: Option<String>,
}
