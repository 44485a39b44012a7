//! Timers of tasks: exact ones, to a millisecond, and limits that hardly ever pass.

use std::collections::BTreeMap;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::task::{Context, Poll};
use std::time::Duration;

use rustix::time::Timespec;

use super::{Reactor, current};
use crate::clock::Moment;

pub(super) const NO_PAUSE: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 0,
};
const MILLI: u64 = 1_000_000;
/// How often limits are looked at, in milliseconds.
const SWEEP: u64 = 250;
const NEVER: u32 = u32::MAX;

/// Who waits for what time.
pub(super) struct Clockwork {
    /// By the millisecond, and in the order of asking.
    timers: BTreeMap<(u64, u64), u32>,
    asked: u64,
    /// For each task the millisecond in which its limit passes. A limit is set anew with each
    /// answer and passes with next to none, so setting one is a single write; who is past it is found by looking at all.
    limits: Vec<u32>,
    /// Milliseconds of limits count from here.
    start: Moment,
    sweep: Moment,
}

impl Clockwork {
    pub(super) fn new(now: Moment) -> Self {
        Self {
            timers: BTreeMap::new(),
            asked: 0,
            limits: vec![NEVER],
            start: now,
            sweep: now,
        }
    }

    /// There is one task more.
    pub(super) fn grow(&mut self) {
        self.limits.push(NEVER);
    }

    /// Adds the tasks whose time has come; gives the time until that of the next one.
    pub(super) fn turn(&mut self, now: Moment, woken: &mut Vec<u32>) -> Timespec {
        while let Some(first) = self.timers.first_entry() {
            if first.key().0.saturating_mul(MILLI) > now.0 {
                break;
            }
            woken.push(first.remove());
        }
        if self.sweep <= now {
            let millis = self.millis(now);
            let over = (0_u32..).zip(&self.limits).filter(|(_, at)| **at <= millis);
            woken.extend(over.map(|(task, _)| task));
            self.sweep = now + Duration::from_millis(SWEEP);
        }
        let first = self
            .timers
            .first_key_value()
            .map(|((at, _), _)| at.saturating_mul(MILLI));
        let next = first.unwrap_or(u64::MAX).min(self.sweep.0);
        // Never longer than until the next sweep.
        let millis = next.saturating_sub(now.0).div_ceil(MILLI).min(SWEEP);
        Timespec {
            tv_sec: 0,
            tv_nsec: (millis * MILLI).cast_signed(),
        }
    }

    /// Timers that have not rung.
    #[cfg(test)]
    pub(super) fn waiting(&self) -> usize {
        self.timers.len()
    }

    /// Milliseconds since the start; below [`NEVER`] for 49 days.
    fn millis(&self, at: Moment) -> u32 {
        let millis = at.0.saturating_sub(self.start.0) / MILLI;
        u32::try_from(millis).unwrap_or(NEVER - 1).min(NEVER - 1)
    }
}

/// Waits for an instant; late by up to two milliseconds.
///
/// # Panics
/// Outside an executor.
#[must_use]
pub fn sleep_until(at: Moment) -> Sleep {
    Sleep {
        reactor: current(),
        milli: at.0.div_ceil(MILLI),
        asked: None,
    }
}

/// A wait for an instant.
pub struct Sleep {
    reactor: Rc<Reactor>,
    milli: u64,
    asked: Option<u64>,
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        let this = self.get_mut();
        if this.milli.saturating_mul(MILLI) <= this.reactor.now.get().0 {
            return Poll::Ready(());
        }
        if this.asked.is_none() {
            let clockwork = &mut *this.reactor.clockwork.borrow_mut();
            clockwork.asked += 1;
            this.asked = Some(clockwork.asked);
            let key = (this.milli, clockwork.asked);
            clockwork.timers.insert(key, this.reactor.current.get());
        }
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        if let Some(asked) = self.asked {
            let clockwork = &mut *self.reactor.clockwork.borrow_mut();
            clockwork.timers.remove(&(self.milli, asked));
        }
    }
}

/// Gives what a future gives, or nothing when it takes longer than `span`.
///
/// # Panics
/// Outside an executor.
pub async fn timeout<F: Future>(span: Duration, future: F) -> Option<F::Output> {
    let (mut future, mut sleep) = (pin!(future), pin!(sleep_until(Moment::now() + span)));
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending => sleep.as_mut().poll(context).map(|()| None),
    })
    .await
}

/// The same where it hardly ever takes so long and does not matter to a second: the limit costs next to nothing, and
/// passes up to half a second late. A task has one of them at a time.
///
/// # Panics
/// Outside an executor.
pub async fn within<F: Future>(span: Duration, future: F) -> Option<F::Output> {
    let (mut future, limit) = (pin!(future), Limit::new(span));
    poll_fn(|context| match future.as_mut().poll(context) {
        Poll::Ready(output) => Poll::Ready(Some(output)),
        Poll::Pending if limit.is_over() => Poll::Ready(None),
        Poll::Pending => Poll::Pending,
    })
    .await
}

/// The limit of a task.
struct Limit {
    reactor: Rc<Reactor>,
    task: usize,
}

impl Limit {
    fn new(span: Duration) -> Self {
        let reactor = current();
        let task = reactor.current.get() as usize;
        // The clock was looked at before the last wait for the kernel, which may have taken as long as this.
        let at = reactor.now.get() + span + Duration::from_millis(SWEEP);
        {
            let clockwork = &mut *reactor.clockwork.borrow_mut();
            clockwork.limits[task] = clockwork.millis(at);
        }
        Self { reactor, task }
    }

    fn is_over(&self) -> bool {
        let clockwork = self.reactor.clockwork.borrow();
        clockwork.limits[self.task] <= clockwork.millis(self.reactor.now.get())
    }
}

impl Drop for Limit {
    fn drop(&mut self) {
        self.reactor.clockwork.borrow_mut().limits[self.task] = NEVER;
    }
}
