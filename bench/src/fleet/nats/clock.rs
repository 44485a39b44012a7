//! How far a worker's clock is from the coordinator's: it is asked many times, and the quickest answer says most.
//!
//! Of an exchange that began at `t0` and ended at `t2` here, and was answered at `t1` there, the worker's clock is ahead by
//! `t1 - (t0 + t2) / 2`, and the truth is no farther from that than half the round trip (Mills, RFC 5905, section 8; Cristian 1989).

use std::time::Duration;

use bytes::Bytes;
use tokio::time::{Instant, timeout};

use super::{Nats, NatsError, subject};
use crate::clock::Moment;
use crate::result::ClockReading;

/// Exchanges of one reading, as long as they are quick.
const MOST: usize = 100;
/// One answer is needed, however long all take.
const LIMIT: Duration = Duration::from_secs(5);
/// How long a reading goes on once it has an answer.
const SPAN: Duration = Duration::from_millis(500);

/// Reads the clock of a worker of this name.
pub(super) async fn read(nats: &Nats, worker: &str, name: &str) -> Result<ClockReading, NatsError> {
    let asked = subject(&["worker", worker, "clock"]);
    let ask = async || {
        let answer = nats.client.request(asked.clone(), Bytes::new()).await;
        answer.ok().map(|answer| answer.payload)
    };
    let best = quickest(ask).await;
    best.ok_or_else(|| nats.failed(&format!("worker {name} does not tell its clock")))
}

/// The best of many exchanges, if one is answered.
async fn quickest(mut ask: impl AsyncFnMut() -> Option<Bytes>) -> Option<ClockReading> {
    let mut began = Instant::now();
    let mut best: Option<ClockReading> = None;
    for _ in 0..MOST {
        let limit = if best.is_some() { SPAN } else { LIMIT };
        let left = limit.saturating_sub(began.elapsed());
        if left.is_zero() {
            break;
        }
        let before = Moment::now();
        let answer = timeout(left, ask()).await;
        let after = Moment::now();
        let Ok(Some(answer)) = answer else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let told: Option<[u8; 8]> = answer.as_ref().try_into().ok();
        let Some(told) = told else { continue };
        let reading = exchange(before, Moment(u64::from_le_bytes(told)), after);
        best = Some(match best {
            Some(best) => better(best, reading),
            None => {
                // However long the first took, there is time for quicker ones.
                began = Instant::now();
                reading
            }
        });
    }
    best
}

fn exchange(before: Moment, told: Moment, after: Moment) -> ClockReading {
    let trip = after.since(before).unsigned_abs();
    ClockReading {
        offset_ns: told.since(before) - (trip / 2).cast_signed(),
        bound_ns: trip.div_ceil(2),
    }
}

fn better(one: ClockReading, other: ClockReading) -> ClockReading {
    if other.bound_ns < one.bound_ns {
        other
    } else {
        one
    }
}

/// What the first of two readings was good for, when the second was taken after all that it was used for: two clocks drift
/// apart, some 10 µs a second.
pub(in crate::fleet) fn held(first: ClockReading, second: ClockReading) -> ClockReading {
    let moved = second.offset_ns.abs_diff(first.offset_ns);
    ClockReading {
        bound_ns: first.bound_ns.max(moved + second.bound_ns),
        ..first
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_truth_is_within_the_bound(offset in -1_000_000_000_i64..1_000_000_000, there in 0..5_000_000_u64, back in 0..5_000_000_u64) {
            let before = Moment(5_000_000_000);
            let told = Moment(before.0 + there).ahead(offset);
            let reading = exchange(before, told, Moment(before.0 + there + back));
            prop_assert!(reading.offset_ns.abs_diff(offset) <= reading.bound_ns + 1);
            prop_assert!(reading.bound_ns <= there.max(back));
        }
    }

    #[tokio::test]
    async fn a_first_answer_that_is_slow_is_not_the_only_one() {
        let mut asked = 0;
        let best = quickest(async || {
            asked += 1;
            if asked == 1 {
                tokio::time::sleep(SPAN + Duration::from_millis(100)).await;
            }
            Some(Bytes::copy_from_slice(&Moment::now().0.to_le_bytes()))
        });
        let best = best.await.unwrap();
        assert!(asked > 1, "asked {asked} times");
        assert!(best.bound_ns < 300_000_000, "{best:?}");
    }

    #[test]
    fn the_quickest_exchange_counts_and_a_drift_widens_the_bound() {
        let at = |offset_ns, bound_ns| ClockReading {
            offset_ns,
            bound_ns,
        };
        assert_eq!(better(at(5, 10), at(7, 3)), at(7, 3));
        assert_eq!(held(at(5, 10), at(6, 3)), at(5, 10));
        assert_eq!(held(at(5, 10), at(-95, 3)), at(5, 103));
    }
}
