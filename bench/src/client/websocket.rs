//! A WebSocket subscriber (RFC 6455), on tungstenite's handshake and frame code.

use tungstenite::handshake::client::generate_key;
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::frame::coding::{Control, OpCode};

use super::frames::{self, Frames, Said};
use super::{ClientError, Cursor, Sink, Step, Subscription, request, take_record};
use crate::net::http::{Head, Piece, Reader};
use crate::scenario::Transport;

/// The state of one WebSocket.
#[derive(Debug, Default)]
pub struct WebSocket {
    /// Until the handshake is done.
    handshake: Option<(String, Reader)>,
    frames: Frames,
}

impl WebSocket {
    pub(super) fn request(
        &mut self,
        subscription: &Subscription,
        cursor: &Cursor,
        out: &mut Vec<u8>,
    ) {
        let key = generate_key();
        request::get(
            subscription,
            cursor,
            "socket",
            format_args!(""),
            &upgrade_headers(&key),
            out,
        );
        self.handshake = Some((key, Reader::default()));
    }

    pub(super) fn feed(
        &mut self,
        mut input: &[u8],
        cursor: &mut Cursor,
        out: &mut Vec<u8>,
        sink: &mut impl Sink,
    ) -> Result<Step, ClientError> {
        let mut step = Step::More;
        if let Some((key, reader)) = &mut self.handshake {
            let (taken, piece) = reader.read(input)?;
            input = &input[taken..];
            let Piece::Head(head) = piece else {
                return Ok(Step::More);
            };
            check_upgrade(&head, key)?;
            cursor.response_head = head.length;
            if let Some(next) = head.next.filter(|_| cursor.position.is_empty()) {
                cursor.advance(&next);
            }
            self.handshake = None;
            step = Step::Open;
        }
        self.frames.feed(input, |said| match said {
            Said::Message(text) => take_record(text, cursor, sink),
            Said::Ping(bytes) => frames::write(OpCode::Control(Control::Pong), bytes, out),
            Said::Close => {
                frames::write(OpCode::Control(Control::Close), &[], out);
                step = Step::Ended;
            }
        })?;
        Ok(step)
    }
}

/// The header lines that ask for an upgrade.
pub(super) fn upgrade_headers(key: &str) -> String {
    format!(
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: relay.v1\r\n"
    )
}

/// Checks the answer to an upgrade (RFC 6455, section 4.1).
pub(super) fn check_upgrade(head: &Head, key: &str) -> Result<(), ClientError> {
    if head.status != 101 {
        return Err(ClientError::Status {
            transport: Transport::Websocket,
            status: head.status,
        });
    }
    if head.accept.as_deref() != Some(derive_accept_key(key.as_bytes()).as_str()) {
        return Err(ClientError::WebSocket(
            "the handshake's key is not answered rightly",
        ));
    }
    Ok(())
}
