//! The seconds of a trial, put together from every thread's.
//!
//! A second is kept as histograms only until every thread has reported it:
//! memory does not grow with the length of a run but by one row a second.

use std::collections::BTreeMap;

use hdrhistogram::serialization::V2DeflateSerializer;
use hdrhistogram::serialization::interval_log::{IntervalLogWriterBuilder, Tag};

use super::Event;
use super::assemble::Measured;
use crate::record::{Interval, Sending, Series, Window};
use crate::result::Second;
use crate::scenario::Trial;
use crate::swarm::Report;

/// The four series of the measured phase.
#[derive(Debug, Default)]
pub(super) struct Totals {
    pub(super) delivery: Series,
    pub(super) arrival: Series,
    pub(super) publish: Series,
    pub(super) lag: Series,
}

#[derive(Debug, Default)]
struct Open {
    received: Option<Interval>,
    sent: Option<Sending>,
    reports: usize,
}

/// CPU time of both sides when the last second ended.
#[derive(Debug)]
pub(super) struct Sampler {
    server_cpu: Option<u64>,
    generator_cpu: Option<u64>,
}

#[derive(Debug)]
pub(super) struct Timeline {
    window: Window,
    /// Threads that report each second.
    reporters: usize,
    open: BTreeMap<u32, Open>,
    rows: BTreeMap<u32, Second>,
    /// Seconds that every thread has reported, that were sampled, and that were told: each goes up by one.
    closed: u32,
    sampled: u32,
    told: u32,
    totals: Totals,
    log: Vec<u8>,
}

impl Timeline {
    pub(super) fn new(window: Window, shards: usize, trial: &Trial) -> Self {
        let mut log = Vec::new();
        let mut builder = IntervalLogWriterBuilder::new();
        builder.add_comment(&format!("delivery latency in nanoseconds, {}, intervals of 1 s of the measured phase and the drain", trial.id));
        // Writing to a Vec cannot fail.
        let _ = builder.begin_log_with(&mut log, &mut V2DeflateSerializer::new());
        Self {
            window,
            reporters: shards + 1,
            open: BTreeMap::new(),
            rows: BTreeMap::new(),
            closed: 0,
            sampled: 0,
            told: 0,
            totals: Totals::default(),
            log,
        }
    }

    pub(super) fn sampler(&self, measured: &mut Measured, generator_cpu: Option<u64>) -> Sampler {
        Sampler {
            server_cpu: measured.server_cpu(),
            generator_cpu,
        }
    }

    /// Books what both sides cost in a second that has ended.
    pub(super) fn sample(
        &mut self,
        sampler: &mut Sampler,
        measured: &mut Measured,
        second: u32,
        connected: u64,
        generator_cpu: Option<u64>,
    ) {
        let row = self.row(second);
        row.connected = connected;
        row.server_rss = measured.server_resident();
        let spent = |before: &mut Option<u64>, now: Option<u64>| {
            now.zip(std::mem::replace(before, now))
                .map(|(now, before)| now.saturating_sub(before))
        };
        row.server_cpu_ns = spent(&mut sampler.server_cpu, measured.server_cpu());
        row.generator_cpu_ns = spent(&mut sampler.generator_cpu, generator_cpu);
        self.sampled = second + 1;
    }

    /// Tells of the seconds that are complete and were not told before.
    pub(super) fn tell(&mut self, observe: &mut dyn FnMut(Event<'_>)) {
        self.tell_until(self.closed.min(self.sampled), observe);
    }

    fn tell_until(&mut self, end: u32, observe: &mut dyn FnMut(Event<'_>)) {
        for (&number, second) in self.rows.range(self.told..end.max(self.told)) {
            observe(Event::Second {
                at: self.window.start_of(number).since(self.window.measure) as f64 / 1e9,
                whole: number < self.sampled,
                second,
            });
        }
        self.told = end.max(self.told);
    }

    /// Adds a thread's second.
    pub(super) fn add(&mut self, report: Report) {
        let second = match &report {
            Report::Received(interval) => interval.second,
            Report::Sent(sending) => sending.second,
        };
        let open = self.open.entry(second).or_default();
        open.reports += 1;
        match report {
            Report::Received(interval) => match &mut open.received {
                Some(known) => merge(known, &interval),
                None => open.received = Some(*interval),
            },
            Report::Sent(sending) => open.sent = Some(*sending),
        }
        if open.reports == self.reporters
            && let Some(open) = self.open.remove(&second)
        {
            self.close(second, &open);
        }
    }

    /// Ends the trial and tells its last seconds: the rows, the interval log and the series of the measured phase.
    pub(super) fn finish(
        mut self,
        observe: &mut dyn FnMut(Event<'_>),
    ) -> (Vec<Second>, Vec<u8>, Totals) {
        for (second, open) in std::mem::take(&mut self.open) {
            self.close(second, &open);
        }
        self.tell_until(u32::MAX, observe);
        (self.rows.into_values().collect(), self.log, self.totals)
    }

    fn close(&mut self, second: u32, open: &Open) {
        let measured = self.window.measured_second(second);
        let row = self.row(second);
        if let Some(received) = &open.received {
            (row.delivered, row.received, row.sent) =
                (received.delivered, received.received, received.sent);
            row.delivery_p50 = received.delivery.quantile(0.5);
            row.delivery_p99 = received.delivery.quantile(0.99);
            row.delivery_max = received.delivery.quantile(1.0);
        }
        if let Some(sent) = &open.sent {
            row.published = sent.published;
            row.schedule_lag_p99 = sent.lag.quantile(0.99);
        }
        if measured {
            self.total(second, open);
        }
        self.closed = second + 1;
    }

    fn total(&mut self, second: u32, open: &Open) {
        if let Some(received) = &open.received {
            self.totals.delivery.merge(&received.delivery);
            self.totals.arrival.merge(&received.arrival);
            let start = std::time::Duration::from_nanos(
                self.window
                    .start_of(second)
                    .0
                    .saturating_sub(self.window.measure.0),
            );
            let mut serializer = V2DeflateSerializer::new();
            if let Ok(mut writer) =
                IntervalLogWriterBuilder::new().begin_log_with(&mut self.log, &mut serializer)
            {
                let span = std::time::Duration::from_secs(1);
                let _ = writer.write_histogram(
                    received.delivery.histogram(),
                    start,
                    span,
                    Tag::new("delivery"),
                );
            }
        }
        if let Some(sent) = &open.sent {
            self.totals.lag.merge(&sent.lag);
            self.totals.publish.merge(&sent.answer);
        }
    }

    fn row(&mut self, second: u32) -> &mut Second {
        let measured =
            self.window.measured_second(second) && self.window.start_of(second) < self.window.end;
        self.rows.entry(second).or_insert(Second {
            second,
            measured,
            ..Second::default()
        })
    }
}

fn merge(known: &mut Interval, more: &Interval) {
    known.delivered += more.delivered;
    known.received += more.received;
    known.sent += more.sent;
    known.delivery.merge(&more.delivery);
    known.arrival.merge(&more.arrival);
}
