//! Many workers give what one would have given: the same deliveries, dealt out to any workers and told over the wire,
//! come to the same result.

use std::io;
use std::time::Duration;

use proptest::collection::vec;
use proptest::prelude::*;

use super::assemble::{Measured, assemble};
use super::timeline::Timeline;
use super::wire::{self, Said};
use super::{Event, RunError, deal, incidents};
use crate::clock::Moment;
use crate::record::{Recorder, Sending, Series, Window};
use crate::result::{Second, TrialResult};
use crate::scenario::{Action, Dialect, Incident, Load, Trial};
use crate::stamp::Stamp;
use crate::swarm::{
    Assignment, Outage, PublishReport, Report, ShardReport, Share, SwarmError, SwarmReport,
};

const MS: u64 = 1_000_000;
const START: u64 = 10_000 * MS;

/// A delivery as it befell.
#[derive(Debug, Clone)]
struct Befell {
    client: usize,
    stamp: Stamp,
    at: Moment,
}

#[derive(Debug, Clone)]
struct Story {
    clients: usize,
    channels: usize,
    befell: Vec<Befell>,
    /// Channel, publisher and sequence of what was accepted.
    published: Vec<(u32, u16, u32)>,
    /// Client, beginning and length in milliseconds.
    outages: Vec<(usize, u64, u64)>,
}

fn window() -> Window {
    Window {
        start: Moment(START),
        measure: Moment(START + 500 * MS),
        end: Moment(START + 2_500 * MS),
    }
}

fn story() -> impl Strategy<Value = Story> {
    (1..30_usize, 1..4_usize).prop_flat_map(|(clients, channels)| {
        let channel = 0..u32::try_from(channels).unwrap();
        // Later, at once, or, by a clock that cannot be right, before it was due.
        let delivery = (0..clients, 0..2_u16, 0..40_u32, -2_000_000..900_000_000_i64);
        let published = vec((channel, 0..2_u16, 0..40_u32), 0..120);
        let outages = vec((0..clients, 0..1_500_u64, 1..900_u64), 0..8);
        (vec(delivery, 0..400), published, outages).prop_map(
            move |(deliveries, published, outages)| {
                let one = |(client, publisher, sequence, late): (usize, u16, u32, i64)| {
                    let due = Moment(START + u64::from(sequence) * 70 * MS);
                    let stamp = Stamp {
                        run: 5,
                        channel: u32::try_from(client % channels).unwrap(),
                        publisher,
                        sequence,
                        due,
                    };
                    let at = due.ahead(late);
                    Befell { client, stamp, at }
                };
                let mut befell: Vec<Befell> = deliveries.into_iter().map(one).collect();
                befell.sort_by_key(|delivery| delivery.at);
                Story {
                    clients,
                    channels,
                    befell,
                    published,
                    outages,
                }
            },
        )
    })
}

fn assignment(story: &Story, shards: usize) -> Assignment {
    Assignment {
        run: 5,
        server: ([127, 0, 0, 1], 1).into(),
        also: Vec::new(),
        authority: String::new(),
        dialect: Dialect::Relay,
        token: None,
        secure: None,
        load: Load {
            clients: story.clients,
            channels: story.channels,
            publishers: 2,
            rate: 30.0,
            ..Load::default()
        },
        events: vec![Incident {
            at: Duration::from_millis(100),
            action: Action::Disconnect {
                share: 0.5,
                spread: Duration::from_millis(100),
            },
        }],
        seed: 1,
        ramp: Duration::ZERO,
        sources: Vec::new(),
        shards,
        share: Share::whole(shards),
        processors: None,
    }
}

/// What a shard of so many books, and its seconds.
fn shard(story: &Story, number: usize, shards: usize) -> (Vec<Report>, ShardReport) {
    let mine: Vec<usize> = (number..story.clients).step_by(shards).collect();
    let channel = |client: &usize| u32::try_from(client % story.channels).unwrap();
    let mut recorder = Recorder::new(5, window(), mine.iter().map(channel));
    let mut connect = Series::default();
    for client in &mine {
        connect.record(i64::try_from(*client).unwrap() * 1_000_003);
    }
    for befell in &story.befell {
        if let Some(slot) = mine.iter().position(|client| *client == befell.client) {
            let arrival = Some(befell.at.ahead(-1_000));
            recorder.deliver(slot, &befell.stamp, befell.at, arrival);
        }
    }
    // Every thread goes on until the end, whatever it had to book.
    recorder.roll(Moment(START + 4_500 * MS));
    let (intervals, counts, ledgers) = recorder.finish();
    let outages = story.outages.iter().filter_map(|(client, from, span)| {
        let subscriber = mine.iter().position(|mine| mine == client)?;
        let at = |ms: u64| Moment(START + ms * MS);
        Some(Outage::past(subscriber, 0, at(*from), at(from + span)))
    });
    let report = ShardReport {
        counts,
        ledgers,
        connect,
        connected: mine.len() as u64,
        outages: outages.collect(),
        errors: [(format!("error {}", number % 2), 1 + number as u64)].into(),
        stamped: true,
        ..ShardReport::default()
    };
    let seconds = intervals.into_iter().map(Box::new).map(Report::Received);
    (seconds.collect(), report)
}

/// Over the wire and back.
async fn travelled(said: Said) -> Said {
    let mut bytes = Vec::new();
    wire::write(&mut bytes, &said).await.unwrap();
    wire::read(&mut bytes.as_slice()).await.unwrap().unwrap()
}

/// The result of so many workers with threads of their own.
async fn result(story: &Story, threads: &[usize]) -> (TrialResult, Vec<Second>, Vec<u8>) {
    let shares = deal::shards(story.clients, threads);
    let total = shares.last().unwrap().end;
    let whole = assignment(story, total);
    let load = whole.load.clone();
    let trial = Trial {
        id: "one".to_owned(),
        repeat: 1,
        factors: std::collections::BTreeMap::new(),
        load,
        seed: 1,
    };
    let mut timeline = Timeline::new(window(), total, &trial);
    let mut all = SwarmReport {
        shards: Vec::new(),
        publisher: PublishReport::default(),
    };
    for number in shares.into_iter().flatten() {
        let (seconds, report) = shard(story, number, total);
        let seconds = seconds.into_iter().map(Said::Second);
        for said in seconds.chain(wire::pieces(report)) {
            match travelled(said).await {
                Said::Second(report) => timeline.add(report),
                Said::Shard(shard) => all.shards.push(*shard),
                Said::Ledgers(mut more) => all.shards.last_mut().unwrap().ledgers.append(&mut more),
                Said::Outages(mut more) => all.shards.last_mut().unwrap().outages.append(&mut more),
                other => panic!("{other:?}"),
            }
        }
    }
    for second in 0..5 {
        let mut sending = Sending::new(second);
        sending.lag.record(i64::from(second) * 1_001);
        timeline.add(Report::Sent(Box::new(sending)));
    }
    let mut publisher = PublishReport::default();
    for (channel, number, sequence) in &story.published {
        let pair = publisher.accepted.entry((*channel, *number)).or_default();
        pair.insert(*sequence);
    }
    let Said::Published(publisher) = travelled(Said::Published(Box::new(publisher))).await else {
        panic!("something else came back");
    };
    all.publisher = *publisher;
    let mut told = Vec::new();
    let mut observe = |event: Event<'_>| {
        if let Event::Second { second, .. } = event {
            told.push(*second);
        }
    };
    let (seconds, log, totals) = timeline.finish(&mut observe);
    let measured = Measured::default();
    let mut result = assemble(&whole, &trial, &all, (seconds, &totals), &measured);
    result.events = incidents::results(&whole, &all, &window());
    // Each thread counts what went wrong by itself.
    result.warnings.clear();
    (result, told, log)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_split_over_workers_comes_to_the_same(story in story(), threads in vec(1..4_usize, 1..6)) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let one = runtime.block_on(result(&story, &[1]));
        let many = runtime.block_on(result(&story, &threads));
        prop_assert_eq!(one, many);
    }
}

#[test]
fn a_bug_of_bench_is_not_blamed_on_the_target() {
    let thread = SwarmError::Thread(io::ErrorKind::OutOfMemory.into());
    assert!(RunError::from(SwarmError::Panicked).is_a_bug());
    assert!(RunError::from(thread).is_a_bug());
    let publisher = SwarmError::Publisher {
        server: ([127, 0, 0, 1], 1).into(),
        source: io::ErrorKind::ConnectionRefused.into(),
    };
    assert!(!RunError::from(publisher).is_a_bug());
    let lost = RunError::Worker {
        worker: "worker 2".to_owned(),
        reason: "was lost".to_owned(),
    };
    assert!(!lost.is_a_bug());
}
