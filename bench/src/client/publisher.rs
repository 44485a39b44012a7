//! Publishing, as protocol only: by POST or over a WebSocket, many in flight at once.

use std::cell::RefCell;
use std::io::Write;
use std::rc::Rc;

use serde::Deserialize;
use tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use super::frames::{self, Frames, Said};
use super::posting::{Posts, Preflights};
use super::request::{Kind, RELAY};
use super::template::Echo;
use super::websocket::Handshake;
use super::{ClientError, Profile};
use crate::net::{Input, Upgraded};
use crate::scenario::Template;

/// What a publishing connection was told. A message is named by its place among those without an answer, the
/// oldest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// A message was taken.
    Accepted(usize),
    /// A message was not taken.
    Refused(usize),
    /// A message was never posted: a preflight was answered with no.
    Forbidden(usize),
    /// The handshake is done.
    Open,
    /// The server ends the connection.
    Ended,
}

/// The protocol state of one publishing connection. Answers come in the order of publishing, over HTTP/2 in any.
#[derive(Debug)]
pub struct Publisher {
    site: Site,
    wire: Wire,
}

/// Where a publisher's requests go and what they carry.
#[derive(Debug, Clone)]
pub struct Site {
    /// `host:port` of the server.
    pub authority: Rc<str>,
    /// The headers of its requests.
    pub profile: Rc<Profile>,
    /// The words of a server with an interface of its own.
    pub template: Option<Rc<Template>>,
}

#[derive(Debug)]
enum Wire {
    Post(Box<Posts>),
    Socket {
        handshake: Option<Handshake>,
        frames: Frames,
    },
    Echo(Box<Echo>),
}

#[derive(Deserialize)]
struct Reply<'a> {
    #[serde(borrow)]
    published: Option<&'a serde_json::value::RawValue>,
    #[serde(borrow)]
    error: Option<&'a serde_json::value::RawValue>,
}

impl Publisher {
    /// A connection that publishes by POST; what it is told by preflights is kept in `preflights`.
    #[must_use]
    pub fn post(site: Site, preflights: Rc<RefCell<Preflights>>) -> Self {
        Self {
            site,
            wire: Wire::Post(Box::new(Posts::new(preflights))),
        }
    }

    /// Bytes of messages that it keeps back until a preflight is answered.
    #[must_use]
    pub fn held(&self) -> usize {
        match &self.wire {
            Wire::Post(posts) => posts.held(),
            Wire::Socket { .. } | Wire::Echo(_) => 0,
        }
    }

    /// A connection that publishes over a WebSocket.
    #[must_use]
    pub fn socket(site: Site) -> Self {
        let echo = site.template.as_deref().and_then(Echo::new);
        let wire = match echo {
            Some(echo) => Wire::Echo(Box::new(echo)),
            None => Wire::Socket {
                handshake: None,
                frames: Frames::default(),
            },
        };
        Self { site, wire }
    }

    /// Writes what opens the connection; gives whether an [`Answer::Open`] must be awaited.
    pub fn open(&mut self, channel: &str, out: &mut Vec<u8>) -> bool {
        let Site {
            authority, profile, ..
        } = &self.site;
        let handshake = match &mut self.wire {
            Wire::Post(_) => return false,
            Wire::Socket { handshake, .. } => handshake,
            Wire::Echo(echo) => {
                echo.open(&self.site, channel, out);
                return true;
            }
        };
        let handshake = handshake.insert(Handshake::begin(profile.admission()));
        // A publisher is not also a subscriber: what it publishes is not sent back to it.
        let line = format_args!("GET /channels/{channel}/socket?receive=false");
        let kind = Kind::Socket {
            key: &handshake.key,
            protocol: RELAY,
        };
        profile.write(line, authority, kind, 0, out);
        true
    }

    /// Writes one message.
    pub fn publish(&mut self, channel: &str, id: u64, payload: &[u8], out: &mut Vec<u8>) {
        match &mut self.wire {
            Wire::Post(posts) => posts.publish(&self.site, channel, payload, out),
            Wire::Echo(echo) => echo.publish(channel, payload, out),
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
    pub fn feed<'a>(
        &mut self,
        input: impl Into<Input<'a>>,
        out: &mut Vec<u8>,
        mut take: impl FnMut(Answer),
    ) -> Result<(), ClientError> {
        let mut input = input.into();
        let (handshake, frames) = match &mut self.wire {
            Wire::Post(posts) => return posts.feed(&self.site, input, out, take),
            Wire::Echo(echo) => return echo.feed(input, out, &mut take),
            Wire::Socket { handshake, frames } => (handshake, frames),
        };
        if let Some(waiting) = handshake {
            if waiting.feed(&mut input)?.is_none() {
                return Ok(());
            }
            *handshake = None;
            take(Answer::Open);
        }
        loop {
            match input.next_bytes() {
                Upgraded::Bytes(bytes) => frames.feed(bytes, |said| match said {
                    Said::Message(text) => match serde_json::from_slice(text) {
                        Ok(Reply {
                            published: Some(_), ..
                        }) => take(Answer::Accepted(0)),
                        Ok(Reply { error: Some(_), .. }) => take(Answer::Refused(0)),
                        // A delivery, from a server that cannot be told to leave them out.
                        Ok(_) | Err(_) => {}
                    },
                    Said::Ping(bytes) => frames::write(OpCode::Control(Control::Pong), bytes, out),
                    Said::Close => take(Answer::Ended),
                })?,
                Upgraded::Ended => {
                    take(Answer::Ended);
                    return Ok(());
                }
                Upgraded::More => return Ok(()),
            }
        }
    }
}
