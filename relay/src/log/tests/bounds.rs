//! Stories of what strangers can make the log keep.

use super::*;

#[tokio::test(start_paused = true)]
async fn asking_for_names_leaves_nothing_behind() {
    let log = log();
    let ask = |text: &str| log.open(&name(text), Start::Latest).unwrap();
    let first = ask("a");
    let second = ask("a");
    let position = first.position();
    drop(first);
    assert_eq!(log.kept().channels, 1, "somebody still reads it");
    drop(second);
    assert_eq!(log.kept().channels, 0);
    for number in 0..100 {
        drop(ask(&number.to_string()));
    }
    assert_eq!(log.kept().channels, 0);
    // Whoever asked before was told a position, which still holds.
    publish(&log, "a", 1).await;
    let mut reader = log.open(&name("a"), Start::After(position)).unwrap();
    let batch = reader.next(Wait::No).await.unwrap();
    assert_eq!((values(&batch), batch.missed), (vec![1], None));
    drop(reader);
    assert_eq!(log.kept().channels, 1, "it holds a message");
}

#[tokio::test(start_paused = true)]
async fn who_keeps_most_gives_up_first_when_all_keep_too_much() {
    let ring = RingLimits {
        messages: 1000,
        bytes: 1 << 20,
        age: Duration::from_secs(60),
    };
    let limit = Limit {
        messages: 1000,
        bytes: 1 << 20,
    };
    let limits = LogLimits {
        channels: 10,
        bytes: 100_000,
        behind: usize::MAX,
    };
    let log = Log::new(limits, ring, limit);
    for value in 0..5 {
        publish(&log, "quiet", value).await;
    }
    let mut reader = log.open(&name("loud"), Start::Latest).unwrap();
    let large = format!("\"{}\"", "x".repeat(1000));
    for _ in 0..300 {
        let payload = Payload::parse(large.as_bytes(), 2000).unwrap();
        log.append(&name("loud"), payload).await.unwrap();
        assert!(log.kept().weight <= 100_000);
    }
    let kept = log.kept();
    assert_eq!(kept.trimmed as usize, 305 - kept.messages);
    assert!(kept.weight > 80_000, "no more is given up than must be");
    let mut quiet = log.open(&name("quiet"), Start::Earliest).unwrap();
    assert_eq!(values(&quiet.next(Wait::No).await.unwrap()).len(), 5);
    let batch = reader.next(Wait::No).await.unwrap();
    assert_eq!(batch.missed, Some(Missed::Evicted));
    assert_eq!(batch.messages.len(), kept.messages - 5);
    drop((batch, reader, quiet));
    advance(Duration::from_secs(61)).await;
    log.sweep(Duration::from_secs(60));
    assert_eq!(log.kept().weight, 0);
}

#[tokio::test(start_paused = true)]
async fn a_reader_too_far_behind_is_moved_on_and_told() {
    let log = log();
    publish(&log, "a", 1_000_000).await;
    let mut reader = log.open(&name("a"), Start::Earliest).unwrap();
    reader.bound_lag();
    let batch = reader.next(Wait::Forever).await.unwrap();
    assert_eq!(
        (values(&batch), batch.missed),
        (vec![1_000_000], None),
        "what was kept before it came is no lag"
    );
    publish(&log, "a", 10).await;
    assert_eq!(values(&reader.next(Wait::Forever).await.unwrap()), [10]);
    publish(&log, "a", 11).await;
    let head = publish(&log, "a", 12).await;
    let batch = reader.next(Wait::Forever).await.unwrap();
    assert_eq!((values(&batch), batch.missed), (vec![], Some(Missed::Slow)));
    assert_eq!(batch.next, head);
    publish(&log, "a", 13).await;
    let batch = reader.next(Wait::Forever).await.unwrap();
    assert_eq!((values(&batch), batch.missed), (vec![13], None));
}
