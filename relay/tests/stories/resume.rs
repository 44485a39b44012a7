//! A client that comes back gets what it has not seen: all of it, once, or is told what is lost.

use std::time::Duration;

use crate::harness::{Client, HANDSHAKE, Relay, Web};

const TRANSPORTS: [&str; 5] = ["polling", "long-polling", "streaming", "sse", "websocket"];

/// Subscribes by one transport from a position.
fn subscribe(relay: &Relay, transport: &str, after: &str) -> Client {
    let request = match transport {
        "polling" => format!("GET /channels/a/messages?after={after}"),
        "long-polling" => format!("GET /channels/a/messages?wait=5s&after={after}"),
        "streaming" => format!("GET /channels/a/stream?after={after}"),
        "sse" => format!("GET /channels/a/events?after={after}"),
        _ => format!("GET /channels/a/socket?after={after}"),
    };
    let handshake = if transport == "websocket" {
        HANDSHAKE
    } else {
        ""
    };
    let mut client = relay.send(format!("{request} HTTP/1.1\r\nHost: r\r\n{handshake}\r\n"));
    let head = client.until("\r\n\r\n");
    assert!(
        head.starts_with("HTTP/1.1 200") || head.starts_with("HTTP/1.1 101"),
        "{transport}: {head}"
    );
    client
}

fn payload(n: u32) -> String {
    format!("\"<{n}>\"")
}

#[test]
fn nothing_is_lost_or_doubled_when_a_client_comes_back() {
    for transport in TRANSPORTS {
        let relay = Relay::start();
        let first = relay.publish(&payload(1));
        let mut client = subscribe(&relay, transport, "earliest");
        client.until("<1>");
        drop(client);
        relay.publish(&payload(2));
        relay.publish(&payload(3));
        let mut client = subscribe(&relay, transport, &first);
        let seen = client.until("<2>") + &client.until("<3>");
        assert!(
            !seen.contains("<1>")
                && !seen.contains("missed\":{")
                && !seen.contains("event: missed"),
            "{transport}: {seen}"
        );
        assert_eq!(seen.matches("<2>").count(), 1, "{transport}: {seen}");
    }
}

#[test]
fn a_browsers_last_event_id_wins_over_the_address() {
    let relay = Relay::start();
    relay.publish(&payload(1));
    let second = relay.publish(&payload(2));
    relay.publish(&payload(3));
    let mut client = relay.send(format!("GET /channels/a/events?after=earliest HTTP/1.1\r\nHost: r\r\nLast-Event-ID: {second}\r\n\r\n"));
    let seen = client.until("<3>");
    assert!(!seen.contains("<1>") && !seen.contains("<2>"), "{seen}");
}

#[test]
fn every_transport_says_what_was_evicted() {
    for transport in TRANSPORTS {
        let relay = Relay::with(|settings| settings.ring_messages = 2);
        let first = relay.publish(&payload(1));
        for n in 2..=5 {
            relay.publish(&payload(n));
        }
        let mut client = subscribe(&relay, transport, &first);
        let seen = client.until("<4>") + &client.until("<5>");
        assert!(!seen.contains("<3>"), "{transport}: {seen}");
        // A poll says it behind its messages.
        let seen = if transport.contains("polling") {
            seen + &client.until("}}")
        } else {
            seen
        };
        let expected = match transport {
            "polling" | "long-polling" => r#"],"missed":{"reason":"evicted"}}"#,
            "sse" => "event: missed\ndata: {\"reason\":\"evicted\"}\n\n",
            _ => r#"{"missed":{"reason":"evicted"}}"#,
        };
        assert!(seen.contains(expected), "{transport}: {seen}");
        relay.counts("relay_missed_total{reason=\"evicted\"} 1");
    }
}

#[test]
fn every_transport_says_that_the_log_is_another() {
    for transport in TRANSPORTS {
        let relay = Relay::start();
        relay.publish(&payload(1));
        let mut client = subscribe(&relay, transport, "zzzzzz-7");
        let seen = if transport.contains("polling") {
            client.until("}}")
        } else {
            client.until("<1>")
        };
        assert!(
            seen.contains(r#"{"reason":"recreated"}"#) && seen.contains("<1>"),
            "{transport}: {seen}"
        );
    }
}

#[test]
fn a_loss_with_nothing_behind_it_is_said_too() {
    let relay = Relay::start();
    let epoch = relay.epoch();
    let poll = relay
        .get("/channels/a/messages?wait=5s&after=zzzzzz-7")
        .answer();
    assert!(
        poll.ends_with(&format!(
            r#"{{"next":"{epoch}-0","messages":[],"missed":{{"reason":"recreated"}}}}"#
        )),
        "{poll}"
    );
    let mut events = subscribe(&relay, "sse", "zzzzzz-7");
    let seen = events.until(&format!("id: {epoch}-0\n\n"));
    assert!(
        seen.contains("event: missed\n"),
        "the browser is told where to resume: {seen}"
    );
    assert_eq!(
        Web::open(&relay, "?after=zzzzzz-7").next_text(),
        r#"{"missed":{"reason":"recreated"}}"#
    );
}

#[test]
fn a_late_reader_that_wants_all_is_told_of_no_loss() {
    let relay = Relay::with(|settings| settings.ring_messages = 1);
    relay.publish(&payload(1));
    relay.publish(&payload(2));
    let seen = relay.get("/channels/a/messages?after=earliest").answer();
    assert!(
        seen.contains("<2>") && seen.ends_with(r#""missed":null}"#),
        "{seen}"
    );
}

#[test]
fn a_reply_is_bounded_and_the_next_goes_on() {
    let relay = Relay::with(|settings| (settings.reply_messages, settings.reply_bytes) = (2, 10));
    for n in 1..=3 {
        relay.publish(&payload(n));
    }
    let long = relay.publish("\"a long message that is more than the limit\"");
    let mut after = "earliest".to_owned();
    let mut counts = Vec::new();
    while after != long {
        let answer = relay
            .get(&format!("/channels/a/messages?after={after}"))
            .answer();
        counts.push(answer.matches("payload").count());
        after = answer
            .split("\"next\":\"")
            .nth(1)
            .unwrap()
            .split('"')
            .next()
            .unwrap()
            .to_owned();
    }
    assert_eq!(counts, [2, 1, 1]);
    let mut stream = subscribe(&relay, "streaming", "earliest");
    stream.until("a long message");
}

#[test]
fn an_idle_channel_comes_back_as_another() {
    let relay = Relay::with(|settings| {
        (settings.channel_idle, settings.ring_age) =
            (Duration::from_millis(60), Duration::from_millis(60));
    });
    let position = relay.publish(&payload(1));
    relay.counts("relay_channels 0");
    let answer = relay
        .get(&format!("/channels/a/messages?after={position}"))
        .answer();
    assert!(
        answer.ends_with(r#""messages":[],"missed":{"reason":"recreated"}}"#),
        "{answer}"
    );
}
