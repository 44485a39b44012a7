//! What each client asks, byte for byte, and what it finds in an answer cut at any byte.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::clock::Moment;
use crate::scenario::{Headers, Origin, Poll};

#[derive(Debug, Default, PartialEq)]
struct Heard {
    sequences: Vec<u32>,
    missed: u32,
    answered: Vec<bool>,
}

impl Sink for Heard {
    fn message(&mut self, stamp: Stamp) {
        self.sequences.push(stamp.sequence);
    }
    fn missed(&mut self) {
        self.missed += 1;
    }
    fn answered(&mut self, empty: bool) {
        self.answered.push(empty);
    }
}

fn subscribed(load: &Load) -> Subscription {
    let profile = Rc::new(Profile::of_subscribers(load));
    Subscription::new(load, "127.0.0.1:80".into(), "c".into(), profile)
}

fn subscription(transport: Transport, headers: Headers) -> Subscription {
    subscribed(&Load {
        transport,
        headers,
        ..Load::default()
    })
}

fn payload(sequence: u32) -> String {
    let mut out = Vec::new();
    Stamp {
        run: 1,
        channel: 0,
        publisher: 0,
        sequence,
        due: Moment(7),
    }
    .write_payload(100, &mut out);
    String::from_utf8(out).unwrap()
}

fn requested(transport: Transport, cursor: &Cursor) -> String {
    let mut out = Vec::new();
    Client::new(transport).request(&subscription(transport, Headers::Minimal), cursor, &mut out);
    String::from_utf8(out).unwrap()
}

#[test]
fn each_transport_asks_in_its_own_words() {
    let start = Cursor::default();
    let later = Cursor {
        position: "k3f9-17".into(),
        response_head: 0,
    };
    let host = "HTTP/1.1\r\nHost: 127.0.0.1:80\r\n";
    assert_eq!(
        requested(Transport::Polling, &start),
        format!("GET /channels/c/messages {host}\r\n")
    );
    assert_eq!(
        requested(Transport::Polling, &later),
        format!("GET /channels/c/messages?after=k3f9-17 {host}\r\n")
    );
    assert_eq!(
        requested(Transport::LongPolling, &start),
        format!("GET /channels/c/messages {host}\r\n")
    );
    assert_eq!(
        requested(Transport::LongPolling, &later),
        format!("GET /channels/c/messages?after=k3f9-17&wait=25000ms {host}\r\n")
    );
    assert_eq!(
        requested(Transport::Streaming, &later),
        format!("GET /channels/c/stream?after=k3f9-17 {host}\r\n")
    );
    assert_eq!(
        requested(Transport::Sse, &later),
        format!("GET /channels/c/events?after=k3f9-17 {host}Accept: text/event-stream\r\n\r\n")
    );
    let socket = requested(Transport::Websocket, &later);
    assert!(
        socket.starts_with(&format!(
            "GET /channels/c/socket?after=k3f9-17 {host}Upgrade: websocket\r\n"
        )),
        "{socket}"
    );
}

#[test]
fn a_position_makes_no_other_request() {
    let cursor = Cursor {
        position: "a b\r\nX: y&after=1%\u{e9}".into(),
        response_head: 0,
    };
    let asked = requested(Transport::Streaming, &cursor);
    let line = "GET /channels/c/stream?after=a%20b%0D%0AX%3A%20y%26after%3D1%25%C3%A9 HTTP/1.1\r\n";
    assert!(asked.starts_with(&line.replace("%3A", ":")), "{asked}");
    let mut out = Vec::new();
    let subscription = subscription(Transport::Sse, Headers::Browser);
    Client::new(Transport::Sse).request(&subscription, &cursor, &mut out);
    let asked = String::from_utf8(out).unwrap();
    assert!(
        asked.contains("Last-Event-ID: a bX: y&after=1%\u{e9}\r\n"),
        "{asked}"
    );
}

#[test]
fn a_padded_request_has_exactly_the_size_asked_for() {
    for (headers, response_head, size) in [
        (Headers::PadTo(871), 0, 871),
        (Headers::PadTo(871), 99, 871),
        (Headers::PadExchangeTo(871), 130, 741),
        (Headers::PadTo(3), 0, 57),
    ] {
        let mut out = Vec::new();
        let cursor = Cursor {
            position: String::new(),
            response_head,
        };
        let transport = Transport::Polling;
        Client::new(transport).request(&subscription(transport, headers), &cursor, &mut out);
        assert_eq!(out.len(), size, "{headers:?}");
        assert!(out.ends_with(b"\r\n\r\n"));
    }
}

fn chunk(body: &str) -> String {
    format!("{:x}\r\n{body}\r\n", body.len())
}

fn frame(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    tungstenite::protocol::frame::Frame::message(
        text.as_bytes().to_vec(),
        tungstenite::protocol::frame::coding::OpCode::Data(
            tungstenite::protocol::frame::coding::Data::Text,
        ),
        true,
    )
    .format(&mut out)
    .unwrap();
    out
}

/// An answer with messages 1, 2 and 3, the last position `e-3` and one report of missed messages.
fn answer(transport: Transport) -> Vec<u8> {
    let record = |n: u32| format!("{{\"position\":\"e-{n}\",\"payload\":{}}}", payload(n));
    // The same JSON in another spelling must be understood too.
    let respelt = format!("{{ \"payload\": {}, \"position\" : \"e-2\" }}", payload(2));
    let missed = "{\"missed\":{\"reason\":\"evicted\"}}";
    match transport {
        Transport::Polling | Transport::LongPolling => {
            let body = format!("{{\"next\":\"e-3\",\"messages\":[{},{respelt},{}],\"missed\":{{\"reason\":\"evicted\"}}}}", record(1), record(3));
            format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}HTTP/1.1 204 No Content\r\nrelay-next: e-3\r\n\r\n", body.len()).into_bytes()
        }
        Transport::Streaming => format!(
            "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\nrelay-next: e-0\r\n\r\n{}{}{}{}{}",
            chunk(&format!("{missed}\n")), chunk("\n"), chunk(&format!("{}\n{respelt}", record(1))), chunk("\n"), chunk(&format!("{}\r\n", record(3)))
        ).into_bytes(),
        Transport::Sse => format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n\r\n\u{feff}: hi\n\nretry: 1000\nid: e-0\n\nevent: missed\ndata: {{}}\n\nid: e-1\rdata: {}\r\rid: e-2\r\ndata:{}\r\n\r\n:\n\nid: e-3\ndata: {}\n\n",
            payload(1), payload(2), payload(3)
        ).into_bytes(),
        Transport::Websocket => {
            let mut out = Vec::new();
            for text in [missed.to_owned(), record(1), respelt, record(3)] {
                out.extend_from_slice(&frame(&text));
            }
            out.extend_from_slice(&[0x89, 2, b'h', b'i']);
            out
        }
    }
}

fn hear(transport: Transport, cuts: &[usize]) -> (Heard, String, Vec<u8>) {
    let mut client = Client::new(transport);
    let (mut cursor, mut heard, mut out) = (Cursor::default(), Heard::default(), Vec::new());
    let mut wire = answer(transport);
    if transport == Transport::Websocket {
        let mut request = Vec::new();
        let subscription = subscription(transport, Headers::Minimal);
        client.request(&subscription, &cursor, &mut request);
        let request = String::from_utf8(request).unwrap();
        let key = request
            .split("Sec-WebSocket-Key: ")
            .nth(1)
            .unwrap()
            .split("\r\n")
            .next()
            .unwrap();
        let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
        wire.splice(0..0, format!("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: {accept}\r\n\r\n").into_bytes());
    }
    let mut edges: Vec<usize> = cuts.iter().map(|cut| cut % (wire.len() + 1)).collect();
    edges.extend([0, wire.len()]);
    edges.sort_unstable();
    for edge in edges.windows(2) {
        client
            .feed(&wire[edge[0]..edge[1]], &mut cursor, &mut out, &mut heard)
            .unwrap();
    }
    (heard, cursor.position, out)
}

proptest! {
    #[test]
    fn each_transport_hears_the_same_however_its_bytes_are_cut(cuts in prop::collection::vec(any::<usize>(), 0..20)) {
        for transport in Transport::ALL {
            let (heard, position, out) = hear(transport, &cuts);
            prop_assert_eq!(&heard.sequences, &[1, 2, 3], "{}", transport);
            prop_assert_eq!(heard.missed, 1, "{}", transport);
            prop_assert_eq!(position, "e-3", "{}", transport);
            let polls = matches!(transport, Transport::Polling | Transport::LongPolling);
            prop_assert_eq!(heard.answered, if polls { vec![false, true] } else { vec![] });
            // A ping is answered with a masked pong of the same two bytes.
            prop_assert_eq!(out.len(), if transport == Transport::Websocket { 8 } else { 0 });
        }
    }

    #[test]
    fn no_answer_makes_a_client_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cut in any::<usize>()) {
        for transport in Transport::ALL {
            let wire = [if transport == Transport::Websocket { &[][..] } else { b"HTTP/1.1 200 OK\r\n\r\n" }, &bytes].concat();
            let mut client = Client::new(transport);
            let (mut cursor, mut heard, mut out) = (Cursor::default(), Heard::default(), Vec::new());
            let (first, second) = wire.split_at(cut % (wire.len() + 1));
            let _ = client.feed(first, &mut cursor, &mut out, &mut heard).and_then(|_| client.feed(second, &mut cursor, &mut out, &mut heard));
        }
    }
}

#[test]
fn a_refusal_is_an_error_that_names_the_status() {
    for transport in [Transport::Polling, Transport::Sse] {
        let mut client = Client::new(transport);
        let refusal = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 2\r\n\r\n{}";
        let error = client
            .feed(
                refusal,
                &mut Cursor::default(),
                &mut Vec::new(),
                &mut Heard::default(),
            )
            .unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("{transport} was answered with status 503")
        );
    }
}

#[test]
fn a_poll_asks_for_what_the_load_says() {
    let later = Cursor {
        position: "k3f9-17".into(),
        response_head: 0,
    };
    let load = Load {
        batch: Some(1),
        linger: Duration::from_millis(50),
        poll: Poll::Latest,
        origin: Origin::Cross,
        cookies: "a=b".to_owned(),
        keep_alive: false,
        ..Load::default()
    };
    let asked = |transport| {
        let load = Load {
            transport,
            ..load.clone()
        };
        let mut out = Vec::new();
        Client::new(transport).request(&subscribed(&load), &later, &mut out);
        String::from_utf8(out).unwrap()
    };
    let host = "HTTP/1.1\r\nHost: 127.0.0.1:80\r\n";
    let page = "Origin: http://app.example\r\n";
    let rest = format!("{page}Connection: close\r\nCookie: a=b\r\n\r\n");
    assert_eq!(
        asked(Transport::Polling),
        format!("GET /channels/c/messages?after=k3f9-17&limit=1&latest=true {host}{rest}")
    );
    assert_eq!(
        asked(Transport::LongPolling),
        format!(
            "GET /channels/c/messages?after=k3f9-17&wait=25000ms&linger=50ms&limit=1&latest=true {host}{rest}"
        )
    );
    // What has no meaning for a stream changes nothing.
    assert_eq!(
        asked(Transport::Streaming),
        format!("GET /channels/c/stream?after=k3f9-17 {host}{page}Cookie: a=b\r\n\r\n")
    );
}

#[test]
fn a_page_is_given_only_what_its_origin_may_read() {
    let answer = |headers: &str| {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: 25\r\n{headers}\r\n{{\"next\":\"\",\"messages\":[]}}"
        )
    };
    let fed = |cookies: &str, headers: &str| {
        let load = Load {
            transport: Transport::Polling,
            origin: Origin::Cross,
            cookies: cookies.to_owned(),
            ..Load::default()
        };
        let mut client = Client::new(load.transport);
        let (mut cursor, mut out) = (Cursor::default(), Vec::new());
        client.request(&subscribed(&load), &cursor, &mut out);
        let answer = answer(headers);
        client
            .feed(
                answer.as_bytes(),
                &mut cursor,
                &mut out,
                &mut Heard::default(),
            )
            .is_ok()
    };
    let own = "access-control-allow-origin: http://app.example\r\n";
    let credentials = "Access-Control-Allow-Credentials: true\r\n";
    let star = "Access-Control-Allow-Origin: *\r\n";
    assert!(fed("", own) && fed("", star));
    assert!(fed("a=b", &format!("{own}{credentials}")));
    for (cookies, headers) in [
        ("", String::new()),
        (
            "",
            "Access-Control-Allow-Origin: http://app.example.evil\r\n".to_owned(),
        ),
        ("", "Access-Control-Allow-Origin: null\r\n".to_owned()),
        ("a=b", own.to_owned()),
        ("a=b", format!("{star}{credentials}")),
    ] {
        assert!(!fed(cookies, &headers), "{cookies} {headers}");
    }
}
