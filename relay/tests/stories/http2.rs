//! HTTP/2: every transport on a stream of its own, many on one connection.

use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use h2::client::Builder;
use http::Method;
use tokio::time::{sleep, timeout};

use crate::harness::{Relay, get};
use crate::multiplex::{Mux, tell};
use crate::tokens::Signer;

/// Every answer says what it says over HTTP/1.1, but for what HTTP/2 says in another way.
#[test]
fn every_transport_has_the_same_bytes_without_chunks() {
    let relay = Relay::secure(false, |settings| {
        settings.heartbeat = Duration::from_millis(300);
    });
    let epoch = relay.epoch();
    tell(async {
        let mut mux = Mux::open(&relay).await;
        let empty = mux.get("/channels/a/messages").await;
        assert_eq!(empty.status, 204);
        assert_eq!(empty.headers["relay-next"], format!("{epoch}-0"));
        assert_eq!(empty.headers["cache-control"], "no-store");
        let parked = mux.begin("/channels/a/messages?wait=25s", &[]).await;
        let mut stream = mux.get("/channels/a/stream").await;
        let mut events = mux.get("/channels/a/events").await;
        let mut socket = mux.socket("/channels/a/socket").await;
        for (answer, kind) in [
            (&stream, "application/x-ndjson"),
            (&events, "text/event-stream"),
        ] {
            assert_eq!(answer.status, 200);
            let expected = [
                ("content-type", kind),
                ("cache-control", "no-store"),
                ("x-content-type-options", "nosniff"),
                ("x-accel-buffering", "no"),
                ("relay-next", &format!("{epoch}-0")),
            ];
            for (name, value) in expected {
                assert_eq!(answer.headers[name], value);
            }
            assert_eq!(answer.headers.len(), expected.len() + 1, "and a date");
        }
        assert!(!socket.answer.headers.contains_key("sec-websocket-accept"));
        assert_eq!(socket.answer.headers["relay-next"], format!("{epoch}-0"));
        assert_eq!(
            events.until("\n\n").await,
            format!("retry: 1000\nid: {epoch}-0\n\n")
        );
        let stats = mux.get("/stats").await.text().await;
        assert!(stats.contains(r#""connections":1,"#), "{stats}");
        assert!(stats.contains(r#""streams":5,"#), "{stats}");

        mux.publish("{ \"n\": [1, 2] }").await;
        let item = format!(r#"{{"position":"{epoch}-1","payload":{{"n":[1,2]}}}}"#);
        let body = format!(r#"{{"next":"{epoch}-1","messages":[{item}],"missed":null}}"#);
        let mut answer = parked.answer().await;
        assert_eq!(answer.headers["content-length"], body.len().to_string());
        assert_eq!(answer.text().await, body);
        let after = format!("/channels/a/messages?after={epoch}-0");
        assert_eq!(mux.get(&after).await.text().await, body);
        assert_eq!(stream.until("\n").await, format!("{item}\n"));
        let event = format!("id: {epoch}-1\ndata: {{\"n\":[1,2]}}\n\n");
        assert_eq!(events.until("\n\n").await, event);
        assert_eq!(socket.next_text().await, item);
        // Heartbeats.
        assert_eq!(stream.until("\n").await, "\n");
        assert_eq!(events.until("\n\n").await, ":\n\n");
        assert_eq!(socket.next().await, (0x89, Vec::new()));
    });
}

#[test]
fn a_socket_publishes_on_its_stream_and_is_closed_in_order() {
    let relay = Relay::secure(false, |_| ());
    let epoch = relay.epoch();
    tell(async {
        let mut mux = Mux::open(&relay).await;
        let mut socket = mux.socket("/channels/a/socket?receive=false").await;
        for n in 1..=3 {
            socket.text(&format!(r#"{{"publish":{n},"id":{n}}}"#));
            let expected = format!(r#"{{"published":"{epoch}-{n}","id":{n}}}"#);
            assert_eq!(socket.next_text().await, expected);
        }
        // A client's close frame, and the end of its side, get the same back.
        let close = crate::harness::frame(0x88, &[3, 232]);
        socket.send.send_data(close.into(), true).unwrap();
        assert_eq!(socket.next().await, (0x88, vec![3, 232]));
        assert_eq!(socket.answer.text().await, "");
        // What breaks the protocol ends the socket, and no other stream.
        let mut other = mux.socket("/channels/a/socket").await;
        let unmasked = Bytes::from_static(b"\x81\x01x");
        other.send.send_data(unmasked, false).unwrap();
        assert_eq!(other.closed().await, 1002);
        assert_eq!(mux.get("/healthz").await.text().await, "ok\n");
    });
}

#[test]
fn a_handshake_is_checked() {
    let relay = Relay::secure(false, |_| ());
    tell(async {
        let mut mux = Mux::open(&relay).await;
        let path = "/channels/a/socket";
        let mut get = mux.get(path).await;
        assert_eq!(get.status, 400);
        assert!(get.text().await.contains("RFC 8441"));
        for versions in [&[][..], &[("sec-websocket-version", "8")]] {
            let begun = mux.ask(Method::CONNECT, path, versions, None).await;
            let answer = begun.answer().await;
            assert_eq!(answer.status, 400);
            assert_eq!(answer.headers["sec-websocket-version"], "13");
        }
        let elsewhere = mux
            .ask(Method::CONNECT, "/channels/a/stream", &[], None)
            .await;
        assert_eq!(elsewhere.answer().await.status, 405);
        let mut other = http::Request::new(());
        *other.method_mut() = Method::CONNECT;
        *other.uri_mut() = format!("https://relay{path}").parse().unwrap();
        let protocol = h2::ext::Protocol::from_static("connect-udp");
        other.extensions_mut().insert(protocol);
        let answer = mux.send(other, false, None).await.answer().await;
        assert_eq!(answer.status, 501);
        let begun = mux
            .ask(
                Method::CONNECT,
                path,
                &[
                    ("sec-websocket-version", "13"),
                    ("sec-websocket-protocol", "chat, relay.v1"),
                ],
                None,
            )
            .await;
        let answer = begun.answer().await;
        assert_eq!(answer.headers["sec-websocket-protocol"], "relay.v1");
    });
}

#[test]
fn a_stream_that_is_reset_ends_its_wait_and_no_other() {
    let relay = Relay::secure(false, |_| ());
    tell(async {
        let mut mux = Mux::open(&relay).await;
        let mut kept = mux.get("/channels/a/stream").await;
        let mut parked = mux.begin("/channels/a/messages?wait=50s", &[]).await;
        let stream = mux.begin("/channels/a/stream", &[]).await;
        let (events, mut events_send) = mux.begin("/channels/a/events", &[]).await.both().await;
        let (stream, mut stream_send) = stream.both().await;
        let mut socket = mux.socket("/channels/a/socket").await;
        for (transport, count) in [("long-polling", 1), ("streaming", 2), ("sse", 1)] {
            relay.counts(&format!(
                "relay_subscribers{{transport=\"{transport}\"}} {count}"
            ));
        }
        parked.send.send_reset(Reason::CANCEL);
        stream_send.send_reset(Reason::CANCEL);
        events_send.send_reset(Reason::CANCEL);
        socket.send.send_reset(Reason::CANCEL);
        drop((parked, stream, events));
        // The resets leave with the next turn of the client's connection.
        mux.publish("1").await;
        for transport in ["long-polling", "sse", "websocket"] {
            relay.counts(&format!("relay_subscribers{{transport=\"{transport}\"}} 0"));
        }
        relay.counts("relay_subscribers{transport=\"streaming\"} 1");
        relay.counts("relay_streams_closed_total{reason=\"client\"} 4");
        assert!(kept.until("\n").await.contains("\"payload\":1"));
    });
}

#[test]
fn a_slow_stream_is_behind_in_the_log_and_holds_up_nobody() {
    let relay = Relay::secure(false, |settings| {
        settings.write_deadline = Duration::from_secs(60);
        settings.ring_messages = 50;
    });
    tell(async {
        let mut windows = Builder::new();
        windows
            .initial_window_size(2000)
            .initial_connection_window_size(1 << 20);
        let mut mux = Mux::with(&relay, windows).await;
        let mut slow = mux.get("/channels/a/stream?after=earliest").await;
        let mut quick = mux.get("/channels/a/stream?after=earliest").await;
        let text = "x".repeat(500);
        for n in 0..200 {
            mux.publish(&format!("\"{n} {text}\"")).await;
            let line = quick.until("\n").await;
            assert!(line.contains(&format!("\"{n} x")), "{line}");
        }
        // It was given what its window took and no more; now it reads on, and is told what it has missed.
        let mut told = String::new();
        while !told.contains("\"199 x") {
            told += &slow.until("\n").await;
        }
        assert!(told.contains(r#"{"missed":{"reason":"evicted"}}"#));
        let held = told.split("{\"missed\"").next().unwrap();
        assert!(held.len() < 64 * 1024, "{} bytes were held", held.len());
    });
}

#[test]
fn a_stream_that_takes_nothing_is_reset_and_counted_and_no_other() {
    let relay = Relay::secure(false, |settings| {
        settings.write_deadline = Duration::from_millis(400);
    });
    tell(async {
        let mut windows = Builder::new();
        windows
            .initial_window_size(100)
            .initial_connection_window_size(1 << 20);
        let mut mux = Mux::with(&relay, windows).await;
        let mut stuck = mux.get("/channels/a/stream").await;
        let mut kept = mux.get("/channels/a/events").await;
        let poll = mux.begin("/channels/a/messages?after=earliest", &[]);
        let poll = poll.await;
        let text = "x".repeat(300);
        mux.publish(&format!("\"{text}\"")).await;
        kept.until("data: \"xxx").await;
        kept.until("\n\n").await;
        // Nothing of `stuck` is read, so its window stays shut.
        relay.counts("relay_streams_closed_total{reason=\"write_deadline\"} 1");
        sleep(Duration::from_millis(50)).await;
        let error = loop {
            match stuck.fill().await {
                Ok(true) => {}
                Ok(false) => panic!("it ended in order"),
                Err(error) => break error,
            }
        };
        assert_eq!(error.reason(), Some(Reason::CANCEL));
        mux.publish("2").await;
        kept.until("data: 2\n\n").await;
        assert_eq!(poll.answer().await.status, 204);
    });
}

#[test]
fn a_client_resumes_and_is_told_what_it_missed() {
    let relay = Relay::secure(false, |settings| settings.ring_messages = 2);
    let epoch = relay.epoch();
    tell(async {
        let mut mux = Mux::open(&relay).await;
        for n in 1..=4 {
            mux.publish(&n.to_string()).await;
        }
        let first = format!("{epoch}-1");
        let resume = mux
            .begin("/channels/a/events", &[("last-event-id", &first)])
            .await;
        let mut events = resume.answer().await;
        let told = events.until("data: 4\n\n").await;
        assert!(told.contains("event: missed\ndata: {\"reason\":\"evicted\"}\n\n"));
        assert!(
            told.contains(&format!("id: {epoch}-3\ndata: 3\n\n")),
            "{told}"
        );
        for (path, word) in [
            (
                format!("/channels/a/messages?after={first}&wait=5s"),
                "evicted",
            ),
            (
                "/channels/a/messages?after=zzzzzz-1".to_owned(),
                "recreated",
            ),
        ] {
            let body = mux.get(&path).await.text().await;
            assert!(
                body.contains(word) && body.contains("\"payload\":4"),
                "{body}"
            );
        }
        let mut socket = mux
            .socket(&format!("/channels/a/socket?after={first}"))
            .await;
        assert_eq!(
            socket.next_text().await,
            r#"{"missed":{"reason":"evicted"}}"#
        );
        assert!(socket.next_text().await.contains("\"payload\":3"));
    });
}

#[test]
fn every_transport_ends_in_its_own_way_at_shutdown() {
    let relay = Relay::secure(false, |settings| {
        settings.grace = Duration::from_secs(600);
    });
    tell(async {
        let mut mux = Mux::open(&relay).await;
        let idle = Mux::open(&relay).await;
        let parked = mux.begin("/channels/a/messages?wait=50s", &[]).await;
        let mut stream = mux.get("/channels/a/stream").await;
        let mut events = mux.get("/channels/a/events").await;
        let mut socket = mux.socket("/channels/a/socket").await;
        events.until("\n\n").await;
        relay.counts("relay_subscribers{transport=\"long-polling\"} 1");
        relay.stop();
        assert_eq!(parked.answer().await.status, 204);
        assert_eq!(stream.text().await, "");
        assert_eq!(events.text().await, "");
        assert_eq!(socket.closed().await, 1001);
        drop((stream, events, socket));
        mux.ended().await.unwrap();
        idle.ended().await.unwrap();
    });
    // The grace period is longer than a test may take: who has left is not waited for.
    relay.join();
}

#[test]
fn a_stream_that_does_not_go_is_cut_after_the_grace_period() {
    let relay = Relay::secure(false, |settings| {
        settings.grace = Duration::from_millis(300);
    });
    tell(async {
        let mut windows = Builder::new();
        windows.initial_window_size(100);
        let mut mux = Mux::with(&relay, windows).await;
        let mut stuck = mux.get("/channels/a/stream").await;
        mux.publish(&format!("\"{}\"", "x".repeat(300))).await;
        relay.counts("relay_delivered_total{transport=\"streaming\"} 1");
        relay.stop();
        // Whether that is an error of the connection depends on how far the client was told.
        let _ = mux.ended().await;
        let end = loop {
            match stuck.fill().await {
                Ok(true) => {}
                end => break end,
            }
        };
        assert!(end.is_err(), "it was cut, not ended");
    });
    relay.join();
}

#[test]
fn a_token_that_ends_ends_what_it_opened() {
    let signer = Signer::new();
    let relay = Relay::secure(false, |settings| signer.guard(settings));
    let token = format!("Bearer {}", signer.token(&["a"], &["a"], 2));
    let token = ("authorization", token.as_str());
    tell(async {
        let mut mux = Mux::open(&relay).await;
        let mut stream = mux
            .begin("/channels/a/stream", &[token])
            .await
            .answer()
            .await;
        let version = ("sec-websocket-version", "13");
        let opened = mux
            .ask(
                Method::CONNECT,
                "/channels/a/socket",
                &[token, version],
                None,
            )
            .await;
        let (mut socket, _send) = opened.both().await;
        assert_eq!(stream.text().await, "");
        let close = socket.take(4).await;
        assert_eq!(close[..1], [0x88]);
        assert_eq!(u16::from_be_bytes([close[2], close[3]]), 3000);
        let begun = mux.begin("/channels/a/stream", &[token]).await;
        let mut refused = begun.answer().await;
        assert_eq!(refused.status, 401);
        assert!(refused.text().await.contains("token_expired"));
    });
}

#[test]
fn a_connection_holds_so_many_streams_and_no_more() {
    let relay = Relay::secure(false, |settings| settings.max_streams = 2);
    tell(async {
        let mut mux = Mux::open(&relay).await;
        let (first, mut send) = mux.begin("/channels/a/stream", &[]).await.both().await;
        let _second = mux.get("/channels/a/stream").await;
        assert_eq!(mux.requests.current_max_send_streams(), 2);
        // A client that keeps to the relay's settings waits by itself.
        let third = async { mux.get("/healthz").await.status };
        let mut third = std::pin::pin!(third);
        let early = timeout(Duration::from_millis(200), &mut third).await;
        assert!(early.is_err(), "{early:?}");
        send.send_reset(Reason::CANCEL);
        drop(first);
        assert_eq!(third.await, 200);
    });
    assert!(relay.ask(get("/healthz")).starts_with("HTTP/1.1 200"));
}
