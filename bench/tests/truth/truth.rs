//! What is true of a trial's times, by what the server noted, and what follows for bench's figures.

use std::collections::HashMap;

use crate::fake::{Tally, Written};
use crate::seen::Seen;

/// Of the samples in a trial, so many may be off: two messages that wait in one socket because the
/// client was kept from reading share the later one's stamp, and bench says so.
const STRAYS: usize = 3;
/// Three significant figures: a histogram gives the upper end of a bucket at most this wide, and
/// for the least of all the lower.
const PRECISION: f64 = 1.001;

/// Bounds for a latency of every delivery of a trial, in nanoseconds, each list sorted by itself:
/// the n-th smallest latency lies between the n-th of `least` and the n-th of `most`.
pub(crate) struct Truth {
    pub(crate) least: Vec<u64>,
    pub(crate) most: Vec<u64>,
    /// The latest that a message which had to wait for its successor can seem to have come.
    latest: u64,
}

impl Truth {
    /// When the bytes of each delivery came to the client's socket: during the write that brought them.
    pub(crate) fn of_arrival(fake: &Tally) -> Self {
        Self::new(&fake.written(), |written| written.before.since(written.due))
    }

    /// The same, where a latency can be no less than `least` says of a record.
    pub(crate) fn new(written: &[Written], least: impl Fn(&Written) -> i64) -> Self {
        let (mut seen, mut last) = (HashMap::new(), HashMap::new());
        let mut truth = Self {
            least: Vec::new(),
            most: Vec::new(),
            latest: 0,
        };
        for record in written {
            let nanos = |since: i64| u64::try_from(since).unwrap();
            if let Some(due) = last.insert(record.connection, record.due) {
                truth.latest = truth.latest.max(nanos(record.after.since(due)));
            }
            truth.latest = truth.latest.max(nanos(record.after.since(record.due)));
            // What comes again is counted, and has no latency.
            let name = (record.connection, record.message);
            if seen.insert(name, ()).is_none() {
                truth.least.push(nanos(least(record)));
                truth.most.push(nanos(record.after.since(record.due)));
            }
        }
        truth.least.sort_unstable();
        truth.most.sort_unstable();
        truth
    }

    /// Holds bench's arrival times against it: no figure less than the truth, none more than the
    /// truth, the histogram's precision and the floor together.
    pub(crate) fn agrees(&self, seen: &Seen, floor: u64) {
        let count = self.least.len();
        assert_eq!(seen.number("/latency_ns/arrival/count"), count as u64);
        for (quantile, reported) in figures(seen, "arrival") {
            let rank = rank(quantile, count);
            let below = if quantile == 0.0 { PRECISION } else { 1.0 };
            let least = self.least[rank] as f64 / below - floor as f64;
            let near = self.most.get(rank + STRAYS).unwrap_or(&self.latest);
            let most = *near as f64 * PRECISION + floor as f64;
            assert!(
                (least..=most).contains(&(reported as f64)),
                "{}: arrival at {quantile} is {reported}, not in {least}..={most} (floor {floor})",
                seen.transport()
            );
        }
        let (mean, slack) = (seen.float("/latency_ns/arrival/mean"), floor as f64);
        let strays = STRAYS as f64 * self.latest as f64 / count as f64;
        let (least, most) = (average(&self.least), average(&self.most));
        assert!(
            (least - slack..=most * PRECISION + slack + strays).contains(&mean),
            "{}: mean arrival {mean}, not in {least}..={most} (floor {floor})",
            seen.transport()
        );
    }

    /// Holds bench's delivery times against what they must at least be.
    pub(crate) fn bounds_delivery(&self, seen: &Seen, floor: u64) {
        for (quantile, reported) in figures(seen, "delivery") {
            let below = if quantile == 0.0 { PRECISION } else { 1.0 };
            let least = self.least[rank(quantile, self.least.len())] as f64 / below - floor as f64;
            assert!(
                reported as f64 >= least,
                "{}: delivery at {quantile} is {reported}, less than {least}",
                seen.transport()
            );
        }
    }
}

/// No message is parsed before it is there.
pub(crate) fn delivery_is_no_less_than_arrival(seen: &Seen) {
    let arrival = figures(seen, "arrival");
    for ((quantile, delivery), (_, arrival)) in figures(seen, "delivery").into_iter().zip(arrival) {
        let transport = seen.transport();
        assert!(delivery >= arrival, "{transport} at {quantile}");
    }
    assert!(seen.float("/latency_ns/delivery/mean") >= seen.float("/latency_ns/arrival/mean"));
}

/// Every quantile of a series that the result has: those of the summary, and the curve.
pub(crate) fn figures(seen: &Seen, series: &str) -> Vec<(f64, u64)> {
    let mut figures: Vec<(f64, u64)> = [
        ("min", 0.0),
        ("p50", 0.5),
        ("p90", 0.9),
        ("p99", 0.99),
        ("max", 1.0),
    ]
    .map(|(name, quantile)| {
        let path = format!("/latency_ns/{series}/{name}");
        (quantile, seen.number(&path))
    })
    .into();
    let curve = seen.trial["percentiles"].as_array().unwrap();
    assert!(curve.len() > 10);
    for point in curve {
        let value = point[series].as_u64().unwrap();
        figures.push((point["quantile"].as_f64().unwrap(), value));
    }
    figures
}

/// The place of a quantile among `count` sorted values: the least that this share does not exceed.
fn rank(quantile: f64, count: usize) -> usize {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and a count of samples"
    )]
    let above = (quantile * count as f64).ceil() as usize;
    above.clamp(1, count) - 1
}

fn average(values: &[u64]) -> f64 {
    values.iter().sum::<u64>() as f64 / values.len() as f64
}
