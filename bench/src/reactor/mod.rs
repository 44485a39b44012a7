//! The executor of a thread of clients: its tasks, the descriptors that they wait for, and the time.
//!
//! A runtime for everybody finds out whom a readable socket concerns by way of its entry, a waker, a queue and a task,
//! each with locks and counts that another thread might need. Here a descriptor belongs to one task of one thread:
//! when the kernel has something for it, that task is polled, and nothing is woken. Other threads wake tasks by
//! their wakers, as everywhere, so channels between threads work.
//!
//! Timers are as exact as a runtime's: to whole milliseconds, so that thousands of clients do not wake the thread one by one.

mod place;
mod time;
mod wake;

use std::cell::{Cell, RefCell};
use std::future::{Future, poll_fn};
use std::io;
use std::os::fd::OwnedFd;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use rustix::event::epoll;

pub use place::Watched;
use place::{Places, WAKES};
use time::Clockwork;
pub use time::{Sleep, sleep_until, timeout, within};
use wake::{Remote, Signal};

use crate::clock::Moment;

/// The task that `run` was given.
const MAIN: u32 = 0;
/// Events taken from the kernel in one go: timers wait for them to be dealt with, some 2 ms at most.
const EVENTS: usize = 256;
/// How often a task may find its descriptor ready before others have their turn.
const TURNS: u32 = 32;

thread_local! {
    static CURRENT: RefCell<Option<Rc<Reactor>>> = const { RefCell::new(None) };
}

/// What the tasks of a thread wait by.
struct Reactor {
    epoll: OwnedFd,
    remote: Arc<Remote>,
    /// By number. A task that is being polled is not in its place, and one that has ended no more.
    tasks: RefCell<Vec<Option<Task>>>,
    places: RefCell<Places>,
    clockwork: RefCell<Clockwork>,
    /// When the thread last looked at the clock: once a turn.
    now: Cell<Moment>,
    /// The task that is being polled, and what is left of its turns.
    current: Cell<u32>,
    turns: Cell<u32>,
}

struct Task {
    future: Pin<Box<dyn Future<Output = ()>>>,
    signal: Arc<Signal>,
    waker: Waker,
}

/// Runs a future, and the tasks that it spawns for as long as it takes.
///
/// # Errors
/// What the kernel says when there is nothing to wait by.
pub fn run<T>(main: impl Future<Output = T>) -> io::Result<T> {
    let reactor = Rc::new(Reactor::new()?);
    let here = Here::enter(&reactor);
    let result = reactor.drive(pin!(main));
    drop(here);
    result
}

/// Has the executor of this thread run a task, until it ends or [`run`] does.
///
/// # Panics
/// Outside an executor.
pub fn spawn(task: impl Future<Output = ()> + 'static) {
    let reactor = current();
    let number = {
        let mut tasks = reactor.tasks.borrow_mut();
        let number = u32::try_from(tasks.len()).expect("invariant: memory ends before numbers do");
        let signal = Signal::new(number, &reactor.remote);
        tasks.push(Some(Task {
            future: Box::pin(task),
            waker: Waker::from(Arc::clone(&signal)),
            signal,
        }));
        number
    };
    reactor.clockwork.borrow_mut().grow();
    reactor.remote.wake(number);
}

/// Lets the other tasks have a turn.
pub async fn yield_now() {
    let mut first = true;
    poll_fn(|context| {
        if std::mem::take(&mut first) {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        Poll::Ready(())
    })
    .await;
}

fn current() -> Rc<Reactor> {
    let current = CURRENT.with_borrow(Option::clone);
    current.expect("invariant: clients live inside an executor")
}

/// The thread is inside an executor until this is dropped, and its tasks with it.
struct Here<'a>(&'a Rc<Reactor>);

impl<'a> Here<'a> {
    fn enter(reactor: &'a Rc<Reactor>) -> Self {
        let outer = CURRENT.replace(Some(Rc::clone(reactor)));
        assert!(outer.is_none(), "an executor inside another would block it");
        Self(reactor)
    }
}

impl Drop for Here<'_> {
    fn drop(&mut self) {
        // They hold what they wait by, so nobody else would drop them.
        drop(self.0.tasks.take());
        CURRENT.set(None);
    }
}

impl Reactor {
    fn new() -> io::Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let remote = Remote::new()?;
        let data = epoll::EventData::new_u64(WAKES);
        epoll::add(&epoll, remote.event(), data, epoll::EventFlags::IN)?;
        let now = Moment::now();
        Ok(Self {
            epoll,
            remote: Arc::new(remote),
            tasks: RefCell::new(vec![None]),
            places: RefCell::default(),
            clockwork: RefCell::new(Clockwork::new(now)),
            now: Cell::new(now),
            current: Cell::new(MAIN),
            turns: Cell::new(TURNS),
        })
    }

    fn drive<T>(&self, mut main: Pin<&mut impl Future<Output = T>>) -> io::Result<T> {
        let signal = Signal::new(MAIN, &self.remote);
        let waker = Waker::from(Arc::clone(&signal));
        let mut woken = vec![MAIN];
        let mut events = [epoll::Event {
            flags: epoll::EventFlags::empty(),
            data: epoll::EventData::new_u64(0),
        }; EVENTS];
        loop {
            for task in woken.drain(..) {
                if task != MAIN {
                    self.poll(task, true);
                    continue;
                }
                signal.take();
                self.begin(MAIN);
                if let Poll::Ready(result) = main.as_mut().poll(&mut Context::from_waker(&waker)) {
                    return Ok(result);
                }
            }
            self.now.set(Moment::now());
            let pause = self.clockwork.borrow_mut().turn(self.now.get(), &mut woken);
            self.remote.take_woken(&mut woken);
            let pause = if woken.is_empty() {
                pause
            } else {
                time::NO_PAUSE
            };
            let waited = epoll::wait(&self.epoll, &mut events, Some(&pause));
            self.remote.awake();
            let count = match waited {
                Ok(count) => count,
                Err(rustix::io::Errno::INTR) => 0,
                Err(error) => return Err(error.into()),
            };
            for event in &events[..count] {
                let (data, flags) = (event.data.u64(), event.flags);
                if data == WAKES {
                    self.remote.clear();
                    continue;
                }
                let task = self.places.borrow_mut().note(data, flags);
                match task {
                    Some(MAIN) => woken.push(MAIN),
                    Some(task) => self.poll(task, false),
                    None => {}
                }
            }
        }
    }

    /// A task begins to be polled.
    fn begin(&self, task: u32) {
        self.current.set(task);
        self.turns.set(TURNS);
    }

    fn poll(&self, number: u32, woken: bool) {
        let at = number as usize;
        let Some(mut task) = self.tasks.borrow_mut()[at].take() else {
            return;
        };
        if woken {
            task.signal.take();
        }
        self.begin(number);
        let mut context = Context::from_waker(&task.waker);
        if task.future.as_mut().poll(&mut context).is_pending() {
            self.tasks.borrow_mut()[at] = Some(task);
        }
    }
}

#[cfg(test)]
mod tests;
