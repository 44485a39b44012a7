//! One latency series: a histogram in nanoseconds, with negative samples counted apart.

use hdrhistogram::Histogram;

use crate::result::Summary;
use crate::stats;

/// Longest latency that keeps its value: an hour; longer ones count as an hour.
const LONGEST: u64 = 3_600_000_000_000;
/// Significant figures kept: values are exact to 0.1 %.
const FIGURES: u8 = 3;

/// A latency series.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub(super) histogram: Histogram<u64>,
    pub(super) negative: u64,
}

impl Default for Series {
    fn default() -> Self {
        let histogram = Histogram::new_with_bounds(1, LONGEST, FIGURES)
            .expect("invariant: the bounds are constants that fit");
        Self {
            histogram,
            negative: 0,
        }
    }
}

impl Series {
    /// Books a sample, in nanoseconds. One below zero is counted as such, and as zero.
    pub fn record(&mut self, nanos: i64) {
        self.negative += u64::from(nanos < 0);
        self.histogram
            .saturating_record(u64::try_from(nanos).unwrap_or(0));
    }

    /// Adds the samples of another series. Exact: all series have the same bounds.
    pub fn merge(&mut self, other: &Self) {
        self.histogram
            .add(&other.histogram)
            .expect("invariant: all series have the same bounds");
        self.negative += other.negative;
    }

    /// The number of samples.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// The value that a share `quantile` of the samples does not exceed, in nanoseconds; `None` without samples.
    #[must_use]
    pub fn quantile(&self, quantile: f64) -> Option<u64> {
        (self.count() > 0).then(|| {
            self.histogram
                .value_at_quantile(quantile)
                .min(self.histogram.max())
        })
    }

    /// The series in short, each sample an observation of its own; `None` without samples.
    #[must_use]
    pub fn summary(&self) -> Option<Summary> {
        self.summary_of(self.count())
    }

    /// The same when fewer observations are independent.
    ///
    /// Samples of one cause are one observation: of the deliveries of a message to a thousand clients
    /// all are late when the server was. `causes` is the number of independent ones, and intervals are as wide
    /// as so few make them.
    #[must_use]
    pub fn summary_of(&self, causes: u64) -> Option<Summary> {
        let causes = causes.min(self.count());
        let interval = |quantile| self.interval(quantile, causes).unzip();
        let (p50_low, p50_high) = interval(0.5);
        let (p99_low, p99_high) = interval(0.99);
        Some(Summary {
            count: self.count(),
            negative: self.negative,
            mean: self.histogram.mean(),
            min: self.quantile(0.0)?,
            p50: self.quantile(0.5)?,
            p50_low,
            p50_high,
            p90: self.quantile(0.9)?,
            p95: Some(self.quantile(0.95)?),
            p99: self.quantile(0.99)?,
            p99_low,
            p99_high,
            p99_9: self
                .quantile(0.999)
                .filter(|_| stats::resolves(self.count(), 0.999)),
            max: self.histogram.max(),
        })
    }

    /// The quantiles of a curve on a logarithmic axis, ascending: the median, and each decade of the tail in twelve
    /// steps, as far as ten samples lie beyond. A quantile with fewer says more about luck than about the server.
    #[must_use]
    pub fn curve(&self) -> Vec<f64> {
        let count = self.count() as f64;
        let decades = (0..=60_i32).map(|step| 10_f64.powf(-f64::from(step) / 12.0));
        let beyond = decades.take_while(|beyond| *beyond >= 1.0 || count * beyond >= 10.0);
        let mut quantiles: Vec<f64> = beyond.map(|beyond| 1.0 - beyond).chain([0.5]).collect();
        quantiles.sort_by(f64::total_cmp);
        quantiles
    }

    /// Between which values the quantile lies, by the order statistics of `causes` observations.
    fn interval(&self, quantile: f64, causes: u64) -> Option<(u64, u64)> {
        let (low, high) = stats::quantile_ranks(causes, quantile, stats::CONFIDENCE)?;
        let at = |rank: u64| self.quantile(rank as f64 / causes as f64);
        Some((at(low)?, at(high)?))
    }

    /// Bytes that it keeps beside itself: the same from the first sample to the last.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.histogram.distinct_values() * size_of::<u64>()
    }

    /// The samples as they are kept, ascending: the shortest and the longest time of a bucket, and how many are in it.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64, u64)> + '_ {
        self.histogram.iter_recorded().map(|step| {
            let value = step.value_iterated_to();
            (
                self.histogram.lowest_equivalent(value),
                self.histogram.highest_equivalent(value),
                step.count_since_last_iteration(),
            )
        })
    }

    /// The histogram, for logs and curves.
    #[must_use]
    pub fn histogram(&self) -> &Histogram<u64> {
        &self.histogram
    }
}
