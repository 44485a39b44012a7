//! WebSocket: messages come as text frames, and the client may publish on the same socket.

use std::pin::pin;

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{HeaderMap, Request, StatusCode};
use tokio::time::{Instant, sleep_until};

use super::frames::{Frames, Turn};
use super::handshake::{agreed, lists};
use super::meaning::Meaning;
use super::reply::{self, RELAY_NEXT, Refusal};
use super::{After, Read, Waiting, earlier, encode, failed, is_past};
use crate::log::{Batch, Reader, Wait};
use crate::metrics::{Closed, Transport};
use crate::socket::{Outgoing, Socket};
use crate::state::State;

const SUBPROTOCOL: &str = "relay.v1";
const PING: &[u8] = &[0x89, 0];
/// "Unauthorized" in IANA's registry of close codes: come again with another token.
const UNAUTHORIZED: u16 = 3000;

/// One client's socket.
#[derive(Debug)]
pub(crate) struct Session {
    meaning: Meaning,
    /// None on a socket that only publishes or echoes.
    reader: Option<Reader>,
    out: Outgoing,
    /// When the token that it was admitted by ends.
    until: Option<Instant>,
}

/// Answers the handshake and begins a session.
pub(crate) fn begin<B>(
    state: &State,
    request: &Request<B>,
    read: Read,
    receive: bool,
) -> Result<Waiting, Refusal> {
    let mut headers = agreed(request)?;
    let reader = state.log.open(&read.channel, read.start)?;
    if lists(request.headers(), &header::SEC_WEBSOCKET_PROTOCOL, |p| {
        p == SUBPROTOCOL
    }) {
        headers.insert(
            header::SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(SUBPROTOCOL),
        );
    }
    headers.insert(RELAY_NEXT, reply::position_value(reader.position()));
    headers.extend(read.headers);
    Ok(Waiting::WebSocket(Session {
        meaning: if read.pass.may_publish(read.channel.as_str()) {
            Meaning::Publish(read.channel)
        } else {
            Meaning::Listen
        },
        until: read.pass.until(),
        reader: receive.then_some(reader),
        out: accepted(&headers),
    }))
}

/// Answers the handshake and begins a session that gives each message back.
pub(crate) fn echo<B>(request: &Request<B>) -> Result<Waiting, Refusal> {
    Ok(Waiting::WebSocket(Session {
        meaning: Meaning::Echo,
        until: None,
        reader: None,
        out: accepted(&agreed(request)?),
    }))
}

/// Makes the head that accepts a handshake.
fn accepted(headers: &HeaderMap) -> Outgoing {
    let mut out = Outgoing::default();
    out.push(reply::head(StatusCode::SWITCHING_PROTOCOLS, headers, None).into());
    out
}

impl Session {
    pub(super) async fn run(mut self, mut socket: Socket, state: &State) -> After {
        let _counted = self
            .reader
            .is_some()
            .then(|| state.subscribed(Transport::WebSocket));
        let heartbeat = state.settings.heartbeat;
        let mut frames = Frames::new(state.settings.max_body);
        let mut written = Instant::now();
        let mut beat = pin!(sleep_until(earlier(written + heartbeat, self.until)));
        loop {
            if !self.out.is_empty() {
                if let Err(error) = self
                    .out
                    .flush(&mut socket, state.settings.write_deadline)
                    .await
                {
                    return failed(&error);
                }
                written = Instant::now();
            }
            if is_past(self.until) {
                let close = encode::close_frame(UNAUTHORIZED, "the token has expired");
                self.out.push(close);
                return self.last(socket, state, Closed::Expired).await;
            }
            // Each arm is cancel-safe: `next` and `ready` change nothing before they return. The
            // order is random, so neither a busy channel nor a busy client keeps the other waiting.
            tokio::select! {
                batch = next(self.reader.as_mut(), state) => match batch {
                    Some(batch) => self.take(state, &batch),
                    None => {
                        self.out.push(encode::close_frame(1001, "the relay shuts down"));
                        return self.last(socket, state, Closed::Shutdown).await;
                    }
                },
                // An error shows again when read.
                _ = frames.ready(&mut socket) => {
                    match frames.turn(&mut socket, &mut self.out, state, &self.meaning).await {
                        Turn::On => {}
                        Turn::End(reason) => return self.last(socket, state, reason).await,
                    }
                }
                () = &mut beat => {
                    if written.elapsed() >= heartbeat {
                        self.out.push(Bytes::from_static(PING));
                        beat.as_mut().reset(earlier(Instant::now() + heartbeat, self.until));
                    } else {
                        beat.as_mut().reset(earlier(written + heartbeat, self.until));
                    }
                }
            }
        }
    }

    fn take(&mut self, state: &State, batch: &Batch) {
        if let Some(missed) = batch.missed {
            state.metrics.missed(missed);
            self.out
                .push(encode::frame(encode::missed_object(missed).as_bytes()));
        }
        let mut bytes = 0;
        for message in &batch.messages {
            let frame = encode::text_frame(message);
            bytes += frame.len();
            self.out.push(frame);
        }
        state
            .metrics
            .delivered(Transport::WebSocket, batch.messages.len(), bytes);
    }

    /// Writes what is left, the close frame last.
    async fn last(mut self, mut socket: Socket, state: &State, reason: Closed) -> After {
        match self
            .out
            .flush(&mut socket, state.settings.write_deadline)
            .await
        {
            Ok(()) => After::Linger(socket, reason),
            Err(error) => failed(&error),
        }
    }
}

/// Waits for the next batch, or the relay's end; a socket that only publishes waits for the end.
async fn next(reader: Option<&mut Reader>, state: &State) -> Option<Batch> {
    match reader {
        Some(reader) => reader.next(Wait::Forever).await,
        None => {
            state.stop.cancelled().await;
            None
        }
    }
}
