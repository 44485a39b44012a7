//! A connection of HTTP/2: many requests at once, each on a stream and in a task of its own.
//!
//! It stands on `h2`, which is what hyper's HTTP/2 stands on too. hyper asks for the next piece of a body when
//! the client has room for it, and so cannot tell for how long there has been none; here the transports
//! write to a stream as they write to a connection, with the same deadline.

mod block;
mod brake;
#[cfg(any(test, fuzzing))]
pub(crate) mod fuzzing;
mod pace;
mod request;
mod stream;

use std::future::{Future, poll_fn};
use std::pin::pin;
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use h2::Reason;
use h2::server::{Builder, Connection};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::timeout;

use super::progress::Progress;
use super::watched::Watched;
use crate::metrics::Closed;
use crate::socket::{Socket, UNSENT};
use crate::state::State;
use brake::Brake;
use pace::Pace;
use stream::Shared;

/// The largest head of a request, as for HTTP/1.1.
const HEAD: u32 = 16 * 1024;
/// Bodies that come and whole answers that go which one connection may have in memory at once; others wait for their turn.
const TURNS: usize = 4;

/// Why its turn is over.
enum Event {
    Ended(Result<(), h2::Error>),
    /// It has been busy with the same for too long.
    Late(Closed),
}

/// Serves streams until the connection ends, and says why it did. None of its tasks outlives it.
pub(super) async fn serve(socket: Socket, state: &Arc<State>) -> Closed {
    let progress = Arc::new(Progress::new(Arc::clone(socket.allowance())));
    let io = Watched {
        socket,
        progress: Arc::clone(&progress),
    };
    converse(io, &progress, state).await
}

/// Serves streams over whatever carries them; `progress` is told what passes there.
async fn converse(
    io: impl AsyncRead + AsyncWrite + Unpin,
    progress: &Progress,
    state: &Arc<State>,
) -> Closed {
    let allowance = &progress.allowance;
    let mut brake = Brake::default();
    let io = brake.fit(io);
    let begun = builder(state).handshake(io);
    let mut connection: Connection<_, Bytes> = match timeout(
        state.settings.header_deadline,
        state.stop.run_until_cancelled(begun),
    )
    .await
    {
        Ok(Some(Ok(connection))) => connection,
        Ok(Some(Err(error))) => return failed(&error),
        Ok(None) => return Closed::Shutdown,
        Err(_) => return Closed::HeaderDeadline,
    };
    let mut tasks = JoinSet::new();
    let mut pace = Pace::new(&state.settings);
    let shared = Shared {
        state: Arc::clone(state),
        turns: Arc::new(Semaphore::new(TURNS)),
        allowance: Arc::clone(allowance),
    };
    let mut requests = 0;
    let mut stop = pin!(state.stop.cancelled());
    // Why it is being ended: it is told so, and what is open on it may come to its end.
    let mut ending = None;
    loop {
        let event = poll_fn(|cx| {
            if ending.is_none() && stop.as_mut().poll(cx).is_ready() {
                ending = Some(Closed::Shutdown);
                connection.graceful_shutdown();
            }
            while let Poll::Ready(Some(ended)) = tasks.poll_join_next(cx) {
                super::watch_for_panic(ended);
            }
            let crowded = |open: usize| open > state.settings.max_streams;
            brake.release(crowded(tasks.len()), cx);
            // It is this that reads and writes, too.
            while let Poll::Ready(accepted) = pin!(connection.accept()).poll(cx) {
                match accepted {
                    Some(Ok((request, respond))) => {
                        requests += 1;
                        let from = state.spend(allowance, 1);
                        tasks.spawn(stream::serve(shared.clone(), from, request, respond));
                        if crowded(tasks.len()) {
                            brake.pull();
                        }
                    }
                    Some(Err(error)) => return Poll::Ready(Event::Ended(Err(error))),
                    None => return Poll::Ready(Event::Ended(Ok(()))),
                }
            }
            let turns = progress.turns_of_bytes();
            brake.until(state.spend(allowance, turns), cx);
            let busy = pace::Busy {
                writing: progress.writing(),
                streams: !tasks.is_empty(),
                ending: ending.is_some(),
                requests,
            };
            pace.poll(busy, brake.is_unfinished(), cx).map(Event::Late)
        })
        .await;
        match event {
            Event::Ended(result) => {
                return ending.unwrap_or_else(|| match result {
                    Ok(()) if tasks.is_empty() => Closed::Finished,
                    Ok(()) => Closed::Client,
                    Err(error) => failed(&error),
                });
            }
            Event::Late(Closed::WriteDeadline) => return Closed::WriteDeadline,
            Event::Late(reason) => match ending {
                Some(reason) => return reason,
                None => {
                    ending = Some(reason);
                    connection.graceful_shutdown();
                }
            },
        }
    }
}

/// Says how the relay speaks HTTP/2. Floods of resets, settings and CONTINUATION frames are h2's to end.
fn builder(state: &State) -> Builder {
    let mut builder = Builder::new();
    builder
        .max_concurrent_streams(u32::try_from(state.settings.max_streams).unwrap_or(u32::MAX))
        .max_header_list_size(HEAD)
        .max_send_buffer_size(UNSENT)
        .enable_connect_protocol();
    builder
}

fn failed(error: &h2::Error) -> Closed {
    tracing::debug!(%error, "connection failed");
    match error.reason() {
        None | Some(Reason::NO_ERROR) => Closed::Client,
        Some(_) if error.is_remote() => Closed::Client,
        Some(_) => Closed::Protocol,
    }
}
