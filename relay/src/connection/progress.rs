//! How far a connection is, as its pieces see it: hyper, the socket below and the service above.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::strict::Violation;
use crate::access::Allowance;
use crate::metrics::Closed;
use crate::socket::SENT_PER_TURN;
use crate::transport::Waiting;

/// What the connection's owner must know and hyper does not tell.
#[derive(Debug)]
pub(super) struct Progress {
    seen: Mutex<Seen>,
    /// What the client's address may still ask for.
    pub(super) allowance: Arc<Allowance>,
}

#[derive(Debug, Default)]
struct Seen {
    /// Bytes of a request's head have come.
    reading: bool,
    /// A request is being answered.
    answering: bool,
    /// It waits for its turn.
    paced: bool,
    /// Something was written and not flushed: the client does not take it.
    unflushed: bool,
    /// The client has ended its side.
    ended: bool,
    /// Requests begun: while it stands still, so does the connection.
    steps: u64,
    /// Bytes written since the connection began.
    written: u64,
    /// Bytes read that no turn was taken for.
    unpaid: u64,
    /// A request that waits for its connection.
    waiting: Option<Waiting>,
    /// Why the last answer closes the connection.
    closing: Option<Closed>,
    /// What is wrong with the head that is coming.
    malformed: Option<Violation>,
}

/// What a connection is busy with; each stage has its own deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    /// Nothing: the client may send a request.
    Idle,
    /// A request's head is coming.
    Head,
    /// A request waits for a turn of its address: that has no deadline, as the relay makes it wait.
    Paced,
    /// A request is being answered; a body has its own deadline.
    Answering,
    /// The client is to take what was written.
    Writing,
}

/// What the connection's owner finds.
pub(super) enum Look {
    /// A request waits for its connection.
    Waiting(Waiting),
    /// A head breaks the protocol.
    Malformed(Violation),
    /// What hyper is busy with, and the requests begun.
    Stage(Stage, u64),
}

impl Progress {
    pub(super) fn new(allowance: Arc<Allowance>) -> Self {
        Self {
            seen: Mutex::default(),
            allowance,
        }
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives what takes the connection away from hyper, or else the stage and the steps done so far.
    ///
    /// It is one look, for it is taken whenever the connection is polled.
    pub(super) fn look(&self) -> Look {
        let mut seen = self.seen();
        // Everything before a request that waits is to be flushed, and before a wrong head answered too.
        if !seen.unflushed {
            if let Some(waiting) = seen.waiting.take() {
                return Look::Waiting(waiting);
            }
            if !seen.answering
                && let Some(violation) = seen.malformed.take()
            {
                return Look::Malformed(violation);
            }
        }
        let stage = match *seen {
            Seen {
                unflushed: true, ..
            } => Stage::Writing,
            Seen { paced: true, .. } => Stage::Paced,
            Seen {
                answering: true, ..
            } => Stage::Answering,
            Seen { reading: true, .. } => Stage::Head,
            _ => Stage::Idle,
        };
        Look::Stage(stage, seen.steps)
    }

    /// Gives how many bytes were written in all while the client is to take what was written.
    pub(super) fn writing(&self) -> Option<u64> {
        let seen = self.seen();
        seen.unflushed.then_some(seen.written)
    }

    pub(super) fn bytes_read(&self, count: usize) {
        let mut seen = self.seen();
        seen.ended |= count == 0;
        seen.unpaid += count as u64;
        seen.reading |= count > 0 && !seen.answering;
    }

    /// Notes that something was to be written, of which the client took so many bytes.
    pub(super) fn wrote(&self, bytes: usize) {
        let mut seen = self.seen();
        seen.unflushed = true;
        seen.written += bytes as u64;
    }

    pub(super) fn flushed(&self) {
        self.seen().unflushed = false;
    }

    /// Gives how many bytes were written in all.
    pub(super) fn written(&self) -> u64 {
        self.seen().written
    }

    pub(super) fn request_begun(&self) {
        let mut seen = self.seen();
        (seen.reading, seen.answering) = (false, true);
        seen.steps += 1;
    }

    pub(super) fn request_answered(&self, closing: Option<Closed>) {
        let mut seen = self.seen();
        seen.answering = false;
        seen.closing = closing.or(seen.closing);
    }

    pub(super) fn paced(&self, paced: bool) {
        self.seen().paced = paced;
    }

    /// Gives the turns that the bytes read since the last time cost.
    pub(super) fn turns_of_bytes(&self) -> u64 {
        let mut seen = self.seen();
        let turns = seen.unpaid / SENT_PER_TURN;
        seen.unpaid %= SENT_PER_TURN;
        turns
    }

    pub(super) fn park(&self, waiting: Waiting) {
        self.seen().waiting = Some(waiting);
    }

    /// Notes that the body of the present request breaks the protocol: the answer to it is the last.
    pub(super) fn body_broken(&self) {
        self.seen().closing = Some(Closed::Protocol);
    }

    pub(super) fn malformed(&self, violation: Violation) {
        self.seen().malformed = Some(violation);
    }

    pub(super) fn ended(&self) -> bool {
        self.seen().ended
    }

    pub(super) fn closing(&self) -> Option<Closed> {
        self.seen().closing
    }
}
