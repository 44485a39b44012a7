//! One client's connection, from accept to close.
//!
//! It begins with hyper, which parses requests and answers what can be answered at once. A
//! request that must wait takes the connection over; after a long poll it goes back to hyper. A client of
//! HTTP/2 has many requests at once, and each has its stream.

mod handshake;
mod http;
mod http2;
mod progress;
mod strict;
mod watched;

#[cfg(any(test, fuzzing))]
pub(crate) use http2::fuzzing;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::task::JoinError;
use tokio::time::timeout;

use crate::access::{Allowance, Full, Slot};
use crate::metrics::{Closed, Metrics};
use crate::socket::{Outgoing, Patience, Socket};
use crate::state::State;
use crate::transport::reply::{Refusal, head};
use crate::transport::{After, Waiting};

use ::http::header::{self, HeaderValue};

/// What a connection costs its address, in turns: a request costs one.
const CONNECTION_TURNS: u64 = 5;
/// The same with the handshake of TLS.
const HANDSHAKE_TURNS: u64 = 10;

/// Who is served.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Guest {
    /// A client that has just connected.
    New,
    /// One that comes back from a long poll.
    Again,
    /// One for whom there is no slot: it is answered once, whatever it asks for.
    TurnedAway(Full),
}

/// What hyper's part of a connection ended with.
#[derive(Debug)]
enum Ended {
    /// A request waits.
    Wait(Waiting, Socket),
    /// The relay ends the connection, and the client is to read what was written last.
    Linger(Socket, Closed),
    /// It is gone or given up.
    Gone(Closed),
}

/// Serves one connection until it ends, and counts the end.
pub(crate) async fn run(stream: TcpStream, state: Arc<State>, slot: Slot) {
    let _open = Open::new(&state.metrics);
    accepted(&state, slot.allowance()).await;
    // Each stage is boxed: while one lasts, the others take no memory.
    let mut socket = match &state.tls {
        None => Socket::new(stream, Arc::clone(slot.allowance())),
        Some(tls) => {
            let from = (stream, Arc::clone(slot.allowance()));
            let config = Arc::clone(&tls.serving);
            let shaken = Box::pin(handshake::shake(from, config, &state.settings));
            match state.stop.run_until_cancelled(shaken).await {
                Some(Ok(socket)) => socket,
                Some(Err(reason)) => return ended(&state, reason),
                None => return ended(&state, Closed::Shutdown),
            }
        }
    };
    if socket.is_http2() {
        let reason = Box::pin(http2::serve(socket, &state)).await;
        return ended(&state, reason);
    }
    let mut guest = Guest::New;
    let reason = loop {
        match serve(socket, &state, guest).await {
            After::NextRequest(next) => (socket, guest) = (next, Guest::Again),
            After::Linger(socket, reason) => {
                Box::pin(socket.linger()).await;
                break reason;
            }
            After::Gone(reason) => break reason,
        }
    };
    ended(&state, reason);
}

/// Takes the turns of a new connection, which nothing is read from before.
async fn accepted(state: &State, allowance: &Allowance) {
    let turns = if state.tls.is_some() {
        HANDSHAKE_TURNS
    } else {
        CONNECTION_TURNS
    };
    state.wait(state.spend(allowance, turns)).await;
    allowance.line(0).await;
}

fn ended(state: &State, reason: Closed) {
    tracing::debug!(reason = reason.name(), "connection ended");
    state.metrics.closed(reason);
}

/// Serves a client through hyper, and then through what waits.
async fn serve(socket: Socket, state: &Arc<State>, guest: Guest) -> After {
    // Each stage is boxed: while one lasts, the others take no memory.
    match Box::pin(http::serve(socket, state, guest)).await {
        Ended::Wait(waiting, socket) => waiting.run(socket, state).await,
        Ended::Linger(socket, reason) => After::Linger(socket, reason),
        Ended::Gone(reason) => After::Gone(reason),
    }
}

/// Turns away a client for whom there is no slot: it is told why, and when to come again.
pub(crate) async fn refuse(stream: TcpStream, state: Arc<State>, full: Full, slot: Slot) {
    const PATIENCE: Duration = Duration::from_secs(1);
    turn_away(&state, full);
    let told = async {
        accepted(&state, slot.allowance()).await;
        let allowance = Arc::clone(slot.allowance());
        let socket = match &state.tls {
            None => Ok(Socket::new(stream, allowance)),
            Some(tls) => {
                let config = Arc::clone(&tls.refusing);
                handshake::shake((stream, allowance), config, &state.settings).await
            }
        };
        // Who cannot shake hands is turned away without a word.
        let Ok(socket) = socket else { return };
        let guest = Guest::TurnedAway(full);
        match Box::pin(serve(socket, &state, guest)).await {
            After::NextRequest(socket) | After::Linger(socket, _) => socket.linger().await,
            After::Gone(_) => {}
        }
    };
    // Who has not asked and heard by then is turned away without a word.
    let _ = timeout(PATIENCE, told).await;
}

/// Counts a client that is turned away, with or without a word.
pub(crate) fn turn_away(state: &State, full: Full) {
    state.metrics.closed(match full {
        Full::Relay => Closed::Refused,
        Full::Address => Closed::AddressRefused,
    });
}

/// Writes a last answer on a connection that hyper no longer serves, and ends it.
async fn say(mut socket: Socket, refusal: Refusal, patience: Patience) {
    let status = refusal.status;
    let mut reply = refusal.reply();
    reply
        .headers_mut()
        .insert(header::CONNECTION, HeaderValue::from_static("close"));
    let mut out = Outgoing::default();
    out.push(Bytes::from(head(
        status,
        reply.headers(),
        Some(reply.body().len()),
    )));
    out.push(reply.into_body());
    if out.flush(&mut socket, patience).await.is_ok() {
        socket.linger().await;
    }
}

/// A connection's bug must not end the relay, nor a stream's its connection, but it must not pass unseen either.
pub(crate) fn watch_for_panic(ended: Result<(), JoinError>) {
    if let Err(error) = ended
        && error.is_panic()
    {
        tracing::error!(%error, "a task panicked");
    }
}

/// One connection in the count of open ones.
struct Open<'a>(&'a Metrics);

impl<'a> Open<'a> {
    fn new(metrics: &'a Metrics) -> Self {
        metrics.connections(1);
        Self(metrics)
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.0.connections(-1);
    }
}
