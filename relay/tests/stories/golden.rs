//! The exact bytes of each transport. Lines end in CRLF in heads and chunks, in LF in bodies.

use crate::harness::{HANDSHAKE, Relay, get, post};

/// Compares with the epoch masked and CRLF made visible as `¶`.
fn assert_bytes(got: &str, epoch: &str, expected: &str) {
    let got = got.replace(epoch, "EPOCH").replace("\r\n", "¶\n");
    assert_eq!(got, expected, "\n--- got\n{got}\n--- expected\n{expected}");
}

const JSON: &str =
    "content-type: application/json¶\ncache-control: no-store¶\nx-content-type-options: nosniff¶\n";

#[test]
fn publishing_gives_the_position() {
    let relay = Relay::start();
    let epoch = relay.epoch();
    let answer = relay.ask(post("/channels/a/messages", "{ \"n\" : 1 }"));
    let expected = format!(
        "HTTP/1.1 201 Created¶\n{JSON}content-length: 23¶\ndate: DATE¶\n¶\n{{\"position\":\"EPOCH-1\"}}"
    );
    assert_bytes(&answer, &epoch, &expected);
}

#[test]
fn a_poll_that_finds_nothing_is_short() {
    let relay = Relay::start();
    let epoch = relay.epoch();
    let expected = "HTTP/1.1 204 No Content¶\ncache-control: no-store¶\nrelay-next: EPOCH-0¶\ndate: DATE¶\n¶\n";
    assert_bytes(
        &relay.get("/channels/a/messages").answer(),
        &epoch,
        expected,
    );
    assert_bytes(
        &relay.get("/channels/a/messages?wait=1ms").answer(),
        &epoch,
        expected,
    );
    assert_bytes(
        &relay.get("/channels/a/messages?wait=0s").answer(),
        &epoch,
        expected,
    );
}

#[test]
fn a_poll_and_a_long_poll_answer_the_same() {
    let relay = Relay::start();
    let epoch = relay.epoch();
    let mut parked = relay.get("/channels/a/messages?wait=25s");
    assert!(parked.is_silent());
    relay.publish("{ \"n\": [1, 2] }");
    let expected = format!(
        "HTTP/1.1 200 OK¶\n{JSON}content-length: 92¶\ndate: DATE¶\n¶\n{{\"next\":\"EPOCH-1\",\"messages\":[{{\"position\":\
         \"EPOCH-1\",\"payload\":{{\"n\":[1,2]}}}}],\"missed\":null}}"
    );
    assert_bytes(&parked.answer(), &epoch, &expected);
    assert_bytes(
        &relay
            .get(&format!("/channels/a/messages?after={epoch}-0"))
            .answer(),
        &epoch,
        &expected,
    );
    assert_bytes(
        &relay
            .get(&format!("/channels/a/messages?after={epoch}-0&wait=25s"))
            .answer(),
        &epoch,
        &expected,
    );
}

#[test]
fn a_stream_is_a_line_a_message() {
    let relay = Relay::with(|settings| settings.heartbeat = std::time::Duration::from_millis(300));
    let epoch = relay.epoch();
    let mut stream = relay.get("/channels/a/stream");
    let expected = "HTTP/1.1 200 OK¶\ncontent-type: application/x-ndjson¶\ncache-control: no-store¶\n\
                    x-content-type-options: nosniff¶\nx-accel-buffering: no¶\ntransfer-encoding: chunked¶\n\
                    relay-next: EPOCH-0¶\ndate: DATE¶\n¶\n";
    assert_bytes(&stream.head(), &epoch, expected);
    relay.publish("\"hé\"");
    assert_bytes(
        &stream.until("\n\r\n"),
        &epoch,
        "28¶\n{\"position\":\"EPOCH-1\",\"payload\":\"hé\"}\n¶\n",
    );
    assert_bytes(&stream.until("\n\r\n"), &epoch, "1¶\n\n¶\n");
    relay.stop();
    assert_bytes(&stream.until_closed(), &epoch, "0¶\n¶\n");
}

#[test]
fn an_event_stream_starts_with_its_position() {
    let relay = Relay::with(|settings| settings.heartbeat = std::time::Duration::from_millis(300));
    let epoch = relay.epoch();
    let mut events = relay.get("/channels/a/events");
    let expected = "HTTP/1.1 200 OK¶\ncontent-type: text/event-stream¶\ncache-control: no-store¶\n\
                    x-content-type-options: nosniff¶\nx-accel-buffering: no¶\ntransfer-encoding: chunked¶\n\
                    relay-next: EPOCH-0¶\ndate: DATE¶\n¶\n";
    assert_bytes(&events.head(), &epoch, expected);
    assert_bytes(
        &events.until("\n\r\n"),
        &epoch,
        "1a¶\nretry: 1000\nid: EPOCH-0\n\n¶\n",
    );
    relay.publish("[1, 2]");
    assert_bytes(
        &events.until("\n\r\n"),
        &epoch,
        "1a¶\nid: EPOCH-1\ndata: [1,2]\n\n¶\n",
    );
    assert_bytes(&events.until("\n\r\n"), &epoch, "3¶\n:\n\n¶\n");
    relay.stop();
    assert_bytes(&events.until_closed(), &epoch, "0¶\n¶\n");

    let relay = Relay::start();
    let mut resumed = relay.get("/channels/a/events?after=earliest");
    resumed.head();
    assert_eq!(
        resumed.until("\n\r\n"),
        "d\r\nretry: 1000\n\n\r\n",
        "a reader with a position is given none"
    );
}

#[test]
fn a_socket_sends_text_frames() {
    let relay = Relay::with(|settings| settings.heartbeat = std::time::Duration::from_millis(300));
    let epoch = relay.epoch();
    let mut socket = relay.send(format!(
        "GET /channels/a/socket HTTP/1.1\r\nHost: relay\r\n{HANDSHAKE}Sec-WebSocket-Protocol: chat, relay.v1\r\n\r\n"
    ));
    let expected = "HTTP/1.1 101 Switching Protocols¶\nconnection: Upgrade¶\nupgrade: websocket¶\n\
                    sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=¶\nsec-websocket-protocol: relay.v1¶\n\
                    relay-next: EPOCH-0¶\n¶\n";
    assert_bytes(&socket.head(), &epoch, expected);
    relay.publish("1");
    let frame = socket.take(37);
    assert_eq!(&frame[..2], [0x81, 35]);
    assert_bytes(
        &String::from_utf8_lossy(&frame[2..]),
        &epoch,
        r#"{"position":"EPOCH-1","payload":1}"#,
    );
    assert_eq!(socket.take(2), [0x89, 0], "the heartbeat is a ping");
    relay.stop();
    assert_eq!(socket.take(4), [0x88, 22, 0x03, 0xe9]);
    socket.finish();
    assert_eq!(socket.until_closed(), "the relay shuts down");
}

#[test]
fn an_old_client_gets_a_body_that_ends_with_the_connection() {
    let relay = Relay::start();
    let epoch = relay.epoch();
    let mut stream = relay.send("GET /channels/a/stream HTTP/1.0\r\nHost: relay\r\n\r\n");
    let head = stream.head();
    assert!(
        head.contains("connection: close\r\n") && !head.contains("chunked"),
        "{head}"
    );
    relay.publish("1");
    assert_bytes(
        &stream.until("\n"),
        &epoch,
        "{\"position\":\"EPOCH-1\",\"payload\":1}\n",
    );
    relay.stop();
    assert_eq!(stream.until_closed(), "");
}

#[test]
fn operators_get_health_stats_and_metrics() {
    let relay = Relay::start();
    relay.publish("1");
    assert!(relay.ask(get("/healthz")).ends_with("\r\n\r\nok\n"));
    let stats = relay.ask(get("/stats"));
    assert!(
        stats.contains(r#""published":1"#) && stats.contains(r#""kept":1"#),
        "{stats}"
    );
    relay.counts("relay_requests_total{route=\"publish\",status=\"201\"} 1");
    relay.counts("relay_published_total 1");
    assert!(relay.ask(get("/metrics")).ends_with("# EOF\n"));
    let mut head = relay.send("HEAD /healthz HTTP/1.1\r\nHost: relay\r\n\r\n");
    assert!(head.head().starts_with("HTTP/1.1 200"));
    assert!(head.is_silent(), "no body follows");
}
