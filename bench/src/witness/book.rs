//! What a page noted, booked as a swarm's deliveries are.

use std::collections::BTreeMap;

use super::page::Seen;
use super::page_clock::{PageClock, RESOLUTION};
use super::{Traffic, WitnessError};
use crate::clock::Moment;
use crate::judge::{uniform, witness};
use crate::record::{Ranges, Recorder, Series, Window};
use crate::result::{ClockBound, PercentilePoint, Side, SideBytes, TrialResult, WitnessedTrial};
use crate::scenario::{Load, Transport};
use crate::stamp::Stamp;

/// All that is known of a trial when it has ended.
pub(super) struct Notes<'a> {
    /// Marks the trial's messages.
    pub(super) run: u32,
    /// The channel of each subscriber.
    pub(super) channels: Vec<u32>,
    pub(super) clock: &'a PageClock,
    pub(super) traffic: Option<&'a Traffic>,
    pub(super) seen: &'a Seen,
}

/// What booking found beside the ledger.
#[derive(Default)]
struct Oddities {
    /// Messages without a sound stamp, or of another run or channel.
    strays: u64,
    /// Messages of a subscriber that does not exist: none, unless the page is not ours.
    unknown: u64,
}

impl Notes<'_> {
    pub(super) fn conclude(
        &self,
        trial: &TrialResult,
        window: Window,
        accepted: &BTreeMap<(u32, u16), Ranges>,
    ) -> Result<WitnessedTrial, WitnessError> {
        let bound_ns = self.clock.bound().ok_or(WitnessError::Clock)?;
        let (browser, oddities) = self.side(&trial.load, window, accepted);
        let mut witnessed = WitnessedTrial {
            id: trial.id.clone(),
            repeat: trial.repeat,
            transport: trial.transport,
            factors: trial.factors.clone(),
            load: trial.load.clone(),
            simulated: Side::simulated(trial),
            browser,
            clock: ClockBound {
                exchanges: self.clock.exchanges,
                bound_ns,
                resolution_ns: RESOLUTION,
            },
            notes: self.notes(&oddities),
            contradictions: Vec::new(),
        };
        witnessed.contradictions = witness::contradictions(&witnessed);
        Ok(witnessed)
    }

    /// The browser's subscribers.
    fn side(
        &self,
        load: &Load,
        window: Window,
        accepted: &BTreeMap<(u32, u16), Ranges>,
    ) -> (Side, Oddities) {
        let mut recorder = Recorder::new(self.run, window, self.channels.iter().copied());
        let mut oddities = Oddities::default();
        let mut deliveries = 0;
        let messages = self.seen.who.iter().zip(&self.seen.at).zip(&self.seen.text);
        for ((who, at), text) in messages {
            let now = self.clock.moment(*at);
            if self.traffic.is_some_and(|traffic| traffic.covers(now)) {
                deliveries += 1;
            }
            match Stamp::read(text.as_bytes()) {
                Some(stamp) if *who < self.channels.len() => {
                    let _ = recorder.deliver(*who, &stamp, now, None);
                }
                Some(_) => oddities.unknown += 1,
                None => oddities.strays += 1,
            }
        }
        let (intervals, counts, ledgers) = recorder.finish();
        oddities.strays += counts.strays;
        let mut delivery = Series::default();
        for interval in &intervals {
            if window.measured_second(interval.second) {
                delivery.merge(&interval.delivery);
            }
        }
        let (mut expected, mut delivered, mut causes) = (0, 0, BTreeMap::new());
        for ledger in &ledgers {
            let channel = ledger.channel();
            for ((_, publisher), accepted) in accepted.range((channel, 0)..=(channel, u16::MAX)) {
                expected += accepted.count();
                let received = ledger.received(*publisher);
                delivered += received.map_or(0, |received| received.common(accepted));
                let _ = causes.insert((channel, *publisher), accepted.count());
            }
        }
        let in_phase = |at: &&f64| window.measures(self.clock.moment(**at));
        let side = Side {
            subscribers: self.channels.len() as u64,
            expected,
            delivered,
            lost: expected - delivered,
            duplicated: counts.duplicated,
            reordered: counts.reordered,
            // What one message meets, all its deliveries meet.
            delivery: delivery.summary_of(causes.values().sum()),
            requests: self.seen.asked.iter().filter(in_phase).count() as u64,
            bytes: self.bytes(deliveries),
            uniformity: self.uniformity(load, &delivery),
            percentiles: percentiles(&delivery),
        };
        (side, oddities)
    }

    fn bytes(&self, deliveries: u64) -> SideBytes {
        let watch = self.traffic.and_then(|traffic| traffic.watch.as_ref().ok());
        let passed = watch.map(super::sockets::Watch::passed);
        SideBytes {
            deliveries,
            socket_sent: passed.map(|bytes| bytes.sent),
            socket_received: passed.map(|bytes| bytes.received),
            wire_sent: passed.map(|bytes| bytes.wire.sent),
            wire_received: passed.map(|bytes| bytes.wire.received),
        }
    }

    /// The delays of polls against the law that the simulated clients' are held to, from no delay at all.
    #[expect(
        clippy::cast_precision_loss,
        reason = "latencies stay far below 2^53 ns"
    )]
    fn uniformity(&self, load: &Load, delivery: &Series) -> Option<crate::result::Uniformity> {
        if load.transport != Transport::Polling {
            return None;
        }
        let buckets = delivery
            .buckets()
            .map(|(low, high, count)| uniform::Bucket {
                low: low as f64,
                high: high as f64,
                count,
            });
        let ours = Load {
            clients: self.channels.len(),
            ..load.clone()
        };
        uniform::check(buckets, 0.0, load.poll_interval.as_nanos() as f64, &ours)
    }

    fn notes(&self, oddities: &Oddities) -> Vec<String> {
        let mut notes: Vec<String> = self
            .seen
            .failures
            .iter()
            .map(|failure| format!("the page resumed after a failure: {failure}"))
            .collect();
        for (count, what) in [
            (
                self.seen.left_out,
                "messages were too many for the page to keep",
            ),
            (
                self.seen.missed,
                "times the server said that the page had missed messages",
            ),
            (
                oddities.strays,
                "messages carried a stamp of another run or channel, or none",
            ),
            (
                oddities.unknown,
                "messages came to a subscriber that does not exist",
            ),
        ] {
            if count > 0 {
                notes.push(format!("{count} {what}"));
            }
        }
        match self.traffic.map(|traffic| &traffic.watch) {
            Some(Ok(_)) => {}
            Some(Err(error)) => notes.push(format!(
                "the kernel does not tell the bytes of the browser's sockets: {error}"
            )),
            None => notes.push("the bytes of the browser's sockets were not watched".to_owned()),
        }
        notes
    }
}

impl Traffic {
    /// Whether what came then is in the bytes.
    fn covers(&self, moment: Moment) -> bool {
        (self.from..=self.until).contains(&moment)
    }
}

/// The number of a channel as stamps carry it.
pub(super) fn number(channel: usize) -> u32 {
    u32::try_from(channel).unwrap_or(u32::MAX)
}

fn percentiles(delivery: &Series) -> Vec<PercentilePoint> {
    let point = |quantile| {
        Some(PercentilePoint {
            quantile,
            delivery: delivery.quantile(quantile)?,
            arrival: None,
        })
    };
    delivery.curve().into_iter().filter_map(point).collect()
}
