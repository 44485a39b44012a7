//! Statistics over repeats: a few small methods, each with its source, tested against published values.
//!
//! A trial is one observation, however many messages it delivered: the samples inside it share a
//! process, a schedule and a moment of the machine. So intervals and tests are over trials.

mod bootstrap;
mod holm;
mod order;
mod rank;
mod shift;

pub use bootstrap::median_interval;
pub use holm::holm;
pub use order::{BEYOND, quantile_ranks, resolves};
pub use rank::{least_p, mann_whitney};
pub use shift::{Ratio, ratio};

/// The confidence level of every interval that the samples suffice for.
pub const CONFIDENCE: f64 = 0.95;

/// An interval and its confidence level, which is lower than asked when there are few values.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Interval {
    /// Lower end.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// The share of such intervals that hold the true value.
    pub confidence: f64,
}

/// The median; between two middle values, their mean. `None` without values.
#[must_use]
pub fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    if values.len() % 2 == 1 {
        return Some(upper);
    }
    Some(f64::midpoint(values[middle - 1], upper))
}

#[cfg(test)]
mod tests;
