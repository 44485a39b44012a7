//! WebSockets: publishing, and what the protocol allows.

use std::io::Write;
use std::net::Shutdown;
use std::time::Duration;

use tokio::time::Instant;

use crate::harness::{HANDSHAKE, Relay, Web, frame, get};

#[test]
fn a_client_publishes_and_receives_on_one_socket() {
    let relay = Relay::start();
    let epoch = relay.epoch();
    let mut socket = Web::open(&relay, "");
    socket.text(r#"{ "id" : 7, "publish" : { "a" : [ 1 ] } }"#);
    let mut got = [socket.next_text(), socket.next_text()];
    got.sort();
    assert_eq!(
        got[0],
        format!(r#"{{"position":"{epoch}-1","payload":{{"a":[1]}}}}"#)
    );
    assert_eq!(got[1], format!(r#"{{"published":"{epoch}-1","id":7}}"#));
}

#[test]
fn a_socket_that_only_publishes_receives_nothing_else() {
    let relay = Relay::start();
    let epoch = relay.epoch();
    let mut socket = Web::open(&relay, "?receive=false");
    socket.text(r#"{"publish":null}"#);
    assert_eq!(
        socket.next_text(),
        format!(r#"{{"published":"{epoch}-1"}}"#)
    );
    relay.publish("2");
    assert!(socket.0.is_silent());
    relay.counts("relay_subscribers{transport=\"websocket\"} 0");
    relay.stop();
    assert_eq!(socket.closed(), 1001);
}

#[test]
fn a_frame_that_means_nothing_is_answered() {
    let relay = Relay::with(|settings| settings.max_body = 100);
    let mut socket = Web::open(&relay, "");
    let large = format!(r#"{{"publish":"{}","id":4}}"#, "x".repeat(100));
    for (text, code, id) in [
        ("hello", "bad_frame", ""),
        (r#"{"id":1}"#, "bad_frame", r#""id":1"#),
        (r#"{"publish":}"#, "bad_frame", ""),
        (r#"{"publish":1,"id":"x"}"#, "bad_frame", ""),
        (r#"[1]"#, "bad_frame", ""),
        (&large, "too_large", r#""id":4"#),
    ] {
        socket.text(text);
        let answer = socket.next_text();
        assert!(
            answer.starts_with(r#"{"error":{"code":""#)
                && answer.contains(code)
                && answer.contains(id),
            "{text}: {answer}"
        );
    }
    socket.frame(0x82, b"\x00");
    assert!(socket.next_text().contains("bad_frame"));
    socket.text(r#"{"publish":1,"id":5}"#);
    assert!(socket.next_text().contains("-1\""), "the socket goes on");
}

#[test]
fn many_frames_in_one_write_are_all_answered_in_order() {
    let relay = Relay::start();
    let mut socket = Web::open(&relay, "?receive=false");
    let frames: Vec<u8> = (0..500)
        .flat_map(|n| frame(0x81, format!(r#"{{"publish":{n},"id":{n}}}"#).as_bytes()))
        .collect();
    socket.0.send(frames);
    for n in 0..500 {
        assert!(socket.next_text().ends_with(&format!(r#","id":{n}}}"#)));
    }
    assert!(
        relay
            .get("/channels/a/messages?after=earliest")
            .answer()
            .contains(r#""payload":499}]"#)
    );
}

#[test]
fn frames_sent_with_the_handshake_are_not_lost() {
    let relay = Relay::start();
    let mut bytes =
        format!("GET /channels/a/socket?receive=false HTTP/1.1\r\nHost: r\r\n{HANDSHAKE}\r\n")
            .into_bytes();
    bytes.extend(frame(0x81, br#"{"publish":1,"id":1}"#));
    let mut client = relay.send(bytes);
    client.head();
    assert!(Web(client).next_text().ends_with(r#","id":1}"#));
}

#[test]
fn a_message_may_come_in_pieces_with_a_ping_between() {
    let relay = Relay::start();
    let mut socket = Web::open(&relay, "?receive=false");
    socket.frame(0x01, br#"{"publish":"#);
    socket.frame(0x89, b"are you there");
    assert_eq!(socket.next(), (0x8a, b"are you there".to_vec()));
    socket.frame(0x00, b"\"h\xc3");
    socket.frame(0x80, b"\xa9\"}");
    assert!(socket.next_text().contains("published"));
    let mut slowly = frame(0x81, br#"{"publish":2}"#).into_iter();
    slowly.by_ref().for_each(|byte| socket.0.send([byte]));
    assert!(socket.next_text().contains("published"));
}

#[test]
fn a_close_is_answered_with_its_code() {
    let relay = Relay::start();
    let mut socket = Web::open(&relay, "");
    socket.frame(0x88, &[0x03, 0xe8]);
    assert_eq!(socket.closed(), 1000);
    relay.counts("relay_subscribers{transport=\"websocket\"} 0");
}

#[test]
fn what_breaks_the_protocol_ends_with_its_code() {
    let relay = Relay::with(|settings| settings.max_body = 1000);
    let large = vec![b'x'; 3000];
    for (bytes, code) in [
        (frame(0x81, &large), 1009),
        (
            [frame(0x01, &large[..1500]), frame(0x80, &large[..1500])].concat(),
            1009,
        ),
        (frame(0x81, b"\xff"), 1007),
        (frame(0x89, &large[..126]), 1002),
        (frame(0x09, b""), 1002),
        (frame(0xc1, b"x"), 1002),
        (frame(0x83, b"x"), 1002),
        (frame(0x80, b"x"), 1002),
        (vec![0x81, 1, b'x'], 1002),
        (
            vec![
                0x81, 0xff, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0,
            ],
            1009,
        ),
    ] {
        let mut socket = Web::open(&relay, "");
        socket.0.send(&bytes);
        assert_eq!(socket.closed(), code, "{:?}", &bytes[..bytes.len().min(8)]);
    }
}

#[test]
fn a_client_that_sends_without_end_keeps_nobody_waiting() {
    let relay = Relay::start();
    // Neither has an answer whose writing would make the relay pause: pongs that nobody asked
    // for, and empty pieces of a message that never ends.
    for (begin, again) in [
        (Vec::new(), frame(0x8a, b"")),
        (frame(0x01, b""), frame(0x00, b"")),
    ] {
        let mut socket = Web::open(&relay, "?receive=false");
        socket.0.send(begin);
        let mut busy = socket.0.stream.tcp().try_clone().unwrap();
        let flood = again.repeat(10_000);
        let begun = Instant::now();
        // The end is for a relay that does not even see that it is to stop.
        let flooding = std::thread::spawn(move || {
            while begun.elapsed() < Duration::from_secs(4) && busy.write_all(&flood).is_ok() {}
        });
        std::thread::sleep(Duration::from_millis(100));
        let begun = Instant::now();
        for _ in 0..20 {
            assert!(relay.ask(get("/healthz")).ends_with("ok\n"));
        }
        assert!(
            begun.elapsed() < Duration::from_secs(2),
            "20 answers took {:?}",
            begun.elapsed()
        );
        socket.0.stream.tcp().shutdown(Shutdown::Both).unwrap();
        flooding.join().unwrap();
    }
}
