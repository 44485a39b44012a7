//! A WebSocket on which the client may have to say something before it receives.

use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::{Asked, record};
use crate::client::frames::{self, Frames, Said};
use crate::client::websocket::Handshake;
use crate::client::{ClientError, Cursor, Sink, Step, Subscription};
use crate::net::{Input, Upgraded};
use crate::scenario::Socket;

#[derive(Debug, Default)]
pub(super) struct Conversation {
    /// Until the handshake is done.
    handshake: Option<Handshake>,
    /// What is said once it is.
    hello: Vec<u8>,
    frames: Frames,
    /// It waits for the message that says that it receives.
    unready: bool,
}

impl Conversation {
    /// Prepares the handshake and what follows it; gives the handshake's key.
    pub(super) fn begin(
        &mut self,
        asked: &Asked,
        subscription: &Subscription,
        cursor: &Cursor,
    ) -> String {
        let handshake = Handshake::begin(subscription.profile.admission());
        let key = handshake.key.clone();
        self.handshake = Some(handshake);
        if let Some(socket) = &asked.way.socket {
            self.unready = !socket.ready.is_empty();
            for hello in &socket.hello {
                let text = asked.body(hello, subscription, cursor);
                frames::write(OpCode::Data(Data::Text), text.as_bytes(), &mut self.hello);
            }
        }
        key
    }

    pub(super) fn feed(
        &mut self,
        asked: &Asked,
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
            self.handshake = None;
            out.append(&mut std::mem::take(&mut self.hello));
            if !self.unready {
                step = Step::Open;
            }
        }
        let Self {
            frames, unready, ..
        } = self;
        loop {
            match input.next_bytes() {
                Upgraded::Bytes(bytes) => frames.feed(bytes, |said| match said {
                    Said::Message(text) => {
                        if heard(asked.way.socket.as_ref(), text, unready, out) {
                            step = Step::Open;
                        }
                        record::take(asked, text, cursor, sink);
                    }
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

/// Answers a message that wants it; gives whether it is the one with which the client can receive.
fn heard(socket: Option<&Socket>, text: &[u8], unready: &mut bool, out: &mut Vec<u8>) -> bool {
    let Some(socket) = socket else {
        return false;
    };
    let mut replies = socket.replies.iter();
    if let Some((_, reply)) = replies.find(|(heard, _)| heard.as_bytes() == text) {
        frames::write(OpCode::Data(Data::Text), reply.as_bytes(), out);
    }
    let ready = *unready && memchr::memmem::find(text, socket.ready.as_bytes()).is_some();
    if ready {
        *unready = false;
    }
    ready
}
