//! WebSocket frames from a server.

use std::io::{self, Cursor, Read, Write};

use bench::client::Client;
use bench::scenario::Transport;
use bench::stamp::Stamp;
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message, handshake::derive_accept_key};

use super::pieces::Pieces;
use super::seen::{Found, Seen, feed, open, stamped};

/// Frames read alike however they are cut; and what tungstenite takes is what was read.
pub(crate) fn check(data: &[u8]) {
    let Some((pieces, bytes)) = Pieces::of(data) else {
        return;
    };
    for frames in [bytes.to_vec(), framed(bytes)] {
        let whole = read(&frames, Pieces::WHOLE);
        assert_eq!(read(&frames, pieces), whole);
        compare(&frames, &whole);
    }
}

/// The same bytes as frames whose lengths are right: of each line the first byte begins a frame, and
/// the rest is its payload.
fn framed(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Some((first, payload)) = line.split_first() else {
            continue;
        };
        let payload = stamped(payload);
        out.push(*first);
        match u16::try_from(payload.len()) {
            Ok(short) if short < 126 => out.push(short.to_be_bytes()[1]),
            Ok(length) => out.extend([&[126][..], &length.to_be_bytes()].concat()),
            Err(_) => return out,
        }
        out.extend(payload);
    }
    out
}

fn read(frames: &[u8], pieces: Pieces) -> Seen {
    let mut client = Client::new(Transport::Websocket);
    let asked = String::from_utf8(open(Transport::Websocket, &mut client)).expect("text");
    let key = asked.split("Sec-WebSocket-Key: ").nth(1).expect("a key");
    let key = key.split("\r\n").next().unwrap_or_default();
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {}\r\n\r\n",
        derive_accept_key(key.as_bytes())
    );
    let wire = [head.as_bytes(), frames].concat();
    feed(Transport::Websocket, client, &wire, pieces)
}

fn compare(frames: &[u8], seen: &Seen) {
    let mut context = WebSocketContext::new(Role::Client, Some(WebSocketConfig::default()));
    let mut pipe = OneWay(Cursor::new(frames));
    let mut stamps = Vec::new();
    let closed = loop {
        match context.read(&mut pipe) {
            Ok(Message::Text(text)) => stamps.extend(found(text.as_bytes())),
            Ok(Message::Binary(bytes)) => stamps.extend(found(&bytes)),
            Ok(Message::Close(_)) => break true,
            Ok(_) => {}
            Err(Error::Io(_)) => break false,
            // It looks at what bench leaves alone: UTF-8, the codes of a close.
            Err(_) => return,
        }
    };
    assert_eq!((seen.error.as_deref(), seen.ended), (None, closed));
    let messages: Vec<_> = seen
        .found
        .iter()
        .filter(|found| **found != Found::Missed)
        .cloned()
        .collect();
    assert_eq!(messages, stamps);
}

fn found(message: &[u8]) -> Vec<Found> {
    Stamp::find_all(message).map(Found::Message).collect()
}

/// Bytes to read, and then none yet; what is written is not looked at.
struct OneWay<'a>(Cursor<&'a [u8]>);

impl Read for OneWay<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        match self.0.read(into)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            read => Ok(read),
        }
    }
}

impl Write for OneWay<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
