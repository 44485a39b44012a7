//! What never ends: streams of JSON lines and of server-sent events.

use bench::client::Client;
use bench::scenario::Transport;
use bench::stamp::Stamp;

use super::pieces::{Pieces, chunked};
use super::seen::{Found, Seen, feed, open, stamped};

/// A stream is read alike however it is cut and framed, and as a plain reader of its whole text reads it.
pub(crate) fn check(data: &[u8]) {
    let Some((pieces, bytes)) = Pieces::of(data) else {
        return;
    };
    let body = stamped(bytes);
    for transport in [Transport::Streaming, Transport::Sse] {
        let read = |head: &str, body: &[u8], pieces| {
            let mut client = Client::new(transport);
            open(transport, &mut client);
            let wire = [b"HTTP/1.1 200 OK\r\n", head.as_bytes(), b"\r\n", body].concat();
            feed(transport, client, &wire, pieces)
        };
        let whole = read("", &body, Pieces::WHOLE);
        assert_eq!(whole.error, None);
        assert_eq!(read("", &body, pieces), whole);
        let framed = chunked(pieces, &body, false);
        let framed = read("Transfer-Encoding: chunked\r\n", &framed, pieces);
        assert_eq!(framed, whole);
        compare(transport, &body, &whole);
    }
}

fn compare(transport: Transport, body: &[u8], seen: &Seen) {
    let (found, position) = match transport {
        Transport::Sse => events(body),
        _ => lines(body),
    };
    assert_eq!(seen.found, found);
    // The rest of the head was looked at where it was written.
    let asked = match position.filter(|position| !position.is_empty()) {
        Some(position)
            if position
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-') =>
        {
            format!("?after={position} ")
        }
        Some(_) => "?after=".to_owned(),
        None => " HTTP/1.1".to_owned(),
    };
    assert!(seen.next.contains(&asked), "{asked} in {}", seen.next);
}

/// The whole lines of a text, ended as the HTML standard has it.
fn whole_lines(body: &[u8]) -> Vec<Vec<u8>> {
    let mut lines = vec![Vec::new()];
    let mut at = 0;
    while at < body.len() {
        match body[at..] {
            [b'\r', b'\n', ..] => {
                lines.push(Vec::new());
                at += 1;
            }
            [b'\r' | b'\n', ..] => lines.push(Vec::new()),
            [byte, ..] => lines.last_mut().expect("one at least").push(byte),
            [] => {}
        }
        at += 1;
    }
    lines.pop();
    lines
}

fn lines(body: &[u8]) -> (Vec<Found>, Option<String>) {
    let (mut found, mut position) = (Vec::new(), None);
    for line in whole_lines(body) {
        record(&line, &mut found, &mut position);
    }
    (found, position)
}

/// What surrounds a payload.
#[derive(Default, serde::Deserialize)]
struct Envelope {
    position: Option<String>,
    missed: Option<serde::de::IgnoredAny>,
}

/// One record: the stamps in it, or a report of messages missed; and its position.
fn record(text: &[u8], found: &mut Vec<Found>, position: &mut Option<String>) {
    let stamps: Vec<Found> = (0..text.len())
        .filter_map(|at| Stamp::read(&text[at..]))
        .map(Found::Message)
        .collect();
    let json: Envelope = serde_json::from_slice(text).unwrap_or_default();
    // What is no JSON may be a server's own dialect: then only the beginning of the relay's is known.
    let usual = text.strip_prefix(b"{\"position\":\"").and_then(|rest| {
        let end = rest.iter().position(|byte| b"\"\\".contains(byte))?;
        let position = std::str::from_utf8(&rest[..end]).ok()?;
        (rest[end] == b'"').then(|| position.to_owned())
    });
    if stamps.is_empty() && usual.is_none() && json.missed.is_some() {
        found.push(Found::Missed);
    }
    *position = usual.or(json.position).or(position.take());
    found.extend(stamps);
}

/// Section 9.2.6 of the HTML standard, step by step, but for what only a browser needs.
fn events(body: &[u8]) -> (Vec<Found>, Option<String>) {
    let (mut found, mut position) = (Vec::new(), None);
    let (mut data, mut kind, mut last_id) = (Vec::new(), Vec::new(), None);
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    for line in whole_lines(body) {
        if line.is_empty() {
            if kind == b"missed" {
                found.push(Found::Missed);
            } else if !data.is_empty() {
                record(&data, &mut found, &mut position);
            }
            position = last_id.clone().or(position);
            (data, kind) = (Vec::new(), Vec::new());
            continue;
        }
        let mut parts = line.splitn(2, |byte| *byte == b':');
        let field = parts.next().unwrap_or_default();
        let value = parts.next().unwrap_or_default();
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => data.extend([value, b"\n"].concat()),
            b"event" => kind = value.to_vec(),
            b"id" if !value.contains(&0) => {
                last_id = Some(String::from_utf8_lossy(value).into_owned());
            }
            _ => {}
        }
    }
    (found, position)
}
