//! One stream: a request and its answer, whether that ends or not.

use std::future::poll_fn;
use std::sync::Arc;

use bytes::Bytes;
use h2::server::SendResponse;
use h2::{Reason, RecvStream, SendStream};
use http::header::{self, HeaderMap, HeaderValue};
use http::{Method, Request, Response, StatusCode};
use tokio::sync::Semaphore;
use tokio::time::Instant;

use super::super::strict::addressed;
use super::request::known;
use crate::access::Allowance;
use crate::metrics::{Closed, Metrics, Route};
use crate::routes::{self, Answer, Incoming};
use crate::socket::{GIVEN_PER_TURN, Outgoing, Patience, Socket, WriteError};
use crate::state::State;
use crate::transport::reply::{Refusal, Reply, date};
use crate::transport::{After, Waiting};

/// What the streams of a connection share.
#[derive(Debug, Clone)]
pub(super) struct Shared {
    pub(super) state: Arc<State>,
    /// Bounds what they hold in memory: a body that comes and an answer that goes take a turn, a wait takes none, for a message
    /// or for the store.
    pub(super) turns: Arc<Semaphore>,
    /// What the client's address may still ask for.
    pub(super) allowance: Arc<Allowance>,
}

/// Answers one request, not before its turn has come, and counts the end of its stream.
pub(super) async fn serve(
    shared: Shared,
    from: Option<Instant>,
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
) {
    let mut open = Open::new(&shared.state);
    // Who resets its stream keeps its place here until then: it is by these that the connection is held back.
    shared.state.wait(from).await;
    shared.allowance.line(0).await;
    let reason = answer(&shared, request, &mut respond).await;
    if reason == Closed::WriteDeadline {
        // Where the answer had not begun; a stream that had is reset already.
        respond.send_reset(Reason::CANCEL);
    }
    open.reason = reason;
}

async fn answer(
    shared: &Shared,
    request: Request<RecvStream>,
    respond: &mut SendResponse<Bytes>,
) -> Closed {
    let Shared { state, turns, .. } = shared;
    let (mut parts, body) = request.into_parts();
    let is_head = parts.method == Method::HEAD;
    if let Err(refusal) = known(&mut parts) {
        return refuse(refusal, is_head, respond, shared).await;
    }
    // What follows a handshake is the client's side of its socket.
    let (body, receive) = if parts.method == Method::CONNECT {
        (Incoming::None, Some(body))
    } else {
        (Incoming::Http2(body, None), None)
    };
    let mut request = Request::from_parts(parts, body);
    if let Err(refusal) = addressed(&request) {
        return refuse(refusal, is_head, respond, shared).await;
    }
    let answered = async {
        let mut turn = Arc::clone(turns).acquire_owned().await.ok();
        if request.method() == Method::POST {
            // Once the body has come the turn is free: what is published may wait long for the store, and its answer is short.
            turn = turn.and_then(|turn| request.body_mut().hold(turn));
        }
        (routes::answer(state, request).await, turn)
    };
    let (answer, turn) = tokio::select! {
        biased;
        // Whoever resets a stream is not answered. What it publishes is in the log by then or never; where it is on its way to a
        // store, it may be published nevertheless.
        answered = answered => answered,
        _ = poll_fn(|cx| respond.poll_reset(cx)) => return Closed::Client,
    };
    match answer {
        Answer::Reply(reply) => give(reply, is_head, respond, shared).await,
        Answer::Wait(Waiting::LongPoll(parked)) => {
            drop(turn);
            let (reply, _turn) = tokio::select! {
                biased;
                reply = parked.reply(state, turns.acquire()) => reply,
                _ = poll_fn(|cx| respond.poll_reset(cx)) => return Closed::Client,
            };
            give(reply, is_head, respond, shared).await
        }
        Answer::Wait(mut waiting) => {
            drop(turn);
            let headers = waiting.take_head();
            match begin(StatusCode::OK, headers, false, respond) {
                Some(send) => run(waiting, send, receive, shared).await,
                None => Closed::Client,
            }
        }
    }
}

/// Refuses a request that is none.
async fn refuse(
    refusal: Refusal,
    is_head: bool,
    respond: &mut SendResponse<Bytes>,
    shared: &Shared,
) -> Closed {
    let metrics = &shared.state.metrics;
    metrics.answered(Route::Unknown, refusal.status.as_u16());
    match give(refusal.reply(), is_head, respond, shared).await {
        Closed::Finished => Closed::Protocol,
        other => other,
    }
}

/// Lets a transport write its answer on the stream, for as long as it takes.
async fn run(
    waiting: Waiting,
    send: SendStream<Bytes>,
    receive: Option<RecvStream>,
    shared: &Shared,
) -> Closed {
    let socket = Socket::stream(send, receive, Arc::clone(&shared.allowance));
    match waiting.run(socket, &shared.state).await {
        After::Linger(socket, reason) => {
            socket.linger().await;
            reason
        }
        After::NextRequest(_) => Closed::Finished,
        After::Gone(reason) => reason,
    }
}

/// Gives a whole answer.
async fn give(
    reply: Reply,
    is_head: bool,
    respond: &mut SendResponse<Bytes>,
    shared: &Shared,
) -> Closed {
    let (parts, body) = reply.into_parts();
    let mut headers = parts.headers;
    if parts.status != StatusCode::NO_CONTENT {
        headers.insert(header::CONTENT_LENGTH, HeaderValue::from(body.len()));
    }
    let ends = is_head || body.is_empty();
    let finished = match parts.status {
        StatusCode::PAYLOAD_TOO_LARGE => Closed::TooLarge,
        StatusCode::REQUEST_TIMEOUT => Closed::BodyDeadline,
        _ => Closed::Finished,
    };
    let Some(send) = begin(parts.status, headers, ends, respond) else {
        return Closed::Client;
    };
    if ends {
        return finished;
    }
    let mut socket = Socket::answer(send, body.len(), Arc::clone(&shared.allowance));
    let mut out = Outgoing::default();
    // It is the next request that waits for these.
    let turns = body.len() as u64 / GIVEN_PER_TURN;
    shared.allowance.spend(turns);
    shared.allowance.line(turns).await;
    out.push(body);
    match out
        .flush(&mut socket, Patience::of(&shared.state.settings))
        .await
    {
        Ok(()) => finished,
        Err(WriteError::Stalled) => Closed::WriteDeadline,
        Err(WriteError::Gone(_)) => Closed::Client,
    }
}

/// Sends the head of an answer; `None` when the client has left.
fn begin(
    status: StatusCode,
    mut headers: HeaderMap,
    ends: bool,
    respond: &mut SendResponse<Bytes>,
) -> Option<SendStream<Bytes>> {
    // What HTTP/1.1 says of its connection has no place here (RFC 9113, section 8.2.2).
    headers.remove(header::CONNECTION);
    if let Ok(date) = HeaderValue::try_from(date()) {
        headers.insert(header::DATE, date);
    }
    let mut response = Response::new(());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    match respond.send_response(response, ends) {
        Ok(send) => Some(send),
        Err(error) => {
            tracing::debug!(%error, "no answer");
            None
        }
    }
}

/// One stream in the count of open ones, and its end in the count of ends.
struct Open<'a> {
    metrics: &'a Metrics,
    /// A stream that is cut has no other: its connection has ended.
    reason: Closed,
}

impl<'a> Open<'a> {
    fn new(state: &'a State) -> Self {
        state.metrics.streams(1);
        Self {
            metrics: &state.metrics,
            reason: Closed::Client,
        }
    }
}

impl Drop for Open<'_> {
    fn drop(&mut self) {
        self.metrics.streams(-1);
        self.metrics.stream_closed(self.reason);
    }
}
