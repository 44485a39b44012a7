//! Messages as bytes: each form is made once per message and shared by all its readers.

use bytes::Bytes;

use crate::log::{Batch, Missed, Run};
use crate::message::{Form, Message};
use crate::socket::Outgoing;

/// "Unauthorized" in IANA's registry of close codes: come again with another token.
pub(super) const UNAUTHORIZED: u16 = 3000;
/// "Policy Violation" (RFC 6455, section 7.4.1): the client does less than the relay asks of everybody.
/// 1013 would blame the relay, and bid the client to come back and be as slow again.
pub(super) const POLICY: u16 = 1008;
/// "Try Again Later" in IANA's registry: the relay is full. A refused handshake shows a page nothing at
/// all, a close code says what to do.
pub(super) const TRY_LATER: u16 = 1013;

/// The end of a chunked response.
pub(super) const LAST_CHUNK: &[u8] = b"0\r\n\r\n";

/// Gives `{"position":POSITION,"payload":PAYLOAD}`.
pub(super) fn item(message: &Message) -> Bytes {
    message.encoded(Form::Item, |message| {
        let payload = message.payload.bytes();
        let mut out = Vec::with_capacity(payload.len() + 64);
        out.extend_from_slice(
            format!(r#"{{"position":"{}","payload":"#, message.position).as_bytes(),
        );
        out.extend_from_slice(payload);
        out.push(b'}');
        out.into()
    })
}

/// Gives a chunk that holds the message as one line.
pub(super) fn line(message: &Message) -> Bytes {
    message.encoded(Form::Line, |message| chunk(&[&item(message), b"\n"]))
}

/// Gives a chunk that holds the message as one server-sent event.
pub(super) fn event(message: &Message) -> Bytes {
    // A payload has no line break: strings escape it, and white space between tokens is gone.
    message.encoded(Form::Event, |message| {
        let id = format!("id: {}\ndata: ", message.position);
        chunk(&[id.as_bytes(), message.payload.bytes(), b"\n\n"])
    })
}

/// Gives a WebSocket text frame that holds the message.
pub(super) fn text_frame(message: &Message) -> Bytes {
    message.encoded(Form::Frame, |message| frame(&item(message)))
}

/// Adds a run of messages to what is to be written, as one piece where they are short; counts their bytes.
pub(super) fn push_all(
    out: &mut Outgoing,
    run: &Run,
    (form, encode): (Form, fn(&Message) -> Bytes),
) -> usize {
    if let Some(joined) = run.joined(form, encode) {
        let bytes = joined.len();
        out.push_joined(joined, run.clone(), form);
        return bytes;
    }
    let mut bytes = 0;
    for message in run.iter() {
        let encoded = encode(message);
        bytes += encoded.len();
        out.push(encoded);
    }
    bytes
}

/// Gives `{"missed":{"reason":REASON}}`.
pub(super) fn missed_object(missed: Missed) -> String {
    format!(r#"{{"missed":{{"reason":"{}"}}}}"#, missed.reason())
}

/// Writes the body of a polling answer.
pub(super) fn poll_body(batch: &Batch) -> Bytes {
    let items: Vec<Bytes> = batch.messages.iter().map(|message| item(message)).collect();
    let length: usize = items.iter().map(|item| item.len() + 1).sum();
    let mut out = Vec::with_capacity(length + 96);
    out.extend_from_slice(format!(r#"{{"next":"{}","messages":["#, batch.next).as_bytes());
    for (at, item) in items.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        out.extend_from_slice(item);
    }
    match batch.missed {
        None => out.extend_from_slice(br#"],"missed":null}"#),
        Some(missed) => out.extend_from_slice(
            format!(r#"],"missed":{{"reason":"{}"}}}}"#, missed.reason()).as_bytes(),
        ),
    }
    out.into()
}

/// Wraps bytes in an HTTP chunk.
pub(super) fn chunk(parts: &[&[u8]]) -> Bytes {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut out = Vec::with_capacity(length + 16);
    out.extend_from_slice(format!("{length:x}\r\n").as_bytes());
    for part in parts {
        out.extend_from_slice(part);
    }
    out.extend_from_slice(b"\r\n");
    out.into()
}

/// Takes the bytes out of a chunk again, for a client that knows no chunks. Nothing is copied.
pub(super) fn unchunk(chunk: &Bytes) -> Bytes {
    let start = chunk
        .iter()
        .position(|byte| *byte == b'\n')
        .map_or(0, |at| at + 1);
    chunk.slice(start..chunk.len().saturating_sub(2).max(start))
}

/// Wraps text in one unmasked WebSocket frame.
pub(super) fn frame(text: &[u8]) -> Bytes {
    const FIN_TEXT: u8 = 0x81;
    unmasked(FIN_TEXT, text)
}

/// Wraps bytes that are not text in one unmasked WebSocket frame.
pub(super) fn binary_frame(bytes: &[u8]) -> Bytes {
    const FIN_BINARY: u8 = 0x82;
    unmasked(FIN_BINARY, bytes)
}

fn unmasked(first: u8, payload: &[u8]) -> Bytes {
    let mut out = Vec::with_capacity(payload.len() + 10);
    out.push(first);
    match payload.len() {
        short @ 0..=125 => out.push(short as u8),
        medium @ 126..=0xffff => {
            out.push(126);
            out.extend_from_slice(&(medium as u16).to_be_bytes());
        }
        long => {
            out.push(127);
            out.extend_from_slice(&(long as u64).to_be_bytes());
        }
    }
    out.extend_from_slice(payload);
    out.into()
}

/// Makes a close frame. The reason is at most 123 bytes.
pub(super) fn close_frame(code: u16, reason: &str) -> Bytes {
    const FIN_CLOSE: u8 = 0x88;
    debug_assert!(reason.len() <= 123, "a control frame is at most 125 bytes");
    let mut out = vec![FIN_CLOSE, reason.len() as u8 + 2];
    out.extend_from_slice(&code.to_be_bytes());
    out.extend_from_slice(reason.as_bytes());
    out.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunk_holds_what_was_put_in() {
        let wrapped = chunk(&[b"hello ", b"world\n"]);
        assert_eq!(wrapped, "c\r\nhello world\n\r\n");
        assert_eq!(unchunk(&wrapped), "hello world\n");
    }

    #[test]
    fn a_frame_has_the_shortest_length_that_fits() {
        assert_eq!(frame(b"hi"), &b"\x81\x02hi"[..]);
        assert_eq!(frame(&[b'x'; 125])[..2], [0x81, 125]);
        assert_eq!(frame(&[b'x'; 126])[..4], [0x81, 126, 0, 126]);
        assert_eq!(
            frame(&[b'x'; 65_536])[..10],
            [0x81, 127, 0, 0, 0, 0, 0, 1, 0, 0]
        );
    }
}
