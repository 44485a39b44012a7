//! Stories of readers and channels, on a paused clock.

mod bounds;

use std::time::Duration;

use tokio::time::{Instant, advance};

use super::*;
use crate::message::{Epoch, Message};

fn log() -> Log {
    let ring = RingLimits {
        messages: 3,
        bytes: 1000,
        age: Duration::from_secs(60),
    };
    let limits = LogLimits {
        channels: 2,
        bytes: usize::MAX,
        behind: 3,
    };
    Log::new(
        limits,
        ring,
        Limit {
            messages: 2,
            bytes: 1000,
        },
    )
}

fn name(text: &str) -> ChannelName {
    ChannelName::parse(text).unwrap()
}

async fn publish(log: &Log, channel: &str, value: u64) -> Position {
    let payload = Payload::parse(value.to_string().as_bytes(), 100).unwrap();
    log.append(&name(channel), payload).await.unwrap()
}

fn values(batch: &Batch) -> Vec<u64> {
    batch
        .messages
        .iter()
        .map(|m| {
            std::str::from_utf8(m.payload.bytes())
                .unwrap()
                .parse()
                .unwrap()
        })
        .collect()
}

#[tokio::test(start_paused = true)]
async fn a_reader_from_now_sees_only_what_comes() {
    let log = log();
    publish(&log, "a", 1).await;
    let mut reader = log.open(&name("a"), Start::Latest).unwrap();
    assert!(reader.next(Wait::No).await.unwrap().is_empty());
    publish(&log, "a", 2).await;
    assert_eq!(values(&reader.next(Wait::Forever).await.unwrap()), [2]);
}

#[tokio::test(start_paused = true)]
async fn a_reader_waits_up_to_its_deadline() {
    let log = log();
    let mut reader = log.open(&name("a"), Start::Latest).unwrap();
    let begun = Instant::now();
    assert!(
        reader
            .next(Wait::UpTo(begun + Duration::from_secs(5)))
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(begun.elapsed().as_secs(), 5);
}

#[tokio::test(start_paused = true)]
async fn one_append_wakes_every_waiting_reader() {
    let log = Arc::new(log());
    let tasks = tokio_util::task::TaskTracker::new();
    for _ in 0..100 {
        let mut reader = log.open(&name("a"), Start::Latest).unwrap();
        tasks.spawn(
            async move { assert_eq!(values(&reader.next(Wait::Forever).await.unwrap()), [7]) },
        );
    }
    tokio::task::yield_now().await;
    publish(&log, "a", 7).await;
    tasks.close();
    tasks.wait().await;
}

#[tokio::test(start_paused = true)]
async fn a_closed_log_ends_its_readers() {
    let log = log();
    let mut waiting = log.open(&name("a"), Start::Latest).unwrap();
    let (ended, ()) = tokio::join!(waiting.next(Wait::Forever), async { log.close() });
    assert!(ended.is_none());
    publish(&log, "a", 1).await;
    assert!(waiting.next(Wait::No).await.is_none());
    assert!(
        log.open(&name("b"), Start::Earliest)
            .unwrap()
            .next(Wait::No)
            .await
            .is_none()
    );
}

#[tokio::test(start_paused = true)]
async fn a_late_reader_is_told_what_it_missed() {
    let log = log();
    let first = publish(&log, "a", 1).await;
    let mut behind = log.open(&name("a"), Start::After(first)).unwrap();
    for value in 2..=6 {
        publish(&log, "a", value).await;
    }
    let batch = behind.next(Wait::No).await.unwrap();
    assert_eq!(
        (values(&batch), batch.missed),
        (vec![4, 5], Some(Missed::Evicted))
    );
    let batch = behind.next(Wait::No).await.unwrap();
    assert_eq!((values(&batch), batch.missed), (vec![6], None));
    let mut earliest = log.open(&name("a"), Start::Earliest).unwrap();
    let batch = earliest.next(Wait::No).await.unwrap();
    assert_eq!((values(&batch), batch.missed), (vec![4, 5], None));
}

#[tokio::test(start_paused = true)]
async fn what_aged_out_is_missed_once() {
    let log = log();
    let mut reader = log.open(&name("a"), Start::Latest).unwrap();
    publish(&log, "a", 1).await;
    advance(Duration::from_secs(61)).await;
    let batch = reader.next(Wait::No).await.unwrap();
    assert_eq!(
        (values(&batch), batch.missed, batch.next.offset),
        (vec![], Some(Missed::Evicted), 1)
    );
    assert!(reader.next(Wait::No).await.unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_position_of_another_life_reads_all_that_is_kept() {
    let log = log();
    publish(&log, "a", 1).await;
    let other = Position {
        epoch: Epoch::random(),
        offset: 99,
    };
    let batch = log
        .open(&name("a"), Start::After(other))
        .unwrap()
        .next(Wait::No)
        .await
        .unwrap();
    assert_eq!(
        (values(&batch), batch.missed),
        (vec![1], Some(Missed::Recreated))
    );
}

#[tokio::test(start_paused = true)]
async fn a_position_in_the_future_is_refused() {
    let log = log();
    let position = publish(&log, "a", 1).await;
    let future = Position {
        offset: 2,
        ..position
    };
    let error = log.open(&name("a"), Start::After(future)).unwrap_err();
    assert_eq!(error, OpenError::InFuture(InFuture { head: position }));
    advance(Duration::from_secs(700)).await;
    log.sweep(Duration::from_secs(600));
    assert_eq!(
        log.kept().channels,
        0,
        "the refused reader let go of its channel"
    );
}

#[tokio::test(start_paused = true)]
async fn idle_channels_go_and_come_back_with_another_epoch() {
    let log = log();
    let idle = Duration::from_secs(10);
    let position = publish(&log, "a", 1).await;
    let reader = log.open(&name("b"), Start::Latest).unwrap();
    assert_eq!(
        log.open(&name("c"), Start::Latest).unwrap_err(),
        TooManyChannels.into()
    );

    advance(Duration::from_secs(50)).await;
    log.sweep(idle);
    assert_eq!(
        log.kept(),
        Kept {
            channels: 2,
            messages: 1,
            bytes: 1,
            weight: Message::OVERHEAD + 1,
            trimmed: 0,
        },
        "a holds a message, b a reader"
    );
    advance(Duration::from_secs(50)).await;
    log.sweep(idle);
    assert_eq!(
        log.kept(),
        Kept {
            channels: 1,
            ..Kept::default()
        }
    );
    drop(reader);
    log.sweep(idle);
    assert_eq!(log.kept().channels, 0);

    let batch = log
        .open(&name("a"), Start::After(position))
        .unwrap()
        .next(Wait::No)
        .await
        .unwrap();
    assert_eq!(batch.missed, Some(Missed::Recreated));
    assert_ne!(publish(&log, "a", 2).await.epoch, position.epoch);
}
