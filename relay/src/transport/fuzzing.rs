//! What must hold of frames, handshakes and the forms of a message.

use std::sync::Arc;

use std::io::{self, Read, Write};

use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Request, Version};
use serde_json::value::RawValue;
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message};

use super::encode;
use super::frame_check::{FrameCheck, Violation};
use super::frames;
use super::handshake::agreed;
use crate::fuzzing::{Pieces, headers};
use crate::message::{self, Epoch, Payload, Position};

/// Small, so that a fuzzer reaches it.
const LARGEST: usize = 150;

/// How a client's bytes end.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// More may come.
    Open,
    /// It closed.
    Closed,
    Broken(Violation),
}

/// Frames mean the same however they are cut; and what the check lets pass is what tungstenite takes.
pub(crate) fn socket(data: &[u8]) {
    let Some((pieces, bytes)) = Pieces::of(data) else {
        return;
    };
    for wire in [bytes.to_vec(), masked(bytes)] {
        let whole = read(&wire, Pieces::WHOLE, true);
        assert_eq!(read(&wire, pieces, true), whole);
        // Zeros bring the frame that breaks the protocol to its end: only there tungstenite finds it.
        let filled = [&wire[..], &[0; 2 * LARGEST]].concat();
        match &whole.1 {
            End::Open => assert_eq!(read(&wire, Pieces::WHOLE, false), whole),
            End::Closed => assert_eq!(read(&wire, Pieces::WHOLE, false).0, whole.0),
            // Tungstenite takes a control frame with a long form of a short length, which the RFC forbids.
            End::Broken(_) if has_long_control(&wire) => {}
            End::Broken(_) => {
                let (messages, end) = read(&filled, Pieces::WHOLE, false);
                assert_eq!(messages, whole.0);
                assert!(matches!(end, End::Broken(_)), "{end:?}, not {whole:?}");
            }
        }
    }
}

/// Tells whether two bytes may begin a control frame whose length is written in a long form.
fn has_long_control(wire: &[u8]) -> bool {
    wire.windows(2)
        .any(|pair| pair[0] & 0x88 == 0x88 && pair[1] & 0x7e == 0x7e)
}

/// The same bytes as frames whose lengths and masks are right: of each line the first byte begins a
/// frame, and the rest is its payload.
fn masked(bytes: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0x5a, 0, 0xff, 0x17];
    let mut out = Vec::new();
    for line in bytes.split(|byte| *byte == b'\n') {
        let Some((first, payload)) = line.split_first() else {
            continue;
        };
        out.push(*first);
        match u16::try_from(payload.len()) {
            Ok(short) if short < 126 => out.push(0x80 | short.to_be_bytes()[1]),
            Ok(length) => out.extend([&[0xfe][..], &length.to_be_bytes()].concat()),
            Err(_) => return out,
        }
        out.extend(MASK);
        let key = MASK.iter().cycle();
        out.extend(payload.iter().zip(key).map(|(byte, key)| byte ^ key));
    }
    out
}

/// Reads as `frames` does, with the check or without it.
fn read(wire: &[u8], pieces: Pieces, checked: bool) -> (Vec<Message>, End) {
    let config = WebSocketConfig::default()
        .max_message_size(Some(LARGEST))
        .max_frame_size(Some(LARGEST));
    let mut context = WebSocketContext::new(Role::Server, Some(config));
    let mut pipe = Pipe {
        pieces: pieces.cut(wire),
        rest: &[],
        check: checked.then(|| FrameCheck::new(LARGEST)),
    };
    let mut messages = Vec::new();
    loop {
        match context.read(&mut pipe) {
            Ok(message) => messages.push(message),
            Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                return (messages, End::Open);
            }
            Err(error) => {
                let broken = pipe.check.and_then(|check| check.broken());
                let violation = frames::violation(&error, broken);
                return (messages, violation.map_or(End::Closed, End::Broken));
            }
        }
    }
}

/// Pieces to read, and then none yet; what is written is not looked at.
struct Pipe<'a, P> {
    pieces: P,
    rest: &'a [u8],
    check: Option<FrameCheck>,
}

impl<'a, P: Iterator<Item = &'a [u8]>> Read for Pipe<'a, P> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.check.as_ref().and_then(FrameCheck::broken).is_some() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        while self.rest.is_empty() {
            self.rest = self.pieces.next().ok_or(io::ErrorKind::WouldBlock)?;
        }
        let read = self.rest.read(into)?;
        match &mut self.check {
            None => Ok(read),
            Some(check) => match check.pass(&into[..read]) {
                0 if check.broken().is_some() => Err(io::ErrorKind::InvalidData.into()),
                passed => Ok(passed),
            },
        }
    }
}

impl<P> Write for Pipe<'_, P> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A handshake that is agreed to is one by RFC 6455, section 4.2.1, and its key is answered rightly.
pub(crate) fn handshake(data: &[u8]) {
    let Some((first, lines)) = data.split_first() else {
        return;
    };
    let mut request = Request::new(());
    *request.method_mut() = if first & 1 == 0 {
        Method::GET
    } else {
        Method::POST
    };
    *request.version_mut() = if first & 2 == 0 {
        Version::HTTP_11
    } else {
        Version::HTTP_10
    };
    *request.headers_mut() = headers(lines);
    let Ok(answer) = agreed(&request) else {
        return;
    };
    let sent = request.headers();
    assert_eq!(
        (request.method(), request.version()),
        (&Method::GET, Version::HTTP_11)
    );
    let only = |name: HeaderName| {
        let mut values = sent.get_all(name).iter();
        (values.next(), values.next().is_none())
    };
    assert!(matches!(only(header::HOST), (Some(_), true)));
    assert_eq!(
        only(header::SEC_WEBSOCKET_VERSION)
            .0
            .map(HeaderValue::as_bytes),
        Some(&b"13"[..])
    );
    for (name, word) in [
        (header::CONNECTION, "upgrade"),
        (header::UPGRADE, "websocket"),
    ] {
        let lines = sent.get_all(name).iter().map(HeaderValue::as_bytes);
        let mut words = lines.flat_map(|line| line.split(|byte| *byte == b','));
        assert!(words.any(|found| found.trim_ascii().eq_ignore_ascii_case(word.as_bytes())));
    }
    let (key, alone) = only(header::SEC_WEBSOCKET_KEY);
    let key = key.filter(|_| alone).expect("one key");
    let accept = answer.get(header::SEC_WEBSOCKET_ACCEPT);
    let accept = accept.map(HeaderValue::as_bytes);
    assert_eq!(accept, Some(derive_accept_key(key.as_bytes()).as_bytes()));
}

/// Each form of a message gives the message back.
pub(crate) fn encoding(data: &[u8]) {
    #[derive(serde::Deserialize)]
    struct Item<'a> {
        position: &'a str,
        #[serde(borrow)]
        payload: &'a RawValue,
    }
    let Ok(payload) = Payload::parse(data, usize::MAX) else {
        return;
    };
    let position = Position {
        epoch: Epoch::random(),
        offset: data.len() as u64,
    };
    let message = message::Message::new(position, payload, &Arc::default());
    let item = encode::item(&message);
    let read: Item<'_> = serde_json::from_slice(&item).expect("an item is JSON");
    assert_eq!(read.position, position.to_string());
    assert_eq!(read.payload.get().as_bytes(), message.payload.bytes());

    let line = encode::unchunk(&encode::line(&message));
    assert_eq!(line, [&item[..], b"\n"].concat());
    assert_eq!(line.iter().filter(|byte| **byte == b'\n').count(), 1);

    let event = encode::unchunk(&encode::event(&message));
    let id = format!("id: {position}\ndata: ");
    let wanted = [id.as_bytes(), message.payload.bytes(), b"\n\n"];
    assert_eq!(event, wanted.concat());
    assert_eq!(
        event.iter().filter(|byte| b"\r\n".contains(byte)).count(),
        3
    );

    let frame = encode::text_frame(&message);
    let mut context = WebSocketContext::new(Role::Client, None);
    let mut pipe = Pipe {
        pieces: [&frame[..]].into_iter(),
        rest: &[],
        check: None,
    };
    let text = context.read(&mut pipe).expect("a frame is a frame");
    assert_eq!(text.into_data(), item);
}
