//! Whether a trial was in a steady state: its first third against its last.
//!
//! An open-loop load that a server cannot keep up with makes a queue that grows as long
//! as the load goes on. Then the latency says how long the trial was and nothing else.

use crate::result::{Second, TrialResult};
use crate::scenario::Transport;
use crate::stats;

/// Seconds that each third must have; with fewer a trend is no evidence.
const THIRD: usize = 3;
/// The trend's standard score that chance exceeds once in a thousand trials (one-sided).
const SCORE: f64 = 3.09;
/// A queue grows: the last third's median is so many times the first's.
pub(super) const GROWN: f64 = 1.5;
/// Below this a growth is no queue, in nanoseconds.
const NOISE_NS: f64 = 10e6;
/// A reader should know of a drift that is so many times smaller.
const DRIFT: f64 = 1.2;
const DRIFT_NS: f64 = 1e6;

/// How the latency moved in the measured phase.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Trend {
    /// Median over the first third of each second's median delivery, nanoseconds.
    pub(super) first: f64,
    /// The same over the last third.
    pub(super) last: f64,
    /// The standard score of the Mann-Kendall test for a monotone trend (Mann 1945, Kendall 1975).
    score: f64,
    /// What polling's own waiting scatters, nanoseconds.
    scatter: f64,
}

impl Trend {
    /// The trend of a trial; `None` when it is too short, or when its events move the latency.
    ///
    /// Polling waits for up to an interval by itself, so the first interval shows only short waits and is left out.
    pub(super) fn of(trial: &TrialResult) -> Option<Self> {
        if !trial.events.is_empty() {
            return None;
        }
        let polling = trial.load.transport == Transport::Polling;
        let interval = if polling {
            trial.load.poll_interval.as_secs_f64()
        } else {
            0.0
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "seconds of a trial; saturates"
        )]
        let skipped = interval.ceil() as usize;
        let measured = trial.timeline.iter().filter(|second| second.measured);
        let medians: Vec<f64> = measured.skip(skipped).filter_map(median_of).collect();
        let third = medians.len() / 3;
        if third < THIRD {
            return None;
        }
        Some(Self {
            first: stats::median(medians[..third].to_vec())?,
            last: stats::median(medians[medians.len() - third..].to_vec())?,
            score: mann_kendall(&medians),
            scatter: interval * 1e9 / 2.0,
        })
    }

    /// How many times the first third's latency the last third's is.
    pub(super) fn ratio(self) -> f64 {
        self.last / self.first.max(1.0)
    }

    /// Whether a queue grew: by half at least, by more than noise, and steadily.
    pub(super) fn grows(self) -> bool {
        let growth = self.last - self.first;
        self.ratio() > GROWN && growth > NOISE_NS + self.scatter && self.score > SCORE
    }

    /// A sentence about a drift that is no growing queue, up or down.
    pub(super) fn warning(self) -> Option<String> {
        let moved = (self.last - self.first).abs();
        let ratio = self.ratio().max(1.0 / self.ratio().max(f64::MIN_POSITIVE));
        let drifts = !self.grows()
            && ratio > DRIFT
            && moved > DRIFT_NS + self.scatter / 2.0
            && self.score.abs() > SCORE;
        drifts.then(|| {
            format!(
                "the median delivery drifted from {} in the first third of the measured phase to {} in the last",
                crate::units::show_nanos(self.first),
                crate::units::show_nanos(self.last)
            )
        })
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "latencies stay far below 2^53 ns"
)]
fn median_of(second: &Second) -> Option<f64> {
    second.delivery_p50.map(|nanos| nanos as f64)
}

/// The standard score of the trend of `values`: above zero when later ones are larger.
#[expect(
    clippy::cast_precision_loss,
    reason = "a trial has thousands of seconds at most"
)]
fn mann_kendall(values: &[f64]) -> f64 {
    let pairs = values
        .iter()
        .enumerate()
        .flat_map(|(at, early)| values[at + 1..].iter().map(move |late| (early, late)));
    let sum: i64 = pairs
        .map(|(early, late)| match late.total_cmp(early) {
            std::cmp::Ordering::Greater => 1,
            std::cmp::Ordering::Less => -1,
            std::cmp::Ordering::Equal => 0,
        })
        .sum();
    let count = values.len() as f64;
    let variance = count * (count - 1.0) * (2.0 * count + 5.0) / 18.0;
    // The correction for continuity moves the sum towards zero.
    (sum - sum.signum()) as f64 / variance.sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trend_has_the_published_score() {
        // Gilbert 1987, example 16.2 style: five values, one pair out of order, S = 8, Var = 16.67.
        let score = mann_kendall(&[1.0, 2.0, 4.0, 3.0, 5.0]);
        assert!((score - 7.0 / 16.666_67_f64.sqrt()).abs() < 1e-4, "{score}");
        assert!(mann_kendall(&[3.0, 2.0, 1.0]) < 0.0);
        assert!(mann_kendall(&[1.0, 1.0, 1.0]).abs() < 1e-12);
    }
}
