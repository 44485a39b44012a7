//! Whether delays follow the law that theory gives them: the Kolmogorov-Smirnov test.

use crate::result::Uniformity;
use crate::scenario::{Arrivals, Load};

/// The probability of a false alarm.
const ALPHA: f64 = 1e-4;
/// A distance that is accepted however many samples there are: no machine is so quiet that
/// delays follow a law exactly.
pub const TOLERANCE: f64 = 0.02;
/// Deliveries for each independent sample, see [`independent`].
const SHARED: u64 = 4;
/// With fewer independent samples the test says nothing.
const FEWEST: u64 = 20;

/// Delays in a bucket of a histogram, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Bucket {
    /// The shortest delay that the bucket holds.
    pub low: f64,
    /// The longest.
    pub high: f64,
    /// Delays in it.
    pub count: u64,
}

/// Tests delays, as ascending buckets, against the uniform law that starts at `start` and is `width`
/// wide, both in nanoseconds. `None` with too few samples.
#[must_use]
pub fn check(
    buckets: impl IntoIterator<Item = Bucket>,
    start: f64,
    width: f64,
    load: &Load,
) -> Option<Uniformity> {
    let (d, deliveries) = distance(buckets, |delay| ((delay - start) / width).clamp(0.0, 1.0));
    let samples = independent(load, deliveries);
    if samples < FEWEST {
        return None;
    }
    let limit = critical(ALPHA, samples).max(TOLERANCE);
    Some(Uniformity {
        d,
        p: probability(d, samples),
        samples,
        limit,
        holds: d <= limit,
    })
}

/// Independent samples among so many deliveries.
///
/// A delay is a client's phase less a message's instant. Clients have phases of their own, so one
/// message gives one sample a client; but all messages to one client share its phase, and all clients
/// of one message its instant. Equal periods may hit the same phase again and again: then a client
/// is one sample. Poisson instants are random too. Pairs are then pairwise independent, so the variance is
/// that of independent deliveries, but the tail is heavier (|AB| of two normal variates rather
/// than |A|). By simulation the square of the distance that chance exceeds once in a thousand times is
/// 1.7 times that of independent samples; e^-x against e^-2sqrt(x) gives 2.3 once in ten thousand. A
/// quarter of the deliveries is on the safe side.
fn independent(load: &Load, deliveries: u64) -> u64 {
    let clients = deliveries.min(load.clients as u64);
    match load.arrivals {
        Arrivals::Poisson => clients.max(deliveries / SHARED),
        Arrivals::Constant | Arrivals::Burst => clients,
    }
}

/// The largest distance between the distribution of `buckets` and `law`, at the edges of the buckets, and
/// the number of samples. Within a bucket nothing is known, which hides at most the law's share of one.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn distance(buckets: impl IntoIterator<Item = Bucket>, law: impl Fn(f64) -> f64) -> (f64, u64) {
    let buckets: Vec<Bucket> = buckets.into_iter().filter(|b| b.count > 0).collect();
    let total: u64 = buckets.iter().map(|bucket| bucket.count).sum();
    let (mut before, mut largest) = (0, 0.0_f64);
    for bucket in buckets {
        let after = before + bucket.count;
        for (count, delay) in [(before, bucket.low), (after, bucket.high)] {
            largest = largest.max((count as f64 / total as f64 - law(delay)).abs());
        }
        before = after;
    }
    (largest, total)
}

/// The probability that `samples` of the law itself are as far from it as `distance` (Kolmogorov 1933,
/// with the correction for few samples of Stephens 1970).
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
#[must_use]
pub fn probability(distance: f64, samples: u64) -> f64 {
    let root = (samples as f64).sqrt();
    let scaled = (root + 0.12 + 0.11 / root) * distance;
    if scaled < 0.2 {
        // The series does not converge there; its value is 1 to twelve figures.
        return 1.0;
    }
    let term = |j: i32| {
        let sign = if j % 2 == 1 { 2.0 } else { -2.0 };
        sign * (-2.0 * f64::from(j * j) * scaled * scaled).exp()
    };
    (1..=100).map(term).sum::<f64>().clamp(0.0, 1.0)
}

/// The distance that `samples` of the law exceed with probability `alpha`.
#[must_use]
pub fn critical(alpha: f64, samples: u64) -> f64 {
    let (mut low, mut high) = (0.0, 1.0);
    // Sixty halvings leave nothing of an interval of 1.
    for _ in 0..60 {
        let middle = f64::midpoint(low, high);
        if probability(middle, samples) > alpha {
            low = middle;
        } else {
            high = middle;
        }
    }
    high
}

#[cfg(test)]
mod tests {
    use rand::rngs::Xoshiro256PlusPlus;
    use rand::{RngExt, SeedableRng};

    use super::*;

    const T: f64 = 1e9;

    fn load(arrivals: Arrivals, clients: usize) -> Load {
        Load {
            arrivals,
            clients,
            ..Load::default()
        }
    }

    fn buckets(mut delays: Vec<f64>) -> Vec<Bucket> {
        delays.sort_by(f64::total_cmp);
        let bucket = |delay| Bucket {
            low: delay,
            high: delay,
            count: 1,
        };
        delays.into_iter().map(bucket).collect()
    }

    /// Delays of a trial: phases of the clients, instants of the messages, one interval.
    fn trial(random: &mut Xoshiro256PlusPlus, clients: usize, messages: usize) -> Vec<f64> {
        let mut draw = |count| (0..count).map(|_| random.random::<f64>() * T).collect();
        let (phases, instants): (Vec<f64>, Vec<f64>) = (draw(clients), draw(messages));
        let delay = |phase: f64| instants.iter().map(move |at| (phase - at).rem_euclid(T));
        phases.into_iter().flat_map(delay).collect()
    }

    #[test]
    fn critical_values_are_the_published_ones() {
        // Massey 1951, table 1, and Miller 1956.
        for (samples, alpha, published) in [
            (10, 0.05, 0.410),
            (10, 0.01, 0.490),
            (20, 0.05, 0.294),
            (20, 0.01, 0.356),
            (35, 0.05, 0.23),
            (35, 0.01, 0.27),
            (100, 0.05, 0.1340),
            (100, 0.01, 0.1608),
        ] {
            let found = critical(alpha, samples);
            assert!(
                (found - published).abs() < 0.006,
                "{samples} {alpha} {found}"
            );
        }
        // For many samples: 1.2238, 1.3581, 1.6276 and 1.9495 over the root (Smirnov 1948).
        for (alpha, published) in [
            (0.1, 1.2238),
            (0.05, 1.3581),
            (0.01, 1.6276),
            (0.001, 1.9495),
        ] {
            let found = critical(alpha, 1_000_000) * 1000.0;
            assert!((found - published).abs() < 1e-3, "{alpha} {found}");
        }
    }

    #[test]
    fn a_distance_is_the_largest_one() {
        // A sample at 0.9 of the interval: nothing before it, everything after.
        let one = buckets(vec![0.9 * T]);
        let (d, n) = distance(one, |delay| delay / T);
        assert!((d - 0.9).abs() < 1e-12 && n == 1, "{d}");
        let four = buckets([0.2, 0.4, 0.6, 0.8].map(|share| share * T).to_vec());
        let (d, _) = distance(four, |delay| delay / T);
        assert!((d - 0.2).abs() < 1e-12, "{d}");
    }

    #[test]
    fn true_delays_raise_no_alarm_though_they_share_phases_and_instants() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(7);
        for (clients, messages) in [(1, 400), (400, 1), (30, 30), (20, 200), (100, 100)] {
            let load = load(Arrivals::Poisson, clients);
            let mut smallest = 1.0_f64;
            for _ in 0..200 {
                let delays = trial(&mut random, clients, messages);
                let samples = independent(&load, delays.len() as u64);
                let (d, _) = distance(buckets(delays), |delay| delay / T);
                smallest = smallest.min(probability(d, samples));
            }
            // Of two hundred independent samplings the smallest p is below 1e-4 one time in fifty.
            assert!(smallest > ALPHA, "{clients} x {messages}: {smallest}");
        }
    }

    #[test]
    fn treating_every_delivery_as_independent_would_raise_alarms() {
        // What the quarter is for: without it, one in a hundred is alarmed where one in a thousand should be.
        let mut random = Xoshiro256PlusPlus::seed_from_u64(8);
        let alarms = (0..1000).filter(|_| {
            let delays = trial(&mut random, 30, 30);
            let (d, n) = distance(buckets(delays), |delay| delay / T);
            probability(d, n) < 1e-3
        });
        let alarms = alarms.count();
        assert!(alarms >= 5, "{alarms}");
    }

    #[test]
    fn wrong_laws_are_found() {
        let mut random = Xoshiro256PlusPlus::seed_from_u64(9);
        let poisson = load(Arrivals::Poisson, 200);
        let true_ones = trial(&mut random, 200, 100);
        let verdict = |change: &dyn Fn(f64) -> f64| {
            let delays = true_ones.iter().map(|delay| change(*delay)).collect();
            check(buckets(delays), 0.0, T, &poisson).unwrap()
        };
        assert!(verdict(&|delay| delay).holds);
        // An interval that is a tenth too long or too short.
        assert!(!verdict(&|delay| delay * 1.1).holds);
        assert!(!verdict(&|delay| delay * 0.9).holds);
        // A server that holds every message for a tenth of the interval.
        assert!(!verdict(&|delay| delay + 0.1 * T).holds);
        // A pause of one interval after an answer that takes a fifth of one.
        assert!(!verdict(&|delay| delay * 1.2).holds);
        // Phases that are not random: every client polls in the first half.
        assert!(!verdict(&|delay| delay / 2.0).holds);
        // The exponential law with the same mean.
        assert!(!verdict(&|delay| -(1.0 - delay / T).max(1e-9).ln() * T / 2.0).holds);
    }

    #[test]
    fn few_samples_say_nothing() {
        let few = load(Arrivals::Constant, 10);
        let delays = vec![0.99 * T; 1000];
        assert_eq!(check(buckets(delays), 0.0, T, &few), None);
    }
}
