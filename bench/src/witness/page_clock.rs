//! The page's clock beside the host's monotonic one, with a bound of the error.
//!
//! A page tells time as milliseconds since its own beginning, which Chromium takes from the host's
//! monotonic clock, and names that beginning by the wall clock. So the beginning is known twice: by
//! the wall clock, which is exact as long as nobody sets it, and by exchanges, each of which proves that
//! the page's clock was read between two readings of ours. The first is used, and the second
//! bounds its error.

use crate::clock::Moment;

/// The step of a page's clock in a page that is not isolated from other origins (in Chromium), in nanoseconds.
pub(super) const RESOLUTION: u64 = 100_000;

/// The clock of one page.
#[derive(Debug, Clone)]
pub(super) struct PageClock {
    /// The page's beginning by the wall clock.
    by_wall: Moment,
    /// It was not earlier than this ...
    low: Option<Moment>,
    /// ... and not later than this.
    high: Option<Moment>,
    pub(super) exchanges: u64,
}

impl PageClock {
    /// Of a page that began at `origin`, in milliseconds of the wall clock since 1970.
    pub(super) fn new(origin: f64) -> Self {
        Self {
            by_wall: Moment::from_wall(nanos(origin)),
            low: None,
            high: None,
            exchanges: 0,
        }
    }

    /// The page's clock showed `now` milliseconds at some instant between `before` and `after`.
    pub(super) fn add(&mut self, before: Moment, now: f64, after: Moment) {
        let now = nanos(now);
        // What is shown may be a step before or after what it is.
        let low = Moment(before.0.saturating_sub(now + RESOLUTION));
        let high = Moment((after.0 + RESOLUTION).saturating_sub(now));
        self.low = Some(self.low.map_or(low, |known| known.max(low)));
        self.high = Some(self.high.map_or(high, |known| known.min(high)));
        self.exchanges += 1;
    }

    /// The page's beginning: by the wall clock if the exchanges allow it, otherwise the middle of what they allow.
    fn zero(&self) -> Moment {
        match (self.low, self.high) {
            (Some(low), Some(high)) if !(low..=high).contains(&self.by_wall) => {
                Moment(low.0 + Self::width(low, high) / 2)
            }
            _ => self.by_wall,
        }
    }

    fn width(low: Moment, high: Moment) -> u64 {
        u64::try_from(high.since(low)).unwrap_or(0)
    }

    /// How far any instant of this page may be from the truth, in nanoseconds, by the exchanges; `None` without
    /// any, or when they contradict each other, as they do when the host's clock was changed meanwhile.
    pub(super) fn bound(&self) -> Option<u64> {
        let (low, high) = (self.low?, self.high?);
        let zero = self.zero();
        let apart = high.since(zero).max(zero.since(low));
        u64::try_from(apart).ok().filter(|_| low <= high)
    }

    /// The instant at which the page's clock showed so many milliseconds.
    pub(super) fn moment(&self, shown: f64) -> Moment {
        Moment(self.zero().0.saturating_add(nanos(shown)))
    }
}

/// Milliseconds of a page as nanoseconds; what is no time is none.
fn nanos(millis: f64) -> u64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float becomes an integer by saturation, and below zero there is no time"
    )]
    let nanos = (millis * 1e6).round() as u64;
    nanos
}

#[cfg(test)]
mod tests {
    use super::*;

    const MS: u64 = 1_000_000;

    fn clock(by_wall: u64) -> PageClock {
        PageClock {
            by_wall: Moment(by_wall),
            low: None,
            high: None,
            exchanges: 0,
        }
    }

    #[test]
    fn exchanges_bound_the_error_of_the_wall_clock() {
        // The page began at 1,000 ms; an exchange takes 4 ms, and another one a tenth of that.
        let mut clock = clock(1000 * MS);
        assert_eq!(clock.bound(), None);
        clock.add(Moment(1010 * MS), 12.0, Moment(1014 * MS));
        assert_eq!(clock.bound(), Some(2 * MS + RESOLUTION));
        clock.add(Moment(1020 * MS), 20.1, Moment(1020 * MS + 4 * MS / 10));
        assert_eq!(clock.bound(), Some(3 * MS / 10 + RESOLUTION));
        assert_eq!(clock.moment(5.5), Moment(1005 * MS + MS / 2));
    }

    #[test]
    fn a_wall_clock_that_cannot_be_right_gives_way_to_the_exchanges() {
        let mut clock = clock(3_600_000 * MS);
        clock.add(Moment(1010 * MS), 12.0, Moment(1014 * MS));
        // Between 998 and 1,002 ms, and a step of the page's clock on either side.
        assert_eq!(clock.moment(0.0), Moment(1000 * MS));
        assert_eq!(clock.bound(), Some(2 * MS + RESOLUTION));
    }

    #[test]
    fn exchanges_that_contradict_each_other_prove_nothing() {
        let mut clock = clock(1000 * MS);
        clock.add(Moment(1010 * MS), 10.0, Moment(1011 * MS));
        clock.add(Moment(1510 * MS), 10.0, Moment(1511 * MS));
        assert_eq!(clock.bound(), None);
    }
}
