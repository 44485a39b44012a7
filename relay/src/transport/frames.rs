//! What a client sends on its WebSocket: frames in, publishes out, answers back.

use std::io::{self, Read, Write};

use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::task::yield_now;
use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
use tungstenite::{Error, Message};

use super::encode;
use super::reply::Refusal;
use crate::message::ChannelName;
use crate::metrics::Closed;
use crate::publish::publish;
use crate::socket::{Outgoing, Socket};
use crate::state::State;

/// What `{"publish":...,"id":...}` takes beside the payload.
const ENVELOPE: usize = 1024;
/// Read this much at once: tungstenite clears the whole buffer before each read.
const READ_BUFFER: usize = 1024;
/// Messages handled before the answers are written and others get their turn.
const PER_TURN: usize = 32;
/// Bytes read before others get their turn: pieces of a message are none, however many come.
const BYTES_PER_TURN: usize = 64 * 1024;

/// The receiving half of a socket.
///
/// The protocol state is made when the first byte comes: a client that only listens has none.
#[derive(Debug)]
pub(super) struct Frames {
    context: Option<Box<WebSocketContext>>,
    largest: usize,
    /// The last turn ended early, so frames may lie in the context's buffer.
    more: bool,
}

/// How a turn ended.
#[derive(Debug)]
pub(super) enum Turn {
    /// The socket goes on.
    On,
    /// A close frame is ready to be written; nothing comes after it.
    End(Closed),
    /// The client is gone.
    Gone,
}

#[derive(Deserialize)]
struct Command<'a> {
    #[serde(borrow)]
    publish: &'a RawValue,
    id: Option<u64>,
}

#[derive(Deserialize)]
struct OnlyId {
    id: Option<u64>,
}

/// Joins the waiting socket to the blocking shape that tungstenite expects. Writes go to the
/// list that deliveries go to, so frames can never mix.
struct Pipe<'a> {
    socket: &'a mut Socket,
    out: &'a mut Outgoing,
    /// How much may still be read in this turn.
    left: usize,
}

impl Read for Pipe<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.left == 0 {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        let most = into.len().min(self.left);
        let read = self.socket.try_read(&mut into[..most])?;
        self.left -= read;
        Ok(read)
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
            context: None,
            largest: max_body.saturating_add(ENVELOPE),
            more: false,
        }
    }

    /// Waits until a turn has something to do. It is cancel-safe.
    pub(super) async fn ready(&self, socket: &Socket) -> io::Result<()> {
        if self.more {
            Ok(())
        } else {
            socket.readable().await
        }
    }

    /// Handles what has come, without waiting for more; answers go to `out`.
    pub(super) async fn turn(
        &mut self,
        socket: &mut Socket,
        out: &mut Outgoing,
        state: &State,
        channel: &ChannelName,
    ) -> Turn {
        if self.more {
            // Nothing else on this road waits when the client always has more, and frames without
            // an answer make no write that could.
            yield_now().await;
        }
        let largest = self.largest;
        let context = self
            .context
            .get_or_insert_with(|| Box::new(context(largest)));
        let mut pipe = Pipe {
            socket,
            out,
            left: BYTES_PER_TURN,
        };
        self.more = true;
        for _ in 0..PER_TURN {
            match context.read(&mut pipe) {
                Ok(Message::Text(text)) => {
                    let answer = answer(state, channel, text.as_str()).await;
                    pipe.out.push(encode::frame(answer.as_bytes()));
                }
                Ok(Message::Binary(_)) => {
                    let answer = refuse(&bad_frame("frames are text"), None);
                    pipe.out.push(encode::frame(answer.as_bytes()));
                }
                // A pong is written by the context; a close is answered by it, and the next read says so.
                Ok(_) => {}
                Err(Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
                    self.more = pipe.left == 0;
                    break;
                }
                Err(error) => return end(&error, pipe.out),
            }
        }
        match context.flush(&mut pipe) {
            Ok(()) => Turn::On,
            Err(error) => end(&error, pipe.out),
        }
    }
}

fn context(largest: usize) -> WebSocketContext {
    let config = WebSocketConfig::default()
        .read_buffer_size(READ_BUFFER)
        .write_buffer_size(0)
        .max_message_size(Some(largest))
        .max_frame_size(Some(largest));
    WebSocketContext::new(Role::Server, Some(config))
}

/// Ends a socket whose client broke the protocol or left.
fn end(error: &Error, out: &mut Outgoing) -> Turn {
    use tungstenite::error::ProtocolError::ResetWithoutClosingHandshake;
    let (code, reason, closed) = match error {
        Error::ConnectionClosed | Error::AlreadyClosed => return Turn::End(Closed::Client),
        Error::Io(_) | Error::Protocol(ResetWithoutClosingHandshake) => return Turn::Gone,
        Error::Capacity(_) => (1009, "the message is too large", Closed::TooLarge),
        Error::Utf8(_) => (1007, "text is UTF-8", Closed::Protocol),
        _ => (1002, "that is not the WebSocket protocol", Closed::Protocol),
    };
    tracing::debug!(%error, code, "socket ended");
    out.push(encode::close_frame(code, reason));
    Turn::End(closed)
}

/// Does what a text frame asks for and gives the answer's text.
async fn answer(state: &State, channel: &ChannelName, text: &str) -> String {
    let command = match serde_json::from_str::<Command<'_>>(text) {
        Ok(command) => command,
        Err(error) => {
            // The id is echoed when there is one, so the client knows which frame was wrong.
            let id = serde_json::from_str::<OnlyId>(text)
                .ok()
                .and_then(|only| only.id);
            let hint = format!(r#"a frame is {{"publish":VALUE,"id":NUMBER}}: {error}"#);
            return refuse(&bad_frame(&hint), id);
        }
    };
    match publish(state, channel, command.publish.get().as_bytes()).await {
        Ok(position) => match command.id {
            Some(id) => format!(r#"{{"published":"{position}","id":{id}}}"#),
            None => format!(r#"{{"published":"{position}"}}"#),
        },
        Err(error) => refuse(&error.into(), command.id),
    }
}

fn bad_frame(message: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "bad_frame", &message)
}

fn refuse(refusal: &Refusal, id: Option<u64>) -> String {
    let mut json = refusal.json();
    if let (Some(id), Some(object)) = (id, json.as_object_mut()) {
        object.insert("id".to_owned(), id.into());
    }
    json.to_string()
}
