//! What is asked of a comparison: which runs, which metrics, and how sure it has to be.

use std::path::Path;

use crate::result::RunResult;
use crate::result::compared::Better;
use crate::result::metric::{self, Metric};

/// The metrics that are compared unless others are named: what a user feels, what it costs, what went wrong.
pub const METRICS: [&str; 8] = [
    "delivery.p50",
    "delivery.p99",
    "wire_bytes_per_message",
    "server_cpu_per_thousand",
    "server_memory_per_client",
    "lost",
    "duplicated",
    "reordered",
];

/// How to compare.
#[derive(Debug, Clone)]
pub struct Settings {
    /// The least effect that counts, as a share of the base.
    pub min_effect: f64,
    /// The most that the chance of a false alarm in the whole comparison may be.
    pub alpha: f64,
    /// Whether runs that cannot be trusted are compared too.
    pub allow_invalid: bool,
    /// The metrics.
    pub metrics: Vec<&'static Metric>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            min_effect: 0.05,
            alpha: 0.05,
            allow_invalid: false,
            metrics: METRICS
                .iter()
                .filter_map(|name| metric::find(name))
                .collect(),
        }
    }
}

/// A run and where it was read from.
#[derive(Debug, Clone, Copy)]
pub struct Named<'a> {
    /// As it was named.
    pub path: &'a Path,
    /// The run.
    pub run: &'a RunResult,
}

/// The metrics of these names.
///
/// # Errors
/// A sentence about the first name that is no metric, or one of which neither direction is better.
pub fn metrics(names: &[String]) -> Result<Vec<&'static Metric>, String> {
    let find = |name: &String| match metric::find(name) {
        None => Err(format!(
            "`{name}` is not a metric; bench/README.md lists them"
        )),
        Some(found) if found.better == Better::Neither => Err(format!(
            "`{name}` is neither better nor worse when it changes; choose another metric"
        )),
        Some(found) => Ok(found),
    };
    names.iter().map(find).collect()
}
