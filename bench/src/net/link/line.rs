//! A connection over an emulated link: what the kernel has at once is held back until it is due.

use std::cell::{Cell, RefCell};
use std::io::{self, Write};
use std::net::TcpStream;
use std::os::fd::AsFd;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use tokio::io::unix::AsyncFd;

use super::pipe::Pipe;
use super::wheel::{Timed, Wheel};
use crate::clock::Moment;
use crate::kernel;
use crate::net::Received;

/// How soon a server that takes no more bytes is tried again.
const AGAIN: Duration = Duration::from_millis(2);

/// A connection whose bytes travel over a link in both directions.
///
/// The kernel's stamp is when the server sent, by loopback's few microseconds; the instant of arrival
/// at the client is computed from it. What the client sends reaches the kernel when it has travelled.
#[derive(Debug)]
pub(in crate::net) struct Line {
    io: AsyncFd<TcpStream>,
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
    pub(super) fn new(io: AsyncFd<TcpStream>, wheel: Rc<Wheel>, down: Pipe, up: Pipe) -> Rc<Self> {
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
    fn fetch(&self, state: &mut State, context: &mut Context<'_>, buffer: &mut [u8]) {
        while state.ended.is_none() && state.down.room() > 0 {
            let Poll::Ready(ready) = self.io.poll_read_ready(context) else {
                return;
            };
            let room = state.down.room().min(buffer.len());
            let received = ready.map(|ready| {
                (
                    ready,
                    kernel::receive(self.stream().as_fd(), &mut buffer[..room]),
                )
            });
            match received {
                Ok((_, Ok((0, _)))) => state.end(Ok(())),
                Ok((mut ready, Ok((count, wall)))) => {
                    if count < room {
                        ready.clear_ready();
                    }
                    let at = wall.map_or_else(Moment::now, Moment::from_wall);
                    state.down.send(at, wall.is_some(), &buffer[..count]);
                }
                Ok((mut ready, Err(error))) => match error.kind() {
                    io::ErrorKind::WouldBlock => ready.clear_ready(),
                    io::ErrorKind::Interrupted => {}
                    _ => state.end(Err(error)),
                },
                Err(error) => state.end(Err(error)),
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
mod tests {
    use std::future::poll_fn;
    use std::io::Read;
    use std::net::TcpListener;
    use std::thread;

    use super::*;
    use crate::net::{Over, Socket, Traffic, dial};
    use crate::scenario::Link;

    fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    /// Connects over a link to a server that does `serve`, and does `client` there.
    fn over<T>(
        link: Link,
        serve: impl FnOnce(TcpStream) -> T + Send + 'static,
        client: impl AsyncFnOnce(Socket),
    ) -> T
    where
        T: Send + 'static,
    {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = thread::spawn(move || serve(listener.accept().unwrap().0));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let wheel = Wheel::new().unwrap();
            let over = Over {
                link,
                seed: 1,
                wheel: Rc::clone(&wheel),
            };
            let traffic = Rc::new(Traffic::to(address));
            let story = async {
                client(
                    dial::dial(address, None, traffic, Some(over))
                        .await
                        .unwrap(),
                )
                .await;
            };
            tokio::select! {
                () = story => {}
                error = wheel.turn() => unreachable!("{error}"),
                () = tokio::time::sleep(ms(20_000)) => unreachable!("it hangs"),
            }
        });
        server.join().unwrap()
    }

    fn rtt(millis: u64) -> Link {
        Link {
            rtt: ms(millis),
            ..Link::NONE
        }
    }

    async fn receive(socket: &Socket) -> io::Result<(Vec<u8>, Option<Moment>)> {
        let mut buffer = vec![0; 65_536];
        let received = poll_fn(|context| socket.poll_receive(context, &mut buffer)).await?;
        buffer.truncate(received.count);
        Ok((buffer, received.arrival))
    }

    #[test]
    fn each_way_takes_half_a_round_trip_and_connecting_a_whole_one() {
        let began = Moment::now();
        let (heard, answered) = over(
            rtt(100),
            |mut stream| {
                let mut request = [0; 3];
                stream.read_exact(&mut request).unwrap();
                let heard = Moment::now();
                stream.write_all(&request).unwrap();
                (heard, Moment::now())
            },
            async |socket| {
                assert!(Moment::now() >= began + ms(100));
                let sent = Moment::now();
                socket.send_all(b"abc").await.unwrap();
                let (bytes, arrival) = receive(&socket).await.unwrap();
                assert_eq!(bytes, b"abc");
                let arrival = arrival.unwrap();
                // Within a microsecond or so: the two clocks are not read at once.
                assert!(arrival.since(sent) >= 100_000_000 - 50_000);
                assert!(Moment::now() >= arrival);
            },
        );
        assert!(heard >= began + ms(150) && answered >= heard);
    }

    #[test]
    fn the_end_comes_after_the_bytes_before_it() {
        over(
            rtt(100),
            |mut stream| stream.write_all(b"bye").unwrap(),
            async |socket| {
                let (bytes, arrival) = receive(&socket).await.unwrap();
                assert_eq!(bytes, b"bye");
                let (nothing, _) = receive(&socket).await.unwrap();
                assert!(nothing.is_empty() && Moment::now() >= arrival.unwrap());
            },
        );
    }

    #[test]
    fn a_reset_travels_too_and_then_stays() {
        over(
            rtt(200),
            |mut stream| {
                stream.write_all(b"bye").unwrap();
                // Until it has been fetched, long before it is due.
                thread::sleep(ms(150));
                let socket = socket2::Socket::from(stream);
                socket.set_linger(Some(Duration::ZERO)).unwrap();
            },
            async |socket| {
                assert_eq!(receive(&socket).await.unwrap().0, b"bye");
                for _ in 0..2 {
                    let error = receive(&socket).await.unwrap_err();
                    assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
                }
            },
        );
    }

    #[test]
    fn a_server_that_sends_more_than_the_link_carries_has_to_wait() {
        let narrow = Link {
            down: Some(80_000),
            ..Link::NONE
        };
        let wrote = over(
            narrow,
            |mut stream| {
                stream.set_nonblocking(true).unwrap();
                let (mut wrote, began) = (0, Moment::now());
                // Until the client has gone.
                while Moment::now() < began + ms(10_000) {
                    match stream.write(&[b'x'; 65_536]) {
                        Ok(count) => wrote += count,
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                            thread::sleep(ms(5));
                        }
                        Err(_) => break,
                    }
                }
                wrote
            },
            async |socket| {
                let began = Moment::now();
                let mut got = 0;
                while Moment::now() < began + ms(600) {
                    got += receive(&socket).await.unwrap().0.len();
                }
                // A segment of 1,500 bytes each 150 ms.
                assert!((1_448..=20 * 1_448).contains(&got), "{got}");
            },
        );
        // Loopback would have carried a hundred times as much.
        assert!(wrote < 10 << 20, "{wrote}");
    }

    #[test]
    fn a_client_that_sends_more_than_the_link_holds_has_to_wait_and_loses_nothing() {
        const ALL: usize = 8 << 20;
        let got = over(
            rtt(20),
            |mut stream| {
                thread::sleep(ms(200));
                let (mut buffer, mut got) = (vec![0; 65_536], 0);
                while got < ALL {
                    got += stream.read(&mut buffer).unwrap();
                }
                got
            },
            async |socket| {
                let all = vec![b'x'; ALL];
                let mut sent = 0;
                while let Ok(count) = socket.try_send(&all[sent..]) {
                    sent += count;
                }
                assert!((1..ALL / 2).contains(&sent), "{sent}");
                socket.send_all(&all[sent..]).await.unwrap();
                // What has been sent still has its way to go.
                tokio::time::sleep(ms(500)).await;
            },
        );
        assert_eq!(got, ALL);
    }
}
