//! Waking a task from anywhere, other threads included.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Wake;

use rustix::event::{EventfdFlags, eventfd};

/// Tasks that were woken, and the bell that ends the thread's wait for the kernel.
pub(super) struct Remote {
    woken: Mutex<Vec<u32>>,
    asleep: AtomicBool,
    event: OwnedFd,
}

impl Remote {
    pub(super) fn new() -> io::Result<Self> {
        Ok(Self {
            woken: Mutex::default(),
            asleep: AtomicBool::new(false),
            event: eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?,
        })
    }

    pub(super) fn event(&self) -> impl AsFd {
        &self.event
    }

    /// Has a task polled soon.
    pub(super) fn wake(&self, task: u32) {
        self.woken().push(task);
        if self.asleep.swap(false, Ordering::SeqCst) {
            // It fails only when it has been rung four billion times without being heard.
            let _ = rustix::io::write(&self.event, &1_u64.to_ne_bytes());
        }
    }

    /// Adds the tasks that were woken. If there is none, the thread is about to sleep, and the next one rings.
    pub(super) fn take_woken(&self, tasks: &mut Vec<u32>) {
        let mut woken = self.woken();
        tasks.append(&mut woken);
        if tasks.is_empty() {
            self.asleep.store(true, Ordering::SeqCst);
        }
    }

    /// The thread sleeps no more.
    pub(super) fn awake(&self) {
        self.asleep.store(false, Ordering::SeqCst);
    }

    /// The bell has been heard.
    pub(super) fn clear(&self) {
        // How often it was rung is of no interest.
        let _ = rustix::io::read(&self.event, &mut [0; 8]);
    }

    fn woken(&self) -> MutexGuard<'_, Vec<u32>> {
        // Nothing under the lock can leave the list half changed.
        self.woken.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What wakes one task.
pub(super) struct Signal {
    task: u32,
    /// It is in the list already, which is therefore never longer than there are tasks.
    given: AtomicBool,
    remote: Arc<Remote>,
}

impl Signal {
    pub(super) fn new(task: u32, remote: &Arc<Remote>) -> Arc<Self> {
        Arc::new(Self {
            task,
            given: AtomicBool::new(false),
            remote: Arc::clone(remote),
        })
    }

    /// The task is about to be polled because of it: what comes from now on is news.
    pub(super) fn take(&self) {
        self.given.store(false, Ordering::SeqCst);
    }
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if !self.given.swap(true, Ordering::SeqCst) {
            self.remote.wake(self.task);
        }
    }
}
