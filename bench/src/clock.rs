//! The one clock of a run: the host's monotonic clock, in nanoseconds.

use std::cell::Cell;
use std::ops::{Add, Sub};
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use serde::{Deserialize, Serialize};

/// Readings of two clocks within so many nanoseconds count as one instant.
const APART: i64 = 5_000;
/// For so many nanoseconds two clocks are taken to keep pace.
const PACE: i64 = 1_000_000;

/// An instant on `CLOCK_MONOTONIC`, in nanoseconds since the host started.
///
/// The clock is the same for every process of one host, so a moment may travel
/// inside a payload. Differences are signed: a negative one is an error that
/// must be seen, not wrapped or dropped.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
pub struct Moment(pub u64);

impl Moment {
    /// The present instant. Costs about 23 ns.
    #[must_use]
    pub fn now() -> Self {
        Self(read(ClockId::Monotonic))
    }

    /// Nanoseconds from `earlier` to `self`; negative when `earlier` is later.
    #[must_use]
    pub fn since(self, earlier: Self) -> i64 {
        self.0.wrapping_sub(earlier.0).cast_signed()
    }

    /// The same instant on a clock that is so many nanoseconds ahead; behind when negative.
    #[must_use]
    pub fn ahead(self, nanos: i64) -> Self {
        Self(self.0.wrapping_add_signed(nanos))
    }

    /// The instant that a wall-clock stamp names, seen from now.
    ///
    /// Kernel receive stamps are `CLOCK_REALTIME`. Both clocks are read here, so
    /// a wall clock that was stepped earlier in the run does no harm.
    #[must_use]
    pub fn from_wall(wall_ns: u64) -> Self {
        Reading::take().moment(wall_ns)
    }
}

/// Both clocks at one instant.
#[derive(Debug, Clone, Copy, Default)]
struct Reading {
    now: Moment,
    wall: u64,
    /// Nanoseconds that reading them took.
    apart: i64,
}

impl Reading {
    fn take() -> Self {
        let mut before = Moment::now();
        let mut wall = read(ClockId::Realtime);
        let mut after = Moment::now();
        // A thread that is put aside between the readings would move the stamp; twice in a row is rare.
        for _ in 0..2 {
            if after.since(before) < APART {
                break;
            }
            (before, wall, after) = (after, read(ClockId::Realtime), Moment::now());
        }
        let apart = after.since(before);
        let now = before.ahead(apart / 2);
        Self { now, wall, apart }
    }

    fn moment(self, wall_ns: u64) -> Moment {
        self.now
            .ahead(wall_ns.wrapping_sub(self.wall).cast_signed())
    }
}

/// Names the instants of wall-clock stamps that are read one soon after the other, as [`Moment::from_wall`] does, with
/// fewer readings of the clocks.
#[derive(Debug, Default)]
pub struct Wall {
    last: Cell<Reading>,
}

impl Wall {
    /// The instant that a wall-clock stamp names, seen from now.
    ///
    /// Within a millisecond the two clocks keep pace (the kernel bends one against the other by 0.5 µs in that time at
    /// most); a wall clock that is stepped moves the stamps of that millisecond.
    #[must_use]
    pub fn moment(&self, wall_ns: u64) -> Moment {
        let mut last = self.last.get();
        if Moment::now().since(last.now) >= PACE || last.apart >= APART {
            last = Reading::take();
            self.last.set(last);
        }
        last.moment(wall_ns)
    }
}

impl Add<Duration> for Moment {
    type Output = Self;
    fn add(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_add(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

impl Sub<Duration> for Moment {
    type Output = Self;
    fn sub(self, span: Duration) -> Self {
        Self(
            self.0
                .saturating_sub(u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)),
        )
    }
}

fn read(clock: ClockId) -> u64 {
    let now = clock_gettime(clock);
    now.tv_sec.cast_unsigned() * 1_000_000_000 + now.tv_nsec.cast_unsigned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_difference_has_a_sign() {
        assert_eq!(Moment(5).since(Moment(8)), -3);
        assert_eq!(Moment(8).since(Moment(5)), 3);
    }

    #[test]
    fn stamps_in_a_row_name_the_instants_that_each_names_by_itself() {
        let wall = Wall::default();
        let now = read(ClockId::Realtime);
        let ahead = [0, 300_000, 900_000, 5_000_000, 4_900_000, 3_600_000_000_000];
        for stamp in ahead.map(|ahead| now + ahead) {
            let apart = wall.moment(stamp).since(Moment::from_wall(stamp));
            assert!(apart.abs() < 1_000_000, "{apart} ns at {}", stamp - now);
        }
    }

    #[test]
    fn a_wall_stamp_taken_now_is_now() {
        let before = Moment::now();
        let stamp = Moment::from_wall(read(ClockId::Realtime));
        assert!(
            stamp.since(before) > -1_000_000,
            "{stamp:?} against {before:?}"
        );
        assert!(Moment::now().since(stamp) > -1_000_000);
    }
}
