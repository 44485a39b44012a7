//! A reader: a cursor over one channel's log, and the only way messages leave it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, timeout_at};

use super::ask::{Pick, Start, Wait};
use super::channel::Channel;
use super::crowd::Seat;
use super::ring::Limit;
use super::run::Run;
use crate::message::{Epoch, Position};

/// Why a reader was not given all that was published after its position.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Missed {
    /// The log has moved on: messages after the position are no longer kept.
    Evicted,
    /// The position is of an earlier life of the log.
    Recreated,
    /// It reads too slowly, and was moved on to the log's head.
    Slow,
}

impl Missed {
    /// Every reason.
    pub const ALL: [Self; 3] = [Self::Evicted, Self::Recreated, Self::Slow];

    /// Gives the reason as clients see it.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Evicted => "evicted",
            Self::Recreated => "recreated",
            Self::Slow => "slow",
        }
    }
}

/// What one read found.
#[derive(Debug)]
pub struct Batch {
    /// The messages, oldest first.
    pub messages: Run,
    /// The position to read on from.
    pub next: Position,
    /// What was lost before the first of them, if anything was.
    pub missed: Option<Missed>,
}

impl Batch {
    /// Tells whether there is nothing to say: no message and no loss.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.messages.is_empty() && self.missed.is_none()
    }
}

/// The position was never given out: it lies beyond the log's head.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the position lies in the future: the log stands at {head}")]
pub struct InFuture {
    /// The log's head.
    pub head: Position,
}

/// A cursor over one channel's log.
///
/// It owns no queue: a slow reader is merely behind, and is told when the log has moved on
/// past it. While it lives, its channel is not removed.
#[derive(Debug)]
pub struct Reader {
    channel: Arc<Channel>,
    seat: Seat,
    /// The log may hold more: false only after a read that reached the head.
    behind: bool,
    /// The life of the log that `after` stands in.
    epoch: Epoch,
    after: u64,
    missed: Option<Missed>,
    /// No message at all means the newest alone: a reader is to stay as small as it can be.
    limit: Limit,
    /// What comes after this is what it may be behind by; nothing, for one without a bound.
    counted_after: u64,
}

impl Reader {
    /// Opens a reader on a channel that is held for it.
    pub(super) fn open(
        channel: Arc<Channel>,
        start: Start,
        limit: Limit,
    ) -> Result<Self, InFuture> {
        let (epoch, head, evicted) = channel.with_ring(|ring, epoch| {
            // What a store has applied is in the ring, so the log is known up to there.
            let head = ring.head().max(channel.sequence.applied());
            (epoch, head, ring.evicted())
        });
        let (after, missed) = match start {
            Start::Earliest => (evicted, None),
            Start::Latest => (head, None),
            Start::After(position) | Start::Unasked(position) if position.epoch != epoch => {
                (evicted, Some(Missed::Recreated))
            }
            Start::After(position) | Start::Unasked(position) => (position.offset, None),
        };
        // From here on the drop of the reader releases the channel, also when it is refused.
        let reader = Self {
            seat: channel.grown.sit(),
            behind: true,
            channel,
            epoch,
            after,
            missed,
            limit,
            counted_after: u64::MAX,
        };
        // What another process was given by the store will come here too.
        let trusted = matches!(start, Start::Unasked(_));
        if !trusted && after > head && after > reader.channel.sequence.known().1 {
            return Err(InFuture {
                head: Position {
                    offset: head,
                    ..reader.position()
                },
            });
        }
        Ok(reader)
    }

    /// Makes every read from now on give only what is wanted, and no more than was wanted before.
    pub fn pick(&mut self, pick: Pick) {
        let most = if pick.newest {
            0
        } else {
            pick.most.unwrap_or(usize::MAX).max(1)
        };
        self.limit.messages = self.limit.messages.min(most);
    }

    fn newest(&self) -> bool {
        self.limit.messages == 0
    }

    /// Bounds how far it may fall behind, by [`LogLimits::behind`](super::LogLimits).
    ///
    /// What is kept by now does not count: whoever reads that is not slow. A reader that is further
    /// behind is moved on to the head and told [`Missed::Slow`].
    pub fn bound_lag(&mut self) {
        self.counted_after = self.channel.with_ring(|ring, _| ring.head());
    }

    /// Gives the position that the next batch follows.
    #[must_use]
    pub fn position(&self) -> Position {
        Position {
            epoch: self.epoch,
            offset: self.after,
        }
    }

    /// Waits for something to read, and reads it; `None` when the log was closed.
    ///
    /// It is cancel-safe: the cursor moves only when a batch is returned.
    pub async fn next(&mut self, wait: Wait) -> Option<Batch> {
        loop {
            if self.behind {
                // Seen before the ring is read: what comes between moves the head once more.
                if self.channel.grown.look(&mut self.seat) {
                    return None;
                }
                let batch = self.read();
                if !batch.is_empty() {
                    return Some(batch);
                }
            }
            if let Wait::No = wait {
                return Some(self.nothing());
            }
            let grown = self.channel.grown.changed(&mut self.seat);
            match wait {
                Wait::No => {}
                Wait::UpTo(deadline) => {
                    if timeout_at(deadline, grown).await.is_err() {
                        return Some(self.nothing());
                    }
                }
                Wait::Forever => grown.await,
            }
            self.behind = true;
        }
    }

    /// Waits for something to read, then up to `linger` for more, and reads it all at once;
    /// `None` when the log was closed.
    ///
    /// A read that is full, by messages or by bytes, waits no longer, and nothing waits past the deadline. Cancel-safe, as
    /// [`Reader::next`] is.
    pub async fn gather(&mut self, deadline: Instant, linger: Duration) -> Option<Batch> {
        let mut end = None;
        loop {
            // Seen before the ring is looked at, as in `next`.
            if self.channel.grown.look(&mut self.seat) {
                return None;
            }
            let (full, any) = self.channel.with_ring(|ring, epoch| {
                let full = !self.newest() && ring.fills(self.after, self.limit);
                (full, self.after < ring.head() || self.epoch != epoch)
            });
            if full {
                break;
            }
            if any || self.missed.is_some() {
                end.get_or_insert_with(|| deadline.min(Instant::now() + linger));
            }
            let until = end.unwrap_or(deadline);
            let grown = self.channel.grown.changed(&mut self.seat);
            if timeout_at(until, grown).await.is_err() {
                break;
            }
        }
        self.behind = true;
        self.next(Wait::No).await
    }

    /// Gives a batch that says nothing but where the reader stands.
    #[must_use]
    pub fn nothing(&self) -> Batch {
        Batch {
            messages: Run::default(),
            next: self.position(),
            missed: None,
        }
    }

    fn read(&mut self) -> Batch {
        let newest = self.newest();
        self.channel.with_ring(|ring, epoch| {
            if epoch != self.epoch {
                // The log's next life: all that is kept of it is news.
                (self.epoch, self.after) = (epoch, ring.evicted());
                self.missed = Some(Missed::Recreated);
                if self.counted_after != u64::MAX {
                    self.counted_after = ring.head();
                }
            }
            let slow = ring.exceeds(self.after.max(self.counted_after), self.channel.behind);
            let messages = if slow {
                Run::default()
            } else if newest {
                ring.newest_after(self.after).into_iter().collect()
            } else {
                ring.after(self.after, self.limit)
            };
            // Who wants only the newest passes over the others, kept or not.
            let lost = (self.after < ring.evicted() && !newest).then_some(Missed::Evicted);
            let lost = slow.then_some(Missed::Slow).or(lost);
            let missed = self.missed.take().or(lost);
            self.after = match messages.last() {
                Some(message) => message.position.offset,
                None if slow => ring.head(),
                // What a store has applied is in the ring: up to there nothing is left to read.
                None => self
                    .after
                    .max(ring.evicted())
                    .max(self.channel.sequence.applied()),
            };
            self.behind = self.after < ring.head();
            let (epoch, offset) = (self.epoch, self.after);
            Batch {
                messages,
                next: Position { epoch, offset },
                missed,
            }
        })
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        self.channel.grown.leave(&self.seat);
        self.channel.release();
    }
}
