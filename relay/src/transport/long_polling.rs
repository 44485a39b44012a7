//! Long polling: the answer waits until there is a message, or for as long as was asked.

use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{StatusCode, Version};
use tokio::time::Instant;

use super::reply::{self, Refusal, Reply};
use super::{After, Read, Waiting, batch, earlier, failed};
use crate::log::{Batch, Reader, Wait};
use crate::metrics::{Closed, Route, Transport};
use crate::socket::{GIVEN_PER_TURN, Outgoing, Patience, Socket};
use crate::state::State;

/// The most bytes taken from a client that sends on while its poll waits.
const EARLY: usize = 16 * 1024;

/// What a long poll asks for beside what it reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Terms {
    /// How long to wait for a message; never longer than `--max-wait`.
    pub(crate) wait: Duration,
    /// How long to wait for more once there is one; never past the end of the wait.
    pub(crate) linger: Duration,
    /// Whether the connection may carry another request.
    pub(crate) keep_alive: bool,
}

/// A poll that waits.
#[derive(Debug)]
pub(crate) struct Parked {
    reader: Reader,
    deadline: Instant,
    linger: Duration,
    headers: HeaderMap,
    keep_alive: bool,
}

/// Answers a long poll at once when there is something to say, or parks it.
pub(crate) async fn begin(
    state: &State,
    read: Read,
    terms: Terms,
) -> Result<Result<Reply, Waiting>, Refusal> {
    let mut reader = state.log.open(&read.channel, read.start)?;
    reader.pick(read.pick);
    let wait = terms.wait.min(state.settings.max_wait);
    let at_once = wait.is_zero() || state.stop.is_cancelled();
    // Whoever lingers waits also when there is something to say.
    if at_once || terms.linger.is_zero() {
        let batch = reader
            .next(Wait::No)
            .await
            .unwrap_or_else(|| reader.nothing());
        if at_once || !batch.is_empty() {
            let reply = batch::reply(&state.metrics, Transport::LongPolling, &batch);
            return Ok(Ok(reply));
        }
    }
    // A client of HTTP/1.0 closes after one answer unless told otherwise: it is not.
    let keep_alive = terms.keep_alive && read.version == Version::HTTP_11;
    Ok(Err(Waiting::LongPoll(Parked {
        reader,
        // An answer without news is no harm; the next request is told that the token has ended.
        deadline: earlier(Instant::now() + wait, read.pass.until()),
        linger: terms.linger,
        headers: read.headers,
        keep_alive,
    })))
}

impl Parked {
    /// Waits and gives the whole answer, for a request that has a stream of its own. The answer is made in its `turn`,
    /// which is given with it.
    pub(crate) async fn reply<T>(
        mut self,
        state: &State,
        turn: impl Future<Output = T>,
    ) -> (Reply, T) {
        let batch = {
            let _counted = state.subscribed(Transport::LongPolling);
            news(&mut self.reader, self.deadline, self.linger).await
        };
        let batch = batch.unwrap_or_else(|| self.reader.nothing());
        let turn = turn.await;
        (self.counted(state, &batch), turn)
    }

    pub(super) async fn run(mut self, mut socket: Socket, state: &State) -> After {
        let mut early = Vec::new();
        let batch = {
            let _counted = state.subscribed(Transport::LongPolling);
            tokio::select! {
                biased;
                // Cancel-safe: a reader moves only when it returns, `read_on` loses no byte.
                batch = news(&mut self.reader, self.deadline, self.linger) => batch,
                () = read_on(&mut socket, &mut early) => return After::Gone(Closed::Client),
            }
        };
        let batch = batch.unwrap_or_else(|| {
            // The log is closed: the relay shuts down.
            self.keep_alive = false;
            self.reader.nothing()
        });
        let mut out = Outgoing::default();
        let mut turns = 0;
        for part in self.answer(state, &batch) {
            turns += part.len() as u64 / GIVEN_PER_TURN;
            out.push(part);
        }
        drop(batch);
        if turns > 0 {
            // It is the next request that waits for these.
            socket.allowance().spend(turns);
            Box::pin(socket.allowance().line(turns)).await;
        }
        if let Err(error) = out.flush(&mut socket, Patience::of(&state.settings)).await {
            return failed(&error);
        }
        if self.keep_alive {
            socket.put_back(&early);
            After::NextRequest(socket)
        } else {
            After::Linger(
                socket,
                if state.stop.is_cancelled() {
                    Closed::Shutdown
                } else {
                    Closed::Finished
                },
            )
        }
    }

    /// Writes the answer as hyper would have written it.
    fn answer(&self, state: &State, batch: &Batch) -> [Bytes; 2] {
        let mut reply = self.counted(state, batch);
        let status = reply.status();
        if !self.keep_alive {
            let close = HeaderValue::from_static("close");
            reply.headers_mut().insert(header::CONNECTION, close);
        }
        let length = (status != StatusCode::NO_CONTENT).then_some(reply.body().len());
        let head = reply::head(status, reply.headers(), length);
        [head.into(), reply.into_body()]
    }

    /// Makes the answer and counts it.
    fn counted(&self, state: &State, batch: &Batch) -> Reply {
        let mut reply = batch::reply(&state.metrics, Transport::LongPolling, batch);
        state
            .metrics
            .answered(Route::Read(Transport::LongPolling), reply.status().as_u16());
        reply.headers_mut().extend(self.headers.clone());
        reply
    }
}

/// Waits for what the poll is to bring; `None` when the log is closed.
async fn news(reader: &mut Reader, deadline: Instant, linger: Duration) -> Option<Batch> {
    if linger.is_zero() {
        reader.next(Wait::UpTo(deadline)).await
    } else {
        // Boxed: a poll that does not linger is not to carry its room while it waits.
        Box::pin(reader.gather(deadline, linger)).await
    }
}

/// Reads on while the poll waits; it returns when the client is gone.
async fn read_on(socket: &mut Socket, early: &mut Vec<u8>) {
    while early.len() < EARLY {
        match socket.read(|bytes| early.extend_from_slice(bytes)).await {
            Ok(0) | Err(_) => return,
            Ok(_) => {}
        }
    }
    // Enough: the client's further bytes wait in the kernel, as for any busy server.
    std::future::pending().await
}
