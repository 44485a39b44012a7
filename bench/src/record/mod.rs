//! What a thread books: latencies by the second, and a ledger for each subscriber.
//!
//! Memory does not grow with the length of the run: there is one set of
//! histograms a thread, handed over each second, and a ledger for each subscriber
//! that keeps ranges, so one that misses nothing costs a single range.

mod carried;
mod interval;
mod ledger;
mod ranges;
mod series;

pub use interval::{Interval, Sending, Window};
pub use ledger::{Booked, Ledger};
pub use ranges::Ranges;
pub use series::Series;

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use crate::clock::Moment;
use crate::stamp::Stamp;

/// Books the deliveries of one thread's subscribers.
#[derive(Debug)]
pub struct Recorder {
    run: u32,
    window: Window,
    interval: Interval,
    /// Intervals that have ended and are not handed over yet; one more each second.
    ended: VecDeque<Interval>,
    ledgers: Vec<Ledger>,
    counts: Counts,
}

/// What was counted over a whole trial.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Deliveries of messages due in the measured phase, each counted once.
    pub delivered: u64,
    /// Such deliveries that came again.
    pub duplicated: u64,
    /// Such deliveries that came after a later one of the same publisher.
    pub reordered: u64,
    /// Stamps of another trial or another channel.
    pub strays: u64,
    /// Reports of missed messages in the measured phase and the drain.
    pub missed_reports: u64,
}

/// What a recorder keeps, in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Memory {
    /// Of the second in progress, and of seconds that wait to be taken.
    pub histograms: usize,
    /// Of all subscribers.
    pub ledgers: usize,
}

impl Recorder {
    /// Starts booking for subscribers of these `channels`, by the phases of `window`.
    #[must_use]
    pub fn new(run: u32, window: Window, channels: impl IntoIterator<Item = u32>) -> Self {
        Self {
            run,
            window,
            interval: Interval::new(0),
            ended: VecDeque::new(),
            ledgers: channels.into_iter().map(Ledger::new).collect(),
            counts: Counts::default(),
        }
    }

    /// Books a message that `subscriber` has parsed at `now` and that arrived at `arrival`.
    ///
    /// Gives whether it is a delivery of the measured phase that counts.
    pub fn deliver(
        &mut self,
        subscriber: usize,
        stamp: &Stamp,
        now: Moment,
        arrival: Option<Moment>,
    ) -> bool {
        let ledger = &mut self.ledgers[subscriber];
        if stamp.run != self.run || stamp.channel != ledger.channel() {
            self.counts.strays += 1;
            return false;
        }
        let booked = ledger.book(stamp.publisher, stamp.sequence);
        let measured = self.window.measures(stamp.due);
        self.roll(now);
        self.interval.delivered += 1;
        if booked == Booked::Again {
            self.counts.duplicated += u64::from(measured);
            return false;
        }
        // A message of the warm-up that comes late belongs to no phase: it is counted and its latency left out.
        if measured || !self.interval.measured {
            self.interval.delivery.record(now.since(stamp.due));
            if let Some(arrival) = arrival {
                self.interval.arrival.record(arrival.since(stamp.due));
            }
        }
        if measured {
            self.counts.delivered += 1;
            self.counts.reordered += u64::from(booked == Booked::Late);
        }
        measured
    }

    /// Books a report of missed messages, in the measured phase or the drain.
    pub fn missed(&mut self, now: Moment) {
        // What is missed in the drain was due in the measured phase.
        self.counts.missed_reports += u64::from(now >= self.window.measure);
    }

    /// Ends the seconds that are over at `now`.
    pub fn roll(&mut self, now: Moment) {
        while now >= self.window.end_of(self.interval.second) {
            let mut next = Interval::new(self.interval.second + 1);
            next.measured = self.window.measured_second(next.second);
            self.ended
                .push_back(std::mem::replace(&mut self.interval, next));
        }
    }

    /// The interval in progress, for what else is counted by the second.
    pub fn interval(&mut self) -> &mut Interval {
        &mut self.interval
    }

    /// Takes the oldest interval that has ended.
    pub fn take_ended(&mut self) -> Option<Interval> {
        self.ended.pop_front()
    }

    /// What it keeps now.
    #[must_use]
    pub fn memory(&self) -> Memory {
        let intervals = self.ended.iter().chain([&self.interval]);
        Memory {
            histograms: intervals
                .map(|interval| interval.delivery.memory() + interval.arrival.memory())
                .sum(),
            ledgers: self.ledgers.iter().map(Ledger::memory).sum(),
        }
    }

    /// Ends booking: the last interval, the counts and the ledgers, one for each subscriber.
    #[must_use]
    pub fn finish(mut self) -> (VecDeque<Interval>, Counts, Vec<Ledger>) {
        self.ended.push_back(self.interval);
        (self.ended, self.counts, self.ledgers)
    }
}

#[cfg(test)]
mod tests;
