//! The phases of a trial on the clock, and what one second of it held.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::Series;
use crate::clock::Moment;

/// The phases of a trial on the clock, cut into seconds from the start of the warm-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Window {
    /// When publishing starts.
    pub start: Moment,
    /// When the measured phase starts.
    pub measure: Moment,
    /// When it ends.
    pub end: Moment,
}

impl Window {
    /// The same window on a clock that is so many nanoseconds ahead.
    #[must_use]
    pub fn ahead(self, nanos: i64) -> Self {
        Self {
            start: self.start.ahead(nanos),
            measure: self.measure.ahead(nanos),
            end: self.end.ahead(nanos),
        }
    }

    /// Whether a message due then is measured.
    #[must_use]
    pub fn measures(&self, due: Moment) -> bool {
        (self.measure..self.end).contains(&due)
    }

    /// Seconds of the warm-up: the last may be cut short, so that the measured phase starts with a second.
    fn warm_seconds(&self) -> u32 {
        let span = Duration::from_nanos(self.measure.0 - self.start.0);
        u32::try_from(span.as_millis().div_ceil(1000)).unwrap_or(u32::MAX)
    }

    /// When a second ends.
    #[must_use]
    pub fn end_of(&self, second: u32) -> Moment {
        let warm = self.warm_seconds();
        if second < warm {
            (self.start + Duration::from_secs(u64::from(second) + 1)).min(self.measure)
        } else {
            self.measure + Duration::from_secs(u64::from(second - warm) + 1)
        }
    }

    /// When a second starts.
    #[must_use]
    pub fn start_of(&self, second: u32) -> Moment {
        second
            .checked_sub(1)
            .map_or(self.start, |before| self.end_of(before))
    }

    /// Whether a second comes after the warm-up: its latencies are those of measured messages alone.
    #[must_use]
    pub fn measured_second(&self, second: u32) -> bool {
        second >= self.warm_seconds()
    }
}

/// One second of one thread's subscribers.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Interval {
    /// Counts from the start of the warm-up.
    pub second: u32,
    /// Whether it comes after the warm-up.
    pub measured: bool,
    /// Deliveries booked, duplicates included.
    pub delivered: u64,
    /// Socket bytes received.
    pub received: u64,
    /// Socket bytes sent.
    pub sent: u64,
    /// From due until parsed.
    pub delivery: Series,
    /// From due until at the socket.
    pub arrival: Series,
}

impl Interval {
    /// An empty second.
    #[must_use]
    pub fn new(second: u32) -> Self {
        Self {
            second,
            measured: false,
            delivered: 0,
            received: 0,
            sent: 0,
            delivery: Series::default(),
            arrival: Series::default(),
        }
    }
}

/// One second of the publisher.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Sending {
    /// Counts from the start of the warm-up.
    pub second: u32,
    /// Messages handed to their sockets.
    pub published: u64,
    /// From due until handed over.
    pub lag: Series,
    /// From handing over until the answer was at the socket.
    pub answer: Series,
}

impl Sending {
    /// An empty second.
    #[must_use]
    pub fn new(second: u32) -> Self {
        Self {
            second,
            published: 0,
            lag: Series::default(),
            answer: Series::default(),
        }
    }
}
