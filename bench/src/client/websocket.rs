//! A WebSocket subscriber (RFC 6455), on tungstenite's handshake and frame code.

use tungstenite::handshake::client::generate_key;
use tungstenite::handshake::derive_accept_key;
use tungstenite::protocol::frame::coding::{Control, OpCode};

use super::frames::{self, Frames, Said};
use super::request::{self, Admission, Kind};
use super::{ClientError, Cursor, Sink, Step, Subscription, take_record};
use crate::net::http::{Head, Piece, Reader};
use crate::net::{Input, Upgraded};
use crate::scenario::Transport;

/// The state of one WebSocket.
#[derive(Debug, Default)]
pub struct WebSocket {
    /// Until the handshake is done.
    handshake: Option<Handshake>,
    frames: Frames,
}

impl WebSocket {
    pub(super) fn request(
        &mut self,
        subscription: &Subscription,
        cursor: &Cursor,
        out: &mut Vec<u8>,
    ) {
        let handshake = Handshake::begin(subscription.profile.admission());
        let kind = Kind::Socket {
            key: &handshake.key,
            protocol: request::RELAY,
        };
        request::get(subscription, cursor, "socket", kind, out);
        self.handshake = Some(handshake);
    }

    pub(super) fn feed(
        &mut self,
        mut input: Input<'_>,
        cursor: &mut Cursor,
        out: &mut Vec<u8>,
        sink: &mut impl Sink,
    ) -> Result<Step, ClientError> {
        let mut step = Step::More;
        if let Some(handshake) = &mut self.handshake {
            let Some(head) = handshake.feed(&mut input)? else {
                return Ok(Step::More);
            };
            cursor.response_head = head.length;
            if let Some(next) = head.next.filter(|_| cursor.position.is_empty()) {
                cursor.advance(&next);
            }
            self.handshake = None;
            step = Step::Open;
        }
        loop {
            match input.next_bytes() {
                Upgraded::Bytes(bytes) => self.frames.feed(bytes, |said| match said {
                    Said::Message(text) => take_record(text, cursor, sink),
                    Said::Ping(bytes) => frames::write(OpCode::Control(Control::Pong), bytes, out),
                    Said::Close => {
                        frames::write(OpCode::Control(Control::Close), &[], out);
                        step = Step::Ended;
                    }
                })?,
                Upgraded::Ended => return Ok(Step::Ended),
                Upgraded::More => return Ok(step),
            }
        }
    }
}

/// A handshake whose answer has not come.
#[derive(Debug)]
pub(super) struct Handshake {
    pub(super) key: String,
    reader: Reader,
    admission: Admission,
}

impl Handshake {
    pub(super) fn begin(admission: Admission) -> Self {
        Self {
            key: generate_key(),
            reader: Reader::default(),
            admission,
        }
    }

    /// Gives the answer, once it is whole and right (RFC 6455, section 4.1, or RFC 8441, section 5), and
    /// leaves what follows it in `input`; all of it was taken otherwise.
    pub(super) fn feed(&mut self, input: &mut Input<'_>) -> Result<Option<Head>, ClientError> {
        let connects = input.is_parts();
        let Piece::Head(head) = input.next(&mut self.reader)?.1 else {
            return Ok(None);
        };
        if head.status != if connects { 200 } else { 101 } {
            return Err(self.admission.refusal(Transport::Websocket, head.status));
        }
        // Offered by a browser, so that the bytes are right, and not to be accepted.
        if let Some(extensions) = head.coding {
            return Err(ClientError::Coded(extensions));
        }
        if !connects
            && head.accept.as_deref() != Some(derive_accept_key(self.key.as_bytes()).as_str())
        {
            return Err(ClientError::WebSocket(
                "the handshake's key is not answered rightly",
            ));
        }
        Ok(Some(head))
    }
}
