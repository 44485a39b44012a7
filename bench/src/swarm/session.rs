//! A session: one subscriber from its first dial to the end of the trial.
//!
//! Moves bytes between socket and client, books what comes, keeps the pace of
//! polling, and reconnects from the last position when a connection is lost.

use std::future::poll_fn;
use std::io;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, ready};
use std::time::Duration;

use thiserror::Error;
use tokio::time::Instant;

use super::booking::Booking;
use super::outage::Told;
use super::shard::Shard;
use super::{Assignment, phase};
use crate::client::{Client, ClientError, Cursor, Step, Subscription};
use crate::clock::Moment;
use crate::net::{Received, Socket, dial};
use crate::scenario::{Load, Transport};

/// The first wait before dialling again; doubles up to [`LONGEST_WAIT`].
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(2);
/// How long an answer may take beyond what was asked for.
const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// Why a connection came to its end.
#[derive(Debug, Error)]
enum End {
    /// In good order: the server said so.
    #[error("the server ended the connection")]
    Asked,
    /// Without a word.
    #[error("the server closed the connection")]
    Closed,
    #[error("cannot connect: {0}")]
    Dial(#[source] io::Error),
    #[error("connection lost: {0}")]
    Lost(#[from] io::Error),
    #[error("no answer within {} s", ANSWER_LIMIT.as_secs())]
    Silent,
    #[error("cut by an event of the plan")]
    Cut(Moment),
    #[error("the server answered what was not asked")]
    Unasked,
    #[error(transparent)]
    Client(#[from] ClientError),
}

pub(super) struct Session {
    shard: Rc<Shard>,
    subscription: Rc<Subscription>,
    /// Its number among all subscribers.
    number: usize,
    /// Its place in the shard.
    slot: usize,
    cursor: Cursor,
    /// Whether it could ever receive.
    opened: bool,
    /// Connections so far: each has its own luck on an emulated link.
    dials: u32,
}

impl Session {
    pub(super) fn new(
        shard: &Rc<Shard>,
        number: usize,
        slot: usize,
        subscription: Rc<Subscription>,
    ) -> Self {
        Self {
            shard: Rc::clone(shard),
            subscription,
            number,
            slot,
            cursor: Cursor::default(),
            opened: false,
            dials: 0,
        }
    }

    /// Runs until the shard drops it.
    pub(super) async fn run(mut self) {
        let share = self.number as f64 / self.shard.assignment.load.clients as f64;
        tokio::time::sleep(self.shard.assignment.ramp.mul_f64(share)).await;
        let mut wait = FIRST_WAIT;
        let mut open = false;
        loop {
            let dialled = Moment::now();
            let end = self.interruptible(&mut open).await;
            self.shard.disconnected(self.slot);
            if let End::Cut(until) = end {
                wait = FIRST_WAIT;
                self.away(until, &mut open).await;
                continue;
            }
            let asked = matches!(end, End::Asked);
            if asked && self.next_request(&mut open).await {
                continue;
            }
            let was_open = std::mem::take(&mut open);
            if was_open {
                self.shard.closed(self.slot);
            }
            if !asked || !was_open {
                self.shard.failed(end.to_string());
            } else if Moment::now() > dialled + FIRST_WAIT {
                // A server that ends every connection at once is not dialled without a pause.
                continue;
            }
            wait = if was_open {
                FIRST_WAIT
            } else {
                (wait * 2).min(LONGEST_WAIT)
            };
            // Spread, so that clients cut together do not come back together.
            let pause = wait.mul_f64(0.5 + 0.5 * rand::random::<f64>());
            if self.rest(Instant::now() + pause, &mut open).await {
                wait = FIRST_WAIT;
            }
        }
    }

    /// Waits for an instant; gives `true` when an event of the plan cut the client meanwhile,
    /// after which it was away for as long as that said.
    async fn rest(&self, until: Instant, open: &mut bool) -> bool {
        let mut sleep = pin!(tokio::time::sleep_until(until));
        let cut = poll_fn(|context| match self.shard.told(self.slot, context) {
            Told::Cut(until) => Poll::Ready(Some(until)),
            Told::Go | Told::Stop => sleep.as_mut().poll(context).map(|()| None),
        });
        let Some(until) = cut.await else {
            return false;
        };
        self.away(until, open).await;
        true
    }

    /// A cut, until the client may come back; with another cut meanwhile, until both let it.
    async fn away(&self, until: Moment, open: &mut bool) {
        if std::mem::take(open) {
            self.shard.closed(self.slot);
        }
        let mut sleep = pin!(tokio::time::sleep_until(self.shard.instant(until)));
        let mut last = until;
        poll_fn(|context| {
            if let Told::Cut(until) = self.shard.told(self.slot, context) {
                last = last.max(until);
                sleep.as_mut().reset(self.shard.instant(last));
            }
            sleep.as_mut().poll(context)
        })
        .await;
    }

    /// Waits until a poll is due on a new connection, after an answer that ended the old one.
    ///
    /// Gives `false` for a transport that receives all the time: to that an end is an
    /// interruption, while a client that polls has lost nothing.
    async fn next_request(&self, open: &mut bool) -> bool {
        match self.shard.assignment.load.transport {
            Transport::Polling => {
                let due = self.shard.instant(self.next_poll(Moment::now()));
                self.rest(due, open).await;
                true
            }
            Transport::LongPolling => true,
            Transport::Streaming | Transport::Sse | Transport::Websocket => false,
        }
    }

    /// A connection that the events of the plan may cut, or stop for a while: its sockets and timers
    /// are then not looked at, so that what the server sends stays with the kernel.
    async fn interruptible(&mut self, open: &mut bool) -> End {
        let (shard, slot) = (Rc::clone(&self.shard), self.slot);
        let mut connection = pin!(self.connection(open));
        let ended = poll_fn(|context| match shard.told(slot, context) {
            Told::Go => connection.as_mut().poll(context),
            Told::Stop => Poll::Pending,
            Told::Cut(until) => Poll::Ready(Err(End::Cut(until))),
        });
        ended.await.unwrap_or_else(|end| end)
    }

    /// One connection, from dialling to its end.
    async fn connection(&mut self, open: &mut bool) -> Result<End, End> {
        let started = Moment::now();
        let Load {
            transport,
            keep_alive,
            ..
        } = self.shard.assignment.load;
        let socket = self.dial().await?;
        let mut client = Client::new(transport);
        self.request(&socket, &mut client).await?;
        if transport == Transport::LongPolling && self.cursor.has_position() {
            // It receives from now on; its answer may take as long as it asked to be held.
            self.note_open(open, started);
        }
        let mut waiting = true;
        loop {
            if !waiting && transport == Transport::Polling {
                if !self.until_next_poll(&socket).await? {
                    return Ok(End::Asked);
                }
                self.request(&socket, &mut client).await?;
                waiting = true;
            }
            let step = if waiting {
                self.answer(&socket, &mut client).await?
            } else {
                self.receive(&socket, &mut client).await?
            };
            if step == Step::More {
                continue;
            }
            waiting = false;
            self.note_open(open, started);
            match step {
                Step::Ended => return Ok(End::Asked),
                Step::Answered { close } if close || !keep_alive => {
                    // Boxed: few sessions ever need it, and all would carry its room.
                    Box::pin(socket.part()).await;
                    return Ok(End::Asked);
                }
                Step::Answered { .. } if transport == Transport::LongPolling => {
                    self.request(&socket, &mut client).await?;
                    waiting = true;
                }
                Step::Open | Step::Answered { .. } | Step::More => {}
            }
        }
    }

    async fn dial(&mut self) -> Result<Rc<Socket>, End> {
        let assignment = &self.shard.assignment;
        let turn = self.number % assignment.sources.len().max(1);
        let source = assignment.sources.get(turn).copied();
        let traffic = Rc::clone(&self.shard.traffic);
        // Boxed: what dialling needs is given back once connected.
        let over = self.shard.over(self.number, self.dials);
        self.dials = self.dials.wrapping_add(1);
        let dialled = Box::pin(dial::dial(assignment.server, source, traffic, over)).await;
        let socket = Rc::new(dialled.map_err(End::Dial)?);
        self.shard.connected(self.slot, &socket);
        Ok(socket)
    }

    fn note_open(&mut self, open: &mut bool, started: Moment) {
        if !std::mem::replace(open, true) {
            let again = std::mem::replace(&mut self.opened, true);
            self.shard.opened(self.slot, started, again);
        }
    }

    /// Receives what belongs to an answer that has been asked for, within a limit.
    async fn answer(&mut self, socket: &Socket, client: &mut Client) -> Result<Step, End> {
        let limit = ANSWER_LIMIT + self.shard.assignment.load.hold;
        tokio::time::timeout(limit, self.receive(socket, client))
            .await
            .unwrap_or(Err(End::Silent))
    }

    /// Waits for the next poll to be due; gives `false` when the server closes the idle connection
    /// before that, as it may: the poll then goes over a new one.
    async fn until_next_poll(&self, socket: &Socket) -> Result<bool, End> {
        let due = self.shard.instant(self.next_poll(Moment::now()));
        let spoke = poll_fn(|context| {
            let buffer = &mut *self.shard.buffer.borrow_mut();
            socket.poll_receive(context, buffer)
        });
        tokio::select! {
            received = spoke => match received {
                Ok(Received { count: 1.., .. }) => Err(End::Unasked),
                Ok(_) | Err(_) => Ok(false),
            },
            () = tokio::time::sleep_until(due) => Ok(true),
        }
    }

    fn next_poll(&self, now: Moment) -> Moment {
        let Assignment { load, seed, .. } = &*self.shard.assignment;
        phase::next_poll(now, load.poll_interval, *seed, self.number)
    }

    /// Receives once and books what it brought; sends what the protocol wants answered at once.
    async fn receive(&mut self, socket: &Socket, client: &mut Client) -> Result<Step, End> {
        let (step, rest) = poll_fn(|context| {
            let shard = Rc::clone(&self.shard);
            let buffer = &mut *shard.buffer.borrow_mut();
            let received = ready!(socket.poll_receive(context, buffer))?;
            if received.count == 0 {
                return Poll::Ready(Err(End::Closed));
            }
            Poll::Ready(self.take(socket, client, &buffer[..received.count], &received))
        })
        .await?;
        if !rest.is_empty() {
            socket.send_all(&rest).await?;
        }
        Ok(step)
    }

    fn take(
        &mut self,
        socket: &Socket,
        client: &mut Client,
        input: &[u8],
        received: &Received,
    ) -> Result<(Step, Vec<u8>), End> {
        let shard = &*self.shard;
        let mut out = shard.out.borrow_mut();
        out.clear();
        let mut recorder = shard.recorder.borrow_mut();
        if let Some(recorder) = recorder.as_mut() {
            recorder.interval().received += received.count as u64;
        }
        if received.arrival.is_some() {
            shard.stamped.set(true);
        }
        let mut booking = Booking {
            shard,
            recorder: recorder.as_mut(),
            slot: self.slot,
            arrival: received.arrival,
        };
        let step = client.feed(input, &mut self.cursor, &mut out, &mut booking)?;
        if let Some(recorder) = recorder.as_mut() {
            recorder.interval().sent += out.len() as u64;
        }
        Ok((step, send_now(socket, &out)?))
    }

    /// Sends the opening request, or the next poll.
    async fn request(&mut self, socket: &Socket, client: &mut Client) -> Result<(), End> {
        let rest = {
            let mut out = self.shard.out.borrow_mut();
            out.clear();
            client.request(&self.subscription, &self.cursor, &mut out);
            self.shard.count_sent(out.len());
            send_now(socket, &out)?
        };
        if !rest.is_empty() {
            socket.send_all(&rest).await?;
        }
        Ok(())
    }
}

impl Drop for Session {
    fn drop(&mut self) {
        // A session has no end of its own but this one: the runtime would keep its panic to itself.
        if std::thread::panicking() {
            self.shard.broken.notify_one();
        }
    }
}

/// Sends what the kernel takes at once; gives the rest, which is nearly always nothing.
fn send_now(socket: &Socket, out: &[u8]) -> io::Result<Vec<u8>> {
    if out.is_empty() {
        return Ok(Vec::new());
    }
    match socket.try_send(out) {
        Ok(count) => Ok(out[count..].to_vec()),
        Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(out.to_vec()),
        Err(error) => Err(error),
    }
}
