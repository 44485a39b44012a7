//! A channel's addresses: publish, and read by each transport.

use std::time::Duration;

use http::header::{self, HeaderMap, HeaderName};
use http::{Method, Request, StatusCode, Version};
use hyper::body::Body;

use super::body::json_body;
use super::query::Query;
use super::{Answer, Asked, Incoming, Leaf, preflight, wrong_method};
use crate::access::Origin;
use crate::log::{Pick, Start};
use crate::message::ChannelName;
use crate::publish::publish;
use crate::state::State;
use crate::transport::probation::Probation;
use crate::transport::reply::{Refusal, Reply, json};
use crate::transport::{Read, long_polling, polling, sse, streaming, websocket};
use crate::units::duration;

static LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");

/// Answers a request to a channel's address.
pub(super) async fn answer(
    state: &State,
    request: &Request<Incoming>,
    body: Incoming,
    asked: &Asked<'_>,
) -> Result<Answer, Refusal> {
    match (request.method(), asked.leaf) {
        (&Method::OPTIONS, _) => Ok(Answer::Reply(preflight())),
        (&Method::POST, Leaf::Messages) => {
            let channel = asked.channel.clone()?;
            // Boxed: who reads is not to carry the room of a body.
            Box::pin(receive(state, request.headers(), body, &channel))
                .await
                .map(Answer::Reply)
        }
        (&Method::GET, _) => read(state, request, &body, asked).await,
        // The handshake of HTTP/2.
        (&Method::CONNECT, Leaf::Socket) if request.version() == Version::HTTP_2 => {
            read(state, request, &body, asked).await
        }
        (_, Leaf::Messages) => Err(wrong_method("GET, POST, OPTIONS")),
        (_, _) => Err(wrong_method("GET, OPTIONS")),
    }
}

/// Publishes the body of a request.
async fn receive(
    state: &State,
    headers: &HeaderMap,
    body: Incoming,
    channel: &ChannelName,
) -> Result<Reply, Refusal> {
    let raw = json_body(state, headers, body).await?;
    let position = publish(state, channel, &raw).await?;
    Ok(json(
        StatusCode::CREATED,
        format!(r#"{{"position":"{position}"}}"#),
    ))
}

/// Reads a channel by the transport that the address stands for.
async fn read(
    state: &State,
    request: &Request<Incoming>,
    body: &Incoming,
    asked: &Asked<'_>,
) -> Result<Answer, Refusal> {
    let (leaf, query, channel) = (asked.leaf, asked.query, asked.channel.clone()?);
    without_body(body)?;
    let start = start(request.headers(), leaf, query)?;
    let start = state.log.settle(&channel, start).await;
    let mut headers = HeaderMap::new();
    state.access.mark(asked.origin, &mut headers);
    let read = Read {
        channel,
        start,
        pick: pick(query)?,
        headers,
        version: request.version(),
        pass: asked.pass.clone(),
    };
    match (leaf, &query.wait) {
        (Leaf::Messages, None) => polling::answer(state, &read).await.map(Answer::Reply),
        (Leaf::Messages, Some(wait)) => {
            let terms = long_polling::Terms {
                wait: duration(wait)?,
                linger: linger(query)?,
                keep_alive: keeps_alive(request),
            };
            // Boxed: one that waits leaves this task anyway.
            match Box::pin(long_polling::begin(state, read, terms)).await? {
                Ok(reply) => Ok(Answer::Reply(reply)),
                Err(waiting) => Ok(Answer::Wait(waiting)),
            }
        }
        (Leaf::Stream, _) => streaming::begin(state, read).map(Answer::Wait),
        (Leaf::Events, _) => sse::begin(state, read).map(Answer::Wait),
        (Leaf::Socket, _) => {
            websocket::begin(state, request, read, receives(query)?).map(Answer::Wait)
        }
    }
}

/// Opens a WebSocket for a page that is to show its token in its first frame.
pub(super) fn on_probation(
    state: &State,
    request: &Request<Incoming>,
    channel: ChannelName,
    query: &Query,
    origin: &Origin,
) -> Result<Answer, Refusal> {
    let mut headers = HeaderMap::new();
    state.access.mark(origin, &mut headers);
    let probation = Probation::new(
        channel,
        start(request.headers(), Leaf::Socket, query)?,
        receives(query)?,
        origin.clone(),
        request.headers().get(header::HOST).cloned(),
    );
    websocket::begin_on_probation(request, probation, headers).map(Answer::Wait)
}

/// A connection that is taken over would find a body where it expects the next request.
pub(super) fn without_body(body: &Incoming) -> Result<(), Refusal> {
    if body.is_end_stream() {
        return Ok(());
    }
    let message = "a request that reads has no body";
    Err(bad("unexpected_body", message))
}

/// Finds where to read from. What a browser resumes from wins over what its page asked for first.
fn start(headers: &HeaderMap, leaf: Leaf, query: &Query) -> Result<Start, Refusal> {
    let resumed = (leaf == Leaf::Events)
        .then(|| headers.get(&LAST_EVENT_ID))
        .flatten()
        .filter(|id| !id.is_empty());
    let asked = match resumed {
        Some(id) => Some(id.to_str().unwrap_or_default()),
        None => query.after.as_deref(),
    };
    Ok(asked.map_or(Ok(Start::Latest), str::parse)?)
}

/// Finds what an answer to a poll is to hold.
fn pick(query: &Query) -> Result<Pick, Refusal> {
    let most = match query.limit.as_deref().map(str::parse) {
        None => None,
        Some(Ok(most @ 1_usize..)) => Some(most),
        Some(_) => return Err(bad("bad_limit", "`limit` is a whole number from 1")),
    };
    let newest = match query.latest.as_deref() {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(bad("bad_latest", "`latest` is true or false")),
    };
    Ok(Pick { most, newest })
}

fn linger(query: &Query) -> Result<Duration, Refusal> {
    let asked = query.linger.as_deref().unwrap_or("0s");
    duration(asked).map_err(|error| Refusal::new(StatusCode::BAD_REQUEST, "bad_linger", &error))
}

fn receives(query: &Query) -> Result<bool, Refusal> {
    match query.receive.as_deref() {
        None | Some("true") => Ok(true),
        Some("false") => Ok(false),
        Some(_) => Err(bad("bad_receive", "`receive` is true or false")),
    }
}

fn bad(code: &'static str, message: &'static str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, code, message)
}

/// Tells whether the connection may carry another request after this one.
fn keeps_alive(request: &Request<Incoming>) -> bool {
    let tokens = request
        .headers()
        .get_all(header::CONNECTION)
        .iter()
        .filter_map(|value| value.to_str().ok());
    let close = tokens
        .flat_map(|value| value.split(','))
        .any(|token| token.trim().eq_ignore_ascii_case("close"));
    request.version() == Version::HTTP_11 && !close
}
