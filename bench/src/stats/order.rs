//! What the samples inside a trial say of a quantile: order statistics.

use statrs::distribution::{Binomial, ContinuousCDF, DiscreteCDF, Normal};

/// A quantile is worth printing when so many samples lie beyond it.
pub const BEYOND: f64 = 10.0;
/// With more samples than this the normal approximation is used: it is off by a rank or two of thousands.
const EXACT: u64 = 10_000;

/// Whether `count` samples put at least ten beyond the `quantile`: 1,000 for p99, 10,000 for p99.9.
#[must_use]
pub fn resolves(count: u64, quantile: f64) -> bool {
    // A share such as 1 - 0.99 is a little less than it looks.
    count as f64 * (1.0 - quantile) >= BEYOND - 1e-6
}

/// The ranks, counted from 1, of two of `count` independent samples between which the `quantile`
/// lies with at least this `confidence`; `None` when the samples do not reach far enough.
///
/// The number of samples below a quantile q is binomial, whatever their distribution. So the ranks
/// l and u have P(B < l) and P(B >= u) of at most half of what is left (Hahn and Meeker,
/// "Statistical Intervals", 1991, section 5.2). With more than 10,000 samples they are
/// nq ± z·sqrt(nq(1-q)), rounded outwards, as Lancet has them (Kogias, Mallon and Bugnion, USENIX ATC 2019).
#[must_use]
pub fn quantile_ranks(count: u64, quantile: f64, confidence: f64) -> Option<(u64, u64)> {
    let tail = (1.0 - confidence) / 2.0;
    let (low, high) = if count <= EXACT {
        exact(count, quantile, tail)?
    } else {
        approximate(count as f64, quantile, tail)
    };
    (low >= 1 && high <= count).then_some((low, high))
}

fn exact(count: u64, quantile: f64, tail: f64) -> Option<(u64, u64)> {
    let below = Binomial::new(quantile, count).ok()?;
    // The largest l with P(B <= l - 1) <= tail, and the smallest u with P(B > u - 1) <= tail.
    let low = first(count + 1, |l| below.cdf(l) > tail);
    let high = first(count + 1, |u| below.sf(u) <= tail) + 1;
    Some((low, high))
}

/// The first of 0.. for which `holds`, which holds from there on; `end` when it never does.
fn first(end: u64, holds: impl Fn(u64) -> bool) -> u64 {
    let (mut from, mut to) = (0, end);
    while from < to {
        let middle = from.midpoint(to);
        if holds(middle) {
            to = middle;
        } else {
            from = middle + 1;
        }
    }
    from
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "ranks below 2^53, and a float becomes an integer by saturation"
)]
fn approximate(count: f64, quantile: f64, tail: f64) -> (u64, u64) {
    let middle = count * quantile;
    let reach = -Normal::standard().inverse_cdf(tail) * (middle * (1.0 - quantile)).sqrt();
    (
        (middle - reach).floor() as u64,
        (middle + reach).ceil() as u64 + 1,
    )
}
