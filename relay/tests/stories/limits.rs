//! What happens at each limit.

use std::time::Duration;

use tokio::time::Instant;

use crate::harness::{Relay, Web, get, post};

#[test]
fn a_full_relay_says_so_and_when_to_come_again() {
    let relay = Relay::with(|settings| settings.max_connections = 3);
    let first = Web::open(&relay, "");
    let mut second = relay.get("/channels/a/stream");
    second.head();
    let mut third = relay.get("/healthz");
    third.answer();
    for _ in 0..3 {
        let answer = relay.get("/channels/a/socket").until_closed();
        assert!(
            answer.starts_with("HTTP/1.1 503") && answer.contains("retry-after: 5\r\n"),
            "{answer}"
        );
        assert!(
            answer.contains(r#""code":"too_many_connections""#),
            "{answer}"
        );
    }
    third.send(get("/metrics"));
    let counted = third.answer();
    assert!(
        counted.contains("relay_closed_total{reason=\"refused\"} 3\n"),
        "{counted}"
    );
    drop((first, second, third));
    while !relay
        .get("/healthz")
        .until_closed_or_silent()
        .contains("200 OK")
    {}
}

#[test]
fn a_relay_with_all_its_channels_makes_no_more() {
    let relay = Relay::with(|settings| settings.max_channels = 1);
    relay.publish("1");
    for answer in [
        relay.ask(post("/channels/b/messages", "1")),
        relay.get("/channels/b/messages").answer(),
        relay.get("/channels/b/stream").answer(),
    ] {
        assert!(
            answer.starts_with("HTTP/1.1 503") && answer.contains("too_many_channels"),
            "{answer}"
        );
        assert!(answer.contains("retry-after: 5\r\n"), "{answer}");
    }
    relay.publish("2");
}

#[test]
fn a_long_wait_is_cut_to_the_longest_allowed() {
    let relay = Relay::with(|settings| settings.max_wait = Duration::from_millis(50));
    assert!(
        relay
            .get("/channels/a/messages?wait=1h")
            .answer()
            .starts_with("HTTP/1.1 204")
    );
}

#[test]
fn a_ring_keeps_what_its_age_allows() {
    let relay = Relay::with(|settings| settings.ring_age = Duration::from_millis(50));
    relay.publish("1");
    relay.counts("relay_kept_messages 0");
    assert!(
        relay
            .get("/channels/a/messages?after=earliest")
            .answer()
            .starts_with("HTTP/1.1 204")
    );
}

#[test]
fn a_client_that_sends_on_behind_its_poll_is_not_read_without_end() {
    let relay = Relay::start();
    let mut client = relay.get("/channels/a/messages?wait=5s");
    client.stream.tcp().set_nonblocking(true).unwrap();
    let junk = vec![b'x'; 1 << 20];
    let begun = Instant::now();
    let mut sent = 0;
    // The kernel's buffers take some; then the relay, which reads 16 KiB, lets the client wait.
    while begun.elapsed() < Duration::from_millis(300) && sent < 64 << 20 {
        sent += std::io::Write::write(&mut client.stream, &junk).unwrap_or(0);
    }
    assert!(sent < 64 << 20, "the relay took {sent} bytes");
    client.stream.tcp().set_nonblocking(false).unwrap();
    relay.publish("1");
    assert!(client.answer().contains(r#""payload":1"#));
    assert!(relay.ask(get("/healthz")).ends_with("ok\n"));
}
