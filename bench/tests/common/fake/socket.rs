//! The fake's WebSockets: text frames out, masked frames in.

use std::io::{self, Write};

use serde_json::Value;
use tungstenite::handshake::derive_accept_key;

use super::Shared;
use super::connection::{Form, follow, take};
use super::wire::{self, Incoming, Outgoing, Request};

const TEXT: u8 = 1;

const FRAMES: Form = Form {
    kind: "",
    encode: |entry, place| frame(&wire::item(entry, place)),
    // Close, with the code for "going away".
    goodbye: &[0x88, 2, 0x03, 0xe9],
};

pub(super) fn serve(
    incoming: &mut Incoming<'_>,
    outgoing: &mut Outgoing<'_>,
    name: &str,
    request: &Request,
) -> io::Result<()> {
    let shared = outgoing.shared;
    let key = request.header("sec-websocket-key").unwrap_or_default();
    let (accept, head) = (derive_accept_key(key.as_bytes()), shared.log.head(name));
    let answer = format!(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Protocol: relay.v1\r\nSec-WebSocket-Accept: {accept}\r\nRelay-Next: fake-{head}\r\n\r\n"
    );
    outgoing.write(answer.as_bytes(), 0)?;
    if request.query("receive") == Some("false") {
        publishes(incoming, shared, name)
    } else {
        follow(outgoing, name, request.after().unwrap_or(head), &FRAMES)
    }
}

/// Answers publishes until the client goes.
fn publishes(incoming: &mut Incoming<'_>, shared: &Shared, name: &str) -> io::Result<()> {
    loop {
        let (opcode, body) = read_frame(incoming)?;
        if opcode != TEXT {
            return Ok(());
        }
        let said: Value = serde_json::from_slice(&body)?;
        let (payload, id) = (said["publish"].to_string(), &said["id"]);
        let taken = take(incoming.stream, shared, name, payload.into_bytes())?;
        let answer = if taken {
            format!(r#"{{"published":"fake-0","id":{id}}}"#)
        } else {
            format!(r#"{{"error":{{"code":"busy","message":"no"}},"id":{id}}}"#)
        };
        incoming.stream.write_all(&frame(&answer))?;
    }
}

/// What the first frame in `bytes` says, once it is whole, and its length.
pub(super) fn said(bytes: &[u8]) -> Option<(Value, usize)> {
    assert_eq!(
        bytes.get(1)? & 0x80,
        0x80,
        "a client's frame must be masked"
    );
    let (length, start) = match bytes[1] & 0x7f {
        126 => (
            usize::from(u16::from_be_bytes([*bytes.get(2)?, *bytes.get(3)?])),
            4,
        ),
        length => (usize::from(length), 2),
    };
    let body = bytes.get(start + 4..start + 4 + length)?;
    let mask = bytes[start..start + 4].iter().cycle();
    let plain: Vec<u8> = body
        .iter()
        .zip(mask)
        .map(|(byte, mask)| byte ^ mask)
        .collect();
    Some((
        serde_json::from_slice(&plain).unwrap_or_default(),
        start + 4 + length,
    ))
}

/// A frame of a client (RFC 6455, section 5.2): its opcode and its bytes without the mask.
fn read_frame(incoming: &mut Incoming<'_>) -> io::Result<(u8, Vec<u8>)> {
    let head = incoming.take(2)?;
    assert_eq!(head[1] & 0x80, 0x80, "a client's frame must be masked");
    let length = match head[1] & 0x7f {
        126 => {
            let long = incoming.take(2)?;
            usize::from(u16::from_be_bytes([long[0], long[1]]))
        }
        127 => return Err(io::Error::other("longer than any test sends")),
        length => usize::from(length),
    };
    let mask = incoming.take(4)?;
    let body = incoming.take(length)?;
    let plain = body.iter().zip(mask.iter().cycle());
    Ok((
        head[0] & 0x0f,
        plain.map(|(byte, mask)| byte ^ mask).collect(),
    ))
}

pub(super) fn frame(text: &str) -> Vec<u8> {
    let mut out = vec![0x80 | TEXT];
    match u8::try_from(text.len()) {
        Ok(length) if length < 126 => out.push(length),
        _ => {
            out.push(126);
            let length = u16::try_from(text.len()).expect("no test sends more");
            out.extend_from_slice(&length.to_be_bytes());
        }
    }
    out.extend_from_slice(text.as_bytes());
    out
}
