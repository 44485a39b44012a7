//! One client's connection, from accept to close.
//!
//! It begins with hyper, which parses requests and answers what can be answered at once. A
//! request that must wait takes the connection over; after a long poll it goes back to hyper.

mod handshake;
mod http;
mod progress;
mod strict;
mod watched;

use std::sync::Arc;

use bytes::Bytes;
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::access::Slot;
use crate::metrics::{Closed, Metrics};
use crate::socket::{Outgoing, Socket};
use crate::state::State;
use crate::transport::reply::{Refusal, head};
use crate::transport::{After, Waiting};

use ::http::StatusCode;
use ::http::header::{self, HeaderValue};

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
pub(crate) async fn run(stream: TcpStream, state: Arc<State>, _slot: Slot) {
    let _open = Open::new(&state.metrics);
    let reason = match open(stream, &state).await {
        Ok(socket) => requests(socket, &state).await,
        Err(reason) => reason,
    };
    tracing::debug!(reason = reason.name(), "connection ended");
    state.metrics.closed(reason);
}

/// Makes a socket of a new connection, after the handshake where there is one.
async fn open(stream: TcpStream, state: &State) -> Result<Socket, Closed> {
    let deadline = state.settings.header_deadline;
    match &state.tls {
        None => Ok(Socket::new(stream)),
        // Boxed, as each stage.
        Some(tls) => Box::pin(handshake::shake(stream, Arc::clone(&tls.serving), deadline)).await,
    }
}

/// Serves requests and waits by turns, and says why that is over.
async fn requests(mut socket: Socket, state: &Arc<State>) -> Closed {
    let mut first = true;
    loop {
        // Each stage is boxed: while one lasts, the others take no memory.
        let after = match Box::pin(http::serve(socket, state, first)).await {
            Ended::Wait(waiting, socket) => waiting.run(socket, state).await,
            Ended::Linger(socket, reason) => After::Linger(socket, reason),
            Ended::Gone(reason) => After::Gone(reason),
        };
        first = false;
        match after {
            After::NextRequest(next) => socket = next,
            After::Linger(socket, reason) => {
                Box::pin(socket.linger()).await;
                return reason;
            }
            After::Gone(reason) => return reason,
        }
    }
}

/// Turns away a client for whom there is no slot: it is told why, and when to come again.
pub(crate) async fn refuse(stream: TcpStream, state: Arc<State>, _slot: Slot) {
    const PATIENCE: std::time::Duration = std::time::Duration::from_secs(1);
    state.metrics.closed(Closed::Refused);
    let socket = match &state.tls {
        None => Ok(Socket::new(stream)),
        Some(tls) => handshake::shake(stream, Arc::clone(&tls.refusing), PATIENCE).await,
    };
    // Who cannot shake hands is counted already.
    let Ok(mut socket) = socket else { return };
    // An answer that overtakes the request would be lost to a reset or taken for a fault.
    if timeout(PATIENCE, socket.read(|_| ())).await.is_err() {
        return;
    }
    let refusal = Refusal::new(
        StatusCode::SERVICE_UNAVAILABLE,
        "too_many_connections",
        "the relay is full; try later",
    );
    say(socket, refusal.with(header::RETRY_AFTER, "5"), PATIENCE).await;
}

/// Counts a client that is turned away without a word.
pub(crate) fn turn_away(state: &State) {
    state.metrics.closed(Closed::Refused);
}

/// Writes a last answer on a connection that hyper no longer serves, and ends it.
async fn say(mut socket: Socket, refusal: Refusal, deadline: std::time::Duration) {
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
    if out.flush(&mut socket, deadline).await.is_ok() {
        socket.linger().await;
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
