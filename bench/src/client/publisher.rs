//! Publishing, as protocol only: by POST or over a WebSocket, many in flight at once.

use std::io::Write;
use std::rc::Rc;

use serde::Deserialize;
use tungstenite::handshake::client::generate_key;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::frames::{self, Frames, Said};
use super::websocket::{check_upgrade, upgrade_headers};
use super::{ClientError, Profile};
use crate::net::http::{Piece, Reader};

/// What a publishing connection was told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// The oldest unanswered message was taken.
    Accepted,
    /// The oldest unanswered message was not taken.
    Refused,
    /// The handshake is done.
    Open,
    /// The server ends the connection.
    Ended,
}

/// The protocol state of one publishing connection. Answers come in the order of publishing.
#[derive(Debug)]
pub struct Publisher {
    authority: Rc<str>,
    profile: Profile,
    wire: Wire,
}

#[derive(Debug)]
enum Wire {
    Post {
        reader: Reader,
        status: u16,
        close: bool,
    },
    Socket {
        handshake: Option<(String, Reader)>,
        frames: Frames,
    },
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow)]
    published: Option<&'a serde_json::value::RawValue>,
    #[serde(borrow)]
    error: Option<&'a serde_json::value::RawValue>,
}

impl Publisher {
    /// A connection that publishes by POST.
    #[must_use]
    pub fn post(authority: Rc<str>, profile: Profile) -> Self {
        Self {
            authority,
            profile,
            wire: Wire::Post {
                reader: Reader::default(),
                status: 0,
                close: false,
            },
        }
    }

    /// A connection that publishes over a WebSocket.
    #[must_use]
    pub fn socket(authority: Rc<str>, profile: Profile) -> Self {
        Self {
            authority,
            profile,
            wire: Wire::Socket {
                handshake: None,
                frames: Frames::default(),
            },
        }
    }

    /// Writes what opens the connection; gives whether an [`Answer::Open`] must be awaited.
    pub fn open(&mut self, channel: &str, out: &mut Vec<u8>) -> bool {
        let Wire::Socket { handshake, .. } = &mut self.wire else {
            return false;
        };
        let key = generate_key();
        // A publisher is not also a subscriber: what it publishes is not sent back to it.
        let line = format_args!("GET /channels/{channel}/socket?receive=false");
        self.profile
            .write(line, &self.authority, &upgrade_headers(&key), 0, out);
        *handshake = Some((key, Reader::default()));
        true
    }

    /// Writes one message.
    pub fn publish(&mut self, channel: &str, id: u64, payload: &[u8], out: &mut Vec<u8>) {
        match &self.wire {
            Wire::Post { .. } => {
                let extra = format!(
                    "Content-Type: application/json\r\nContent-Length: {}\r\n",
                    payload.len()
                );
                self.profile.write(
                    format_args!("POST /channels/{channel}/messages"),
                    &self.authority,
                    &extra,
                    0,
                    out,
                );
                out.extend_from_slice(payload);
            }
            Wire::Socket { .. } => {
                let mut text = Vec::with_capacity(payload.len() + 40);
                text.extend_from_slice(b"{\"publish\":");
                text.extend_from_slice(payload);
                // Writing to a Vec cannot fail.
                let _ = write!(text, ",\"id\":{id}}}");
                frames::write(OpCode::Data(Data::Text), &text, out);
            }
        }
    }

    /// Takes in all of `input`; gives each answer to `take` and writes what must be answered at once to `out`.
    ///
    /// # Errors
    /// [`ClientError`]; the connection is of no more use.
    pub fn feed(
        &mut self,
        input: &[u8],
        out: &mut Vec<u8>,
        mut take: impl FnMut(Answer),
    ) -> Result<(), ClientError> {
        match &mut self.wire {
            Wire::Post {
                reader,
                status,
                close,
            } => feed_post(reader, status, close, input, take),
            Wire::Socket { handshake, frames } => {
                let mut input = input;
                if let Some((key, reader)) = handshake {
                    let (taken, piece) = reader.read(input)?;
                    input = &input[taken..];
                    let Piece::Head(head) = piece else {
                        return Ok(());
                    };
                    check_upgrade(&head, key)?;
                    *handshake = None;
                    take(Answer::Open);
                }
                frames.feed(input, |said| match said {
                    Said::Message(text) => match serde_json::from_slice(text) {
                        Ok(Reply {
                            published: Some(_), ..
                        }) => take(Answer::Accepted),
                        Ok(Reply { error: Some(_), .. }) => take(Answer::Refused),
                        // A delivery, from a server that cannot be told to leave them out.
                        Ok(_) | Err(_) => {}
                    },
                    Said::Ping(bytes) => frames::write(OpCode::Control(Control::Pong), bytes, out),
                    Said::Close => take(Answer::Ended),
                })
            }
        }
    }
}

fn feed_post(
    reader: &mut Reader,
    status: &mut u16,
    close: &mut bool,
    mut input: &[u8],
    mut take: impl FnMut(Answer),
) -> Result<(), ClientError> {
    loop {
        let (taken, piece) = reader.read(input)?;
        input = &input[taken..];
        match piece {
            Piece::Head(head) => (*status, *close) = (head.status, head.close),
            Piece::Body(_) => {}
            Piece::End => {
                take(if (200..300).contains(status) {
                    Answer::Accepted
                } else {
                    Answer::Refused
                });
                if *close {
                    take(Answer::Ended);
                }
            }
            Piece::More => return Ok(()),
        }
    }
}
