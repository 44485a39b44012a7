//! What a poll may ask of its answer: how much at most, only the newest, and to wait for more.

use crate::harness::{Relay, get};

/// A relay with messages `<1>` to `<n>` on channel `a`, and the position before the first.
fn with_messages(n: u32) -> (Relay, String) {
    let relay = Relay::start();
    let start = format!("{}-0", relay.epoch());
    for n in 1..=n {
        relay.publish(&format!("\"<{n}>\""));
    }
    (relay, start)
}

/// The messages of an answer, and where to go on from.
fn read(answer: &str) -> (Vec<u32>, String) {
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let next = answer.split("\"next\":\"").nth(1).unwrap();
    let next = next.split('"').next().unwrap().to_owned();
    let marks = answer.split("\"<").skip(1);
    let numbers = marks.map(|mark| mark.split('>').next().unwrap().parse().unwrap());
    (numbers.collect(), next)
}

#[test]
fn a_limit_cuts_the_answer_and_the_next_poll_goes_on_there() {
    let (relay, start) = with_messages(5);
    for more in ["", "&wait=5s", "&wait=5s&linger=5s"] {
        let (mut at, mut seen) = (start.clone(), Vec::new());
        for expected in [vec![1, 2], vec![3, 4]] {
            let path = format!("/channels/a/messages?after={at}&limit=2{more}");
            let (numbers, next) = read(&relay.get(&path).answer());
            assert_eq!(numbers, expected, "{more}");
            at = next;
            seen.extend(numbers);
        }
        let (last, _) = read(
            &relay
                .get(&format!("/channels/a/messages?after={at}&limit=1{more}"))
                .answer(),
        );
        assert_eq!(last, [5]);
    }
}

#[test]
fn no_limit_exceeds_the_relays_own() {
    let relay = Relay::with(|settings| settings.reply_messages = 2);
    let start = format!("{}-0", relay.epoch());
    for n in 1..=3 {
        relay.publish(&format!("\"<{n}>\""));
    }
    let path = format!("/channels/a/messages?after={start}&limit=100");
    assert_eq!(read(&relay.get(&path).answer()).0, [1, 2]);
}

#[test]
fn the_latest_is_the_newest_alone_and_comes_once() {
    let (relay, start) = with_messages(3);
    for wait in ["", "&wait=5s"] {
        let path = format!("/channels/a/messages?after={start}&latest=true{wait}");
        let (numbers, next) = read(&relay.get(&path).answer());
        assert_eq!(numbers, [3]);
        let wait = wait.replace("5s", "1ms");
        let again = relay
            .get(&format!(
                "/channels/a/messages?after={next}&latest=true{wait}"
            ))
            .answer();
        assert!(again.starts_with("HTTP/1.1 204"), "{again}");
        assert!(again.contains(&format!("relay-next: {next}")), "{again}");
    }
}

#[test]
fn who_wants_the_latest_is_not_told_of_what_was_passed_over() {
    let relay = Relay::with(|settings| settings.ring_messages = 2);
    let start = format!("{}-0", relay.epoch());
    for n in 1..=5 {
        relay.publish(&format!("\"<{n}>\""));
    }
    let path = format!("/channels/a/messages?after={start}&latest=true");
    let answer = relay.get(&path).answer();
    assert!(answer.contains("\"missed\":null"), "{answer}");
    assert_eq!(read(&answer).0, [5]);
}

#[test]
fn a_poll_that_lingers_brings_what_follows_in_one_answer() {
    let (relay, start) = with_messages(0);
    let mut poll = relay.get(&format!(
        "/channels/a/messages?after={start}&wait=20s&linger=800ms"
    ));
    relay.counts("relay_subscribers{transport=\"long-polling\"} 1");
    relay.publish("\"<1>\"");
    relay.publish("\"<2>\"");
    assert!(poll.is_silent());
    relay.publish("\"<3>\"");
    let (numbers, _) = read(&poll.answer());
    assert_eq!(numbers, [1, 2, 3]);
    // It came long before the end of the wait, for which nobody here would have waited.
}

#[test]
fn a_linger_ends_with_the_wait_and_with_a_full_answer() {
    let (relay, start) = with_messages(1);
    let path = format!("/channels/a/messages?after={start}&wait=100ms&linger=60s");
    assert_eq!(read(&relay.get(&path).answer()).0, [1]);
    let mut poll = relay.get(&format!(
        "/channels/a/messages?after={start}&wait=60s&linger=60s&limit=2"
    ));
    assert!(poll.is_silent());
    relay.publish("\"<2>\"");
    assert_eq!(read(&poll.answer()).0, [1, 2]);
}

#[test]
fn a_linger_ends_when_the_answer_has_no_room_for_another_byte() {
    let relay = Relay::with(|settings| settings.reply_bytes = 10);
    let start = format!("{}-0", relay.epoch());
    let path = format!("/channels/a/messages?after={start}&wait=60s&linger=60s");
    let mut poll = relay.get(&path);
    relay.counts("relay_subscribers{transport=\"long-polling\"} 1");
    relay.publish("\"<1>\"");
    assert!(poll.is_silent());
    relay.publish("\"<2>\"");
    assert_eq!(read(&poll.answer()).0, [1, 2]);
    // A message more than fits: who comes later is answered at once.
    relay.publish("\"<3>\"");
    assert_eq!(read(&relay.get(&path).answer()).0, [1, 2]);
}

#[test]
fn a_poll_that_lingers_is_answered_when_the_relay_stops() {
    let (relay, start) = with_messages(1);
    let path = format!("/channels/a/messages?after={start}&wait=60s&linger=60s");
    let mut poll = relay.send(get(&path));
    relay.counts("relay_subscribers{transport=\"long-polling\"} 1");
    relay.stop();
    let answer = poll.answer();
    assert!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    assert!(answer.contains(&format!("relay-next: {start}")), "{answer}");
}
