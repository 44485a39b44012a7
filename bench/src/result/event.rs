//! What an event of the scenario did.

use serde::{Deserialize, Serialize};

use super::Summary;

/// What became of an event, in one trial. Times are in nanoseconds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct EventResult {
    /// What happened.
    pub kind: EventKind,
    /// When, counted from the start of the measured phase.
    pub at: u64,
    /// How long it lasted by the plan: the spread of the returns, the freeze, the time at another rate
    /// or without reading; null for a rate that stays.
    pub span: Option<u64>,
    /// Messages a second from then on; null for what is no change of the rate.
    pub rate: Option<f64>,
    /// Clients that it affected; 0 when the trial ended before it.
    pub affected: u64,
    /// Those of them that could receive again.
    pub back: u64,
    /// From the event until the last of them could receive again; null when one never could.
    pub time_until_all_back_ns: Option<u64>,
    /// For each client that came back: from being able to receive again until it had received the last
    /// of the messages that were due before that; 0 when there were none. Null when nobody was affected.
    pub catch_up_ns: Option<Summary>,
    /// Deliveries that never came, by the ledger: of messages due after the last that a client had
    /// before the event, and before it was back.
    pub missed: u64,
    /// Times that the server told one of these clients, after the event, that it had missed messages.
    pub missed_reports: Option<u64>,
}

/// A kind of event.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum EventKind {
    /// Clients were cut and came back.
    Disconnect,
    /// The server stood still.
    Freeze,
    /// The rate changed.
    Rate,
    /// Clients did not read.
    Slow,
}
