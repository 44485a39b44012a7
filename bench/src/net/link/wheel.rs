//! The clockwork of a thread's emulated links: one kernel timer for all of them.
//!
//! The executor's own timers are late by up to two milliseconds, which every request would carry to the
//! server; a timerfd is late by some 30 µs, and by what the thread has to do before it looks.

use std::cell::{Cell, RefCell};
use std::cmp::{Ordering, Reverse};
use std::collections::BinaryHeap;
use std::future::poll_fn;
use std::io;
use std::os::fd::OwnedFd;
use std::rc::{Rc, Weak};
use std::task::{Poll, Waker, ready};

use rustix::time::{
    Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, timerfd_create,
    timerfd_settime,
};

use crate::clock::Moment;
use crate::reactor::Watched;

const SECOND: u64 = 1_000_000_000;

/// What wants to be told that an instant has come.
pub(super) trait Timed {
    /// It is `now`, and the instant that it asked for has passed.
    fn ring(self: Rc<Self>, now: Moment);
}

/// An instant that something waits for; those that are gone are passed over.
struct Entry {
    at: Moment,
    who: Weak<dyn Timed>,
}

impl PartialEq for Entry {
    fn eq(&self, other: &Self) -> bool {
        self.at == other.at
    }
}

impl Eq for Entry {}

impl PartialOrd for Entry {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Entry {
    fn cmp(&self, other: &Self) -> Ordering {
        self.at.cmp(&other.at)
    }
}

/// Tells the links of one thread when what they hold back is due.
pub struct Wheel {
    timer: Watched<OwnedFd>,
    /// When the timer goes off; the end of time while it does not.
    armed: Cell<Moment>,
    entries: RefCell<BinaryHeap<Reverse<Entry>>>,
}

impl std::fmt::Debug for Wheel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let waiting = self.entries.borrow().len();
        f.debug_struct("Wheel").field("waiting", &waiting).finish()
    }
}

impl Wheel {
    /// A wheel that nobody waits for yet.
    ///
    /// # Errors
    /// When the kernel gives no timer.
    ///
    /// # Panics
    /// Outside an executor.
    pub fn new() -> io::Result<Rc<Self>> {
        let flags = TimerfdFlags::NONBLOCK | TimerfdFlags::CLOEXEC;
        let timer = timerfd_create(TimerfdClockId::Monotonic, flags)?;
        Ok(Rc::new(Self {
            timer: Watched::new(timer)?,
            armed: Cell::new(Moment(u64::MAX)),
            entries: RefCell::default(),
        }))
    }

    /// Rings whom it is time for, until dropped; somebody has to wait on it. Ends only by an
    /// error, which it gives. Cancel-safe.
    pub async fn turn(&self) -> io::Error {
        poll_fn(|context| {
            loop {
                ready!(self.timer.poll_readable(context));
                // How often it went off is of no interest, only that it may go off again.
                let _ = rustix::io::read(self.timer.get_ref(), &mut [0; 8]);
                self.timer.not_readable();
                // Whoever is rung may ask for more: the timer is set once, afterwards.
                self.armed.set(Moment(0));
                let next = self.ring();
                self.armed.set(Moment(u64::MAX));
                if let Some(Err(error)) = next.map(|at| self.arm(at)) {
                    return Poll::Ready(error);
                }
            }
        })
        .await
    }

    /// Waits until an instant.
    pub(super) async fn until(&self, at: Moment) -> io::Result<()> {
        let alarm = Rc::new(Alarm::default());
        self.call(at, &(Rc::clone(&alarm) as Rc<dyn Timed>))?;
        poll_fn(|context| {
            if alarm.rung.get() {
                return Poll::Ready(());
            }
            alarm.waker.replace(Some(context.waker().clone()));
            Poll::Pending
        })
        .await;
        Ok(())
    }

    /// Rings `who` once, at an instant or soon after.
    pub(super) fn call(&self, at: Moment, who: &Rc<dyn Timed>) -> io::Result<()> {
        let who = Rc::downgrade(who);
        self.entries.borrow_mut().push(Reverse(Entry { at, who }));
        self.arm(at)
    }

    /// Rings whom it is time for; gives the next instant that somebody waits for.
    fn ring(&self) -> Option<Moment> {
        loop {
            let now = Moment::now();
            let next = {
                let mut entries = self.entries.borrow_mut();
                let first = entries.peek()?.0.at;
                if first > now {
                    return Some(first);
                }
                entries.pop()
            };
            if let Some(who) = next.and_then(|Reverse(entry)| entry.who.upgrade()) {
                who.ring(now);
            }
        }
    }

    /// Has the timer go off at an instant, unless it does so sooner.
    fn arm(&self, at: Moment) -> io::Result<()> {
        if at >= self.armed.get() {
            return Ok(());
        }
        // All zeroes would disarm it.
        let nanos = at.0.max(1);
        let spec = |nanos: u64| Timespec {
            tv_sec: (nanos / SECOND).cast_signed(),
            tv_nsec: (nanos % SECOND).cast_signed(),
        };
        let at_once = Itimerspec {
            it_interval: spec(0),
            it_value: spec(nanos),
        };
        timerfd_settime(self.timer.get_ref(), TimerfdTimerFlags::ABSTIME, &at_once)?;
        self.armed.set(at);
        Ok(())
    }
}

/// A sleeper.
#[derive(Default)]
struct Alarm {
    rung: Cell<bool>,
    waker: RefCell<Option<Waker>>,
}

impl Timed for Alarm {
    fn ring(self: Rc<Self>, _: Moment) {
        self.rung.set(true);
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}
