//! WebSocket: messages come as text frames, and the client may publish on the same socket.

use std::pin::{Pin, pin};

use bytes::Bytes;
use http::header::{self, HeaderValue};
use http::{HeaderMap, Request, StatusCode, Version};
use tokio::time::{Instant, sleep_until};

use super::frames::{Frames, Turn};
use super::handshake::{agreed, lists};
use super::meaning::Meaning;
use super::probation::{self, Probation};
use super::pulse::{Due, Pulse};
use super::reply::{self, RELAY_NEXT, Refusal};
use super::{After, Read, Waiting, encode, failed, given, is_past, is_too_slow};
use crate::log::{Batch, OpenError, Reader, Wait};
use crate::message::Form;
use crate::metrics::{Closed, Transport};
use crate::socket::{Outgoing, Patience, Socket};
use crate::state::State;

const SUBPROTOCOL: &str = "relay.v1";
const PING: &[u8] = &[0x89, 0];

/// One client's socket.
#[derive(Debug)]
pub(crate) struct Session {
    meaning: Meaning,
    /// None on a socket that only publishes or echoes.
    reader: Option<Reader>,
    /// For HTTP/2, where it is not bytes of ours.
    head: Option<Box<HeaderMap>>,
    out: Outgoing,
    /// When the token that it was admitted by ends.
    until: Option<Instant>,
}

/// The head of an answer for HTTP/2, and what else is to be written.
type Accepted = (Option<Box<HeaderMap>>, Outgoing);

/// Answers the handshake and begins a session.
pub(crate) fn begin<B>(
    state: &State,
    request: &Request<B>,
    mut read: Read,
    receive: bool,
) -> Result<Waiting, Refusal> {
    let mut headers = named(request)?;
    let mut reader = match state.log.open(&read.channel, read.start) {
        Ok(reader) => reader,
        Err(OpenError::TooManyChannels(full)) => {
            headers.extend(read.headers);
            return Ok(turned_away(request.version(), headers, &full.to_string()));
        }
        Err(error) => return Err(error.into()),
    };
    reader.bound_lag();
    headers.insert(RELAY_NEXT, reply::position_value(reader.position()));
    headers.extend(std::mem::take(&mut read.headers));
    let accepted = accepted(request.version(), headers);
    let reader = receive.then_some(reader);
    Ok(Waiting::WebSocket(Session::new(read, reader, accepted)))
}

/// Answers the handshake of a page that is to show its token in its first frame.
pub(crate) fn begin_on_probation<B>(
    request: &Request<B>,
    mut probation: Probation,
    more: HeaderMap,
) -> Result<Waiting, Refusal> {
    let mut headers = named(request)?;
    headers.extend(more);
    (probation.head, probation.out) = accepted(request.version(), headers);
    Ok(Waiting::Probation(Box::new(probation)))
}

/// Begins the session of a page that has shown its token, and says so to it.
pub(super) fn welcome(state: &State, read: Read, receive: bool) -> Result<Session, OpenError> {
    let mut reader = state.log.open(&read.channel, read.start)?;
    reader.bound_lag();
    let mut out = Outgoing::default();
    out.push(probation::welcome(&reader.position().to_string()));
    Ok(Session::new(read, receive.then_some(reader), (None, out)))
}

/// Gives the headers that agree to a handshake and to the relay's own subprotocol.
fn named<B>(request: &Request<B>) -> Result<HeaderMap, Refusal> {
    let mut headers = agreed(request)?;
    if lists(request.headers(), &header::SEC_WEBSOCKET_PROTOCOL, |p| {
        p == SUBPROTOCOL
    }) {
        headers.insert(
            header::SEC_WEBSOCKET_PROTOCOL,
            HeaderValue::from_static(SUBPROTOCOL),
        );
    }
    Ok(headers)
}

/// Answers the handshake only to say, by a close code, that there is no room.
pub(crate) fn turn_away<B>(request: &Request<B>, refusal: &Refusal) -> Result<Waiting, Refusal> {
    let headers = agreed(request)?;
    Ok(turned_away(request.version(), headers, &refusal.message))
}

fn turned_away(version: Version, headers: HeaderMap, why: &str) -> Waiting {
    let (head, mut out) = accepted(version, headers);
    out.push(encode::close_frame(encode::TRY_LATER, why));
    Waiting::WebSocket(Session {
        meaning: Meaning::Nothing,
        until: None,
        reader: None,
        head,
        out,
    })
}

/// Answers the handshake and begins a session that gives each message back.
pub(crate) fn echo<B>(request: &Request<B>) -> Result<Waiting, Refusal> {
    let (head, out) = accepted(request.version(), agreed(request)?);
    Ok(Waiting::WebSocket(Session {
        meaning: Meaning::Echo,
        until: None,
        reader: None,
        head,
        out,
    }))
}

/// Makes the head that accepts a handshake: the first bytes to write, or for HTTP/2 a head of its own.
fn accepted(version: Version, headers: HeaderMap) -> Accepted {
    let mut out = Outgoing::default();
    if version == Version::HTTP_2 {
        return (Some(Box::new(headers)), out);
    }
    out.push(reply::head(StatusCode::SWITCHING_PROTOCOLS, &headers, None).into());
    (None, out)
}

impl Session {
    fn new(read: Read, reader: Option<Reader>, (head, out): Accepted) -> Self {
        Self {
            until: read.pass.until(),
            meaning: if read.pass.may_publish(read.channel.as_str()) {
                Meaning::Publish(read.channel)
            } else {
                Meaning::Listen
            },
            reader,
            head,
            out,
        }
    }

    pub(super) fn take_head(&mut self) -> Option<Box<HeaderMap>> {
        self.head.take()
    }

    pub(super) async fn run(mut self, mut socket: Socket, state: &State) -> After {
        let _counted = self
            .reader
            .is_some()
            .then(|| state.subscribed(Transport::WebSocket));
        if matches!(self.meaning, Meaning::Nothing) {
            return self.last(socket, state, Closed::Refused).await;
        }
        let settings = &state.settings;
        let mut frames = Frames::new(settings.max_body);
        let mut pulse = Pulse::new(self.until);
        let mut beat = pin!(sleep_until(pulse.next(settings)));
        loop {
            if !self.out.is_empty() {
                let patience = Patience::of(settings);
                if let Err(error) = self.out.flush(&mut socket, patience).await {
                    return failed(&error);
                }
                pulse.wrote();
            }
            if is_past(self.until) {
                let close = (encode::UNAUTHORIZED, "the token has expired");
                return self.close(close, socket, state, Closed::Expired).await;
            }
            // Each arm is cancel-safe: `next` and `ready` change nothing before they return. The
            // order is random, so neither a busy channel nor a busy client keeps the other waiting.
            tokio::select! {
                batch = next(self.reader.as_mut(), state) => match batch {
                    Some(batch) if is_too_slow(state, &batch) => {
                        let close = (encode::POLICY, "it reads too slowly");
                        return self.close(close, socket, state, Closed::SlowReader).await;
                    }
                    Some(batch) => {
                        let bytes = self.take(state, &batch);
                        given(state, socket.allowance(), bytes).await;
                    }
                    None => {
                        let close = (1001, "the relay shuts down");
                        return self.close(close, socket, state, Closed::Shutdown).await;
                    }
                },
                // An error shows again when read.
                _ = frames.ready(&mut socket) => {
                    // Boxed, as the end: a client that only listens is not to carry the room.
                    let turn = frames.turn(&mut socket, &mut self.out, state, &self.meaning);
                    match Box::pin(turn).await {
                        Turn::On(heard) => pulse.heard(heard),
                        Turn::End(reason) => return self.last(socket, state, reason).await,
                    }
                    let next = pulse.next(settings);
                    if next < beat.deadline() {
                        beat.as_mut().reset(next);
                    }
                }
                () = &mut beat => {
                    let (close, reason) = match pulse.due(settings) {
                        // What is missed may be among what is not read.
                        Due::NoPong | Due::Unfinished if frames.is_paced() => {
                            pulse.excuse();
                            beat.as_mut().reset(pulse.next(settings));
                            continue;
                        }
                        Due::NoPong => ("it answers no ping", Closed::PongDeadline),
                        Due::Unfinished => ("the message did not arrive in time", Closed::BodyDeadline),
                        due => {
                            if due == Due::Ping {
                                self.out.push(Bytes::from_static(PING));
                                pulse.ping();
                            }
                            beat.as_mut().reset(pulse.next(settings));
                            continue;
                        }
                    };
                    return self.close((encode::POLICY, close), socket, state, reason).await;
                }
            }
        }
    }

    /// Ends the socket by a close frame, with a code and a reason.
    fn close<'a>(
        mut self,
        (code, why): (u16, &str),
        socket: Socket,
        state: &'a State,
        reason: Closed,
    ) -> Pin<Box<dyn Future<Output = After> + Send + 'a>> {
        self.out.push(encode::close_frame(code, why));
        self.last(socket, state, reason)
    }

    /// Prepares what is to be written, and gives how many bytes of messages that is.
    fn take(&mut self, state: &State, batch: &Batch) -> usize {
        if let Some(missed) = batch.missed {
            state.metrics.missed(missed);
            self.out
                .push(encode::frame(encode::missed_object(missed).as_bytes()));
        }
        let bytes = encode::push_all(
            &mut self.out,
            &batch.messages,
            (Form::Frame, encode::text_frame),
        );
        state
            .metrics
            .delivered(Transport::WebSocket, batch.messages.len(), bytes);
        bytes
    }

    /// Writes what is left, the close frame last.
    fn last(
        mut self,
        mut socket: Socket,
        state: &State,
        reason: Closed,
    ) -> Pin<Box<dyn Future<Output = After> + Send + '_>> {
        Box::pin(async move {
            match self
                .out
                .flush(&mut socket, Patience::of(&state.settings))
                .await
            {
                Ok(()) => After::Linger(socket, reason),
                Err(error) => failed(&error),
            }
        })
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
