//! The part of a connection that hyper serves.

use std::convert::Infallible;
use std::future::{Future, pending, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode};
use http_body_util::Full;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::time::{Instant, Sleep, sleep_until};

use super::progress::{Look, Progress, Stage};
use super::strict::{Strict, Violation, addressed};
use super::{Ended, Guest, say};
use crate::metrics::{Closed, Route};
use crate::routes::{self, Answer, Incoming};
use crate::socket::{GIVEN_PER_TURN, Pace, Patience, Socket};
use crate::state::State;
use crate::transport::reply::Refusal;

/// The largest head of a request.
const HEAD: usize = 16 * 1024;

/// Longer than anybody waits for a turn.
const FAR: Duration = Duration::from_secs(24 * 60 * 60);

/// Why hyper's part is over.
enum Event {
    Finished(hyper::Result<()>),
    Waiting(crate::transport::Waiting),
    Late(Stage),
    Malformed(Violation),
}

/// Serves requests until one waits or the connection ends.
pub(super) async fn serve(socket: Socket, state: &Arc<State>, guest: Guest) -> Ended {
    let progress = Arc::new(Progress::new(Arc::clone(socket.allowance())));
    let service = {
        let (state, progress) = (Arc::clone(state), Arc::clone(&progress));
        service_fn(move |request| {
            progress.request_begun();
            Box::pin(respond(
                Arc::clone(&state),
                Arc::clone(&progress),
                guest,
                request,
            ))
        })
    };
    let io = TokioIo::new(Strict::new(socket, Arc::clone(&progress)));
    let mut connection = http1::Builder::new()
        .max_buf_size(HEAD)
        // A client may end its side after its last request; the answer is still owed to it.
        .half_close(true)
        .keep_alive(!matches!(guest, Guest::TurnedAway(_)))
        .serve_connection(io, service);
    let mut deadline = Deadline::new(state, guest);
    let mut timer = pin!(sleep_until(deadline.at));
    let mut stop = pin!(state.stop.cancelled());
    let mut stopping = false;
    let event = poll_fn(|cx| {
        if !stopping && stop.as_mut().poll(cx).is_ready() {
            stopping = true;
            Pin::new(&mut connection).graceful_shutdown();
        }
        if let Poll::Ready(result) = connection.poll_without_shutdown(cx) {
            return Poll::Ready(Event::Finished(result));
        }
        let (stage, steps) = match progress.look() {
            Look::Waiting(waiting) => return Poll::Ready(Event::Waiting(waiting)),
            Look::Malformed(violation) => return Poll::Ready(Event::Malformed(violation)),
            Look::Stage(stage, steps) => (stage, steps),
        };
        deadline
            .poll((stage, steps), &progress, state, timer.as_mut(), cx)
            .map(Event::Late)
    })
    .await;
    let parts = connection.into_parts();
    let mut socket = parts.io.into_inner().into_socket();
    match event {
        Event::Waiting(waiting) => {
            socket.put_back(&parts.read_buf);
            Ended::Wait(waiting, socket)
        }
        Event::Finished(result) => finished(socket, &progress, &result, stopping),
        Event::Malformed(violation) => malformed(socket, state, violation).await,
        Event::Late(stage) => late(socket, state, stage, guest).await,
    }
}

/// Answers one request, or leaves it where the connection finds it and never returns.
async fn respond(
    state: Arc<State>,
    progress: Arc<Progress>,
    guest: Guest,
    request: Request<hyper::body::Incoming>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let turn = state.spend(&progress.allowance, 1);
    if turn.is_some() || progress.allowance.hurries() {
        // Nothing is read meanwhile: what it sends on waits with it.
        progress.paced(true);
        state.wait(turn).await;
        progress.allowance.line(0).await;
        progress.paced(false);
    }
    if let Err(refusal) = addressed(&request) {
        state
            .metrics
            .answered(Route::Unknown, refusal.status.as_u16());
        progress.request_answered(Some(Closed::Protocol));
        return Ok(refusal.reply().map(Full::new));
    }
    let request = request.map(Incoming::Http1);
    let answer = match guest {
        Guest::TurnedAway(full) => routes::turn_away(&state, &request, full),
        Guest::New | Guest::Again => routes::answer(&state, request).await,
    };
    let given = match &answer {
        Answer::Reply(reply) => reply.body().len() as u64 / GIVEN_PER_TURN,
        Answer::Wait(_) => 0,
    };
    // It is the next request that waits for these.
    let turns = progress.turns_of_bytes() + given;
    progress.allowance.spend(turns);
    if turns > 0 {
        progress.allowance.line(turns).await;
    }
    match answer {
        Answer::Reply(reply) => {
            progress.request_answered(match reply.status() {
                StatusCode::PAYLOAD_TOO_LARGE => Some(Closed::TooLarge),
                StatusCode::REQUEST_TIMEOUT => Some(Closed::BodyDeadline),
                _ => None,
            });
            Ok(reply.map(Full::new))
        }
        Answer::Wait(waiting) => {
            progress.park(waiting);
            pending().await
        }
    }
}

fn finished(
    socket: Socket,
    progress: &Progress,
    result: &hyper::Result<()>,
    stopping: bool,
) -> Ended {
    let reason = match result {
        _ if stopping => Closed::Shutdown,
        Ok(()) => progress.closing().unwrap_or(Closed::Finished),
        Err(error) => {
            tracing::debug!(%error, "connection failed");
            if error.is_parse() {
                Closed::Protocol
            } else {
                Closed::Client
            }
        }
    };
    if reason == Closed::Client || progress.ended() {
        Ended::Gone(reason)
    } else {
        Ended::Linger(socket, reason)
    }
}

async fn late(socket: Socket, state: &State, stage: Stage, guest: Guest) -> Ended {
    match stage {
        Stage::Writing => Ended::Gone(Closed::WriteDeadline),
        Stage::Head => {
            let refusal = Refusal::new(
                StatusCode::REQUEST_TIMEOUT,
                "header_deadline",
                "the request did not arrive in time",
            );
            say(socket, refusal, Patience::of(&state.settings)).await;
            Ended::Gone(Closed::HeaderDeadline)
        }
        Stage::Idle | Stage::Paced | Stage::Answering if guest == Guest::New => {
            Ended::Gone(Closed::HeaderDeadline)
        }
        Stage::Idle | Stage::Paced | Stage::Answering => Ended::Gone(Closed::Finished),
    }
}

/// Answers a head that hyper was not shown the end of.
async fn malformed(socket: Socket, state: &State, violation: Violation) -> Ended {
    let status = match violation {
        Violation::Coding => StatusCode::NOT_IMPLEMENTED,
        _ => StatusCode::BAD_REQUEST,
    };
    state.metrics.answered(Route::Unknown, status.as_u16());
    let refusal = Refusal::new(status, "bad_request", &violation);
    say(socket, refusal, Patience::of(&state.settings)).await;
    Ended::Gone(Closed::Protocol)
}

/// The one deadline of a connection: which it is depends on the stage.
struct Deadline {
    at: Instant,
    stage: Stage,
    steps: u64,
    /// How long a client that has sent nothing yet may stay silent.
    silence: Duration,
    /// The end of a new connection's first head: silence before it counts too.
    first_head: Option<Instant>,
    /// While the client is to take what was written: how many bytes it had taken when last seen, and
    /// what time it has left.
    writing: Option<(u64, Pace)>,
}

impl Deadline {
    fn new(state: &State, guest: Guest) -> Self {
        let silence = match guest {
            Guest::New | Guest::TurnedAway(_) => state.settings.header_deadline,
            Guest::Again => state.settings.keep_alive,
        };
        let at = Instant::now() + silence;
        Self {
            at,
            stage: Stage::Idle,
            steps: 0,
            silence,
            first_head: (guest == Guest::New).then_some(at),
            writing: None,
        }
    }

    /// Is ready with the stage that took too long.
    ///
    /// A request moves only the instant, not the timer: that is set anew when it fires early.
    fn poll(
        &mut self,
        (stage, steps): (Stage, u64),
        progress: &Progress,
        state: &State,
        mut timer: Pin<&mut Sleep>,
        cx: &mut Context<'_>,
    ) -> Poll<Stage> {
        if stage == Stage::Writing {
            (self.stage, self.steps) = (stage, steps);
            self.at = self.taken_by(progress, state);
        } else if (stage, steps) != (self.stage, self.steps) {
            (self.stage, self.steps) = (stage, steps);
            self.writing = None;
            self.at = self.due(state);
        }
        if self.at < timer.deadline() {
            timer.as_mut().reset(self.at);
        }
        while timer.as_mut().poll(cx).is_ready() {
            if Instant::now() >= self.at {
                return Poll::Ready(self.stage);
            }
            timer.as_mut().reset(self.at);
        }
        Poll::Pending
    }

    fn due(&self, state: &State) -> Instant {
        let settings = &state.settings;
        if let (Stage::Head, 0, Some(at)) = (self.stage, self.steps, self.first_head) {
            return at;
        }
        let allowed = match self.stage {
            Stage::Idle if self.steps == 0 => self.silence,
            Stage::Idle => settings.keep_alive,
            Stage::Head => settings.header_deadline,
            Stage::Paced => FAR,
            // A body has its own deadline, and so has the store that is published to.
            Stage::Answering | Stage::Writing => {
                settings.body_deadline + settings.header_deadline + settings.store.patience()
            }
        };
        Instant::now() + allowed
    }

    /// Gives the instant by which the client must take more of what was written.
    fn taken_by(&mut self, progress: &Progress, state: &State) -> Instant {
        let written = progress.written();
        let begin = || (written, Patience::of(&state.settings).begin());
        let (seen, pace) = self.writing.get_or_insert_with(begin);
        if written > *seen {
            pace.took((written - *seen) as usize);
            *seen = written;
        }
        pace.deadline()
    }
}
