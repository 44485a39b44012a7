//! A log that is saved and restored, again and again, against what a careful clerk noted.

mod limits;

use std::collections::HashMap;
use std::time::Duration;

use proptest::prelude::*;
use tokio::time::advance;

use super::*;
use crate::log::{Limit, Log, LogLimits, RingLimits, Start, Wait};
use crate::message::{ChannelName, Message, Payload, Position};

const ALL: Limit = Limit {
    messages: usize::MAX,
    bytes: usize::MAX,
};
const RING: RingLimits = RingLimits {
    messages: 4,
    bytes: 40,
    age: Duration::from_secs(60),
};

fn limits(channels: usize) -> LogLimits {
    LogLimits {
        channels,
        bytes: usize::MAX,
        behind: usize::MAX,
    }
}

fn log(ring: RingLimits) -> Log {
    Log::new(limits(3), ring, ALL)
}

fn name(channel: u8) -> ChannelName {
    ChannelName::parse(&format!("channel.{channel}")).unwrap()
}

async fn publish(log: &Log, channel: u8, value: u64) -> Position {
    let payload = Payload::parse(value.to_string().as_bytes(), 100).unwrap();
    log.append(&name(channel), payload).await.unwrap()
}

fn saved(log: &Log, now: u64) -> Vec<u8> {
    let mut file = Vec::new();
    log.save(now, &mut file).unwrap();
    file
}

fn restored(file: &[u8], now: u64, ring: RingLimits) -> Result<(Log, Restored), SnapshotError> {
    let log = log(ring);
    let restored = log.restore(now, &mut &file[..])?;
    Ok((log, restored))
}

/// What a reader finds after a position: values with their positions, and what it was told it missed.
async fn found(
    log: &Log,
    channel: u8,
    start: Start,
) -> (Vec<(Position, u64)>, Option<&'static str>) {
    let mut reader = log.open(&name(channel), start).unwrap();
    let batch = reader.next(Wait::No).await.unwrap();
    let value = |bytes: &[u8]| std::str::from_utf8(bytes).unwrap().parse().unwrap();
    let messages = batch.messages.iter();
    let messages = messages.map(|m| (m.position, value(m.payload.bytes())));
    (
        messages.collect(),
        batch.missed.map(|missed| missed.reason()),
    )
}

#[derive(Debug, Clone)]
enum Step {
    Publish(u8),
    Pass(u64),
    /// The process stops in order, and the next one starts so many seconds later.
    Restart(u64),
    /// The process is killed. It has read its file and removed it.
    Crash,
}

fn story() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        6 => (0..3_u8).prop_map(Step::Publish),
        2 => (0..90_u64).prop_map(Step::Pass),
        2 => (0..40_u64).prop_map(Step::Restart),
        1 => Just(Step::Crash),
    ];
    prop::collection::vec(step, 1..60)
}

/// What was acknowledged in one channel, oldest first, and when.
type Acknowledged = HashMap<u8, Vec<(Position, u64, u64)>>;

async fn play(story: Vec<Step>) {
    let (mut log, mut now, mut value) = (log(RING), 0, 0);
    let mut given: HashMap<Position, u64> = HashMap::new();
    let mut acknowledged = Acknowledged::new();
    for step in story {
        match step {
            Step::Publish(channel) => {
                value += 1;
                let position = publish(&log, channel, value).await;
                assert_eq!(
                    given.insert(position, value),
                    None,
                    "a position is given once"
                );
                acknowledged
                    .entry(channel)
                    .or_default()
                    .push((position, value, now));
            }
            Step::Pass(seconds) => {
                now += seconds;
                advance(Duration::from_secs(seconds)).await;
                // Channels go, and come back with another epoch.
                log.sweep(Duration::from_secs(20));
            }
            Step::Restart(seconds) => {
                let file = saved(&log, now * 1000);
                now += seconds;
                (log, _) = restored(&file, now * 1000, RING).unwrap();
            }
            Step::Crash => log = self::log(RING),
        }
        for (channel, all) in &acknowledged {
            check(&log, *channel, all, now).await;
        }
    }
}

/// Asks with every position that was ever given out.
async fn check(log: &Log, channel: u8, all: &[(Position, u64, u64)], now: u64) {
    let (kept, _) = found(log, channel, Start::Earliest).await;
    let epoch = log
        .open(&name(channel), Start::Latest)
        .unwrap()
        .position()
        .epoch;
    let life: Vec<_> = all.iter().filter(|(p, ..)| p.epoch == epoch).collect();
    // Within the ring's count and age nothing is gone that was acknowledged in this epoch.
    let young = life.iter().rev().take(RING.messages).rev();
    let young: Vec<_> = young
        .filter(|(.., at)| now - at <= RING.age.as_secs())
        .map(|(p, v, _)| (*p, *v))
        .collect();
    assert_eq!(kept, young);
    for (at, (position, ..)) in all.iter().enumerate() {
        let (after, missed) = found(log, channel, Start::After(*position)).await;
        if position.epoch == epoch {
            let owed = all.len() - at - 1;
            assert_eq!(after.as_slice(), &kept[kept.len() - after.len()..]);
            let lost = owed > after.len();
            assert_eq!(missed, lost.then_some("evicted"), "{position:?} {all:?}");
        } else {
            assert_eq!((after, missed), (kept.clone(), Some("recreated")));
        }
    }
}

proptest! {
    #[test]
    fn restarts_lose_nothing_that_is_kept_and_no_position_is_given_twice(story in story()) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        runtime.unwrap().block_on(play(story));
    }

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = restored(&bytes, 0, RING);
        let _ = restored(&[b"relay-log 1 0\n", &bytes[..]].concat(), 0, RING);
    }

    #[test]
    fn no_file_is_taken_that_was_changed_or_cut(at in any::<prop::sample::Index>(), bit in 0..8_u32) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build();
        let file = runtime.unwrap().block_on(async {
            let log = log(RING);
            for value in 0..9 {
                publish(&log, value as u8 % 2, value).await;
            }
            saved(&log, 5)
        });
        let at = at.index(file.len());
        let mut changed = file.clone();
        changed[at] ^= 1 << bit;
        prop_assert!(restored(&changed, 5, RING).is_err());
        prop_assert!(restored(&file[..at], 5, RING).is_err());
        prop_assert!(restored(&file, 5, RING).is_ok());
    }
}

#[tokio::test(start_paused = true)]
async fn a_snapshot_is_text_that_a_person_can_read() {
    let log = log(RING);
    let first = publish(&log, 1, 10).await;
    advance(Duration::from_millis(1600)).await;
    let payload = Payload::parse(br#" {"a": "b c"} "#, 100).unwrap();
    log.append(&name(1), payload).await.unwrap();
    let text = String::from_utf8(saved(&log, 1_800_000_000_123)).unwrap();
    let (body, end) = text.rsplit_once("end ").unwrap();
    let (head, body) = body.split_once("\nepochs ").unwrap();
    let (key, body) = body.split_once('\n').unwrap();
    assert!(
        head == "relay-log 1 1800000000123" && key.len() == 32,
        "{text}"
    );
    let epoch = first.epoch;
    assert_eq!(
        body,
        format!("channel channel.1 {epoch}-0 2\n1 1600 10\n2 0 {{\"a\":\"b c\"}}\n")
    );
    assert!(end.starts_with("1 2 ") && end.len() == 4 + 64 + 1, "{end}");
}

#[tokio::test(start_paused = true)]
async fn who_waits_in_a_channel_without_a_message_waits_on_in_the_next_process() {
    let old = log(RING);
    let ended = publish(&old, 1, 1).await;
    advance(Duration::from_secs(100)).await;
    old.sweep(Duration::ZERO);
    let positions = [1, 2].map(|c| old.open(&name(c), Start::Latest).unwrap().position());
    let (new, _) = restored(&saved(&old, 0), 0, RING).unwrap();
    for (channel, position) in [1, 2].into_iter().zip(positions) {
        let value = channel.into();
        publish(&new, channel, value).await;
        let (found, missed) = found(&new, channel, Start::After(position)).await;
        assert_eq!((found[0].1, missed), (value, None));
    }
    let again = found(&new, 1, Start::After(ended)).await;
    assert_eq!(
        again.1,
        Some("recreated"),
        "a life that has ended does not begin again"
    );
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_read_says_why() {
    let log = log(RING);
    publish(&log, 1, 10).await;
    let file = String::from_utf8(saved(&log, 0)).unwrap();
    let why = |text: &str| restored(text.as_bytes(), 0, RING).unwrap_err().to_string();
    assert_eq!(why(""), "it is cut off: its end is missing");
    assert_eq!(why("\n"), "it is no log of a relay");
    assert_eq!(why("{\"messages\":[]}\n"), "it is no log of a relay");
    assert_eq!(why("\u{0}\u{0}\u{0}\n"), "it is no log of a relay");
    assert_eq!(
        why(&file.replacen("log 1", "log 2", 1)),
        "it has version 2 of the format, and this relay reads version 1"
    );
    assert_eq!(
        why(&file[..file.len() - 1]),
        "it is cut off: its end is missing"
    );
    assert_eq!(
        why(&file.replace("0 10\n", "0 11\n")),
        "its checksum is wrong: it was changed after it was written"
    );
    assert_eq!(why(&file.replace(" 10\n", " ten\n")), "its line 4 is wrong");
    assert_eq!(
        why(&file.replace("epochs ", "epochs +")),
        "its line 2 is wrong"
    );
    assert_eq!(why(&(file + "more\n")), "its line 5 is wrong");
    assert_eq!(
        why(&"relay-log 1".repeat(1000)),
        "it is cut off: its end is missing"
    );
}
