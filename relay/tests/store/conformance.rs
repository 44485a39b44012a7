//! What holds of any log, wherever it lives.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use relay::log::{AppendError, Missed, OpenError, RingLimits, Start, Wait};
use relay::message::{Epoch, Position};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep};

use crate::here::{Here, name, next, open, publish, read, ring, try_publish, until_value, values};

/// Tells each story of both.
macro_rules! of_both {
    ($($story:ident),+ $(,)?) => {
        mod memory {
            use super::Here;
            $(#[tokio::test] async fn $story() { super::$story(Here::Memory).await; })+
        }
        mod jetstream {
            use super::Here;
            $(#[tokio::test] async fn $story() {
                if let Some(here) = Here::jetstream() { super::$story(here).await; }
            })+
        }
    };
}

of_both!(
    messages_are_read_in_the_order_of_their_positions,
    a_reader_begins_where_it_asks_to,
    an_append_wakes_all_who_wait,
    channels_do_not_mix,
    many_publishers_at_once_lose_nothing_and_share_one_order,
    who_is_behind_the_ring_is_told,
    what_grew_too_old_is_told,
    what_is_too_large_for_the_ring_is_told,
    a_position_of_another_log_reads_all_that_is_kept,
    a_position_that_nobody_was_given_is_refused,
    a_log_made_anew_is_told,
    a_channel_that_was_forgotten_hides_no_loss,
    names_that_are_only_asked_for_leave_nothing_behind,
    one_channel_too_many_is_refused,
    a_closed_log_ends_its_readers,
    an_empty_read_says_where_to_go_on,
);

async fn messages_are_read_in_the_order_of_their_positions(here: Here) {
    let log = here.log().await;
    let mut given = Vec::new();
    for value in 0..50 {
        given.push(publish(&log, "a", value).await);
    }
    assert!(
        given
            .windows(2)
            .all(|two| two[0].epoch == two[1].epoch && two[0].offset < two[1].offset)
    );
    let batch = read(&log, "a", Start::Earliest).await;
    assert_eq!((values(&batch), batch.missed), ((0..50).collect(), None));
    let positions: Vec<_> = batch.messages.iter().map(|m| m.position).collect();
    assert_eq!(positions, given);
    assert_eq!(batch.next, given[49]);
}

async fn a_reader_begins_where_it_asks_to(here: Here) {
    let log = here.log().await;
    let first = publish(&log, "a", 1).await;
    publish(&log, "b", 9).await;
    let second = publish(&log, "a", 2).await;
    let before = Position { offset: 0, ..first };
    let mut readers = Vec::new();
    for (start, expected) in [
        (Start::Earliest, vec![1, 2]),
        (Start::After(before), vec![1, 2]),
        (Start::After(first), vec![2]),
        (Start::After(second), vec![]),
        (Start::Latest, vec![]),
    ] {
        let mut reader = open(&log, "a", start).await;
        let batch = reader.next(Wait::No).await.unwrap();
        assert_eq!(
            (values(&batch), batch.missed),
            (expected, None),
            "{start:?}"
        );
        readers.push(reader);
    }
    publish(&log, "a", 3).await;
    for reader in &mut readers {
        assert_eq!(values(&next(reader).await), [3]);
    }
}

async fn an_append_wakes_all_who_wait(here: Here) {
    let log = here.log().await;
    let mut tasks = JoinSet::new();
    for _ in 0..50 {
        let mut reader = open(&log, "a", Start::Latest).await;
        tasks.spawn(async move { values(&next(&mut reader).await) });
    }
    tokio::task::yield_now().await;
    publish(&log, "a", 7).await;
    while let Some(read) = tasks.join_next().await {
        assert_eq!(read.unwrap(), [7]);
    }
}

async fn channels_do_not_mix(here: Here) {
    let log = here.log().await;
    let long = "x.".repeat(64);
    let names = ["a", "a.b", "a:b", "a-b", "a_b", ".", "..", "A", &long];
    for (value, name) in names.iter().enumerate() {
        publish(&log, name, value as u64).await;
    }
    for (value, name) in names.iter().enumerate() {
        assert_eq!(
            values(&read(&log, name, Start::Earliest).await),
            [value as u64],
            "{name}"
        );
    }
}

async fn many_publishers_at_once_lose_nothing_and_share_one_order(here: Here) {
    const EACH: u64 = 40;
    let log = Arc::new(here.log().await);
    let mut readers = JoinSet::new();
    for _ in 0..3 {
        let mut reader = open(&log, "a", Start::Latest).await;
        readers.spawn(async move {
            let mut all = Vec::new();
            while all.len() < 8 * EACH as usize {
                let batch = next(&mut reader).await;
                assert_eq!(batch.missed, None);
                all.extend(
                    batch
                        .messages
                        .iter()
                        .map(|m| (m.position.offset, crate::here::value(&m.payload))),
                );
            }
            all
        });
    }
    let mut publishers = JoinSet::new();
    for publisher in 0..8 {
        let log = Arc::clone(&log);
        publishers.spawn(async move {
            let mut given = Vec::new();
            for number in 0..EACH {
                let value = publisher * EACH + number;
                given.push((publish(&log, "a", value).await.offset, value));
            }
            given
        });
    }
    let mut given: Vec<_> = publishers.join_all().await.into_iter().flatten().collect();
    given.sort_unstable();
    assert_eq!(
        given
            .iter()
            .map(|(offset, _)| offset)
            .collect::<HashSet<_>>()
            .len(),
        given.len()
    );
    for read in readers.join_all().await {
        assert_eq!(read, given);
    }
}

async fn who_is_behind_the_ring_is_told(here: Here) {
    let few = RingLimits {
        messages: 3,
        ..ring()
    };
    let log = here.log_with(few).await;
    let first = publish(&log, "a", 1).await;
    let mut slow = open(&log, "a", Start::After(first)).await;
    for value in 2..=6 {
        publish(&log, "a", value).await;
    }
    let batch = next(&mut slow).await;
    assert_eq!(
        (values(&batch), batch.missed),
        (vec![4, 5, 6], Some(Missed::Evicted))
    );
    assert!(
        slow.next(Wait::No).await.unwrap().is_empty(),
        "it is told once"
    );
    let batch = read(&log, "a", Start::Earliest).await;
    assert_eq!((values(&batch), batch.missed), (vec![4, 5, 6], None));
}

async fn what_grew_too_old_is_told(here: Here) {
    let brief = RingLimits {
        age: Duration::from_millis(500),
        ..ring()
    };
    let log = here.log_with(brief).await;
    let mut reader = open(&log, "a", Start::Latest).await;
    let position = publish(&log, "a", 1).await;
    sleep(Duration::from_millis(600)).await;
    let batch = next(&mut reader).await;
    assert_eq!(
        (values(&batch), batch.missed),
        (vec![], Some(Missed::Evicted))
    );
    // Who has seen it has missed nothing.
    assert!(read(&log, "a", Start::After(position)).await.is_empty());
}

async fn what_is_too_large_for_the_ring_is_told(here: Here) {
    let small = RingLimits { bytes: 3, ..ring() };
    let log = here.log_with(small).await;
    let mut reader = open(&log, "a", Start::Latest).await;
    publish(&log, "a", 12345).await;
    let batch = next(&mut reader).await;
    assert_eq!(
        (values(&batch), batch.missed),
        (vec![], Some(Missed::Evicted))
    );
}

async fn a_position_of_another_log_reads_all_that_is_kept(here: Here) {
    let log = here.log().await;
    publish(&log, "a", 1).await;
    let other = Position {
        epoch: Epoch::random(),
        offset: 99,
    };
    let batch = read(&log, "a", Start::After(other)).await;
    assert_eq!(
        (values(&batch), batch.missed),
        (vec![1], Some(Missed::Recreated))
    );
}

async fn a_position_that_nobody_was_given_is_refused(here: Here) {
    let log = here.log().await;
    let position = publish(&log, "a", 1).await;
    let future = Start::After(Position {
        offset: position.offset + 1,
        ..position
    });
    let future = log.settle(&name("a"), future).await;
    let Err(OpenError::InFuture(refused)) = log.open(&name("a"), future) else {
        panic!("it was let in");
    };
    assert_eq!(refused.head, position);
}

async fn a_log_made_anew_is_told(here: Here) {
    let log = here.log().await;
    let position = publish(&log, "a", 1).await;
    let log = here.recreate(log).await;
    let batch = read(&log, "a", Start::After(position)).await;
    assert_eq!(
        (values(&batch), batch.missed),
        (vec![], Some(Missed::Recreated))
    );
    let mut reader = open(&log, "a", Start::After(position)).await;
    let again = publish(&log, "a", 2).await;
    assert_ne!(again.epoch, position.epoch);
    let mut batch = next(&mut reader).await;
    assert_eq!(batch.missed, Some(Missed::Recreated));
    if batch.messages.is_empty() {
        // A store confirms a message when it has it: it may be on its way to here.
        batch = next(&mut reader).await;
        assert_eq!(batch.missed, None, "it was told");
    }
    assert_eq!((values(&batch), batch.next), (vec![2], again));
    publish(&log, "a", 3).await;
    assert_eq!(until_value(&mut reader, 3).await, [3]);
}

async fn a_channel_that_was_forgotten_hides_no_loss(here: Here) {
    let brief = RingLimits {
        age: Duration::from_millis(300),
        ..ring()
    };
    let log = here.log_with(brief).await;
    let first = publish(&log, "a", 1).await;
    publish(&log, "a", 2).await;
    let end = Instant::now() + crate::here::PATIENCE;
    while log.kept().channels > 0 && Instant::now() < end {
        sleep(Duration::from_millis(50)).await;
        log.sweep(Duration::ZERO);
    }
    assert_eq!(log.kept().channels, 0);
    // 2 was missed: whatever the reason, it is told.
    let batch = read(&log, "a", Start::After(first)).await;
    assert!(batch.missed.is_some(), "{batch:?}");
    let third = publish(&log, "a", 3).await;
    let batch = read(&log, "a", Start::After(first)).await;
    assert!(batch.missed.is_some() && values(&batch) == [3], "{batch:?}");
    assert!(read(&log, "a", Start::After(third)).await.is_empty());
}

async fn names_that_are_only_asked_for_leave_nothing_behind(here: Here) {
    let log = here.log().await;
    publish(&log, "other", 0).await;
    let position = open(&log, "a", Start::Latest).await.position();
    assert_eq!(log.kept().channels, 1);
    // Whoever asked before was told a position, which still holds.
    publish(&log, "a", 1).await;
    let batch = read(&log, "a", Start::After(position)).await;
    assert_eq!((values(&batch), batch.missed), (vec![1], None));
}

async fn one_channel_too_many_is_refused(here: Here) {
    let log = here.log().await;
    for number in 0..100 {
        publish(&log, &format!("c{number}"), number).await;
    }
    let refused = try_publish(&log, "a", 1).await.unwrap_err();
    assert!(
        matches!(refused, AppendError::TooManyChannels(_)),
        "{refused:?}"
    );
    assert!(matches!(
        log.open(&name("a"), Start::Latest),
        Err(OpenError::TooManyChannels(_))
    ));
    publish(&log, "c7", 1).await;
}

async fn a_closed_log_ends_its_readers(here: Here) {
    let log = here.log().await;
    let mut waiting = open(&log, "a", Start::Latest).await;
    let (ended, ()) = tokio::join!(waiting.next(Wait::Forever), async { log.close() });
    assert!(ended.is_none());
    assert!(
        open(&log, "b", Start::Earliest)
            .await
            .next(Wait::No)
            .await
            .is_none()
    );
    publish(&log, "a", 1).await;
}

async fn an_empty_read_says_where_to_go_on(here: Here) {
    let log = here.log().await;
    publish(&log, "a", 1).await;
    publish(&log, "b", 2).await;
    let mut reader = open(&log, "a", Start::Latest).await;
    let next = reader.next(Wait::No).await.unwrap().next;
    assert_eq!(next, reader.position());
    publish(&log, "a", 3).await;
    let batch = read(&log, "a", Start::After(next)).await;
    assert_eq!((values(&batch), batch.missed), (vec![3], None));
}
