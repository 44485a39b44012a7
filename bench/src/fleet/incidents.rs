//! What each event of a trial did, from what its clients booked.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::clock::Moment;
use crate::record::{Ledger, Ranges, Series, Window};
use crate::result::{EventKind, EventResult};
use crate::scenario::{Action, Incident};
use crate::swarm::{Assignment, Outage, SwarmReport};

/// Makes the result of each event.
pub(super) fn results(
    assignment: &Assignment,
    report: &SwarmReport,
    window: &Window,
) -> Vec<EventResult> {
    if assignment.events.is_empty() {
        return Vec::new();
    }
    let dues = Dues::of(assignment, report, window);
    let mut all: Vec<Tally> = assignment.events.iter().map(|_| Tally::default()).collect();
    for shard in &report.shards {
        for outage in &shard.outages {
            let missed = shard
                .ledgers
                .get(outage.subscriber)
                .map_or(0, |ledger| dues.missed(outage, ledger, report));
            all[outage.event].add(outage, missed);
        }
    }
    let relay = assignment.dialect.template().is_none();
    let events = assignment.events.iter().zip(all);
    events
        .map(|(event, tally)| EventResult {
            // What a server says of it in words of its own nobody here reads.
            missed_reports: relay.then_some(tally.reports),
            ..tally.result(event, window.measure + event.at)
        })
        .collect()
}

/// One event over all its clients.
#[derive(Default)]
struct Tally {
    affected: u64,
    back: u64,
    last: Moment,
    catch_up: Series,
    missed: u64,
    reports: u64,
}

impl Tally {
    fn add(&mut self, outage: &Outage, missed: u64) {
        self.affected += 1;
        self.missed += missed;
        self.reports += outage.reports;
        if let Some(back) = outage.back {
            self.back += 1;
            self.last = self.last.max(back);
            let caught_up = outage.caught_up.map_or(0, |at| at.since(back));
            self.catch_up.record(caught_up.max(0));
        }
    }

    fn result(self, event: &Incident, at: Moment) -> EventResult {
        let all_back = self.affected > 0 && self.back == self.affected;
        let (kind, rate) = match event.action {
            Action::Disconnect { .. } => (EventKind::Disconnect, None),
            Action::Freeze { .. } => (EventKind::Freeze, None),
            Action::Rate { rate, .. } => (EventKind::Rate, Some(rate)),
            Action::Slow { .. } => (EventKind::Slow, None),
        };
        EventResult {
            kind,
            at: nanos(event.at),
            span: event.action.span().map(nanos),
            rate,
            affected: self.affected,
            back: self.back,
            time_until_all_back_ns: all_back
                .then(|| u64::try_from(self.last.since(at)).unwrap_or(0)),
            catch_up_ns: self.catch_up.summary(),
            missed: self.missed,
            missed_reports: None,
        }
    }
}

/// When the messages of each channel and publisher were due, as far as an outage may have cost one:
/// in the order of their numbers, with the number of the first.
struct Dues(BTreeMap<(u32, u16), (u32, Vec<Moment>)>);

impl Dues {
    /// Walks through the schedule once more; it is the same.
    fn of(assignment: &Assignment, report: &SwarmReport, window: &Window) -> Self {
        let outages = || report.shards.iter().flat_map(|shard| &shard.outages);
        let from = outages().map(|outage| outage.from).min();
        let until = outages().map(until).max();
        let mut dues: BTreeMap<(u32, u16), (u32, Vec<Moment>)> = BTreeMap::new();
        let Some((from, until)) = from.zip(until) else {
            return Self(dues);
        };
        for due in assignment.schedule(window) {
            let at = window.start + due.at;
            if at >= until {
                break;
            }
            if at > from && window.measures(at) {
                let publisher = u16::try_from(due.publisher).unwrap_or(u16::MAX);
                let (_, all) = dues
                    .entry((due.channel, publisher))
                    .or_insert_with(|| (due.sequence, Vec::new()));
                all.push(at);
            }
        }
        Self(dues)
    }

    /// Messages that the server accepted, and that a client did not get because of an outage.
    fn missed(&self, outage: &Outage, ledger: &Ledger, report: &SwarmReport) -> u64 {
        let mut missed = 0;
        let channel = ledger.channel();
        for ((_, publisher), (first, dues)) in self.0.range((channel, 0)..=(channel, u16::MAX)) {
            let place = |at: Moment, after: bool| {
                let place = dues.partition_point(|due| *due < at || (after && *due == at));
                first.saturating_add(u32::try_from(place).unwrap_or(u32::MAX))
            };
            let (low, high) = (place(outage.from, true), place(until(outage), false));
            let Some(accepted) = report.publisher.accepted.get(&(channel, *publisher)) else {
                continue;
            };
            let accepted = accepted.within(low, high);
            let received = ledger.received(*publisher);
            missed += accepted.count()
                - received.map_or(0, |received: &Ranges| received.common(&accepted));
        }
        missed
    }
}

/// When a client was back; for one that never was, the end of time.
fn until(outage: &Outage) -> Moment {
    outage.back.unwrap_or(Moment(u64::MAX))
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
