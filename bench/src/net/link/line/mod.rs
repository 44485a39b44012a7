//! A connection over an emulated link: what the kernel has at once is held back until it is due.

use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::pipe::Pipe;
use super::wheel::{Timed, Wheel};
use crate::clock::Moment;
use crate::kernel;
use crate::net::Received;
use crate::reactor::Watched;

/// How soon a server that takes no more bytes is tried again.
const AGAIN: Duration = Duration::from_millis(2);

/// A connection whose bytes travel over a link in both directions.
///
/// The kernel's stamp is when the server sent, by loopback's few microseconds; the instant of arrival
/// at the client is computed from it. What the client sends reaches the kernel when it has travelled.
#[derive(Debug)]
pub(in crate::net) struct Line {
    io: Watched<TcpStream>,
    wheel: Rc<Wheel>,
    state: RefCell<State>,
    /// The earliest instant that the wheel has been asked for and has not rung.
    called: Cell<Moment>,
}

#[derive(Debug)]
struct State {
    down: Pipe,
    up: Pipe,
    /// How the server ended the stream, once it has.
    ended: Option<Result<(), io::Error>>,
    /// Why nothing more can be sent.
    broken: Option<io::Error>,
    reader: Option<Waker>,
    writer: Option<Waker>,
}

impl State {
    /// The server has closed or reset the connection: the client hears of it last.
    fn end(&mut self, how: io::Result<()>) {
        self.ended = Some(how);
        self.down.end(Moment::now());
    }
}

impl Line {
    pub(super) fn new(io: Watched<TcpStream>, wheel: Rc<Wheel>, down: Pipe, up: Pipe) -> Rc<Self> {
        Rc::new(Self {
            io,
            wheel,
            state: RefCell::new(State {
                down,
                up,
                ended: None,
                broken: None,
                reader: None,
                writer: None,
            }),
            called: Cell::new(Moment(u64::MAX)),
        })
    }

    pub(in crate::net) fn stream(&self) -> &TcpStream {
        self.io.get_ref()
    }

    /// Receives what has arrived over the link, waiting for the first byte.
    pub(in crate::net) fn poll_receive(
        self: &Rc<Self>,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<Received>> {
        let state = &mut *self.state.borrow_mut();
        self.fetch(state, context, buffer);
        if let Some(due) = state.down.due(Moment::now()) {
            let count = due.count.min(buffer.len());
            let (head, tail) = state.down.bytes().as_slices();
            let from_head = count.min(head.len());
            buffer[..from_head].copy_from_slice(&head[..from_head]);
            buffer[from_head..count].copy_from_slice(&tail[..count - from_head]);
            if due.count == 0
                && let Some(Err(error)) = &mut state.ended
            {
                return Poll::Ready(Err(copy(error)));
            }
            // The end stays: whoever asks again is told again.
            if due.count > 0 {
                state.down.take(count, due.arrival);
            }
            return Poll::Ready(Ok(Received {
                count,
                arrival: due.stamped.then_some(due.arrival),
            }));
        }
        state.reader = Some(context.waker().clone());
        match self.call(state) {
            Ok(()) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        }
    }

    /// Puts what the kernel has on its way, as far as there is room.
    fn fetch(&self, state: &mut State, context: &Context<'_>, buffer: &mut [u8]) {
        while state.ended.is_none() && state.down.room() > 0 {
            if self.io.poll_readable(context).is_pending() {
                return;
            }
            let room = state.down.room().min(buffer.len());
            match kernel::receive(self.stream().as_fd(), &mut buffer[..room]) {
                Ok((0, _)) => state.end(Ok(())),
                Ok((count, wall)) => {
                    if count < room {
                        self.io.not_readable();
                    }
                    let at = wall.map_or_else(Moment::now, Moment::from_wall);
                    state.down.send(at, wall.is_some(), &buffer[..count]);
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock => self.io.not_readable(),
                    io::ErrorKind::Interrupted => {}
                    _ => state.end(Err(error)),
                },
            }
        }
    }

    /// Sends what there is room for.
    pub(in crate::net) fn try_send(self: &Rc<Self>, bytes: &[u8]) -> io::Result<usize> {
        let state = &mut *self.state.borrow_mut();
        if let Some(error) = state.broken.as_ref() {
            return Err(copy(error));
        }
        let count = bytes.len().min(state.up.room());
        if count == 0 && !bytes.is_empty() {
            return Err(io::ErrorKind::WouldBlock.into());
        }
        state.up.send(Moment::now(), true, &bytes[..count]);
        // Without any delay it is due already.
        self.flush(state, Moment::now());
        self.call(state)?;
        Ok(count)
    }

    /// Waits until there may be room to send.
    pub(in crate::net) fn poll_writable(&self, context: &mut Context<'_>) -> Poll<()> {
        let state = &mut *self.state.borrow_mut();
        if state.broken.is_some() || state.up.room() > 0 {
            return Poll::Ready(());
        }
        state.writer = Some(context.waker().clone());
        Poll::Pending
    }

    /// Hands to the kernel what has arrived at the server.
    fn flush(&self, state: &mut State, now: Moment) {
        while let Some(due) = state.up.due(now) {
            let (head, _) = state.up.bytes().as_slices();
            let part = due.count.min(head.len());
            match self.stream().write(&head[..part]) {
                Ok(count) => state.up.take(count, due.arrival),
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => {
                    state.broken = Some(error);
                    return;
                }
            }
        }
    }

    /// Asks the wheel for the next instant at which there is something to do.
    fn call(self: &Rc<Self>, state: &State) -> io::Result<()> {
        let now = Moment::now();
        // What is due and still here is what the server takes no more of.
        let up = state.up.next().filter(|_| state.broken.is_none());
        let up = up.map(|at| if at > now { at } else { now + AGAIN });
        let down = state.down.next().filter(|_| state.reader.is_some());
        let next = up.into_iter().chain(down).min();
        match next {
            Some(at) if at < self.called.get() => {
                self.called.set(at);
                self.wheel.call(at, &(Rc::clone(self) as Rc<dyn Timed>))
            }
            _ => Ok(()),
        }
    }
}

impl Timed for Line {
    fn ring(self: Rc<Self>, now: Moment) {
        if now < self.called.get() {
            // A later call took this one's place.
            return;
        }
        self.called.set(Moment(u64::MAX));
        let state = &mut *self.state.borrow_mut();
        self.flush(state, now);
        if state.down.next().is_some_and(|at| at <= now)
            && let Some(waker) = state.reader.take()
        {
            waker.wake();
        }
        if (state.broken.is_some() || state.up.room() > 0)
            && let Some(waker) = state.writer.take()
        {
            waker.wake();
        }
        if let Err(error) = self.call(state) {
            // Without a timer nothing would ever arrive: the session is told.
            state.end(Err(copy(&error)));
            state.broken = Some(error);
            state.reader.take().into_iter().for_each(Waker::wake);
        }
    }
}

/// The same error once more.
fn copy(error: &io::Error) -> io::Error {
    match error.raw_os_error() {
        Some(code) => io::Error::from_raw_os_error(code),
        None => error.kind().into(),
    }
}

#[cfg(test)]
mod tests;
