//! What a client sends on its WebSocket: bytes in, messages out, answers back.

use std::io::{self, Read, Write};

use bytes::Bytes;
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};
use tungstenite::Error;
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};

use super::encode;
use super::frame_check::{FrameCheck, Violation};
use super::meaning::Meaning;
use super::pulse::Heard;
use crate::metrics::Closed;
use crate::socket::{Outgoing, SENT_PER_TURN, Socket};
use crate::state::State;

/// What `{"publish":...,"id":...}` takes beside the payload.
const ENVELOPE: usize = 1024;
/// Read this much at once: tungstenite clears the whole buffer before each read.
const READ_BUFFER: usize = 1024;
/// Messages handled before the answers are written and others get their turn.
const PER_TURN: usize = 32;
/// Bytes read before others get their turn: pieces of a message are none, however many come.
const BYTES_PER_TURN: usize = 16 * 1024;

/// The receiving half of a socket.
///
/// The protocol state is made when a byte comes and dropped when nothing is unfinished: a client that
/// only listens has none, and none keeps the room of its largest message.
#[derive(Debug)]
pub(super) struct Frames {
    protocol: Option<Box<Protocol>>,
    largest: usize,
    /// The last turn ended early, so frames may lie in the context's buffer.
    more: bool,
}

/// The state of the protocol: what has come, checked twice.
#[derive(Debug)]
struct Protocol {
    context: WebSocketContext,
    check: FrameCheck,
    /// Bytes read that no turn was taken for.
    unpaid: u64,
    /// Until then nothing is read: the client's address has used up its turns.
    paced: Option<Instant>,
}

/// How a turn ended.
#[derive(Debug)]
pub(super) enum Turn {
    /// The socket goes on.
    On(Heard),
    /// Nothing more comes, and nothing is to be sent after what is ready to be written: a close
    /// frame, unless the client has left without one.
    End(Closed),
}

/// Joins the waiting socket to the blocking shape that tungstenite expects. Writes go to the
/// list that deliveries go to, so frames can never mix.
struct Pipe<'a> {
    socket: &'a mut Socket,
    out: &'a mut Outgoing,
    check: &'a mut FrameCheck,
    /// How much may still be read in this turn.
    left: usize,
}

impl Read for Pipe<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.is_over() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let most = into.len().min(self.left);
        // After what breaks the protocol nothing is read; what came before it is handled first.
        let read = match self.check.broken() {
            Some(_) => 0,
            None => self.socket.try_read(&mut into[..most])?,
        };
        self.left -= read;
        match self.check.pass(&into[..read]) {
            0 if self.check.broken().is_some() => Err(io::ErrorKind::InvalidData.into()),
            passed => Ok(passed),
        }
    }
}

impl Write for Pipe<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.out.push(Bytes::copy_from_slice(bytes));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Frames {
    pub(super) fn new(max_body: usize) -> Self {
        Self {
            protocol: None,
            largest: max_body.saturating_add(ENVELOPE),
            more: false,
        }
    }

    /// Waits until a turn has something to do. It is cancel-safe.
    pub(super) async fn ready(&mut self, socket: &mut Socket) -> io::Result<()> {
        if let Some(protocol) = self.protocol.as_mut()
            && let Some(until) = protocol.paced
        {
            // Boxed: most never wait.
            Box::pin(sleep_until(until)).await;
            protocol.paced = None;
            if !self.more && protocol.check.is_at_rest() {
                self.protocol = None;
            }
        }
        if self.more {
            Ok(())
        } else {
            socket.readable().await
        }
    }

    /// Tells whether nothing is read for now, and so nothing is heard of the client.
    pub(super) fn is_paced(&self) -> bool {
        let protocol = self.protocol.as_ref();
        protocol.is_some_and(|protocol| protocol.paced.is_some())
    }

    /// Handles what has come, without waiting for more; answers go to `out`.
    pub(super) async fn turn(
        &mut self,
        socket: &mut Socket,
        out: &mut Outgoing,
        state: &State,
        meaning: &Meaning,
    ) -> Turn {
        if self.more {
            // Nothing else on this road waits when the client always has more, and frames without
            // an answer make no write that could.
            yield_now().await;
        }
        let largest = self.largest;
        let Protocol {
            context,
            check,
            unpaid,
            paced,
        } = &mut **self
            .protocol
            .get_or_insert_with(|| Box::new(Protocol::new(largest)));
        let mut pipe = Pipe {
            socket,
            out,
            check,
            left: BYTES_PER_TURN,
        };
        self.more = true;
        let (mut any, mut message_ended) = (false, false);
        for _ in 0..PER_TURN {
            match context.read(&mut pipe) {
                Ok(message) => {
                    any = true;
                    let whole = message.is_text() || message.is_binary();
                    message_ended |= whole;
                    if let Some(answer) = meaning.answer(state, message).await {
                        pipe.out.push(answer);
                    }
                    if whole && state.log.is_shared() {
                        // It may have waited for the store: what else the socket has to do comes first.
                        break;
                    }
                }
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.more = pipe.is_over();
                    break;
                }
                Err(error) => return pipe.end(&error),
            }
        }
        if let Err(error) = context.flush(&mut pipe) {
            return pipe.end(&error);
        }
        *unpaid += (BYTES_PER_TURN - pipe.left) as u64;
        let turns = pipe.check.take_frames() as u64 + *unpaid / SENT_PER_TURN;
        *unpaid %= SENT_PER_TURN;
        *paced = state.spend(pipe.socket.allowance(), turns);
        let is_paced = paced.is_some();
        if !check.is_at_rest() {
            // A ping in the middle of a message is no progress of that.
            let anew = if check.is_in_message() {
                message_ended
            } else {
                any
            };
            return Turn::On(Heard::Part { anew });
        }
        if !self.more && !is_paced {
            self.protocol = None;
        }
        Turn::On(Heard::Whole)
    }
}

impl Protocol {
    fn new(largest: usize) -> Self {
        let config = WebSocketConfig::default()
            .read_buffer_size(READ_BUFFER)
            .write_buffer_size(0)
            .max_message_size(Some(largest))
            .max_frame_size(Some(largest));
        Self {
            context: WebSocketContext::new(Role::Server, Some(config)),
            check: FrameCheck::new(largest),
            unpaid: 0,
            paced: None,
        }
    }
}

impl Pipe<'_> {
    /// Tells whether as much was read as a turn may: bytes, or frames, of which fragments make no message.
    fn is_over(&self) -> bool {
        self.left == 0 || self.check.frames() >= PER_TURN
    }

    /// Ends a socket whose client broke the protocol or left.
    fn end(&mut self, error: &Error) -> Turn {
        let Some(violation) = violation(error, self.check.broken()) else {
            return Turn::End(Closed::Client);
        };
        let (code, reason, closed) = match violation {
            Violation::TooLarge => (1009, "the message is too large", Closed::TooLarge),
            Violation::NotUtf8 => (1007, "text is UTF-8", Closed::Protocol),
            Violation::Protocol => (1002, "that is not the WebSocket protocol", Closed::Protocol),
        };
        tracing::debug!(%error, code, "socket ended");
        self.out.push(encode::close_frame(code, reason));
        Turn::End(closed)
    }
}

/// Gives how the client broke the protocol; none when it left.
pub(super) fn violation(error: &Error, broken: Option<Violation>) -> Option<Violation> {
    use tungstenite::error::ProtocolError::ResetWithoutClosingHandshake;
    match error {
        Error::ConnectionClosed | Error::AlreadyClosed => None,
        // It may have ended only its own side: what it asked for before is owed to it.
        Error::Io(_) | Error::Protocol(ResetWithoutClosingHandshake) => broken,
        Error::Capacity(_) => Some(Violation::TooLarge),
        Error::Utf8(_) => Some(Violation::NotUtf8),
        _ => Some(Violation::Protocol),
    }
}
