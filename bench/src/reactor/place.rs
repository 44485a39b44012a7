//! Descriptors that tasks wait for.

use std::io;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::task::{Context, Poll};

use rustix::event::epoll::{self, EventFlags};

use super::{Reactor, current};

/// The kernel's name for the bell of wakers: no place has it.
pub(super) const WAKES: u64 = u64::MAX;

const READABLE: u8 = 1;
const WRITABLE: u8 = 2;
/// The other side has ended: reading never blocks again, and no event will say so once more.
const ENDED: u8 = 4;

/// What is known of each descriptor.
#[derive(Default)]
pub(super) struct Places {
    places: Vec<Place>,
    free: Vec<u32>,
}

#[derive(Clone, Copy)]
struct Place {
    task: u32,
    /// Tells an event of a descriptor that is closed from those of the one that has its place now.
    turn: u32,
    ready: u8,
}

impl Places {
    /// A place for a descriptor of a task, and the kernel's name for it.
    pub(super) fn take(&mut self, task: u32) -> (u32, u64) {
        let number = self.free.pop().unwrap_or_else(|| {
            let turn = 0;
            self.places.push(Place {
                task,
                turn,
                ready: 0,
            });
            u32::try_from(self.places.len() - 1).expect("invariant: descriptors are fewer")
        });
        let place = &mut self.places[number as usize];
        (place.task, place.ready) = (task, 0);
        // The highest turn is nobody's, so that no name is that of the bell.
        (number, u64::from(place.turn) << 32 | u64::from(number))
    }

    pub(super) fn give_back(&mut self, number: u32) {
        let place = &mut self.places[number as usize];
        place.turn = (place.turn + 1) % u32::MAX;
        self.free.push(number);
    }

    /// Notes what the kernel says; gives the task that it concerns.
    pub(super) fn note(&mut self, name: u64, flags: EventFlags) -> Option<u32> {
        let place = self.places.get_mut((name & u64::from(u32::MAX)) as usize)?;
        if u64::from(place.turn) != name >> 32 {
            return None;
        }
        let broken = flags.intersects(EventFlags::ERR | EventFlags::HUP);
        if broken || flags.contains(EventFlags::RDHUP) {
            place.ready |= READABLE | ENDED;
        }
        if flags.contains(EventFlags::IN) {
            place.ready |= READABLE;
        }
        if broken || flags.contains(EventFlags::OUT) {
            place.ready |= WRITABLE;
        }
        Some(place.task)
    }
}

/// A non-blocking descriptor that the task which made this waits for.
pub struct Watched<T: AsFd> {
    io: T,
    place: u32,
    reactor: Rc<Reactor>,
}

impl<T: AsFd> Watched<T> {
    /// Has the kernel tell what happens to a descriptor; the task that calls this is polled for it.
    ///
    /// # Errors
    /// When the kernel cannot watch it.
    ///
    /// # Panics
    /// Outside an executor.
    pub fn new(io: T) -> io::Result<Self> {
        let reactor = current();
        let (place, name) = reactor.places.borrow_mut().take(reactor.current.get());
        let watched = Self { io, place, reactor };
        // Each change is told once: what was told holds until a call says otherwise.
        let flags = EventFlags::IN | EventFlags::OUT | EventFlags::RDHUP | EventFlags::ET;
        let data = epoll::EventData::new_u64(name);
        epoll::add(&watched.reactor.epoll, watched.io.as_fd(), data, flags)?;
        Ok(watched)
    }

    /// The descriptor.
    pub fn get_ref(&self) -> &T {
        &self.io
    }

    /// Waits until a read may give something.
    pub fn poll_readable(&self, context: &Context<'_>) -> Poll<()> {
        self.poll_ready(READABLE, context)
    }

    /// A read has given all that there was.
    pub fn not_readable(&self) {
        let place = &mut self.reactor.places.borrow_mut().places[self.place as usize];
        if place.ready & ENDED == 0 {
            place.ready &= !READABLE;
        }
    }

    /// Waits until a write may find room.
    pub fn poll_writable(&self, context: &Context<'_>) -> Poll<()> {
        self.poll_ready(WRITABLE, context)
    }

    /// A write has found no room.
    pub fn not_writable(&self) {
        self.reactor.places.borrow_mut().places[self.place as usize].ready &= !WRITABLE;
    }

    fn poll_ready(&self, wanted: u8, context: &Context<'_>) -> Poll<()> {
        let ready = self.reactor.places.borrow().places[self.place as usize].ready;
        if ready & wanted == 0 {
            return Poll::Pending;
        }
        // A socket that always has more must not keep the thread to itself.
        let turns = &self.reactor.turns;
        match turns.get().checked_sub(1) {
            Some(left) => {
                turns.set(left);
                Poll::Ready(())
            }
            None => {
                context.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

impl<T: AsFd> std::fmt::Debug for Watched<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let descriptor = self.io.as_fd();
        f.debug_struct("Watched").field("io", &descriptor).finish()
    }
}

impl<T: AsFd> Drop for Watched<T> {
    fn drop(&mut self) {
        // The kernel forgets a descriptor that is closed, as this one is now.
        self.reactor.places.borrow_mut().give_back(self.place);
    }
}
