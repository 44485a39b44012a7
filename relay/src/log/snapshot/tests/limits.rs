//! A log that comes back where less may be kept than before.

use std::time::Duration;

use tokio::time::advance;

use super::*;

/// What the one message that a log keeps weighs.
fn weight_of_one(log: &Log) -> usize {
    let kept = log.kept();
    assert_eq!(kept.messages, 1);
    Message::OVERHEAD + kept.bytes
}

#[tokio::test(start_paused = true)]
async fn the_limits_of_the_new_process_hold() {
    let log = log(RING);
    for value in 1..=4 {
        publish(&log, 1, value).await;
        advance(Duration::from_secs(1)).await;
    }
    publish(&log, 2, 1000).await;
    let last = publish(&log, 3, 5).await;
    let file = saved(&log, 0);

    let two = RingLimits {
        messages: 2,
        ..RING
    };
    let (fewer, told) = restored(&file, 0, two).unwrap();
    assert_eq!(
        told,
        Restored {
            channels: 3,
            messages: 4,
            channels_left: 0,
            messages_left: 2
        }
    );
    let (kept, _) = found(&fewer, 1, Start::Earliest).await;
    assert_eq!(
        kept.iter().map(|(_, value)| *value).collect::<Vec<_>>(),
        [3, 4]
    );
    assert_eq!(found(&fewer, 3, Start::After(last)).await, (vec![], None));

    // Four seconds, and two more without a relay.
    let young = RingLimits {
        age: Duration::from_secs(4),
        ..RING
    };
    let (_, told) = restored(&file, 2000, young).unwrap();
    assert_eq!((told.messages, told.messages_left), (4, 2));
    // A clock that was set back makes nothing older.
    let (_, told) = restored(&saved(&log, 9_000_000), 0, RING).unwrap();
    assert_eq!((told.messages, told.messages_left), (6, 0));

    let small = RingLimits { bytes: 3, ..RING };
    let (smaller, told) = restored(&file, 0, small).unwrap();
    assert_eq!((told.messages, told.messages_left), (4, 2));
    assert_eq!(found(&smaller, 2, Start::Earliest).await.0, []);

    let one = Log::new(limits(1), RING, ALL);
    let told = one.restore(0, &mut &file[..]).unwrap();
    assert_eq!(
        (told.channels, told.channels_left, told.messages_left),
        (1, 2, 5)
    );
    assert_eq!(
        weight_of_one(&one),
        one.kept().weight,
        "nothing else is on the account"
    );
    // What was left behind does not begin again with offsets that were given out.
    advance(Duration::from_secs(100)).await;
    one.sweep(Duration::ZERO);
    assert_ne!(publish(&one, 3, 6).await.epoch, last.epoch);
}

#[tokio::test(start_paused = true)]
async fn a_message_longer_than_a_channel_may_hold_is_passed_over() {
    let big = RingLimits {
        bytes: 100_000,
        ..RING
    };
    let old = log(big);
    let mut last = publish(&old, 1, 1).await;
    for text in ["x".repeat(50_000), "y".to_owned()] {
        let payload = Payload::parse(format!("\"{text}\"").as_bytes(), 100_000).unwrap();
        last = old.append(&name(1), payload).await.unwrap();
    }
    let (new, told) = restored(&saved(&old, 0), 0, RING).unwrap();
    assert_eq!((told.messages, told.messages_left), (1, 2));
    assert_eq!(new.kept().weight, weight_of_one(&new));
    let mut reader = new.open(&name(1), Start::Earliest).unwrap();
    assert_eq!(
        reader.next(Wait::No).await.unwrap().messages[0].position,
        last
    );
}

#[tokio::test(start_paused = true)]
async fn what_all_channels_may_keep_together_bounds_a_restored_log_too() {
    let old = log(RING);
    for channel in 1..=3 {
        for value in 1..=4 {
            publish(&old, channel, value).await;
        }
    }
    let few = LogLimits {
        bytes: old.kept().weight / 2,
        ..limits(3)
    };
    let new = Log::new(few, RING, ALL);
    let told = new.restore(0, &mut &saved(&old, 0)[..]).unwrap();
    let kept = new.kept();
    assert!(kept.weight <= few.bytes && kept.messages > 0, "{kept:?}");
    assert_eq!(
        (told.messages, told.messages_left),
        (kept.messages, 12 - kept.messages)
    );
}

#[tokio::test(start_paused = true)]
async fn a_channel_without_messages_keeps_its_epoch_when_its_last_reader_goes() {
    let old = log(RING);
    let asked = old.open(&name(1), Start::Latest).unwrap().position();
    drop(old);
    let held = log(RING);
    let reader = held.open(&name(1), Start::Latest).unwrap();
    let position = reader.position();
    assert_ne!(position, asked, "another process");
    let (new, _) = restored(&saved(&held, 0), 0, RING).unwrap();
    for _ in 0..2 {
        assert_eq!(found(&new, 1, Start::After(position)).await, (vec![], None));
    }
}

#[tokio::test(start_paused = true)]
async fn the_channels_used_last_are_kept_also_after_restarts_without_any_use() {
    let mut log = log(RING);
    for channel in [2, 3, 1] {
        publish(&log, channel, 1).await;
        advance(Duration::from_millis(1)).await;
    }
    for restart in 0..4 {
        let file = saved(&log, 0);
        let two = Log::new(limits(2), RING, ALL);
        let told = two.restore(0, &mut &file[..]).unwrap();
        assert_eq!((told.channels, told.channels_left), (2, 1));
        let kept: Vec<_> = two.channels.by_use().into_iter().map(|(n, _)| n).collect();
        assert_eq!(kept, [name(1), name(3)], "restart {restart}");
        log = restored(&file, 0, RING).unwrap().0;
    }
    // A use in between counts.
    advance(Duration::from_millis(1)).await;
    publish(&log, 2, 2).await;
    let one = Log::new(limits(1), RING, ALL);
    one.restore(0, &mut &saved(&log, 0)[..]).unwrap();
    assert_eq!(one.channels.by_use()[0].0, name(2));
}
