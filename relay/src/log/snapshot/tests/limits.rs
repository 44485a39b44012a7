//! A log that comes back where less may be kept than before.

use std::time::Duration;

use tokio::time::advance;

use super::*;

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

    let one = Log::new(1, RING, ALL);
    let told = one.restore(0, &mut &file[..]).unwrap();
    assert_eq!(
        (told.channels, told.channels_left, told.messages_left),
        (1, 2, 5)
    );
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
    let mut reader = new.open(&name(1), Start::Earliest).unwrap();
    assert_eq!(
        reader.next(Wait::No).await.unwrap().messages[0].position,
        last
    );
}
