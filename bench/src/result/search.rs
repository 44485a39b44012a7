//! What a search found.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::scenario::{Factor, Transport};

/// The search of one combination of factors.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchResult {
    /// The transport.
    pub transport: Transport,
    /// The combination, the varied key left out.
    pub factors: BTreeMap<String, Factor>,
    /// The key that was varied.
    pub vary: String,
    /// The first value tried, in the unit of a factor.
    pub from: f64,
    /// The largest value that would have been tried.
    pub to: f64,
    /// What had to hold, as written.
    pub condition: String,
    /// `holds` and `fails` differ by at most this share of the former when the search found both.
    pub precision: f64,
    /// The largest value that holds; null when none did.
    pub holds: Option<f64>,
    /// The smallest value above it that does not; null when none was found.
    pub fails: Option<f64>,
    /// What did not hold there, such as `delivery.p99 was 620 ms, not <= 500ms`.
    pub unmet: Option<String>,
    /// Why it ended.
    pub ended: SearchEnd,
    /// The same in a sentence.
    pub reason: String,
    /// Every trial, in the order they ran: the curve.
    pub trials: Vec<SearchTrial>,
}

/// A trial of a search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SearchTrial {
    /// Its id among the run's trials; there is none of this id when nothing could be measured.
    pub id: String,
    /// The value of the varied key.
    pub value: f64,
    /// Whether the condition held; null when the trial cannot be trusted.
    pub holds: Option<bool>,
    /// What did not hold, or why the trial cannot be trusted.
    pub why: Option<String>,
}

/// Why a search ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SearchEnd {
    /// Both sides of the boundary are confirmed.
    Found,
    /// The largest value holds.
    AllHold,
    /// Not even the first value holds.
    NoneHolds,
    /// Trials above `holds` cannot be trusted: the server may hold more.
    Doubtful,
    /// The time was up.
    Budget,
    /// Trials of the same value contradicted each other too often.
    Noise,
    /// A person stopped it.
    Stopped,
}
