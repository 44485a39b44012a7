//! HTTP/2 as a server speaks it.

use std::collections::{BTreeMap, BTreeSet};

use bench::client::Client;
use bench::net::http::Head;
use bench::net::{Content, Http2, Part};
use bench::scenario::Transport;

use super::pieces::{Pieces, chunked};
use super::seen::{Feeding, Seen, feed, open, stamped};

/// What a server sends first: its settings, and that it takes extended CONNECT (RFC 8441, section 3).
const SETTINGS: &[u8] = &[0, 0, 6, 4, 0, 0, 0, 0, 0, 0, 8, 0, 0, 0, 1];
/// Between the parts of an input; no text has it.
const END: u8 = 0xff;
/// Frames (RFC 9113, section 6), and flags of theirs.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;

/// Answers read alike however their frames are cut, each in its order; and a client sees the same in an answer over HTTP/2 as in
/// one over HTTP/1.1.
pub(crate) fn check(data: &[u8]) {
    let Some((pieces, bytes)) = Pieces::of(data) else {
        return;
    };
    for wire in [bytes.to_vec(), [SETTINGS, &framed(bytes)].concat()] {
        let whole = Answers::read(&wire, Pieces::WHOLE);
        let cut = Answers::read(&wire, pieces);
        let ended = whole.ended || cut.ended;
        // A frame behind its stream's end breaks the connection, but only for who still knows the stream (RFC 9113, section 5.1).
        assert!(
            cut.ended == whole.ended || goes_on_behind_an_end(&wire),
            "{whole:?}, but in pieces {cut:?}"
        );
        for (request, one) in &whole.of {
            let other = cut.of.get(request);
            if ended {
                // What comes behind the end, or just before, may be read or not.
                assert!(other.is_none_or(|other| one.is_part_of(other) || other.is_part_of(one)));
            } else {
                assert_eq!(Some(one), other);
            }
        }
    }
    let body = stamped(bytes);
    let transports = [Transport::Polling, Transport::Streaming, Transport::Sse];
    let transport = transports[bytes.len() % transports.len()];
    assert_eq!(
        over_http2(transport, &body, pieces),
        over_http1(transport, &body)
    );
}

/// All answers of a connection.
#[derive(Debug, Default)]
struct Answers {
    of: BTreeMap<u64, Answer>,
    /// By the server, in good order or not.
    ended: bool,
}

#[derive(Debug, Default, PartialEq, Eq)]
struct Answer {
    head: Option<Head>,
    body: Vec<u8>,
    complete: bool,
}

impl Answer {
    fn is_part_of(&self, other: &Self) -> bool {
        (self.head.is_none() || self.head == other.head)
            && other.body.starts_with(&self.body)
            && (other.complete || !self.complete)
    }
}

impl Answers {
    /// Reads what a server sends to a client with three requests, the last for a WebSocket.
    fn read(wire: &[u8], pieces: Pieces) -> Self {
        const ASKED: [&[u8]; 3] = [
            b"GET /channels/c/events HTTP/1.1\r\nHost: r\r\n\r\n",
            b"POST /channels/c/messages HTTP/1.1\r\nHost: r\r\nContent-Length: 2\r\n\r\n{}",
            b"GET /channels/c/socket HTTP/1.1\r\nHost: r\r\nUpgrade: websocket\r\n\r\n",
        ];
        const FRAME: &[u8] = b"\x81\x80abcd";
        let mut client = Http2::new().expect("memory is never full");
        let mut answers = Self::default();
        let mut sent = 0;
        for ask in ASKED {
            client.send(ask).expect("it is whole");
        }
        client.send(FRAME).expect("its frames");
        answers.ended = client.go_on().is_err();
        for piece in pieces.cut(wire) {
            if answers.ended {
                break;
            }
            client.receive(piece);
            let went_on = client.go_on();
            for part in client.take_parts() {
                answers.take(part);
            }
            client.take_output(|out| sent += out.len());
            answers.ended = went_on.is_err() || client.has_ended();
        }
        let asked = ASKED.concat().len() + FRAME.len();
        assert!(client.held() <= asked);
        // Each ping, settings frame and window is answered with no more than it took.
        assert!(
            sent <= 4096 + 2 * wire.len(),
            "{sent} bytes for {}",
            wire.len()
        );
        answers
    }

    fn take(&mut self, part: Part) {
        assert!(part.request < 3, "nobody asked {}", part.request);
        let answer = self.of.entry(part.request).or_default();
        assert!(!answer.complete, "more behind the end of an answer");
        match part.content {
            Content::Head(head) => {
                assert_eq!(answer.head, None, "two heads");
                answer.head = Some(head);
            }
            Content::Body(bytes) => {
                assert!(answer.head.is_some() && !bytes.is_empty());
                answer.body.extend_from_slice(&bytes);
            }
            Content::End => {
                assert!(answer.head.is_some(), "an end without a head");
                answer.complete = true;
            }
        }
    }
}

fn over_http1(transport: Transport, body: &[u8]) -> Seen {
    let mut client = Client::new(transport);
    open(transport, &mut client);
    let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let body = chunked(Pieces::WHOLE, body, true);
    feed(
        transport,
        client,
        &[head, &body[..]].concat(),
        Pieces::WHOLE,
    )
}

fn over_http2(transport: Transport, body: &[u8], pieces: Pieces) -> Seen {
    let mut client = Client::new(transport);
    let mut http2 = Http2::new().expect("memory is never full");
    http2
        .send(&open(transport, &mut client))
        .expect("a request");
    let mut wire = SETTINGS.to_vec();
    frame(
        &mut wire,
        HEADERS,
        END_HEADERS,
        1,
        &literal((b":status", b"200")),
    );
    for piece in pieces.cut(body) {
        frame(&mut wire, DATA, 0, 1, piece);
    }
    frame(&mut wire, DATA, END_STREAM, 1, b"");
    let mut feeding = Feeding::new(transport, client);
    for piece in pieces.cut(&wire) {
        http2.receive(piece);
        http2.go_on().expect("it is HTTP/2");
        let mut parts = http2.take_parts();
        if !parts.is_empty() && !feeding.take(&mut parts[..]) {
            break;
        }
    }
    feeding.seen()
}

/// Makes frames of the parts of an input: `H` and `E` begin an answer's fields, `D` and `F` its data, `E` and `F` end it, each followed by
/// the request; any other part begins with a frame's type, its flags and its stream.
fn framed(bytes: &[u8]) -> Vec<u8> {
    let mut wire = Vec::new();
    for part in bytes.split(|byte| *byte == END) {
        let [kind, first, rest @ ..] = part else {
            continue;
        };
        let stream = 1 + 2 * (first % 4);
        let ends = if b"EF".contains(kind) { END_STREAM } else { 0 };
        match (kind, rest) {
            (b'H' | b'E', text) => {
                let lines = text.split(|byte| *byte == b'\n');
                let block: Vec<u8> = lines.filter_map(field).flat_map(literal).collect();
                frame(&mut wire, HEADERS, END_HEADERS | ends, stream, &block);
            }
            (b'D' | b'F', payload) => frame(&mut wire, DATA, ends, stream, payload),
            (kind, [stream, payload @ ..]) => frame(&mut wire, *kind, *first, *stream, payload),
            _ => {}
        }
    }
    wire
}

/// Whether a stream has a frame behind the one that ended it.
fn goes_on_behind_an_end(mut wire: &[u8]) -> bool {
    let mut ended = BTreeSet::new();
    while let [a, b, c, kind, flags, stream @ ..] = wire {
        let Some((stream, rest)) = stream.split_first_chunk() else {
            break;
        };
        let stream = u32::from_be_bytes(*stream) & 0x7fff_ffff;
        if ended.contains(&stream) {
            return true;
        }
        let last = matches!(*kind, DATA | HEADERS) && flags & END_STREAM != 0;
        if last || *kind == RST_STREAM {
            ended.insert(stream);
        }
        let length = u32::from_be_bytes([0, *a, *b, *c]);
        wire = usize::try_from(length)
            .ok()
            .and_then(|length| rest.get(length..))
            .unwrap_or_default();
    }
    false
}

fn frame(wire: &mut Vec<u8>, kind: u8, flags: u8, stream: u8, payload: &[u8]) {
    let length = u32::try_from(payload.len()).unwrap_or_default();
    wire.extend_from_slice(&length.to_be_bytes()[1..]);
    wire.extend([kind, flags, 0, 0, 0, stream]);
    wire.extend_from_slice(payload);
}

/// A line of `name: value`.
fn field(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let at = line.windows(2).position(|pair| pair == b": ")?;
    Some((&line[..at], &line[at + 2..]))
}

/// A field as it stands, not to be remembered (RFC 7541, section 6.2.2); long ones are cut.
fn literal((name, value): (&[u8], &[u8])) -> Vec<u8> {
    let mut out = vec![0];
    for text in [name, value] {
        let text = &text[..text.len().min(126)];
        out.extend(u8::try_from(text.len()));
        out.extend_from_slice(text);
    }
    out
}
