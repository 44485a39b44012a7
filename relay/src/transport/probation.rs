//! A WebSocket of a page that shows its token only once it is open, in its first frame.
//!
//! Until then it is nobody's: it has no reader and no channel, nothing is sent to it, and nothing that it sends counts but
//! that one frame, which is short and has to come within the time of a head. It is read byte by byte as it has
//! to be, without the state of a whole protocol, so a stranger costs little more than the connection.

use std::borrow::Cow;
use std::io;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use serde::Deserialize;
use tokio::time::timeout;

use super::reply::Refusal;
use super::{After, Read, encode, failed};
use crate::access::{Caller, Denied, Origin, Pass, TokenError, Wanted};
use crate::log::{OpenError, Start};
use crate::message::ChannelName;
use crate::metrics::{Closed, Route, Transport};
use crate::socket::{Outgoing, Patience, Socket};
use crate::state::State;

/// The longest first frame: a token, and room for how JSON may write it.
const LONGEST: usize = 8 * 1024;
/// A frame's first byte: the last, and only, of its message, which is text.
const TEXT: u8 = 0x81;
/// Bit of the second byte: a mask is given.
const MASKED: u8 = 0x80;

/// Close codes: "Unauthorized" and "Try Again Later" of IANA's registry, and RFC 6455's policy violation.
const UNAUTHORIZED: u16 = 3000;
const TRY_LATER: u16 = 1013;
const POLICY: u16 = 1008;

/// What was asked for by who has shown no token yet.
#[derive(Debug)]
pub(crate) struct Probation {
    channel: ChannelName,
    start: Start,
    /// It is to get messages, and not only to publish.
    receive: bool,
    origin: Origin,
    /// Of the handshake's head, what is judged together with the token.
    host: Option<HeaderValue>,
    /// The answer to the handshake: in HTTP/2 a head, else bytes.
    pub(super) head: Option<Box<HeaderMap>>,
    pub(super) out: Outgoing,
}

/// The first frame.
#[derive(Deserialize)]
struct Shown<'a> {
    #[serde(borrow)]
    token: Cow<'a, str>,
}

/// Why no token was read.
#[derive(Debug)]
enum Unread {
    /// Something else came.
    Other,
    /// The client left.
    Gone,
}

impl Probation {
    pub(crate) fn new(
        channel: ChannelName,
        start: Start,
        receive: bool,
        origin: Origin,
        host: Option<HeaderValue>,
    ) -> Self {
        Self {
            channel,
            start,
            receive,
            origin,
            host,
            head: None,
            out: Outgoing::default(),
        }
    }

    /// Answers the handshake, waits for the token, and gives what it admits to, as if it had been there from the beginning.
    pub(super) async fn prove(
        mut self,
        mut socket: Socket,
        state: &State,
    ) -> Result<(Socket, Read, bool), After> {
        let settings = &state.settings;
        if let Err(error) = self.out.flush(&mut socket, Patience::of(settings)).await {
            return Err(failed(&error));
        }
        let first = timeout(settings.header_deadline, first_frame(&mut socket));
        let first = match state.stop.run_until_cancelled(first).await {
            None => Err((1001, "the relay shuts down", Closed::Shutdown)),
            Some(Err(_)) => Err((POLICY, "no token came", Closed::HeaderDeadline)),
            Some(Ok(Err(Unread::Gone))) => return Err(After::Gone(Closed::Client)),
            Some(Ok(Err(Unread::Other))) => Err((
                POLICY,
                r#"the first frame is {"token":"TOKEN"}"#,
                Closed::Protocol,
            )),
            Some(Ok(Ok(frame))) => Ok(frame),
        };
        let admitted = first.and_then(|frame| self.admit(&frame, state));
        match admitted {
            Ok(pass) => Ok((socket, self.read(pass), self.receive)),
            Err(end) => Err(close(socket, state, end).await),
        }
    }

    /// Asks the one function that lets anything in, with the token where a head would have it.
    fn admit(&self, frame: &[u8], state: &State) -> Result<Pass, (u16, &'static str, Closed)> {
        let Ok(shown) = serde_json::from_slice::<Shown<'_>>(frame) else {
            let why = r#"the first frame is {"token":"TOKEN"}"#;
            return Err((POLICY, why, Closed::Protocol));
        };
        let mut headers = HeaderMap::new();
        if let Some(host) = &self.host {
            headers.insert(header::HOST, host.clone());
        }
        // What can be no value of a header is no token, and neither is nothing.
        let bearer = HeaderValue::try_from(format!("Bearer {}", shown.token));
        let bearer = bearer.unwrap_or(HeaderValue::from_static("Bearer"));
        headers.insert(header::AUTHORIZATION, bearer);
        let caller = Caller {
            headers: &headers,
            origin: &self.origin,
            ticket: None,
        };
        let wanted = if self.receive {
            Wanted::Read(self.channel.as_str())
        } else {
            Wanted::Publish(self.channel.as_str())
        };
        state.access.admit(caller, wanted).map_err(|denied| {
            let refusal = Refusal::from(denied);
            let route = Route::Read(Transport::WebSocket);
            state.metrics.answered(route, refusal.status.as_u16());
            let code = match denied {
                Denied::Token(_) => UNAUTHORIZED,
                Denied::Host | Denied::Origin | Denied::Scope(_) => POLICY,
            };
            (code, refusal.code, Closed::Protocol)
        })
    }

    fn read(&self, pass: Pass) -> Read {
        Read::of_socket(self.channel.clone(), self.start, pass)
    }
}

/// Tells whether it is a token that a request lacks, and nothing else that is wrong with it.
pub(crate) fn lacks_a_token(denied: Denied) -> bool {
    matches!(denied, Denied::Token(TokenError::Missing))
}

/// Ends a socket that was admitted to what it cannot have.
pub(super) async fn refuse(socket: Socket, state: &State, error: OpenError) -> After {
    let code = match error {
        OpenError::TooManyChannels(_) => TRY_LATER,
        OpenError::InFuture(_) => POLICY,
    };
    let refusal = Refusal::from(error);
    close(socket, state, (code, refusal.code, Closed::Refused)).await
}

/// Makes the frame that says that all is well, and where reading begins.
pub(super) fn welcome(position: &str) -> Bytes {
    encode::frame(format!(r#"{{"admitted":"{position}"}}"#).as_bytes())
}

async fn close(
    mut socket: Socket,
    state: &State,
    (code, why, reason): (u16, &str, Closed),
) -> After {
    let mut out = Outgoing::default();
    out.push(encode::close_frame(code, why));
    match out.flush(&mut socket, Patience::of(&state.settings)).await {
        Ok(()) => After::Linger(socket, reason),
        Err(error) => failed(&error),
    }
}

/// Reads one text frame and not a byte more: what comes behind it is for whoever reads on.
async fn first_frame(socket: &mut Socket) -> Result<Vec<u8>, Unread> {
    let mut head = [0; 2];
    fill(socket, &mut head).await?;
    let mut long = [0; 2];
    let length = match head[1] ^ MASKED {
        short @ 0..=125 => usize::from(short),
        126 => {
            fill(socket, &mut long).await?;
            usize::from(u16::from_be_bytes(long))
        }
        // It is not masked, or too long.
        _ => return Err(Unread::Other),
    };
    if head[0] != TEXT || length > LONGEST {
        return Err(Unread::Other);
    }
    let mut mask = [0; 4];
    fill(socket, &mut mask).await?;
    let mut payload = vec![0; length];
    fill(socket, &mut payload).await?;
    for (byte, mask) in payload.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
    Ok(payload)
}

async fn fill(socket: &mut Socket, into: &mut [u8]) -> Result<(), Unread> {
    let mut have = 0;
    while have < into.len() {
        let ready = socket.readable().await;
        match ready.and_then(|()| socket.try_read(&mut into[have..])) {
            Ok(0) => return Err(Unread::Gone),
            Ok(read) => have += read,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
            Err(_) => return Err(Unread::Gone),
        }
    }
    Ok(())
}
