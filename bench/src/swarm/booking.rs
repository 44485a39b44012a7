//! What one receive brought, booked.

use std::sync::atomic::Ordering;

use super::shard::Shard;
use crate::client::Sink;
use crate::clock::Moment;
use crate::record::Recorder;
use crate::stamp::Stamp;

/// Books what one receive brought.
pub(super) struct Booking<'a> {
    pub(super) shard: &'a Shard,
    pub(super) recorder: Option<&'a mut Recorder>,
    pub(super) slot: usize,
    pub(super) arrival: Option<Moment>,
}

impl Sink for Booking<'_> {
    fn message(&mut self, mut stamp: Stamp) {
        stamp.due = stamp.due.ahead(self.shard.assignment.share.clock);
        if let Some(recorder) = &mut self.recorder {
            let measured = recorder.deliver(self.slot, &stamp, Moment::now(), self.arrival);
            self.shard.deliveries.set(self.shard.deliveries.get() + 1);
            self.shard
                .progress
                .delivered
                .fetch_add(1, Ordering::Relaxed);
            self.shard
                .progress
                .measured
                .fetch_add(u64::from(measured), Ordering::Relaxed);
            if let Some(outages) = self.shard.outages.as_ref().filter(|_| measured) {
                outages.received(self.slot, &stamp);
            }
        }
    }

    fn missed(&mut self) {
        if let Some(recorder) = &mut self.recorder {
            recorder.missed(Moment::now());
            if let Some(outages) = &self.shard.outages {
                outages.missed(self.slot);
            }
        }
    }

    fn answered(&mut self, empty: bool) {
        self.shard.requests.set(self.shard.requests.get() + 1);
        self.shard
            .empty
            .set(self.shard.empty.get() + u64::from(empty));
        if let Some(outages) = &self.shard.outages {
            outages.answered(self.slot);
        }
    }
}
