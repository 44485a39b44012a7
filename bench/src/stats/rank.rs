//! The rank test of two samples.

use statrs::distribution::{ContinuousCDF, Normal};

/// With at most so many values in all, every way to deal them out is counted.
pub(super) const EXACT: usize = 40;

/// The chance of ranks at least as uneven as those of `a` and `b` when both come from one
/// distribution: the two-sided p value of Mann and Whitney's U test. 1 when a sample is empty.
///
/// H. B. Mann and D. R. Whitney, "On a test of whether one of two random variables is
/// stochastically larger than the other", Annals of Mathematical Statistics 18 (1947). Up to 40
/// values it is exact, ties included (each has the mean of its ranks, and all ways to deal these
/// ranks out are counted); above that by the normal approximation, corrected for ties and
/// continuity.
#[must_use]
pub fn mann_whitney(a: &[f64], b: &[f64]) -> f64 {
    if a.is_empty() || b.is_empty() {
        return 1.0;
    }
    let (ranks, ties) = doubled_ranks(a, b);
    let sum: usize = ranks[..a.len()].iter().sum();
    // Twice the sum of ranks that is expected, as the ranks are doubled.
    let expected = a.len() * (ranks.len() + 1);
    let off = sum.abs_diff(expected);
    if ranks.len() <= EXACT {
        exact(&ranks, a.len(), expected, off)
    } else {
        approximate(a.len() as f64, b.len() as f64, off as f64 / 2.0, ties)
    }
}

/// The smallest p value that samples of `n` and `m` values can give: that of two which do not overlap.
#[must_use]
pub fn least_p(n: usize, m: usize) -> f64 {
    let ways = (1..=n.min(m)).fold(1.0, |ways, i| ways * (n.max(m) + i) as f64 / i as f64);
    (2.0 / ways).min(1.0)
}

/// Twice the rank of each value, so that the mean of tied ranks is whole, and the sum of t³ - t over ties.
fn doubled_ranks(a: &[f64], b: &[f64]) -> (Vec<usize>, f64) {
    let all: Vec<f64> = a.iter().chain(b).copied().collect();
    let mut order: Vec<usize> = (0..all.len()).collect();
    order.sort_by(|x, y| all[*x].total_cmp(&all[*y]));
    let mut ranks = vec![0; all.len()];
    let (mut below, mut ties) = (0, 0.0);
    for tied in order.chunk_by(|x, y| all[*x].total_cmp(&all[*y]).is_eq()) {
        for index in tied {
            ranks[*index] = 2 * below + tied.len() + 1;
        }
        let count = tied.len() as f64;
        ties += count.powi(3) - count;
        below += tied.len();
    }
    (ranks, ties)
}

/// Of all ways to take `n` of the ranks, the share whose sum is at least `off` from what is expected.
fn exact(ranks: &[usize], n: usize, expected: usize, off: usize) -> f64 {
    let most: usize = ranks.iter().sum();
    // ways[k][s]: ways to take k of the ranks seen so far with sum s.
    let mut ways = vec![vec![0.0_f64; most + 1]; n + 1];
    ways[0][0] = 1.0;
    for rank in ranks {
        for k in (1..=n).rev() {
            let (fewer, now) = ways.split_at_mut(k);
            for s in *rank..=most {
                now[0][s] += fewer[k - 1][s - rank];
            }
        }
    }
    let all: f64 = ways[n].iter().sum();
    let uneven = ways[n].iter().enumerate();
    let uneven = uneven.filter(|(s, _)| s.abs_diff(expected) >= off);
    (uneven.map(|(_, ways)| ways).sum::<f64>() / all).min(1.0)
}

fn approximate(n: f64, m: f64, off: f64, ties: f64) -> f64 {
    let all = n + m;
    let variance = n * m / 12.0 * (all + 1.0 - ties / (all * (all - 1.0)));
    if variance <= 0.0 {
        return 1.0; // all values are the same
    }
    let z = (off - 0.5).max(0.0) / variance.sqrt();
    (2.0 * Normal::standard().sf(z)).min(1.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Values as uneven as these, told by the approximation alone.
    pub(super) fn approximately(a: &[f64], b: &[f64]) -> f64 {
        let (ranks, ties) = doubled_ranks(a, b);
        let sum: usize = ranks[..a.len()].iter().sum();
        let off = sum.abs_diff(a.len() * (ranks.len() + 1));
        approximate(a.len() as f64, b.len() as f64, off as f64 / 2.0, ties)
    }

    #[test]
    fn the_approximation_gives_the_published_value() {
        // The example of scipy.stats.mannwhitneyu, method="asymptotic": p = 0.11134688653314041.
        let p = approximately(&[19.0, 22.0, 16.0, 29.0, 24.0], &[20.0, 11.0, 17.0, 12.0]);
        assert!((p - 0.111_346_886_533).abs() < 1e-9, "{p}");
    }

    #[test]
    fn where_one_takes_over_from_the_other_both_agree() {
        let a: Vec<f64> = (0..20).map(|i| f64::from(i * 7 % 31)).collect();
        let b: Vec<f64> = (0..20).map(|i| f64::from(i * 11 % 37) + 4.0).collect();
        let (exact, near) = (mann_whitney(&a, &b), approximately(&a, &b));
        assert!(
            exact > 0.01 && exact < 0.5 && (exact - near).abs() < 0.002,
            "{exact} {near}"
        );
    }
}
