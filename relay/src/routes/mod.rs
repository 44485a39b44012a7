//! From a request to its answer: which address, which method, who asks.

mod body;
mod channel;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod incoming;
mod operations;
mod query;
mod target;
mod tickets;

use http::header::{self, HeaderValue};
use http::{Method, Request, StatusCode};

use crate::access::{Caller, Denied, Full, Origin, Pass};
use crate::demo;
use crate::message::{ChannelName, NameError};
use crate::state::{Role, State};
use crate::transport::probation::lacks_a_token;
use crate::transport::reply::{Refusal, Reply};
use crate::transport::{Waiting, websocket};
pub(crate) use incoming::Incoming;
use query::Query;
use target::{Leaf, Target};

/// What becomes of a request.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It is answered now.
    Reply(Reply),
    /// It waits, and takes its connection over.
    Wait(Waiting),
}

/// A request to a channel's address, taken apart.
#[derive(Debug)]
struct Asked<'a> {
    leaf: Leaf,
    /// Decoded, and checked as to its form.
    channel: Result<ChannelName, NameError>,
    query: &'a Query,
    origin: &'a Origin,
    /// What the request was admitted by.
    pass: Pass,
}

/// Answers a request or turns it into a wait, and counts it.
pub(crate) async fn answer(state: &State, mut request: Request<Incoming>) -> Answer {
    // Apart, so that what waits for a body borrows the head: a task is to carry it once.
    let body = std::mem::replace(request.body_mut(), Incoming::None);
    let request = &request;
    let origin = state.access.origin(request.headers());
    let target = Target::of(request.uri().path(), state.role);
    let query = Query::parse(request.uri().query());
    let route = target.route(request.method(), query.wait.is_some());
    let result = admitted(state, request, body, target, &query, &origin).await;
    let mut reply = match result {
        Ok(Answer::Reply(reply)) => reply,
        Err(refusal) => refusal.reply(),
        Ok(Answer::Wait(waiting)) => {
            // A parked poll is counted when it is answered.
            if let Some(status) = waiting.begun() {
                state.metrics.answered(route, status.as_u16());
            }
            return Answer::Wait(waiting);
        }
    };
    state.access.mark(&origin, reply.headers_mut());
    state.metrics.answered(route, reply.status().as_u16());
    Answer::Reply(reply)
}

/// Answers a client for whom there is no room: a WebSocket in the one way that a page can see, by a close code.
pub(crate) fn turn_away(state: &State, request: &Request<Incoming>, full: Full) -> Answer {
    let target = Target::of(request.uri().path(), state.role);
    let query = Query::parse(request.uri().query());
    let route = target.route(request.method(), query.wait.is_some());
    let refusal = Refusal::from(full);
    if matches!(target, Target::Channel(Leaf::Socket, _))
        && let Ok(waiting) = websocket::turn_away(request, &refusal)
    {
        state
            .metrics
            .answered(route, StatusCode::SWITCHING_PROTOCOLS.as_u16());
        return Answer::Wait(waiting);
    }
    let origin = state.access.origin(request.headers());
    let mut reply = refusal.reply();
    state.access.mark(&origin, reply.headers_mut());
    state.metrics.answered(route, reply.status().as_u16());
    Answer::Reply(reply)
}

/// Answers a request that may be answered; this is the one place where any request is let in.
async fn admitted(
    state: &State,
    request: &Request<Incoming>,
    body: Incoming,
    target: Target<'_>,
    query: &Query,
    origin: &Origin,
) -> Result<Answer, Refusal> {
    let channel = target.channel();
    let wanted = target.wanted(request.method(), channel.as_ref(), query);
    let caller = Caller {
        headers: request.headers(),
        origin,
        // Whatever else reads or publishes can send a token.
        ticket: match target {
            Target::Channel(Leaf::Events | Leaf::Socket, _) => query.ticket.as_deref(),
            _ => None,
        },
    };
    let pass = match state.access.admit(caller, wanted) {
        // A page cannot send a token with a handshake. It may show one in its first frame.
        Err(denied) if lacks_a_token(denied) && is_socket_of_page(target, request) => {
            let channel = channel.ok_or_else(Refusal::nothing_here)??;
            channel::without_body(&body)?;
            return channel::on_probation(state, request, channel, query, origin);
        }
        admitted => admitted?,
    };
    if state.role == Role::Echo {
        return websocket::echo(request).map(Answer::Wait);
    }
    match (target, channel) {
        (Target::Channel(leaf, _), Some(channel)) => {
            let asked = Asked {
                leaf,
                channel,
                query,
                origin,
                pass,
            };
            channel::answer(state, request, body, &asked).await
        }
        // Boxed: a poll's task, which is made anew for each, is not to carry the room of what is rare.
        (Target::Tickets, _) => Box::pin(tickets::answer(state, request, body, &pass, origin))
            .await
            .map(Answer::Reply),
        _ => Box::pin(operation(state, target, request, query))
            .await
            .map(Answer::Reply),
    }
}

/// Tells whether a page opens a WebSocket: only pages name an origin, and other clients can send headers.
fn is_socket_of_page(target: Target<'_>, request: &Request<Incoming>) -> bool {
    matches!(target, Target::Channel(Leaf::Socket, _))
        && (request.method() == Method::GET || request.method() == Method::CONNECT)
        && request.headers().contains_key(header::ORIGIN)
}

/// Answers what belongs to no channel.
async fn operation(
    state: &State,
    target: Target<'_>,
    request: &Request<Incoming>,
    query: &Query,
) -> Result<Reply, Refusal> {
    if target == Target::Nowhere {
        return Err(Refusal::nothing_here());
    }
    if request.method() != Method::GET && request.method() != Method::HEAD {
        return Err(wrong_method("GET, HEAD"));
    }
    let asked = request.headers();
    match target {
        Target::Health => Ok(operations::health(state)),
        Target::Stats => Ok(operations::stats(state)),
        Target::Metrics => Ok(operations::metrics(state)),
        Target::File(file) => Ok(demo::give(file, state, asked)),
        Target::Place => Ok(demo::place(state, asked)),
        // Boxed: a connection's task is not to carry the room of a recording.
        Target::Deliveries => {
            // It publishes, which a page elsewhere may not do by any road, a link to it included.
            if demo::is_of_another_page(asked) {
                return Err(Denied::Origin.into());
            }
            Box::pin(demo::deliveries(state, asked, query.payload.as_deref())).await
        }
        Target::Answers => Box::pin(demo::answers(state, asked)).await,
        Target::Channel(..) | Target::Tickets | Target::Nowhere => Err(Refusal::nothing_here()),
    }
}

fn wrong_method(allowed: &'static str) -> Refusal {
    let message = format!("this address takes {allowed}");
    Refusal::new(
        StatusCode::METHOD_NOT_ALLOWED,
        "method_not_allowed",
        &message,
    )
    .with(header::ALLOW, allowed)
}

/// Gives the answer to a preflight of a listed origin.
fn preflight() -> Reply {
    let mut reply = crate::transport::reply::no_content();
    let fixed = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, "GET, POST"),
        (
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            "Content-Type, Last-Event-ID, Authorization",
        ),
        (header::ACCESS_CONTROL_MAX_AGE, "600"),
    ];
    reply
        .headers_mut()
        .extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
    reply
}
