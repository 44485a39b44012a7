//! A session: one subscriber from its first dial to the end of the trial.
//!
//! Moves bytes between socket and client, books what comes, keeps the pace of
//! polling, and reconnects from the last position when a connection is lost.

use std::future::poll_fn;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Poll, ready};

use super::booking::Booking;
use super::end::{ANSWER_LIMIT, End, FIRST_WAIT, LONGEST_WAIT};
use super::outage::Told;
use super::road::{Idle, Road};
use super::shard::Shard;
use super::{Assignment, phase};
use crate::client::{ClientError, Cursor, Step, Subscription};
use crate::clock::Moment;
use crate::net::{Received, Socket, dial};
use crate::reactor::{self, sleep_until};
use crate::scenario::{Load, Transport};

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
    /// How often it went on to the next node. Small, for there are many sessions.
    moves: u16,
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
            moves: 0,
        }
    }

    /// Runs until the shard drops it.
    pub(super) async fn run(mut self) {
        let share = self.number as f64 / self.shard.assignment.load.clients as f64;
        sleep_until(Moment::now() + self.shard.assignment.ramp.mul_f64(share)).await;
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
                // Perhaps that node is gone, and there is another.
                self.moves = self.moves.wrapping_add(1);
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
            if self.rest(Moment::now() + pause, &mut open).await {
                wait = FIRST_WAIT;
            }
        }
    }

    /// Waits for an instant; gives `true` when an event of the plan cut the client meanwhile,
    /// after which it was away for as long as that said.
    async fn rest(&self, until: Moment, open: &mut bool) -> bool {
        let mut sleep = pin!(sleep_until(until));
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
        let mut sleep = pin!(sleep_until(until));
        let mut last = until;
        poll_fn(|context| {
            if let Told::Cut(until) = self.shard.told(self.slot, context) {
                last = last.max(until);
                sleep.set(sleep_until(last));
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
                let due = self.next_poll(Moment::now());
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
        let secure = self.shard.assignment.secure.as_ref();
        let road = &mut Road::new(socket, secure, transport, &self.subscription)?;
        if !road.is_ready()? {
            // Boxed: what it needs is given back once it is done.
            Box::pin(self.greet(road)).await?;
        }
        self.request(road).await?;
        if transport == Transport::LongPolling && self.subscription.is_held(&self.cursor) {
            // It receives from now on; its answer may take as long as it asked to be held.
            self.note_open(open, started);
        }
        let mut waiting = true;
        loop {
            if !waiting && transport == Transport::Polling {
                if !self.until_next_poll(road).await? {
                    return Ok(End::Asked);
                }
                self.request(road).await?;
                waiting = true;
            }
            let step = if waiting {
                self.answer(road).await?
            } else {
                self.receive(road).await?
            };
            let Some(step) = step else {
                // HTTP/2 has words for an end in good order, at any time.
                let asked = *open && road.is_http2();
                return Err(if asked { End::Asked } else { End::Closed });
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
                    Box::pin(road.part()).await;
                    return Ok(End::Asked);
                }
                Step::Answered { .. } if transport == Transport::LongPolling => {
                    self.request(road).await?;
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
        let server = assignment.node(assignment.turn(self.number) + usize::from(self.moves));
        let dialled = Box::pin(dial::dial(server, source, traffic, over)).await;
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

    /// Opens what is between TCP and the client.
    async fn greet(&mut self, road: &mut Road) -> Result<(), End> {
        let rest = self.write(road, |_, road, out| {
            road.hello(out);
            Ok(())
        })?;
        road.socket.send_all(&rest).await?;
        while !road.is_ready()? {
            if self.answer(road).await?.is_none() {
                return Err(End::Closed);
            }
        }
        Ok(())
    }

    /// Receives what belongs to an answer that has been asked for, within a limit.
    async fn answer(&mut self, road: &mut Road) -> Result<Option<Step>, End> {
        let limit = ANSWER_LIMIT + self.shard.assignment.load.hold;
        reactor::within(limit, self.receive(road))
            .await
            .unwrap_or(Err(End::Silent))
    }

    /// Waits for the next poll to be due; gives `false` when the server closes the idle connection
    /// before that, as it may: the poll then goes over a new one.
    async fn until_next_poll(&self, road: &mut Road) -> Result<bool, End> {
        let due = self.next_poll(Moment::now());
        if due <= Moment::now() {
            // An interval shorter than a reading of the clock is no pause: no timer is set for it.
            return Ok(true);
        }
        loop {
            let spoke = poll_fn(|context| {
                let buffer = &mut *self.shard.buffer.borrow_mut();
                let Ok(received) = ready!(road.socket.poll_receive(context, buffer)) else {
                    return Poll::Ready(Ok(None));
                };
                Poll::Ready(self.idle(road, &buffer[..received.count]))
            });
            let rest = tokio::select! {
                rest = spoke => rest?,
                () = sleep_until(due) => return Ok(true),
            };
            match rest {
                None => return Ok(false),
                Some(rest) if rest.is_empty() => {}
                Some(rest) => Box::pin(road.socket.send_all(&rest)).await?,
            }
        }
    }

    /// Takes in what comes between two polls; gives what is still to be sent, and nothing at the connection's end.
    fn idle(&self, road: &mut Road, input: &[u8]) -> Result<Option<Vec<u8>>, End> {
        if input.is_empty() {
            return Ok(None);
        }
        let mut idle = Idle::Nothing;
        let rest = self.write(road, |_, road, out| {
            idle = road.idle(input, out)?;
            Ok(())
        })?;
        match idle {
            Idle::Nothing => Ok(Some(rest)),
            Idle::Ended => Ok(None),
            Idle::Spoke => Err(End::Unasked),
        }
    }

    fn next_poll(&self, now: Moment) -> Moment {
        let Assignment { load, seed, .. } = &*self.shard.assignment;
        phase::next_poll(now, load.poll_interval, *seed, self.number)
    }

    /// Receives once and books what it brought; sends what the protocol wants answered at once.
    async fn receive(&mut self, road: &mut Road) -> Result<Option<Step>, End> {
        let (step, rest) = poll_fn(|context| {
            let shard = Rc::clone(&self.shard);
            let buffer = &mut *shard.buffer.borrow_mut();
            let received = ready!(road.socket.poll_receive(context, buffer))?;
            if received.count == 0 {
                return Poll::Ready(Err(End::Closed));
            }
            Poll::Ready(self.take(road, &buffer[..received.count], &received))
        })
        .await?;
        if !rest.is_empty() {
            road.socket.send_all(&rest).await?;
        }
        Ok(step)
    }

    fn take(
        &mut self,
        road: &mut Road,
        input: &[u8],
        received: &Received,
    ) -> Result<(Option<Step>, Vec<u8>), End> {
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
        let step = road.feed(input, &mut self.cursor, &mut out, &mut booking)?;
        if let Some(recorder) = recorder.as_mut() {
            recorder.interval().sent += out.len() as u64;
        }
        Ok((step, road.send_now(&out)?))
    }

    /// Sends the opening request, or the next poll.
    async fn request(&mut self, road: &mut Road) -> Result<(), End> {
        let rest = self.write(road, |session, road, out| {
            Ok(road.request(&session.subscription, &session.cursor, out)?)
        })?;
        if !rest.is_empty() {
            road.socket.send_all(&rest).await?;
        }
        Ok(())
    }

    /// Sends what is written, as far as the kernel takes it at once; gives the rest.
    fn write(
        &self,
        road: &mut Road,
        write: impl FnOnce(&Self, &mut Road, &mut Vec<u8>) -> Result<(), ClientError>,
    ) -> Result<Vec<u8>, End> {
        let mut out = self.shard.out.borrow_mut();
        out.clear();
        write(self, road, &mut out)?;
        self.shard.count_sent(out.len());
        Ok(road.send_now(&out)?)
    }
}
