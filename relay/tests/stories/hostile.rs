//! Clients that mean harm or cannot do better: each is ended for its own reason.

use std::io::Read;
use std::time::Duration;

use relay::SlowReader;

use crate::harness::{HANDSHAKE, Relay, Web, frame, get, post};

const MS: Duration = Duration::from_millis(1);

fn handshake(channel: &str) -> String {
    format!("GET /channels/{channel}/socket HTTP/1.1\r\nHost: relay\r\n{HANDSHAKE}\r\n")
}

#[test]
fn an_address_has_its_share_of_connections_and_a_page_is_told_by_a_close_code() {
    let relay = Relay::with(|settings| settings.max_connections_per_address = 2);
    let mut first = relay.get("/healthz");
    first.answer();
    let second = Web::open(&relay, "");
    let answer = relay.get("/channels/a/stream").until_closed();
    for part in [
        "HTTP/1.1 429 ",
        "retry-after: 5\r\n",
        "connection: close\r\n",
        "too_many_connections_of_address",
    ] {
        assert!(answer.contains(part), "{part}: {answer}");
    }
    let mut client = relay.send(handshake("a"));
    assert!(client.head().starts_with("HTTP/1.1 101 "));
    assert_eq!(Web(client).closed(), 1013);
    first.send(get("/metrics"));
    let counted = first.answer();
    assert!(
        counted.contains("relay_closed_total{reason=\"address_refused\"} 2\n"),
        "{counted}"
    );
    drop((first, second));
    while !relay
        .get("/healthz")
        .until_closed_or_silent()
        .contains("200 OK")
    {}
}

#[test]
fn a_socket_for_which_there_is_no_channel_is_told_by_a_close_code() {
    let relay = Relay::with(|settings| settings.max_channels = 1);
    relay.publish("1");
    let mut client = relay.send(handshake("b"));
    assert!(client.head().starts_with("HTTP/1.1 101 "));
    assert_eq!(Web(client).closed(), 1013);
    relay.counts("relay_closed_total{reason=\"refused\"} 1");
}

#[test]
fn asking_for_names_fills_no_limit() {
    let relay = Relay::with(|settings| settings.max_channels = 2);
    for number in 0..50 {
        for leaf in ["messages", "messages?wait=0s", "stream"] {
            let mut client = relay.get(&format!("/channels/n{number}/{leaf}"));
            client.head();
            client.finish();
            client.until_closed();
        }
    }
    relay.counts("relay_channels 0");
    relay.publish("1");
    // Who polls a channel before its first message misses nothing, although it was forgotten in between.
    let next = |answer: &str| {
        let next = answer.split("relay-next: ").nth(1).unwrap();
        next.lines().next().unwrap().to_owned()
    };
    let first = next(&relay.get("/channels/b/messages").answer());
    let poll = || {
        relay
            .get(&format!("/channels/b/messages?after={first}"))
            .answer()
    };
    assert_eq!(next(&poll()), first);
    relay.publish_to("b", "7");
    assert!(poll().ends_with(r#""payload":7}],"missed":null}"#));
}

#[test]
fn all_channels_together_keep_no_more_than_they_may() {
    let relay = Relay::with(|settings| {
        settings.max_body = 2000;
        settings.ring_bytes = 50_000;
        settings.log_bytes = 200_000;
    });
    relay.publish_to("quiet", "\"kept\"");
    let large = format!("\"{}\"", "x".repeat(1500));
    for number in 0..400 {
        relay.publish_to(&format!("loud{}", number % 20), &large);
        if number % 50 == 0 {
            // A form is memory too.
            relay
                .get("/channels/loud1/messages?after=earliest")
                .answer();
        }
    }
    let stats = relay.ask(get("/stats"));
    let stats: serde_json::Value =
        serde_json::from_str(stats.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    let messages = &stats["messages"];
    assert!(
        messages["log_bytes"].as_u64().unwrap() <= 200_000,
        "{stats}"
    );
    assert!(
        messages["kept_bytes"].as_u64().unwrap() > 100_000,
        "{stats}"
    );
    let trimmed = messages["trimmed"].as_u64().unwrap();
    assert_eq!(messages["kept"].as_u64().unwrap() + trimmed, 401, "{stats}");
    let quiet = relay
        .get("/channels/quiet/messages?after=earliest")
        .answer();
    assert!(quiet.contains("kept"), "who keeps little keeps it: {quiet}");
}

#[test]
fn a_first_head_is_due_from_the_moment_of_connecting() {
    let relay = Relay::with(|settings| settings.header_deadline = 300 * MS);
    let begun = tokio::time::Instant::now();
    let mut client = relay.connect();
    std::thread::sleep(200 * MS);
    client.send("GET /healthz HTTP/1.1\r\n");
    let late = client.until_closed();
    assert!(late.contains("header_deadline"), "{late}");
    // With a deadline of its own from the first byte it would be 500 ms, and a second to linger.
    let taken = begun.elapsed();
    assert!(
        taken >= 300 * MS && taken < 480 * MS + 1000 * MS,
        "{taken:?}"
    );
    relay.counts("relay_closed_total{reason=\"header_deadline\"} 1");
}

#[test]
fn a_client_that_reads_a_little_now_and_then_is_closed_too() {
    let relay = Relay::with(|settings| {
        (settings.write_deadline, settings.min_rate) = (400 * MS, 50_000_000);
    });
    let message = format!("\"{}\"", "x".repeat(60_000));
    let mut dribblers = [
        relay.get("/channels/a/stream"),
        relay.get("/channels/a/events"),
        relay.send(handshake("a")),
        relay.send(get("/channels/a/messages?after=earliest").repeat(3000)),
    ];
    for _ in 0..200 {
        relay.publish(&message);
    }
    // The pause between two reads is far below the write deadline: only the rate tells.
    let mut some = vec![0; 200_000];
    for _ in 0..30 {
        for client in &mut dribblers {
            let _ = client.stream.read(&mut some);
        }
        for _ in 0..10 {
            relay.publish(&message);
        }
        std::thread::sleep(50 * MS);
    }
    relay.counts("relay_closed_total{reason=\"write_deadline\"} 4");
}

#[test]
fn a_socket_that_answers_no_ping_is_closed() {
    let relay = Relay::with(|settings| {
        (settings.heartbeat, settings.pong_deadline) = (50 * MS, 300 * MS);
    });
    let mut silent = Web::open(&relay, "");
    let mut alive = Web::open(&relay, "");
    for _ in 0..20 {
        assert_eq!(alive.next().0, 0x89, "a ping");
        alive.frame(0x8a, b"");
    }
    let mut last = silent.next();
    let mut pings = 0;
    while last.0 == 0x89 {
        (last, pings) = (silent.next(), pings + 1);
    }
    assert!(pings >= 2, "{pings}");
    assert_eq!((last.0, &last.1[..2]), (0x88, &[0x03, 0xf0][..]), "1008");
    relay.counts("relay_closed_total{reason=\"pong_deadline\"} 1");
    relay.publish("1");
    while alive.next().0 == 0x89 {}
}

#[test]
fn a_message_on_a_socket_has_the_time_of_a_body() {
    let relay = Relay::with(|settings| settings.body_deadline = 200 * MS);
    // Whole messages, as slowly as anyone likes.
    let mut honest = Web::open(&relay, "?receive=false");
    let mut slow = Web::open(&relay, "?receive=false");
    let whole = frame(0x81, br#"{"publish":1}"#);
    for byte in 0..5 {
        honest.0.send(&whole);
        assert!(honest.next_text().contains("published"));
        slow.0.send(&whole[byte..=byte]);
        std::thread::sleep(60 * MS);
    }
    assert_eq!(slow.closed(), 1008);
    relay.counts("relay_closed_total{reason=\"body_deadline\"} 1");
    honest.0.send(&whole);
    assert!(honest.next_text().contains("published"));
}

/// Subscribers of each transport that read nothing while much is published, then all.
fn fall_behind(policy: SlowReader) -> (Relay, Vec<String>) {
    let relay = Relay::with(|settings| {
        settings.slow_reader = policy;
        settings.slow_reader_bytes = 200_000;
        settings.ring_bytes = 64 << 20;
        settings.ring_messages = 100_000;
    });
    let clients = [
        relay.get("/channels/a/stream"),
        relay.get("/channels/a/events"),
        relay.send(handshake("a")),
    ];
    let message = format!("\"{}\"", "x".repeat(50_000));
    // More than the kernels of both sides take.
    for _ in 0..400 {
        relay.publish(&message);
    }
    relay.publish("\"last\"");
    let read = clients.map(|mut client| {
        let mut text = String::new();
        let mut buffer = vec![0; 1 << 20];
        // The end, or what tells that it was moved on.
        while !text.contains(r#"{"reason":"slow"}"#) {
            match client.stream.read(&mut buffer) {
                Ok(0) | Err(_) => break,
                Ok(count) => text += &String::from_utf8_lossy(&buffer[..count]),
            }
        }
        text
    });
    (relay, read.into())
}

#[test]
fn a_reader_that_falls_too_far_behind_is_moved_on_and_told() {
    let (relay, read) = fall_behind(SlowReader::Drop);
    for (text, told) in read.iter().zip([
        r#"{"missed":{"reason":"slow"}}"#,
        "event: missed\ndata: {\"reason\":\"slow\"}\n\nid: ",
        r#"{"missed":{"reason":"slow"}}"#,
    ]) {
        assert!(text.contains(told) && !text.contains("last"), "{told}");
    }
    relay.counts("relay_missed_total{reason=\"slow\"} 3");
    // What it missed is kept all the same.
    let all = relay
        .get("/channels/a/messages?after=earliest&limit=1")
        .answer();
    assert!(all.contains(r#""missed":null"#));
}

#[test]
fn a_reader_that_falls_too_far_behind_is_disconnected_where_that_is_the_policy() {
    let (relay, read) = fall_behind(SlowReader::Disconnect);
    let [stream, events, socket] = &read[..] else {
        panic!("three clients")
    };
    assert!(stream.ends_with("0\r\n\r\n") && events.ends_with("0\r\n\r\n"));
    assert!(socket.ends_with("it reads too slowly"));
    assert!(
        read.iter()
            .all(|text| !text.contains("missed") && !text.contains("last"))
    );
    relay.counts("relay_closed_total{reason=\"slow_reader\"} 3");
    let stats = relay.ask(get("/stats"));
    assert!(stats.contains(r#""slow_reader":3"#), "{stats}");
}

#[test]
fn whoever_reads_what_was_kept_is_not_slow() {
    let relay = Relay::with(|settings| {
        (settings.slow_reader_bytes, settings.reply_bytes) = (1000, 2000);
    });
    let message = format!("\"{}\"", "x".repeat(900));
    for _ in 0..100 {
        relay.publish(&message);
    }
    relay.publish("\"last\"");
    let mut client = relay.get("/channels/a/stream?after=earliest");
    assert!(!client.until("last").contains("missed"));
    assert!(relay.ask(post("/channels/a/messages", "1")).contains("201"));
}
