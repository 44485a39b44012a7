//! What real servers write that a careless reader trips over, cut at any byte.

use std::time::Duration;

use proptest::prelude::*;
use tungstenite::protocol::frame::Frame;
use tungstenite::protocol::frame::coding::{Data, OpCode};

use super::*;
use crate::client::publisher::{Answer, Publisher, Site};
use crate::client::{Client, Preflights, Profile};
use crate::clock::Moment;
use crate::scenario::{Load, Plan, Template, Transport, read_text};
use crate::stamp::Stamp;

#[derive(Debug, Default, PartialEq)]
struct Heard {
    sequences: Vec<u32>,
    answered: Vec<bool>,
    opened: usize,
}

impl Sink for Heard {
    fn message(&mut self, stamp: Stamp) {
        self.sequences.push(stamp.sequence);
    }
    fn missed(&mut self) {
        unreachable!("no such server says so");
    }
    fn answered(&mut self, empty: bool) {
        self.answered.push(empty);
    }
}

fn payload(sequence: u32) -> String {
    let mut out = Vec::new();
    let stamp = Stamp {
        run: 1,
        channel: 0,
        publisher: 0,
        sequence,
        due: Moment(7),
    };
    stamp.write_payload(100, &mut out);
    String::from_utf8(out).unwrap()
}

/// The template that a scenario ends up with.
fn template(target: &str) -> Template {
    let text =
        format!("[target]\nurl = \"http://127.0.0.1:1\"\n{target}\n[load]\ntransport = \"sse\"\n");
    let plan: Plan = read_text(&text, std::path::Path::new("a.toml"), &[], &[])
        .unwrap_or_else(|error| panic!("{error}"));
    plan.target.dialect().template().unwrap().clone()
}

fn nchan() -> Template {
    template("server = \"nchan\"")
}

fn subscription(template: &Template, transport: Transport) -> Subscription {
    let load = Load {
        transport,
        hold: Duration::from_millis(25_500),
        ..Load::default()
    };
    let asked = Rc::new(Asked::new(template, &load).unwrap());
    let profile = Rc::new(Profile::of_subscribers(&load));
    Subscription::new(&load, "there:80".into(), "bench_1_0".into(), profile)
        .by_template(Some(&asked))
}

/// The request at a position; none when it is empty.
fn requested(template: &Template, transport: Transport, position: &str) -> String {
    let subscription = subscription(template, transport);
    let mut out = Vec::new();
    let cursor = Cursor::at(position, 0);
    Client::of(transport, &subscription).request(&subscription, &cursor, &mut out);
    String::from_utf8(out).unwrap()
}

/// What is heard of an answer that comes in pieces, the position after it, and what was said.
fn hear(
    template: &Template,
    transport: Transport,
    wire: &[u8],
    cuts: &[usize],
) -> Result<(Heard, String, Vec<u8>), ClientError> {
    let subscription = subscription(template, transport);
    let mut client = Client::of(transport, &subscription);
    let (mut cursor, mut heard, mut out) = (Cursor::at("", 0), Heard::default(), Vec::new());
    let mut request = Vec::new();
    client.request(&subscription, &cursor, &mut request);
    let request = String::from_utf8(request).unwrap();
    let mut wire = wire.to_vec();
    if let Some((_, rest)) = request.split_once("Sec-WebSocket-Key: ") {
        let key = rest.split("\r\n").next().unwrap();
        let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
        // Nchan's, with a length that means nothing.
        let head = format!(
            "HTTP/1.1 101 Switching Protocols\r\nServer: nginx/1.22.1\r\nContent-Length: 0\r\nConnection: upgrade\r\nSec-WebSocket-Accept: {accept}\r\nUpgrade: websocket\r\n\r\n"
        );
        wire.splice(0..0, head.into_bytes());
    }
    let mut edges: Vec<usize> = cuts.iter().map(|cut| cut % (wire.len() + 1)).collect();
    edges.extend([0, wire.len()]);
    edges.sort_unstable();
    for edge in edges.windows(2) {
        let input = &wire[edge[0]..edge[1]];
        let step = client.feed(input, &mut cursor, &mut out, &mut heard)?;
        heard.opened += usize::from(step == Step::Open);
    }
    Ok((heard, cursor.position, out))
}

fn frame(text: &str) -> Vec<u8> {
    let mut out = Vec::new();
    let frame = Frame::message(text.as_bytes().to_vec(), OpCode::Data(Data::Text), true);
    frame.format(&mut out).unwrap();
    out
}

const NGINX: &str = "Server: nginx/1.22.1\r\nDate: Mon, 23 Nov 2026 09:15:55 GMT\r\n";
const SECOND: &str = "Mon, 23 Nov 2026 09:15:55 GMT";

/// Nchan's answer with messages 1 and 2 by one of its transports, as version 1.3.6 was heard to give it.
fn answer(transport: Transport) -> Vec<u8> {
    let (one, two) = (payload(1), payload(2));
    let found = |message: &str, tag: u32| {
        format!(
            "HTTP/1.1 200 OK\r\n{NGINX}Content-Type: application/json\r\nContent-Length: {}\r\nLast-Modified: {SECOND}\r\nConnection: keep-alive\r\nEtag: {tag}\r\nVary: If-None-Match, If-Modified-Since\r\n\r\n{message}",
            message.len()
        )
    };
    match transport {
        // A 304 has no body, whatever its length says.
        Transport::Polling => format!(
            "HTTP/1.1 304 Not Modified\r\n{NGINX}Content-Length: 0\r\nVary: If-None-Match\r\n\r\n{}{}HTTP/1.1 304 Not Modified\r\n{NGINX}Content-Length: 700\r\nLast-Modified: {SECOND}\r\nEtag: 1\r\n\r\n",
            found(&one, 0), found(&two, 1)
        ).into_bytes(),
        // A wait that ends without a message is a 408 with half a position.
        Transport::LongPolling => format!(
            "HTTP/1.1 408 Request Timeout\r\n{NGINX}Content-Length: 0\r\nVary: If-None-Match\r\n\r\n{}{}HTTP/1.1 408 Request Timeout\r\n{NGINX}Content-Length: 0\r\nEtag: 7\r\n\r\n",
            found(&one, 0), found(&two, 1)
        ).into_bytes(),
        Transport::Streaming => format!(
            "HTTP/1.1 200 OK\r\n{NGINX}Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n{:x}\r\n{one}\r\n{:x}\r\n{two}\r\n",
            one.len(), two.len()
        ).into_bytes(),
        // Neither chunks nor a length, and first of all a greeting.
        Transport::Sse => format!(
            "HTTP/1.1 200 OK\r\n{NGINX}Content-Type: text/event-stream; charset=utf-8\r\nConnection: keep-alive\r\n\r\n: hi\n\nid: 1795425355:0\ndata: {one}\n\nid: 1795425355:1\ndata: {two}\n\n"
        ).into_bytes(),
        Transport::Websocket => [
            frame(&format!("id: 1795425355:0\ncontent-type: application/json\n\n{one}")),
            frame(&format!("id: 1795425355:1\n\n{two}")),
        ].concat(),
    }
}

#[test]
fn nchan_is_asked_as_it_wants_to_be() {
    let asked = |transport, position| requested(&nchan(), transport, position);
    let host = "HTTP/1.1\r\nHost: there:80\r\n";
    let pair = format!("{SECOND}\n0");
    let since = format!("If-Modified-Since: {SECOND}\r\nIf-None-Match: 0\r\n");
    let polling = "GET /poll/bench_1_0";
    assert_eq!(
        asked(Transport::Polling, ""),
        format!("{polling} {host}\r\n")
    );
    assert_eq!(
        asked(Transport::Polling, &pair),
        format!("{polling} {host}{since}\r\n")
    );
    let waiting = format!("GET /sub/bench_1_0 {host}{since}\r\n");
    assert_eq!(asked(Transport::LongPolling, &pair), waiting);
    let stream = format!("GET /sub/bench_1_0 {host}TE: chunked\r\n\r\n");
    assert_eq!(asked(Transport::Streaming, ""), stream);
    let events =
        format!("GET /sub/bench_1_0 {host}Accept: text/event-stream\r\nLast-Event-ID: 5:1\r\n\r\n");
    assert_eq!(asked(Transport::Sse, "5:1"), events);
    let socket = asked(Transport::Websocket, "5:1");
    assert!(
        socket.starts_with(&format!(
            "GET /sub/bench_1_0?last_event_id=5:1 {host}Upgrade: websocket\r\n"
        )),
        "{socket}"
    );
    assert!(
        socket.ends_with("\r\nSec-WebSocket-Protocol: ws+meta.nchan\r\n\r\n"),
        "{socket}"
    );
}

proptest! {
    #[test]
    fn nchan_is_heard_by_each_transport_however_its_bytes_are_cut(cuts in prop::collection::vec(any::<usize>(), 0..20)) {
        for transport in Transport::ALL {
            let (heard, position, out) = hear(&nchan(), transport, &answer(transport), &cuts).unwrap();
            prop_assert_eq!(&heard.sequences, &[1, 2], "{}", transport);
            let polls = matches!(transport, Transport::Polling | Transport::LongPolling);
            prop_assert_eq!(heard.answered, if polls { vec![true, false, false, true] } else { vec![] });
            let last = match transport {
                Transport::Polling | Transport::LongPolling => format!("{SECOND}\n1"),
                Transport::Streaming => String::new(),
                Transport::Sse | Transport::Websocket => "1795425355:1".to_owned(),
            };
            prop_assert_eq!(position, last, "{}", transport);
            prop_assert!(out.is_empty());
        }
    }

    #[test]
    fn parts_are_found_however_they_are_cut(cuts in prop::collection::vec(any::<usize>(), 0..20)) {
        let boundary = "lzYE5kvoAe9SywBohwDzGvuSlVdtCl5.";
        let part = |n: u32| format!("\r\nLast-Modified: {SECOND}\r\nEtag: {n}\r\nContent-Type: application/json\r\n\r\n{}\r\n--{boundary}", payload(n));
        let head = format!("HTTP/1.1 200 OK\r\n{NGINX}Content-Type: multipart/mixed; boundary={boundary}\r\n");
        let cursor = "framing = \"multipart\"\ncursor = { headers = [\"Last-Modified\", \"ETag\"] }";
        let stream = template(&format!("server = \"nchan\"\n[target.template.streaming]\n{cursor}"));
        let wire = format!("{head}\r\n--{boundary}{}{}", part(1), part(2));
        let (heard, position, _) = hear(&stream, Transport::Streaming, wire.as_bytes(), &cuts).unwrap();
        // It can receive before the first message, from the head of the answer on.
        prop_assert!(heard.opened >= 1 || !cuts.is_empty());
        prop_assert_eq!(&heard.sequences, &[1, 2]);
        prop_assert_eq!(&position, &format!("{SECOND}\n2"));
        let polled = template("server = \"nchan\"\n[target.template.long-polling]\nframing = \"multipart\"\nmessages = \"many\"");
        let body = format!("--{boundary}\r\nContent-Type: text/plain\r\n\r\n{}\r\n--{boundary}\r\n\r\n{}\r\n--{boundary}--\r\n", payload(1), payload(2));
        let wire = format!("{head}Content-Length: {}\r\nLast-Modified: {SECOND}\r\nEtag: 4\r\n\r\n{body}", body.len());
        let (heard, position, _) = hear(&polled, Transport::LongPolling, wire.as_bytes(), &cuts).unwrap();
        prop_assert_eq!(&heard.sequences, &[1, 2]);
        prop_assert_eq!(&position, &format!("{SECOND}\n4"));
    }

    #[test]
    fn no_answer_makes_a_client_panic(bytes in prop::collection::vec(any::<u8>(), 0..200), cuts in prop::collection::vec(any::<usize>(), 0..3)) {
        for transport in Transport::ALL {
            for head in ["HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", ""] {
                let _ = hear(&nchan(), transport, &[head.as_bytes(), &bytes].concat(), &cuts);
            }
        }
    }
}

/// Servers as their documentation has them, none of which knows of the others.
const CHAT: &str = r#"server = "template"
[target.template.publish]
url = "/api/publish"
headers = { X-API-Key = "k", Content-Type = "application/json" }
body = '{"channel":"{channel}","data":{payload}}'
[target.template.polling]
url = "/{channel}/json?poll=1"
resume_url = "/{channel}/json?poll=1&since={position}"
framing = "line"
cursor = { json = "/id" }
[target.template.long-polling]
method = "POST"
url = "/poll"
body = '{"channel":"{channel}","wait":{hold_ms}}'
headers = { Prefer = "wait={hold}" }
cursor = { json = "/messages/-/id" }
[target.template.streaming]
url = "/{channel}/json"
[target.template.sse]
url = "/{channel}/sse"
[target.template.websocket]
url = "/connection"
hello = ['{"subscribe":"{channel}"}']
ready = '"subscribed"'
replies = { "{}" = "{}" }
publish = '{"say":"{text}"}'"#;

#[test]
fn a_preamble_of_any_kind_is_no_message() {
    // 2 KiB of `h` and a line end, an empty line, a comment: what servers send to get past buffers.
    let preamble = format!("{}\n\r\n: hi\n\n", "h".repeat(2048));
    let head = "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n";
    let message = payload(3);
    for (transport, record) in [
        (Transport::Sse, format!("data: {message}\r\n\r\n")),
        (
            Transport::Streaming,
            format!("{{\"event\":\"open\"}}\n{message}\n"),
        ),
    ] {
        let wire = format!("{head}{preamble}{record}");
        let (heard, ..) = hear(&template(CHAT), transport, wire.as_bytes(), &[]).unwrap();
        assert_eq!(heard.sequences, [3], "{transport}");
    }
}

#[test]
fn messages_are_found_in_any_envelope() {
    let quoted = serde_json::to_string(&payload(1)).unwrap();
    let several = format!(
        "{{\"messages\":[{{\"id\":8,\"data\":{quoted}}},{{\"id\":9,\"data\":[\"pre {} post\"]}}]}}",
        payload(2).trim_matches('"')
    );
    let chat = template(CHAT);
    let answer = |body: &str| {
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let (heard, position, _) = hear(
        &chat,
        Transport::LongPolling,
        answer(&several).as_bytes(),
        &[],
    )
    .unwrap();
    assert_eq!((heard.sequences, position.as_str()), (vec![1, 2], "9"));
    let lines = format!(
        "{{\"id\":\"a\",\"message\":{quoted}}}\n{{\"id\":\"b\",\"message\":{}}}",
        payload(2)
    );
    let (heard, position, _) =
        hear(&chat, Transport::Polling, answer(&lines).as_bytes(), &[]).unwrap();
    assert_eq!((heard.sequences, position.as_str()), (vec![1, 2], "b"));
    let waits = requested(&chat, Transport::LongPolling, "");
    assert!(waits.starts_with("POST /poll HTTP/1.1\r\n"), "{waits}");
    assert!(
        waits.contains("Content-Length: 36\r\nPrefer: wait=26\r\n"),
        "{waits}"
    );
    assert!(
        waits.ends_with("\r\n\r\n{\"channel\":\"bench_1_0\",\"wait\":25500}"),
        "{waits}"
    );
    let resumed = requested(&chat, Transport::Polling, "b&c");
    assert!(
        resumed.starts_with("GET /bench_1_0/json?poll=1&since=b%26c HTTP/1.1\r\n"),
        "{resumed}"
    );
}

#[test]
fn a_socket_says_what_it_must_before_it_receives() {
    let wire = [
        frame("{\"welcome\":1}"),
        frame("{}"),
        frame("{\"subscribed\":true}"),
        frame(&payload(4)),
    ]
    .concat();
    let (heard, _, out) = hear(&template(CHAT), Transport::Websocket, &wire, &[]).unwrap();
    assert_eq!((heard.sequences, heard.opened), (vec![4], 1));
    // Its hello, and the answer to the server's ping; both masked.
    assert_eq!(out.len(), 6 + "{\"subscribe\":\"bench_1_0\"}".len() + 6 + 2);
    let early = [frame("{\"welcome\":1}"), frame("{}")].concat();
    let (heard, ..) = hear(&template(CHAT), Transport::Websocket, &early, &[]).unwrap();
    assert_eq!(heard.opened, 0);
}

#[test]
fn what_is_published_stands_where_the_template_says() {
    let load = Load::default();
    let site = |template: Template| Site {
        authority: "there:80".into(),
        profile: Rc::new(Profile::of_publishers(&load)),
        template: Some(Rc::new(template)),
    };
    let posted = |template| {
        let mut out = Vec::new();
        let preflights: Rc<std::cell::RefCell<Preflights>> = Rc::default();
        Publisher::post(site(template), preflights).publish("c", 1, b"\"x\"", &mut out);
        String::from_utf8(out).unwrap()
    };
    assert_eq!(
        posted(nchan()),
        "POST /pub/c HTTP/1.1\r\nHost: there:80\r\nContent-Length: 3\r\nContent-Type: application/json\r\n\r\n\"x\""
    );
    assert_eq!(
        posted(template(CHAT)),
        "POST /api/publish HTTP/1.1\r\nHost: there:80\r\nContent-Length: 26\r\nX-API-Key: k\r\nContent-Type: application/json\r\n\r\n{\"channel\":\"c\",\"data\":\"x\"}"
    );
}

#[test]
fn a_message_that_comes_back_was_taken() {
    let load = Load::default();
    let site = Site {
        authority: "there:80".into(),
        profile: Rc::new(Profile::of_publishers(&load)),
        template: Some(Rc::new(template(CHAT))),
    };
    let mut publisher = Publisher::socket(site);
    let mut out = Vec::new();
    assert!(publisher.open("c", &mut out));
    let request = String::from_utf8(std::mem::take(&mut out)).unwrap();
    let key = request.split("Sec-WebSocket-Key: ").nth(1).unwrap();
    let key = key.split("\r\n").next().unwrap();
    let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
    let mut wire =
        format!("HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: {accept}\r\n\r\n")
            .into_bytes();
    let mut told = Vec::new();
    publisher
        .feed(&wire[..], &mut out, |answer| told.push(answer))
        .unwrap();
    assert_eq!(told, [], "it has not subscribed");
    wire = frame("{\"subscribed\":true}");
    publisher
        .feed(&wire[..], &mut out, |answer| told.push(answer))
        .unwrap();
    for sequence in 1..4 {
        publisher.publish("c", 1, payload(sequence).as_bytes(), &mut out);
    }
    // Another one's message, then its own in whatever order the server likes.
    wire = [frame(&payload(9)), frame(&payload(2)), frame(&payload(1))].concat();
    publisher
        .feed(&wire[..], &mut out, |answer| told.push(answer))
        .unwrap();
    assert_eq!(
        told,
        [Answer::Open, Answer::Accepted(1), Answer::Accepted(0)]
    );
}

#[test]
fn a_stream_that_is_not_as_the_template_says_names_the_key() {
    let wire = format!("HTTP/1.1 200 OK\r\n\r\n{}\n", payload(1));
    let error = hear(&nchan(), Transport::Streaming, wire.as_bytes(), &[]).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("target.template.streaming.framing"),
        "{error}"
    );
    // Unless it is told: the raw stream of Nchan has neither chunks nor a length.
    let raw = template("server = \"nchan\"\n[target.template.streaming]\nframing = \"line\"");
    let (heard, ..) = hear(&raw, Transport::Streaming, wire.as_bytes(), &[]).unwrap();
    assert_eq!(heard.sequences, [1]);
}
