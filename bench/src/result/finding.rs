//! What the judge found about a trial, as the results document keeps it.

use serde::{Deserialize, Serialize};

/// A rule that a trial must keep to be trusted, and what was measured.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Check {
    /// The rule's name, such as `schedule_lag`.
    pub rule: String,
    /// Which side of the limit is right.
    pub bound: Bound,
    /// The limit, in `unit`.
    pub limit: f64,
    /// The measured figure, in `unit`.
    pub measured: f64,
    /// `share`, `ratio`, `count` or `ns`.
    pub unit: String,
    /// Whether the rule holds.
    pub holds: bool,
}

/// Which side of a limit is right.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bound {
    /// The limit or less.
    AtMost,
    /// The limit or more.
    AtLeast,
}

/// How long a small exchange with the idle server takes, before the first client connects.
///
/// The floor under every delivery: what it takes is a request's way to the
/// server, the server's attention, and the way back.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Floor {
    /// Exchanges timed.
    pub count: u64,
    /// Their median, nanoseconds.
    pub p50: f64,
    /// Their 99th percentile, nanoseconds.
    pub p99: f64,
}

/// The delays of polling against the law that theory gives them: uniform over one interval.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Uniformity {
    /// The Kolmogorov-Smirnov statistic: the largest distance of the two distribution functions.
    pub d: f64,
    /// The probability of a distance as large by chance.
    pub p: f64,
    /// Independent samples that it is computed with: fewer than deliveries, which share polls and messages.
    pub samples: u64,
    /// The largest distance that is accepted.
    pub limit: f64,
    /// Whether the distance is accepted.
    pub holds: bool,
}

/// Why a figure is far from its prediction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Explanation {
    /// The figure, by the name that gates use.
    pub metric: String,
    /// The cause.
    pub cause: Cause,
    /// The cause in a sentence with its figures.
    pub text: String,
}

/// What can hold a figure away from its prediction.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    /// Messages waited in the server or on the way to the clients' sockets.
    Queueing,
    /// bench itself was late.
    Generator,
    /// Several nodes, and the model knows one server.
    Nodes,
    /// Too few independent samples to tell the two apart.
    Chance,
    /// None that was measured.
    Unexplained,
}

impl Cause {
    /// The cause in a word.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Queueing => "queueing",
            Self::Generator => "generator",
            Self::Nodes => "nodes",
            Self::Chance => "chance",
            Self::Unexplained => "unexplained",
        }
    }
}
