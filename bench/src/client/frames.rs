//! WebSocket frames as they arrive, in pieces of any size, on tungstenite's frame header.

use std::io::Cursor as IoCursor;

use tungstenite::protocol::frame::FrameHeader;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::{ClientError, MAX_RECORD};

/// What a server said.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said<'a> {
    /// A whole text or binary message.
    Message(&'a [u8]),
    /// A ping, to be answered with the same bytes.
    Ping(&'a [u8]),
    /// The closing handshake has begun.
    Close,
}

/// Reads frames; holds a buffer only while a frame or message has not arrived whole.
#[derive(Debug, Default)]
pub(super) struct Frames {
    partial: Vec<u8>,
    message: Vec<u8>,
    fragmented: bool,
    /// The server has said its last word: what may follow means nothing.
    closed: bool,
}

impl Frames {
    /// Gives each thing said that ends in `input` to `take`.
    pub(super) fn feed(
        &mut self,
        input: &[u8],
        mut take: impl FnMut(Said<'_>),
    ) -> Result<(), ClientError> {
        if self.closed {
            return Ok(());
        }
        if self.partial.is_empty() {
            let used = self.frames(input, &mut take)?;
            self.partial.extend_from_slice(&input[used..]);
        } else {
            let mut bytes = std::mem::take(&mut self.partial);
            bytes.extend_from_slice(input);
            let used = self.frames(&bytes, &mut take)?;
            if used < bytes.len() {
                bytes.drain(..used);
                self.partial = bytes;
            }
        }
        if self.partial.len() > MAX_RECORD {
            Err(ClientError::TooLong)
        } else {
            Ok(())
        }
    }

    fn frames(
        &mut self,
        bytes: &[u8],
        take: &mut impl FnMut(Said<'_>),
    ) -> Result<usize, ClientError> {
        let mut used = 0;
        loop {
            let mut cursor = IoCursor::new(&bytes[used..]);
            let parsed = FrameHeader::parse(&mut cursor)
                .map_err(|_| ClientError::WebSocket("a frame header that is not valid"))?;
            let Some((header, length)) = parsed else {
                return Ok(used);
            };
            let start = used + usize::try_from(cursor.position()).unwrap_or(usize::MAX);
            let length = usize::try_from(length)
                .ok()
                .filter(|length| *length <= MAX_RECORD)
                .ok_or(ClientError::TooLong)?;
            let Some(payload) = bytes.get(start..start + length) else {
                return Ok(used);
            };
            self.frame(&header, payload, take)?;
            used = start + length;
            if self.closed {
                return Ok(bytes.len());
            }
        }
    }

    fn frame(
        &mut self,
        header: &FrameHeader,
        payload: &[u8],
        take: &mut impl FnMut(Said<'_>),
    ) -> Result<(), ClientError> {
        if header.mask.is_some() || header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(ClientError::WebSocket("a masked frame, or a reserved bit"));
        }
        match header.opcode {
            OpCode::Control(_) if !header.is_final || payload.len() > 125 => {
                return Err(ClientError::WebSocket(
                    "a control frame in parts or too long",
                ));
            }
            OpCode::Control(Control::Ping) => take(Said::Ping(payload)),
            OpCode::Control(Control::Close) => {
                self.closed = true;
                take(Said::Close);
            }
            OpCode::Control(Control::Pong) => {}
            OpCode::Control(Control::Reserved(_)) | OpCode::Data(Data::Reserved(_)) => {
                return Err(ClientError::WebSocket("a reserved opcode"));
            }
            OpCode::Data(Data::Continue) => {
                if !self.fragmented {
                    return Err(ClientError::WebSocket("a continuation of nothing"));
                }
                self.message.extend_from_slice(payload);
                if self.message.len() > MAX_RECORD {
                    return Err(ClientError::TooLong);
                }
                if header.is_final {
                    self.fragmented = false;
                    take(Said::Message(&std::mem::take(&mut self.message)));
                }
            }
            OpCode::Data(Data::Text | Data::Binary) => {
                if self.fragmented {
                    return Err(ClientError::WebSocket("a new message inside another"));
                }
                if header.is_final {
                    take(Said::Message(payload));
                } else {
                    self.fragmented = true;
                    self.message.extend_from_slice(payload);
                }
            }
        }
        Ok(())
    }
}

/// Writes a client's frame: masked, as RFC 6455 section 5.3 demands of clients.
pub(super) fn write(opcode: OpCode, payload: &[u8], out: &mut Vec<u8>) {
    let mask: [u8; 4] = rand::random();
    let header = FrameHeader {
        is_final: true,
        opcode,
        mask: Some(mask),
        ..FrameHeader::default()
    };
    // Writing to a Vec cannot fail.
    let _ = header.format(payload.len() as u64, out);
    out.extend(
        payload
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, mask)| byte ^ mask),
    );
}
