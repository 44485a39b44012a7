//! The five ways to read a channel's log. They share the log and never use each other.
//!
//! A request that can be answered at once is answered through hyper. One that must wait
//! becomes a [`Waiting`] value, which takes the connection over: hyper's buffers are gone
//! while it waits, and an idle subscriber costs little more than its task and its socket.

mod batch;
mod encode;
mod endless;
mod frame_check;
mod frames;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod handshake;
pub(crate) mod long_polling;
mod meaning;
pub(crate) mod polling;
pub(crate) mod probation;
mod pulse;
pub(crate) mod reply;
pub(crate) mod sse;
pub(crate) mod streaming;
pub(crate) mod websocket;

use std::pin::Pin;

use http::{HeaderMap, StatusCode, Version};
use tokio::time::Instant;

use crate::access::{Allowance, Pass};
use crate::log::{Batch, Missed, Pick, Start};
use crate::message::ChannelName;
use crate::metrics::Closed;
use crate::settings::SlowReader;
use crate::socket::{GIVEN_PER_TURN, Socket, WriteError};
use crate::state::State;

/// A request to read a channel, as all transports understand it.
#[derive(Debug)]
pub(crate) struct Read {
    pub(crate) channel: ChannelName,
    pub(crate) start: Start,
    /// What an answer to a poll is to hold; a stream has no use for it.
    pub(crate) pick: Pick,
    /// What the request's origin adds to the head of the answer.
    pub(crate) headers: HeaderMap,
    pub(crate) version: Version,
    /// What it was admitted by, and so until when.
    pub(crate) pass: Pass,
}

/// A request that waits for messages and has taken its connection over.
#[derive(Debug)]
pub(crate) enum Waiting {
    LongPoll(long_polling::Parked),
    Endless(endless::Endless),
    WebSocket(websocket::Session),
    /// It is to show its token first.
    Probation(Box<probation::Probation>),
}

/// What becomes of a connection after a wait.
#[derive(Debug)]
pub(crate) enum After {
    /// It may carry the next request.
    NextRequest(Socket),
    /// The relay ends it, and the client is to read what was written last.
    Linger(Socket, Closed),
    /// It is gone or given up.
    Gone(Closed),
}

impl Read {
    /// What a socket is to read when its handshake is answered already.
    fn of_socket(channel: ChannelName, start: Start, pass: Pass) -> Self {
        Self {
            channel,
            start,
            pick: Pick::default(),
            headers: HeaderMap::new(),
            version: Version::HTTP_11,
            pass,
        }
    }
}

impl Waiting {
    /// Gives the status that was answered already, if one was.
    pub(crate) fn begun(&self) -> Option<StatusCode> {
        match self {
            Self::LongPoll(_) => None,
            Self::Endless(_) => Some(StatusCode::OK),
            Self::WebSocket(_) | Self::Probation(_) => Some(StatusCode::SWITCHING_PROTOCOLS),
        }
    }

    /// Gives the head that the answer begins with, where it is not among the bytes to write: in HTTP/2.
    pub(crate) fn take_head(&mut self) -> HeaderMap {
        let head = match self {
            Self::LongPoll(_) => None,
            Self::Endless(endless) => endless.take_head(),
            Self::WebSocket(session) => session.take_head(),
            Self::Probation(probation) => probation.head.take(),
        };
        head.map(|head| *head).unwrap_or_default()
    }

    /// Serves the client until the wait is over.
    ///
    /// The future is boxed, so the connection's task stays as small as its smallest stage.
    pub(crate) fn run(
        self,
        socket: Socket,
        state: &State,
    ) -> Pin<Box<dyn Future<Output = After> + Send + '_>> {
        match self {
            Self::LongPoll(parked) => Box::pin(parked.run(socket, state)),
            Self::Endless(endless) => Box::pin(endless.run(socket, state)),
            Self::WebSocket(session) => Box::pin(session.run(socket, state)),
            Self::Probation(probation) => Box::pin(proved(*probation, socket, state)),
        }
    }
}

/// Serves a client that shows its token first: once it has, it is as any other.
async fn proved(probation: probation::Probation, socket: Socket, state: &State) -> After {
    let (socket, mut read, receive) = match probation.prove(socket, state).await {
        Ok(proved) => proved,
        Err(after) => return after,
    };
    read.start = state.log.settle(&read.channel, read.start).await;
    match websocket::welcome(state, read, receive) {
        // Boxed, as each stage.
        Ok(session) => Box::pin(session.run(socket, state)).await,
        Err(error) => probation::refuse(socket, state, error).await,
    }
}

/// Gives the earlier of two instants, for a wait that may end before its time.
fn earlier(one: Instant, other: Option<Instant>) -> Instant {
    other.map_or(one, |other| one.min(other))
}

/// Tells whether what a wait was admitted by has ended.
fn is_past(until: Option<Instant>) -> bool {
    until.is_some_and(|until| until <= Instant::now())
}

/// Tells whether a reader is so far behind that its client is to be disconnected.
fn is_too_slow(state: &State, batch: &Batch) -> bool {
    state.settings.slow_reader == SlowReader::Disconnect && batch.missed == Some(Missed::Slow)
}

/// Takes the turns of what a client is to be given at once, and waits for them, but no longer than for a heartbeat; then it
/// stands in line.
async fn given(state: &State, allowance: &Allowance, bytes: usize) {
    let turns = bytes as u64 / GIVEN_PER_TURN;
    if turns == 0 {
        return;
    }
    let latest = Instant::now() + state.settings.heartbeat;
    let until = state.spend(allowance, turns);
    state.wait(until.map(|until| until.min(latest))).await;
    // Boxed: most are given little at a time.
    Box::pin(allowance.line(turns)).await;
}

/// Why a failed write ends its connection.
fn failed(error: &WriteError) -> After {
    tracing::debug!(%error, "write failed");
    match error {
        WriteError::Stalled => After::Gone(Closed::WriteDeadline),
        WriteError::Gone(_) => After::Gone(Closed::Client),
    }
}
