//! Published values, properties, and what the intervals cover.

use proptest::prelude::*;
use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};
use statrs::distribution::{ContinuousCDF, Normal};

use super::bootstrap::standard_error;
use super::*;

/// The survival times of mice in B. Efron and R. Tibshirani, "An Introduction to the Bootstrap" (1993), table 2.1.
const TREATED: [f64; 7] = [94.0, 197.0, 16.0, 38.0, 99.0, 141.0, 23.0];
const CONTROL: [f64; 9] = [52.0, 104.0, 146.0, 10.0, 51.0, 30.0, 40.0, 27.0, 46.0];

#[track_caller]
fn near(found: f64, published: f64, by: f64) {
    assert!(
        (found - published).abs() <= by,
        "{found} is not {published}"
    );
}

#[test]
fn the_standard_error_of_a_median_is_the_published_one_of_infinitely_many_draws() {
    // Table 2.2, the column of infinitely many bootstrap samples; the text beside it for the control group.
    near(standard_error(&TREATED), 37.83, 0.005);
    near(standard_error(&CONTROL), 13.08, 0.005);
}

#[test]
fn an_even_sample_has_the_standard_error_that_drawing_tends_to() {
    let values = [3.0, 1.0, 4.0, 1.5, 9.0, 2.6];
    let mut random = Xoshiro256PlusPlus::seed_from_u64(1);
    let draws: Vec<f64> = (0..40_000)
        .map(|_| {
            let drawn = (0..6).map(|_| values[(random.next_u64() % 6) as usize]);
            median(drawn.collect()).expect("six values")
        })
        .collect();
    let mean = draws.iter().sum::<f64>() / 40_000.0;
    let error = (draws.iter().map(|d| (d - mean).powi(2)).sum::<f64>() / 40_000.0).sqrt();
    near(standard_error(&values), error, 0.02 * error);
}

#[test]
fn few_values_give_an_honest_level_in_place_of_a_narrow_interval() {
    for (n, level) in [(2, 0.5), (3, 0.75), (4, 0.875), (5, 0.9375)] {
        let found = median_interval(&CONTROL[..n]).expect("two or more");
        near(found.confidence, level, 1e-12);
        let sorted =
            |pick: fn(f64, f64) -> f64, start| CONTROL[..n].iter().copied().fold(start, pick);
        near(found.low, sorted(f64::min, f64::INFINITY), 0.0);
        near(found.high, sorted(f64::max, 0.0), 0.0);
    }
    assert_eq!(median_interval(&[1.0]), None);
    let one = ratio(&[1.0], &[1.0, 2.0]).expect("a ratio");
    assert_eq!((one.estimate, one.interval), (1.5, None));
    assert_eq!(ratio(&[1.0], &[]), None);
    assert_eq!(ratio(&[0.0, 1.0], &[1.0, 2.0]), None);
    let three = ratio(&[2.0, 4.0, 8.0], &[6.0, 7.0, 12.0])
        .and_then(|ratio| ratio.interval)
        .expect("three and three");
    assert_eq!((three.low, three.high), (6.0 / 8.0, 12.0 / 2.0));
    near(three.confidence, 0.9, 1e-12);
}

#[test]
fn the_rank_test_gives_published_values() {
    // The example of R's wilcox.test, from Hollander and Wolfe (1973), table 4.1: W = 35, one-sided p = 0.1272.
    let term = [0.80, 0.83, 1.89, 1.04, 1.45, 1.38, 1.91, 1.64, 0.73, 1.46];
    let early = [1.15, 0.88, 0.90, 0.74, 1.21];
    near(mann_whitney(&term, &early), 0.2544, 1e-4);
    // The example of scipy.stats.mannwhitneyu: 0.1111111111111111.
    let males = [19.0, 22.0, 16.0, 29.0, 24.0];
    let females = [20.0, 11.0, 17.0, 12.0];
    near(mann_whitney(&males, &females), 1.0 / 9.0, 1e-12);
    // Mann and Whitney (1947), table I: with five and five, U of at most 2 has 0.016 on one side.
    let (low, high) = ([1.0, 2.0, 3.0, 4.0, 7.0], [5.0, 6.0, 8.0, 9.0, 10.0]);
    near(mann_whitney(&low, &high), 2.0 * 0.016, 5e-4);
}

#[test]
fn the_least_p_value_is_that_of_samples_that_do_not_overlap() {
    near(least_p(3, 3), 0.1, 1e-12);
    near(least_p(5, 5), 2.0 / 252.0, 1e-12);
    for (n, m) in [(3, 3), (4, 4), (5, 3), (7, 7)] {
        let low: Vec<f64> = (0..n).map(f64::from).collect();
        let high: Vec<f64> = (0..m).map(|i| f64::from(i) + 100.0).collect();
        near(
            mann_whitney(&low, &high),
            least_p(low.len(), high.len()),
            1e-12,
        );
    }
}

#[test]
fn ties_are_counted_and_equal_samples_are_no_evidence() {
    near(mann_whitney(&[5.0; 6], &[5.0; 6]), 1.0, 1e-12);
    near(mann_whitney(&[5.0; 30], &[5.0; 30]), 1.0, 1e-12);
    // Of the six ways to take two of 1, 2, 2, 3 one has the sum of 1 and 2 twice: the ends are {1,2}, {1,2'}, {2,3}, {2',3}.
    near(mann_whitney(&[1.0, 2.0], &[2.0, 3.0]), 4.0 / 6.0, 1e-12);
    assert_eq!(mann_whitney(&[], &[1.0]), 1.0);
}

#[test]
fn holm_takes_the_least_times_all_and_never_falls() {
    // As R's p.adjust(c(0.01, 0.04, 0.03, 0.005), "holm") has it: 4 times the least, 3 times the next, and so on.
    let corrected = holm(&[0.01, 0.04, 0.03, 0.005]);
    for (found, published) in corrected.iter().zip([0.03, 0.06, 0.06, 0.02]) {
        near(*found, published, 1e-12);
    }
    assert!(holm(&[]).is_empty());
    assert_eq!(holm(&[0.7, 0.9]), [1.0, 1.0]);
}

#[test]
fn ranks_of_a_quantile_are_those_of_the_binomial_tables() {
    // The sign test's two-sided 5 % points (W. J. Conover, "Practical Nonparametric Statistics"): 10 values
    // leave out one on each side, 20 leave out five, 25 leave out seven.
    assert_eq!(quantile_ranks(10, 0.5, 0.95), Some((2, 9)));
    assert_eq!(quantile_ranks(20, 0.5, 0.95), Some((6, 15)));
    assert_eq!(quantile_ranks(25, 0.5, 0.95), Some((8, 18)));
    assert_eq!(quantile_ranks(5, 0.5, 0.95), None);
    // Beyond p99 there must be a sample with 97.5 %: 0.99^367 is the first below 0.025.
    assert_eq!(quantile_ranks(367, 0.99, 0.95), None);
    assert!(quantile_ranks(368, 0.99, 0.95).is_some());
    assert_eq!(quantile_ranks(0, 0.5, 0.95), None);
}

#[test]
fn exact_ranks_and_the_approximation_join() {
    for quantile in [0.5, 0.9, 0.99, 0.999] {
        let (low, high) = quantile_ranks(10_000, quantile, 0.95).expect("many");
        let (next_low, next_high) = quantile_ranks(10_001, quantile, 0.95).expect("many");
        assert!(low.abs_diff(next_low) <= 2 && high.abs_diff(next_high) <= 2);
    }
}

#[test]
fn a_quantile_resolves_with_ten_samples_beyond_it() {
    assert!(resolves(1000, 0.99) && !resolves(999, 0.99));
    assert!(resolves(10_000, 0.999) && !resolves(9_999, 0.999));
    assert!(!resolves(0, 0.5));
}

/// 1,000 experiments of `n` values each: the shares of intervals that hold the truth, of the median and
/// of the ratio of two like samples, and of rank tests below 5 %.
fn covered(n: usize, seed: u64, draw: impl Fn(f64) -> f64) -> [f64; 3] {
    let truth = draw(0.5);
    let mut random = Xoshiro256PlusPlus::seed_from_u64(seed);
    let mut sample = || -> Vec<f64> {
        let mut uniform = || ((random.next_u64() >> 11) as f64 + 0.5) / (1_u64 << 53) as f64;
        (0..n).map(|_| draw(uniform())).collect()
    };
    let mut held = [0.0; 3];
    for _ in 0..1000 {
        let (a, b) = (sample(), sample());
        let median = median_interval(&a).expect("enough");
        let ratio = ratio(&a, &b).and_then(|ratio| ratio.interval);
        let ratio = ratio.expect("enough and positive");
        held[0] += f64::from(u8::from(median.low <= truth && truth <= median.high));
        held[1] += f64::from(u8::from(ratio.low <= 1.0 && 1.0 <= ratio.high));
        held[2] += f64::from(u8::from(mann_whitney(&a, &b) <= 0.05));
    }
    held.map(|count| count / 1000.0)
}

#[test]
fn intervals_cover_what_they_say_on_known_distributions() {
    // By chance alone 95 % of 1,000 spread by 0.7 % about themselves: 92 % is four of these away. The
    // narrowest case, eleven values, has 93.5 % by the binomial distribution.
    let normal = Normal::standard();
    for n in [6, 7, 8, 11, 25] {
        for [median, ratio, alarms] in [
            covered(n, 1, |u| 100.0 + normal.inverse_cdf(u)),
            covered(n, 2, |u| normal.inverse_cdf(u).exp()),
        ] {
            assert!(median > 0.91, "{n} values: {median} for the median");
            assert!(ratio > 0.92, "{n} values: {ratio} for the ratio");
            assert!(alarms < 0.08, "{n} values: {alarms} false alarms");
        }
    }
    // With fewer, the level is the one they say: 75 % and 90 % for three.
    let [median, ratio, alarms] = covered(3, 3, |u| normal.inverse_cdf(u).exp());
    near(median, 0.75, 0.06);
    near(ratio, 0.90, 0.04);
    near(alarms, 0.0, 0.0);
}

proptest! {
    #[test]
    fn an_interval_holds_its_median_in_any_order(mut values in prop::collection::vec(0.001_f64..1e9, 2..20)) {
        let found = median_interval(&values).expect("two or more");
        let middle = median(values.clone()).expect("values");
        prop_assert!(found.low <= middle && middle <= found.high);
        values.reverse();
        prop_assert_eq!(median_interval(&values), Some(found));
    }

    #[test]
    fn a_ratio_lies_in_its_interval_and_turns_over_with_its_sides(
        base in prop::collection::vec(0.001_f64..1e6, 2..30),
        candidate in prop::collection::vec(0.001_f64..1e6, 2..30),
    ) {
        let found = ratio(&base, &candidate).expect("two or more, positive");
        let Interval { low, high, .. } = found.interval.expect("two or more");
        prop_assert!(low <= found.estimate && found.estimate <= high);
        let turned = ratio(&candidate, &base).and_then(|ratio| ratio.interval).expect("the same");
        prop_assert!((turned.low * high - 1.0).abs() < 1e-6);
        prop_assert!((turned.high * low - 1.0).abs() < 1e-6);
    }

    #[test]
    fn an_interval_without_one_is_a_rank_test_below_five_in_a_hundred(
        base in prop::collection::vec(1.0_f64..3.0, 4..25),
        candidate in prop::collection::vec(1.5_f64..4.0, 4..25),
    ) {
        let found = ratio(&base, &candidate).and_then(|ratio| ratio.interval);
        let Interval { low, high, confidence } = found.expect("positive");
        prop_assume!(confidence >= CONFIDENCE && base.len() + candidate.len() <= 40);
        prop_assert_eq!(low > 1.0 || high < 1.0, mann_whitney(&base, &candidate) <= 1.0 - CONFIDENCE);
    }

    #[test]
    fn a_rank_test_has_no_sides_and_looks_at_ranks_alone(
        a in prop::collection::vec(0_u8..40, 1..9),
        b in prop::collection::vec(0_u8..40, 1..9),
    ) {
        let floats = |values: &[u8]| values.iter().map(|v| f64::from(*v)).collect::<Vec<_>>();
        let squares = |values: &[u8]| values.iter().map(|v| f64::from(*v).powi(2)).collect::<Vec<_>>();
        let p = mann_whitney(&floats(&a), &floats(&b));
        prop_assert!(p > 0.0 && p <= 1.0);
        prop_assert!((p - mann_whitney(&floats(&b), &floats(&a))).abs() < 1e-9);
        prop_assert!((p - mann_whitney(&squares(&a), &squares(&b))).abs() < 1e-9);
        // With ties the two sides need not be alike, and one of them may be impossible.
        prop_assert!(p >= least_p(a.len(), b.len()) / 2.0 - 1e-9);
    }

    #[test]
    fn ranks_hold_the_quantile_and_widen_with_the_level(count in 400_u64..200_000, quantile in 0.1_f64..0.99) {
        let (low, high) = quantile_ranks(count, quantile, 0.95).expect("many");
        let middle = count as f64 * quantile;
        prop_assert!(low as f64 <= middle + 1.0 && middle <= high as f64);
        if let Some((wide_low, wide_high)) = quantile_ranks(count, quantile, 0.99) {
            prop_assert!(wide_low <= low && high <= wide_high);
        }
    }
}
