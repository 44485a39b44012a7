//! When a client polls: on a grid of its own, so that clients do not poll together.

use std::time::Duration;

use crate::clock::Moment;

/// The next instant after `now` of the grid of client `number`: one interval wide, with a phase drawn from the seed.
///
/// The phases of many clients are spread evenly over the interval, and so is the instant at which a
/// message finds each of them.
pub(super) fn next_poll(now: Moment, interval: Duration, seed: u64, number: usize) -> Moment {
    let interval = u64::try_from(interval.as_nanos())
        .unwrap_or(u64::MAX)
        .max(1);
    let phase = mix(seed ^ mix(number as u64)) % interval;
    let since = now.0.wrapping_sub(phase) % interval;
    Moment(now.0 + (interval - since))
}

/// A bijection that spreads neighbouring numbers evenly (the finaliser of `SplitMix64`, Steele et al. 2014).
pub(super) fn mix(value: u64) -> u64 {
    let value = value.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const BINS: usize = 20;
    const CLIENTS: usize = 4000;

    proptest! {
        #[test]
        fn a_client_polls_once_an_interval(now in 10_u64.pow(12)..10_u64.pow(15), millis in 1_u64..100_000, seed: u64, number in 0..100_000_usize) {
            let interval = Duration::from_millis(millis);
            let first = next_poll(Moment(now), interval, seed, number);
            prop_assert!(first > Moment(now) && first <= Moment(now) + interval);
            prop_assert_eq!(next_poll(first, interval, seed, number), first + interval);
            let late = Moment(first.0 + 1);
            prop_assert_eq!(next_poll(late, interval, seed, number), first + interval, "a late poll does not shift the grid");
        }

        #[test]
        fn the_phases_of_many_clients_are_uniform(now in 10_u64.pow(12)..10_u64.pow(15), seed: u64) {
            let interval = Duration::from_secs(1);
            let mut bins = [0_u32; BINS];
            for number in 0..CLIENTS {
                let wait = next_poll(Moment(now), interval, seed, number).since(Moment(now));
                bins[usize::try_from(wait - 1).unwrap() * BINS / 1_000_000_000] += 1;
            }
            let mean = (CLIENTS / BINS) as f64;
            let chi: f64 = bins.iter().map(|count| (f64::from(*count) - mean).powi(2) / mean).sum();
            // Chi-square with 19 degrees of freedom: beyond 90 once in 10^10.
            prop_assert!(chi < 90.0, "{chi}: {bins:?}");
        }
    }
}
