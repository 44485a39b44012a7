//! What is done to a store, or to the way there, while relays stand on it.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use relay::log::{AppendError, Log, Missed, Start, Wait};
use relay::message::Position;
use relay::store::StoreError;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::here::{
    PATIENCE, args, attached, follow, next, node_at, open, publish, read, ring, try_publish, until,
    until_value, value, values,
};
use crate::link::Link;
use crate::nats::{self, Nats};

/// Publishes numbers until all are confirmed, in two channels by turns; a number that is not confirmed is not used again.
async fn press(log: Arc<Log>, from: u64, until: Instant) -> HashMap<u64, Position> {
    let mut confirmed = HashMap::new();
    let mut number = from;
    while Instant::now() < until {
        number += 1;
        if let Ok(position) = try_publish(&log, "a", number).await {
            confirmed.insert(number, position);
        }
        sleep(Duration::from_millis(2)).await;
    }
    confirmed
}

/// Reads all, in order, until nothing has come for a while after `until`.
async fn gather(log: Arc<Log>, until: Instant) -> Vec<(Position, u64)> {
    let mut reader = open(&log, "a", Start::Latest).await;
    let mut all = Vec::new();
    loop {
        let wait = Wait::UpTo(until.max(Instant::now()) + Duration::from_secs(2));
        let batch = reader.next(wait).await.unwrap();
        assert_eq!(batch.missed, None);
        if batch.is_empty() {
            return all;
        }
        all.extend(
            batch
                .messages
                .iter()
                .map(|m| (m.position, value(&m.payload))),
        );
    }
}

#[tokio::test]
async fn a_killed_nats_server_loses_nothing_that_was_confirmed_and_doubles_nothing() {
    let Some(mut nats) = Nats::start() else {
        return;
    };
    let nodes = [
        Arc::new(node_at(nats.address).await),
        Arc::new(node_at(nats.address).await),
    ];
    let end = Instant::now() + Duration::from_secs(6);
    let (mut publishers, mut readers) = (JoinSet::new(), Vec::new());
    for (at, node) in nodes.iter().enumerate() {
        readers.push(JoinSet::new());
        readers[at].spawn(gather(Arc::clone(node), end));
        for lane in 0..4 {
            publishers.spawn(press(
                Arc::clone(node),
                (at as u64 * 10 + lane) * 1_000_000,
                end,
            ));
        }
    }
    for _ in 0..2 {
        sleep(Duration::from_millis(800)).await;
        nats.kill();
        until("the loss is seen", || {
            !nodes[0].store().connected && !nodes[1].store().connected
        })
        .await;
        sleep(Duration::from_millis(300)).await;
        nats.again();
        attached(&nodes[0]).await;
        attached(&nodes[1]).await;
    }
    let mut confirmed = HashMap::new();
    for lane in publishers.join_all().await {
        confirmed.extend(lane);
    }
    assert!(
        confirmed.len() > 100,
        "hardly anything was confirmed: {}",
        confirmed.len()
    );
    let mut seen = Vec::new();
    for reader in &mut readers {
        seen.push(reader.join_next().await.unwrap().unwrap());
    }
    assert!(seen[0] == seen[1], "both relays show the same");
    let positions: HashMap<u64, Position> = seen[0]
        .iter()
        .map(|(position, number)| (*number, *position))
        .collect();
    assert_eq!(positions.len(), seen[0].len(), "nothing is there twice");
    for (number, position) in confirmed {
        assert_eq!(positions.get(&number), Some(&position), "{number}");
    }
    assert!(nodes.iter().all(|node| node.store().reconnects == 2));
}

#[tokio::test]
async fn a_link_that_is_cut_is_said_and_nothing_is_lost_over_it() {
    let Some(nats) = Nats::start() else { return };
    let link = Link::to(nats.address).await;
    let near = Arc::new(node_at(nats.address).await);
    let mut brief = args(nats::place(link.address));
    brief.store_timeout = Duration::from_millis(500);
    let far = Arc::new(follow(&brief, ring()).await.unwrap());
    let mut reader = open(&far, "a", Start::Latest).await;
    publish(&near, "a", 1).await;
    assert_eq!(until_value(&mut reader, 1).await, [1]);
    link.cut();
    // It was sent, and no answer comes.
    let refused = try_publish(&far, "b", 100).await.unwrap_err();
    assert_eq!(refused, AppendError::Store(StoreError::Unconfirmed));
    until("the loss is seen", || !far.store().connected).await;
    // From here on nothing is even sent.
    let refused = try_publish(&far, "b", 101).await.unwrap_err();
    assert_eq!(refused, AppendError::Store(StoreError::Unavailable));
    for value in 2..=300 {
        publish(&near, "a", value).await;
    }
    assert!(
        reader.next(Wait::No).await.unwrap().is_empty(),
        "readers stay"
    );
    link.mend();
    attached(&far).await;
    assert_eq!(until_value(&mut reader, 300).await, Vec::from_iter(2..=300));
    publish(&far, "b", 102).await;
    // 100 may be there by now, 101 never is.
    let there = values(&read(&near, "b", Start::Earliest).await);
    assert!(there == [102] || there == [100, 102], "{there:?}");
}

#[tokio::test]
async fn what_the_store_lost_while_a_relay_was_away_is_told_there() {
    let Some(nats) = Nats::start() else { return };
    let link = Link::to(nats.address).await;
    let mut few = args(nats.place());
    few.store_bytes = 4096;
    let near = follow(&few, ring()).await.unwrap();
    let far = Arc::new(node_at(link.address).await);
    let mut readers = [
        open(&far, "a", Start::Latest).await,
        open(&far, "quiet", Start::Latest).await,
    ];
    publish(&near, "a", 0).await;
    assert_eq!(until_value(&mut readers[0], 0).await, [0]);
    link.cut();
    until("the loss is seen", || !far.store().connected).await;
    for value in 1..=300 {
        publish(&near, "a", value).await;
    }
    link.mend();
    let batch = next(&mut readers[0]).await;
    assert_eq!(
        (values(&batch), batch.missed),
        (vec![], Some(Missed::Evicted))
    );
    let rest = until_value(&mut readers[0], 300).await;
    assert!(
        rest.len() < 300 && rest.windows(2).all(|two| two[0] + 1 == two[1]),
        "{rest:?}"
    );
    // Nobody knows whether it was of this channel.
    assert_eq!(next(&mut readers[1]).await.missed, Some(Missed::Evicted));
}

#[tokio::test]
async fn a_deleted_stream_is_made_anew_and_every_reader_is_told() {
    let Some(nats) = Nats::start() else { return };
    let nodes = [
        Arc::new(node_at(nats.address).await),
        Arc::new(node_at(nats.address).await),
    ];
    let mut readers = [
        open(&nodes[0], "a", Start::Latest).await,
        open(&nodes[1], "a", Start::Latest).await,
    ];
    let mut old = publish(&nodes[0], "a", 0).await;
    for value in 1..10 {
        old = publish(&nodes[0], "a", value).await;
    }
    for reader in &mut readers {
        until_value(reader, 9).await;
    }
    nats.admin().await.delete_stream("pushmark").await.unwrap();
    for reader in &mut readers {
        let batch = next(reader).await;
        assert_eq!(
            (values(&batch), batch.missed),
            (vec![], Some(Missed::Recreated))
        );
    }
    attached(&nodes[0]).await;
    attached(&nodes[1]).await;
    let new = publish(&nodes[1], "a", 20).await;
    assert_ne!(new.epoch, old.epoch);
    for (reader, node) in readers.iter_mut().zip(&nodes) {
        assert_eq!(until_value(reader, 20).await, [20]);
        let batch = read(node, "a", Start::After(old)).await;
        assert_eq!(
            (values(&batch), batch.missed),
            (vec![20], Some(Missed::Recreated))
        );
    }
}

#[tokio::test]
async fn a_store_that_forgets_what_it_confirmed_makes_every_channel_begin_anew() {
    let Some(mut nats) = Nats::start() else {
        return;
    };
    let nodes = [
        Arc::new(node_at(nats.address).await),
        Arc::new(node_at(nats.address).await),
    ];
    publish(&nodes[0], "a", 1).await;
    nats.kill();
    let saved = nats.save();
    nats.again();
    attached(&nodes[0]).await;
    let mut reader = open(&nodes[1], "a", Start::Latest).await;
    publish(&nodes[0], "a", 2).await;
    let last = publish(&nodes[0], "a", 3).await;
    until_value(&mut reader, 3).await;
    nats.kill();
    nats.restore(&saved);
    nats.again();
    // What is kept comes with the word of it, or right after.
    let batch = next(&mut reader).await;
    assert_eq!(batch.missed, Some(Missed::Recreated));
    if values(&batch).is_empty() {
        assert_eq!(until_value(&mut reader, 1).await, [1]);
    }
    attached(&nodes[0]).await;
    let new = publish(&nodes[0], "a", 4).await;
    assert!(
        new.epoch != last.epoch && new.offset < last.offset,
        "{new} {last}"
    );
    for node in &nodes {
        let batch = read(node, "a", Start::After(last)).await;
        assert_eq!(batch.missed, Some(Missed::Recreated));
    }
    assert_eq!(until_value(&mut reader, 4).await, [4]);
    // One that starts now agrees.
    let third = node_at(nats.address).await;
    let batch = read(&third, "a", Start::After(last)).await;
    assert_eq!(
        (values(&batch), batch.missed),
        (vec![1, 4], Some(Missed::Recreated))
    );
}

#[tokio::test]
async fn no_more_publishes_wait_than_may() {
    let Some(mut nats) = Nats::start() else {
        return;
    };
    let mut few = args(nats.place());
    (few.store_pending, few.store_timeout) = (3, Duration::from_secs(2));
    let node = Arc::new(follow(&few, ring()).await.unwrap());
    nats.kill();
    let mut publishers = JoinSet::new();
    for value in 0..10 {
        let node = Arc::clone(&node);
        publishers.spawn(async move { try_publish(&node, "a", value).await.unwrap_err() });
    }
    let begun = Instant::now();
    let refused = publishers.join_all().await;
    assert!(begun.elapsed() < PATIENCE);
    let busy = |error: &&AppendError| **error == AppendError::Store(StoreError::Busy);
    assert_eq!(refused.iter().filter(busy).count(), 7, "{refused:?}");
    assert_eq!(node.store().pending, 0);
}
