//! The level that all channels are brought down to when they keep too much together.

/// Gives the most that any of them may keep, so that together they keep no more than `most`: those that
/// keep little keep all of it, and those that keep much keep the same (max-min fairness).
pub(super) fn level(mut weights: Vec<usize>, most: usize) -> usize {
    weights.sort_unstable();
    let mut left = most;
    for (at, weight) in weights.iter().enumerate() {
        let share = left / (weights.len() - at);
        if *weight > share {
            return share;
        }
        left -= weight;
    }
    usize::MAX
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn who_keeps_little_loses_nothing_and_no_more_is_taken_than_must_be(
            weights in prop::collection::vec(0..1000_usize, 1..40), most in 0..20_000_usize,
        ) {
            let level = level(weights.clone(), most);
            let after: usize = weights.iter().map(|weight| (*weight).min(level)).sum();
            prop_assert!(after <= most);
            let cut = weights.iter().filter(|weight| **weight > level).count();
            // The next level would be too high: what is left over is less than one byte for each that is cut.
            prop_assert!(cut == 0 || most - after < weights.len());
            prop_assert!(cut > 0 || weights.iter().sum::<usize>() <= most);
        }
    }

    #[test]
    fn the_largest_pay_alone() {
        assert_eq!(level(vec![10, 20, 500, 900], 330), 150);
        assert_eq!(level(vec![10, 20], 30), usize::MAX);
        assert_eq!(level(Vec::new(), 0), usize::MAX);
    }
}
