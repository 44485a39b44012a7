//! How many times the values of one sample those of another are, and how sure that is.
//!
//! J. L. Hodges and E. L. Lehmann, "Estimates of location based on rank tests", Annals of Mathematical
//! Statistics 34 (1963): the estimate is the median of the ratios of every value of one sample to
//! every value of the other, and the interval holds just the ratios which the rank test of
//! Mann and Whitney does not refute, were the base multiplied by them. So the interval and the test
//! agree, and both waste less than medians do: of normal values it needs two thirds of the repeats.

use statrs::distribution::{ContinuousCDF, Normal};

use super::rank::EXACT;
use super::{CONFIDENCE, Interval, median};

/// How many times a base a candidate is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Ratio {
    /// The estimate: 1.1 is a tenth more.
    pub estimate: f64,
    /// What the values leave open; none with a single value on a side.
    pub interval: Option<Interval>,
}

/// The ratio of `candidate` to `base`; `None` without values, or when one of the base is not above zero.
///
/// Where two samples that do not overlap are no evidence at 95 %, the interval reaches over all ratios
/// and its confidence is that of such samples: 90 % for three and three.
#[must_use]
pub fn ratio(base: &[f64], candidate: &[f64]) -> Option<Ratio> {
    if base.iter().any(|value| *value <= 0.0) {
        return None;
    }
    let mut ratios: Vec<f64> = base
        .iter()
        .flat_map(|under| candidate.iter().map(move |value| value / under))
        .collect();
    ratios.sort_by(f64::total_cmp);
    let interval = (base.len().min(candidate.len()) > 1).then(|| {
        let (outside, confidence) = left_out(base.len(), candidate.len());
        Interval {
            low: ratios[outside],
            high: ratios[ratios.len() - 1 - outside],
            confidence,
        }
    });
    Some(Ratio {
        interval,
        estimate: median(ratios)?,
    })
}

/// How many ratios are left out at each end, and the confidence of what remains.
fn left_out(n: usize, m: usize) -> (usize, f64) {
    let each = (1.0 - CONFIDENCE) / 2.0;
    if n + m > EXACT {
        let (n, m) = (n as f64, m as f64);
        let spread = (n * m * (n + m + 1.0) / 12.0).sqrt();
        let below = n * m / 2.0 + Normal::standard().inverse_cdf(each) * spread - 0.5;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "between zero and half of the pairs"
        )]
        return (below.floor().max(0.0) as usize, CONFIDENCE);
    }
    let ways = ways(n, m);
    let all: f64 = ways.iter().sum();
    let mut share = 0.0;
    // With k left out at each end, the interval misses the truth when U is at most k or as far from the other end.
    let shares = ways.iter().map(|ways| {
        share += ways / all;
        share
    });
    let missed: Vec<f64> = shares.take_while(|share| *share <= each).collect();
    let first = ways[0] / all;
    let confidence = 1.0 - 2.0 * missed.last().unwrap_or(&first);
    (missed.len().saturating_sub(1), confidence.min(CONFIDENCE))
}

/// Of all ways to deal `n` and `m` ranks out, how many have a U of 0, 1, 2 and so on: the coefficients of
/// the Gaussian binomial, exact up to 2^53.
fn ways(n: usize, m: usize) -> Vec<f64> {
    let mut ways = vec![0.0; n * m + 1];
    ways[0] = 1.0;
    for i in 1..=n {
        for u in (m + i..=n * m).rev() {
            ways[u] -= ways[u - m - i];
        }
        for u in i..=n * m {
            ways[u] += ways[u - i];
        }
    }
    ways
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_published_example_has_its_published_interval() {
        // Hollander and Wolfe (1973), table 4.1 and section 4.2, which R's wilcox.test takes over: a
        // difference of 0.305, from -0.15 to 0.76. Of exponentials a difference is a ratio.
        let exp = |values: &[f64]| values.iter().map(|v| v.exp()).collect::<Vec<_>>();
        let term = exp(&[0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46]);
        let early = exp(&[1.15, 0.88, 0.90, 0.74, 1.21]);
        let found = ratio(&early, &term).expect("enough and positive");
        let Interval { low, high, .. } = found.interval.expect("two or more");
        for (found, published) in [(found.estimate, 0.305), (low, -0.15), (high, 0.76)] {
            // The middle of two ratios is not quite that of their logarithms.
            assert!((found.ln() - published).abs() < 1e-4, "{}", found.ln());
        }
    }

    #[test]
    fn as_many_are_left_out_as_the_tables_of_u_say() {
        // Critical values of U at 5 % on two sides, in the usual tables: 5, 23, 127 for 6, 10 and 20 of each.
        for (n, critical) in [(6, 5), (10, 23), (20, 127)] {
            assert_eq!(left_out(n, n).0, critical);
        }
        assert_eq!(left_out(3, 3), (0, 1.0 - 2.0 / 20.0));
    }

    #[test]
    fn where_the_approximation_takes_over_both_agree() {
        let near = left_out(20, 21).0.abs_diff(left_out(20, 20).0);
        assert!(near < 10, "{near}");
    }
}
