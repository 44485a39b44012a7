//! A channel's addresses: publish, and read by each transport.

use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap};
use http::{Method, Request, StatusCode, Version};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::{Body, Incoming};
use tokio::time::timeout;

use super::query::{Query, decode};
use super::{Answer, Asked, Leaf, preflight, wrong_method};
use crate::access::Origin;
use crate::log::{Pick, Start};
use crate::message::{ChannelName, NameError, PayloadError};
use crate::publish::{PublishError, publish};
use crate::state::State;
use crate::transport::reply::{Refusal, Reply, json};
use crate::transport::{Read, long_polling, polling, sse, streaming, websocket};
use crate::units::duration;

/// Answers a request to a channel's address.
pub(super) async fn answer(
    state: &State,
    request: Request<Incoming>,
    asked: &Asked<'_>,
) -> Result<Answer, Refusal> {
    let foreign = *asked.origin == Origin::Foreign;
    let channel = || {
        decode(asked.name)
            .ok_or(NameError)
            .and_then(|name| ChannelName::parse(&name))
    };
    match (request.method(), asked.leaf) {
        (&Method::OPTIONS, _) if foreign => Err(not_allowed()),
        (&Method::OPTIONS, _) => Ok(Answer::Reply(preflight())),
        (&Method::POST, Leaf::Messages) if foreign => Err(not_allowed()),
        (&Method::POST, Leaf::Messages) => receive(state, request, &channel()?)
            .await
            .map(Answer::Reply),
        // Browsers let any page open a WebSocket anywhere: the list is all that stands in between.
        (&Method::GET, Leaf::Socket) if foreign => Err(not_allowed()),
        (&Method::GET, _) => read(state, &request, channel()?, asked).await,
        (_, Leaf::Messages) => Err(wrong_method("GET, POST, OPTIONS")),
        (_, _) => Err(wrong_method("GET, OPTIONS")),
    }
}

pub(super) fn not_allowed() -> Refusal {
    let message = "this origin may not use the relay; the operator allows one with --allow-origin";
    Refusal::new(StatusCode::FORBIDDEN, "origin_not_allowed", &message)
}

/// Publishes the body of a request.
async fn receive(
    state: &State,
    request: Request<Incoming>,
    channel: &ChannelName,
) -> Result<Reply, Refusal> {
    if !is_json(request.headers()) {
        let message = "a message is published with Content-Type: application/json";
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not_json",
            &message,
        ));
    }
    let raw = body(state, request.into_body()).await?;
    let position = publish(state, channel, &raw).await?;
    Ok(json(
        StatusCode::CREATED,
        format!(r#"{{"position":"{position}"}}"#),
    ))
}

/// Reads a body within the limits of size and time.
async fn body(state: &State, body: Incoming) -> Result<Bytes, Refusal> {
    let limit = state.settings.max_body;
    // Whoever sends more has nothing to say to the rest of the connection either.
    let too_large = || {
        Refusal::from(PublishError::from(PayloadError::TooLarge { limit }))
            .with(header::CONNECTION, "close")
    };
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    match timeout(
        state.settings.body_deadline,
        Limited::new(body, limit).collect(),
    )
    .await
    {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(error)) => Err(Refusal::new(StatusCode::BAD_REQUEST, "bad_body", &error)),
        Err(_) => {
            let refusal = Refusal::new(
                StatusCode::REQUEST_TIMEOUT,
                "body_deadline",
                "the body did not arrive in time",
            );
            Err(refusal.with(header::CONNECTION, "close"))
        }
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    kind.split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .eq_ignore_ascii_case("application/json")
}

/// Reads a channel by the transport that the address stands for.
async fn read(
    state: &State,
    request: &Request<Incoming>,
    channel: ChannelName,
    asked: &Asked<'_>,
) -> Result<Answer, Refusal> {
    let (leaf, query) = (asked.leaf, asked.query);
    // A connection that is taken over would find the body where it expects the next request.
    if !request.body().is_end_stream() {
        return Err(Refusal::new(
            StatusCode::BAD_REQUEST,
            "unexpected_body",
            "a request that reads has no body",
        ));
    }
    let start = start(request.headers(), leaf, query)?;
    let mut headers = HeaderMap::new();
    state.origins.mark(asked.origin, &mut headers);
    let read = Read {
        channel,
        start,
        pick: pick(query)?,
        headers,
        version: request.version(),
    };
    match (leaf, &query.wait) {
        (Leaf::Messages, None) => polling::answer(state, &read).await.map(Answer::Reply),
        (Leaf::Messages, Some(wait)) => {
            let terms = long_polling::Terms {
                wait: duration(wait)?,
                linger: linger(query)?,
                keep_alive: keeps_alive(request),
            };
            match long_polling::begin(state, read, terms).await? {
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

/// Finds where to read from. What a browser resumes from wins over what its page asked for first.
fn start(headers: &HeaderMap, leaf: Leaf, query: &Query) -> Result<Start, Refusal> {
    let resumed = headers
        .get("last-event-id")
        .filter(|id| leaf == Leaf::Events && !id.is_empty());
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
