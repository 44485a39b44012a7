//! From a request to its answer: which address, which method, who asks.

mod channel;
mod operations;
mod query;

use http::header::{self, HeaderValue};
use http::{Method, Request, StatusCode};
use hyper::body::Incoming;

use crate::access::Origin;
use crate::demo;
use crate::metrics::{Route, Transport};
use crate::state::{Role, State};
use crate::transport::reply::{Refusal, Reply};
use crate::transport::{Waiting, websocket};
use query::Query;

/// What becomes of a request.
#[derive(Debug)]
pub(crate) enum Answer {
    /// It is answered now.
    Reply(Reply),
    /// It waits, and takes its connection over.
    Wait(Waiting),
}

/// What an address stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Target<'a> {
    /// One of a channel's addresses; the name is not checked yet.
    Channel(Leaf, &'a str),
    Health,
    Stats,
    Metrics,
    /// A file of the demo.
    File(&'static demo::File),
    /// Where the demo finds the relay.
    Place,
    /// The bytes of one delivery by each transport.
    Deliveries,
    /// What the relay answers to a page of the copy's origin.
    Answers,
    Nowhere,
}

/// What stands behind `/channels/NAME/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leaf {
    Messages,
    Stream,
    Events,
    Socket,
}

/// A request to a channel's address, taken apart.
#[derive(Debug)]
struct Asked<'a> {
    leaf: Leaf,
    /// As it stands in the address: not decoded, not checked.
    name: &'a str,
    query: &'a Query,
    origin: &'a Origin,
}

/// Answers a request or turns it into a wait, and counts it.
pub(crate) async fn answer(state: &State, request: Request<Incoming>) -> Answer {
    let origin = state.origins.judge(request.headers());
    let path = request.uri().path().to_owned();
    let target = Target::of(&path, state.role);
    let query = Query::parse(request.uri().query());
    let route = target.route(request.method(), query.wait.is_some());
    let result = match target {
        _ if state.role == Role::Echo => websocket::echo(&request).map(Answer::Wait),
        Target::Channel(leaf, name) => {
            let asked = Asked {
                leaf,
                name,
                query: &query,
                origin: &origin,
            };
            channel::answer(state, request, &asked).await
        }
        _ => operation(state, target, &request, &query, &origin)
            .await
            .map(Answer::Reply),
    };
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
    state.origins.mark(&origin, reply.headers_mut());
    state.metrics.answered(route, reply.status().as_u16());
    Answer::Reply(reply)
}

/// Answers what belongs to no channel.
async fn operation(
    state: &State,
    target: Target<'_>,
    request: &Request<Incoming>,
    query: &Query,
    origin: &Origin,
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
            // It publishes, which a foreign page may not do.
            if *origin == Origin::Foreign || demo::is_of_another_page(asked) {
                return Err(channel::not_allowed());
            }
            Box::pin(demo::deliveries(state, asked, query.payload.as_deref())).await
        }
        Target::Answers => Box::pin(demo::answers(state, asked)).await,
        Target::Channel(..) | Target::Nowhere => Err(Refusal::nothing_here()),
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

impl<'a> Target<'a> {
    fn of(path: &'a str, role: Role) -> Self {
        // The copy of the chat page has no channels: its page is to use the relay's.
        let copy = matches!(role, Role::Copy { .. });
        match path.strip_prefix("/channels/") {
            Some(rest) if !copy => return Self::of_channel(rest),
            _ => {}
        }
        match path {
            "/healthz" => Self::Health,
            "/demo.json" => Self::Place,
            "/answers" => Self::Answers,
            "/stats" if !copy => Self::Stats,
            "/metrics" if !copy => Self::Metrics,
            "/explain/deliveries" if !copy => Self::Deliveries,
            _ => demo::find(path, role).map_or(Self::Nowhere, Self::File),
        }
    }

    fn of_channel(rest: &'a str) -> Self {
        let Some((name, leaf)) = rest.rsplit_once('/') else {
            return Self::Nowhere;
        };
        let leaf = match leaf {
            "messages" => Leaf::Messages,
            "stream" => Leaf::Stream,
            "events" => Leaf::Events,
            "socket" => Leaf::Socket,
            _ => return Self::Nowhere,
        };
        Self::Channel(leaf, name)
    }

    fn route(self, method: &Method, waits: bool) -> Route {
        match self {
            Self::Channel(..) if method == Method::OPTIONS => Route::Preflight,
            Self::Channel(Leaf::Messages, _) if method == Method::POST => Route::Publish,
            Self::Channel(Leaf::Messages, _) if waits => Route::Read(Transport::LongPolling),
            Self::Channel(Leaf::Messages, _) => Route::Read(Transport::Polling),
            Self::Channel(Leaf::Stream, _) => Route::Read(Transport::Streaming),
            Self::Channel(Leaf::Events, _) => Route::Read(Transport::Sse),
            Self::Channel(Leaf::Socket, _) => Route::Read(Transport::WebSocket),
            Self::Health => Route::Health,
            Self::Stats => Route::Stats,
            Self::Metrics => Route::Metrics,
            Self::File(_) | Self::Place | Self::Deliveries | Self::Answers => Route::Demo,
            Self::Nowhere => Route::Unknown,
        }
    }
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
