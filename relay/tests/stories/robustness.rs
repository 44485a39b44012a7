//! Clients that are slow, sudden or strange.

use std::time::Duration;

use crate::harness::{HANDSHAKE, Relay, Web, get, post};

#[test]
fn requests_behind_a_parked_poll_are_answered_after_it() {
    let relay = Relay::start();
    let mut client = relay.send(
        get("/channels/a/messages?wait=5s")
            + &get("/healthz")
            + &get("/channels/a/messages?wait=5s"),
    );
    assert!(client.is_silent());
    client.send(get("/healthz"));
    relay.publish("1");
    assert!(client.answer().contains(r#""payload":1"#));
    assert!(client.answer().ends_with("ok\n"));
    assert!(
        client.is_silent(),
        "the second poll waits, and so does what is behind it"
    );
    relay.publish("2");
    assert!(client.answer().contains(r#""payload":2"#));
    assert!(client.answer().ends_with("ok\n"));
}

#[test]
fn answers_before_a_parked_poll_come_first() {
    let relay = Relay::start();
    let mut client =
        relay.send(get("/healthz") + &get("/channels/a/messages") + &get("/channels/a/stream"));
    assert!(client.answer().ends_with("ok\n"));
    assert!(client.answer().starts_with("HTTP/1.1 204"));
    assert!(client.head().contains("application/x-ndjson"));
}

#[test]
fn a_parked_poll_closes_when_the_client_asked_for_it() {
    let relay = Relay::start();
    let mut client = relay.send(
        "GET /channels/a/messages?wait=20ms HTTP/1.1\r\nHost: r\r\nConnection: close\r\n\r\n",
    );
    assert!(client.answer().contains("connection: close\r\n"));
    assert_eq!(client.until_closed(), "");
    let mut client = relay.send("GET /channels/a/messages?wait=20ms HTTP/1.0\r\n\r\n");
    assert!(client.answer().contains("connection: close\r\n"));
    assert_eq!(client.until_closed(), "");
}

#[test]
fn a_client_that_leaves_is_noticed() {
    let relay = Relay::start();
    let waiting = [
        get("/channels/a/messages?wait=50s"),
        get("/channels/a/stream"),
        get("/channels/a/events"),
        format!("GET /channels/a/socket HTTP/1.1\r\nHost: r\r\n{HANDSHAKE}\r\n"),
    ];
    let clients: Vec<_> = waiting.iter().map(|request| relay.send(request)).collect();
    for transport in ["long-polling", "streaming", "sse", "websocket"] {
        relay.counts(&format!("relay_subscribers{{transport=\"{transport}\"}} 1"));
    }
    drop(clients);
    for transport in ["long-polling", "streaming", "sse", "websocket"] {
        relay.counts(&format!("relay_subscribers{{transport=\"{transport}\"}} 0"));
    }
    relay.counts("relay_closed_total{reason=\"client\"} 4");
}

#[test]
fn a_request_that_ends_too_early_harms_nobody() {
    let relay = Relay::start();
    let whole = post("/channels/a/messages", "{\"n\":1}");
    for end in 1..whole.len() {
        let mut client = relay.send(&whole.as_bytes()[..end]);
        client.finish();
        let answer = client.until_closed();
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 400"),
            "{end}: {answer}"
        );
    }
    assert!(
        relay
            .get("/channels/a/messages?after=earliest")
            .answer()
            .starts_with("HTTP/1.1 204")
    );
}

#[test]
fn a_client_that_ends_its_side_after_its_request_is_answered() {
    let relay = Relay::start();
    let requests = [
        (get("/healthz"), " 200 "),
        (get("/channels/a/messages"), " 204 "),
        (post("/channels/a/messages", "1"), " 201 "),
    ];
    for (request, status) in requests {
        // Often, because it used to depend on what came first.
        for _ in 0..50 {
            let mut client = relay.send(&request);
            client.finish();
            let answer = { client }.until_closed();
            assert!(answer.contains(status), "{request}: {answer}");
        }
    }
}

#[test]
fn what_is_no_http_is_refused() {
    let relay = Relay::start();
    for wrong in [
        "hello\r\n\r\n",
        "GET\r\n\r\n",
        "GET / HTTP/9.9\r\n\r\n",
        "GET / HTTP/1.1\r\nHost : r\r\n\r\n",
        "GET / HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
        "POST /channels/a/messages HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n1",
        "POST /channels/a/messages HTTP/1.1\r\nContent-Length: -1\r\n\r\n1",
        "POST /channels/a/messages HTTP/1.1\r\nTransfer-Encoding: gzip\r\n\r\n1",
        "\x16\x03\x01\x02\x00\x01\x00\x01\u{fc}\x03\x03",
    ] {
        let mut client = relay.send(wrong);
        client.finish();
        let answer = client.until_closed();
        assert!(
            answer.is_empty() || answer.starts_with("HTTP/1.1 4"),
            "{wrong:?}: {answer}"
        );
    }
    let huge = format!(
        "GET / HTTP/1.1\r\nHost: r\r\nX: {}\r\n\r\n",
        "x".repeat(70_000)
    );
    assert!(relay.send(huge).until_closed().starts_with("HTTP/1.1 431"));
}

#[test]
fn a_length_and_chunks_together_do_not_smuggle() {
    let relay = Relay::start();
    let (length, chunks) = ("Content-Length: 4\r\n", "Transfer-Encoding: chunked\r\n");
    for both in [[length, chunks].concat(), [chunks, length].concat()] {
        // Whatever a proxy in between took for the body, what follows is not answered.
        let head =
            "POST /channels/a/messages HTTP/1.1\r\nHost: r\r\nContent-Type: application/json";
        let body = "1\r\n1\r\n0\r\n\r\n".to_owned() + &get("/healthz");
        let mut client = relay.send(format!("{head}\r\n{both}\r\n{body}"));
        let answers = client.until_closed();
        assert_eq!(answers.matches("HTTP/1.1 ").count(), 1, "{answers}");
        assert!(answers.contains("connection: close\r\n"), "{answers}");
    }
}

#[test]
fn a_head_or_body_that_does_not_come_is_not_waited_for() {
    let relay = Relay::with(|settings| {
        (settings.header_deadline, settings.body_deadline) =
            (Duration::from_millis(80), Duration::from_millis(80));
    });
    assert_eq!(
        relay.connect().until_closed(),
        "",
        "a client that says nothing"
    );
    let late = relay.send("GET /healthz HTTP/1.1\r\nHo").until_closed();
    assert!(
        late.starts_with("HTTP/1.1 408") && late.contains("header_deadline"),
        "{late}"
    );
    let mut client = relay.send(get("/healthz"));
    client.answer();
    client.send("GET /hea");
    assert!(
        client.until_closed().contains("header_deadline"),
        "also behind an answer"
    );
    let head = "POST /channels/a/messages HTTP/1.1\r\nHost: r\r\nContent-Type: application/json\r\nContent-Length: 9\r\n\r\n";
    let late = relay.send(format!("{head}12")).until_closed();
    assert!(
        late.starts_with("HTTP/1.1 408") && late.contains("body_deadline"),
        "{late}"
    );
    relay.counts("relay_closed_total{reason=\"header_deadline\"} 3");
    relay.counts("relay_closed_total{reason=\"body_deadline\"} 1");
}

#[test]
fn a_connection_may_rest_between_requests_longer_than_a_head_may_take() {
    let relay = Relay::with(|settings| {
        (settings.header_deadline, settings.keep_alive) =
            (Duration::from_millis(50), Duration::from_millis(400));
    });
    let mut client = relay.send(get("/healthz"));
    client.answer();
    std::thread::sleep(Duration::from_millis(200));
    client.send(get("/healthz"));
    client.answer();
    assert_eq!(
        client.until_closed(),
        "",
        "and is closed when it rests too long"
    );
    relay.counts("relay_closed_total{reason=\"finished\"} 1");
}

#[test]
fn a_client_that_stops_reading_is_closed_and_counted() {
    let relay = Relay::with(|settings| settings.write_deadline = Duration::from_millis(100));
    let message = format!("\"{}\"", "x".repeat(60_000));
    let slow = [
        relay.get("/channels/a/stream"),
        relay.get("/channels/a/events"),
        Web::open(&relay, "").0,
    ];
    let mut quick = relay.get("/channels/a/stream");
    for _ in 0..200 {
        relay.publish(&message);
        quick.until("xxx\"}\n");
    }
    // Polls, one behind the other: their answers are written by hyper.
    let polls = relay.send(get("/channels/a/messages?after=earliest").repeat(300));
    relay.counts("relay_closed_total{reason=\"write_deadline\"} 4");
    relay.publish("\"last\"");
    quick.until("last");
    drop((slow, polls));
}

#[test]
fn a_client_may_not_talk_without_end_on_a_stream() {
    let relay = Relay::start();
    let mut client = relay.get("/channels/a/stream");
    client.head();
    client.send(vec![b'x'; 60_000]);
    relay.publish("1");
    client.until("payload\":1}\n\r\n");
    client.send(vec![b'x'; 60_000]);
    client.until_closed();
    relay.counts("relay_closed_total{reason=\"too_large\"} 1");
}
