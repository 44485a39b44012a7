//! A publishing connection: many messages in flight, none waited for.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::{AsFd, BorrowedFd};
use std::rc::Rc;
use std::time::Duration;

use super::add;
use crate::client::publisher::{Answer, Publisher, Site};
use crate::client::{ClientError, Preflights};
use crate::clock::Moment;
use crate::kernel;
use crate::net::{self, Carrier, Secure, SecureError, WireTotals, dial};
use crate::stamp::Stamp;

/// Messages without an answer that one connection may have; past it a message is not sent, and counted.
const IN_FLIGHT: usize = 65_536;
/// Bytes that the kernel did not take yet that one connection may have, likewise.
const UNSENT: usize = 4 * 1024 * 1024;
/// How long the first connection may take to open.
const OPEN_LIMIT: Duration = Duration::from_secs(5);
/// How long opening it again may keep the schedule waiting, and how soon it is tried again.
const REOPEN_LIMIT: Duration = Duration::from_millis(250);

/// A message whose answer has not come.
#[derive(Debug, Clone, Copy)]
pub(super) struct InFlight {
    pub(super) stamp: Stamp,
    pub(super) sent: Moment,
}

/// What a line found out.
#[derive(Debug, Clone, Copy)]
pub(super) enum Outcome {
    /// The server took a message; its answer was at the socket at the moment given.
    Accepted(InFlight, Moment),
    /// The server did not take a message.
    Refused(InFlight),
    /// A page of another origin may not publish, so the message was not sent.
    Forbidden(InFlight),
    /// Nobody will ever know.
    Unanswered(InFlight),
}

impl Outcome {
    /// The message that it is about.
    pub(super) fn message(&self) -> InFlight {
        match self {
            Self::Accepted(message, _)
            | Self::Refused(message)
            | Self::Forbidden(message)
            | Self::Unanswered(message) => *message,
        }
    }
}

/// How a line publishes.
#[derive(Debug, Clone)]
pub(super) struct Manner {
    /// The nodes of the server, never none: it is connected with the first, and goes to the next when that is gone.
    pub(super) nodes: Vec<SocketAddr>,
    pub(super) site: Site,
    /// Whom it trusts, where connections are encrypted.
    pub(super) secure: Option<Secure>,
    /// The channel of its WebSocket; `None` to publish by POST.
    pub(super) socket: Option<Rc<str>>,
}

/// A publishing connection, and its successors when it is lost.
#[derive(Debug)]
pub(super) struct Line {
    manner: Manner,
    /// What its browser remembers from one connection to the next.
    preflights: Rc<RefCell<Preflights>>,
    connection: Option<Connection>,
    in_flight: VecDeque<InFlight>,
    messages: u64,
    retry: Moment,
    /// Wire bytes of connections that are closed; `None` once the kernel gave no counters.
    retired: Option<WireTotals>,
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    /// What carries it over TLS, and perhaps HTTP/2.
    carrier: Option<Box<Carrier>>,
    protocol: Publisher,
    unsent: Vec<u8>,
}

impl Line {
    /// Opens a line, its handshake included.
    pub(super) fn open(manner: Manner) -> io::Result<Self> {
        let preflights = Rc::default();
        let connection = Connection::open(&manner, &preflights, OPEN_LIMIT)?;
        Ok(Self {
            manner,
            preflights,
            connection: Some(connection),
            in_flight: VecDeque::new(),
            messages: 0,
            retry: Moment(0),
            retired: Some(WireTotals::default()),
        })
    }

    /// The descriptor to watch, while connected.
    pub(super) fn descriptor(&self) -> Option<BorrowedFd<'_>> {
        self.connection
            .as_ref()
            .map(|connection| connection.stream.as_fd())
    }

    /// Whether bytes are waiting that the kernel has not taken yet.
    pub(super) fn has_unsent(&self) -> bool {
        self.connection
            .as_ref()
            .is_some_and(|connection| !connection.unsent.is_empty())
    }

    /// Whether messages are without an answer.
    pub(super) fn is_waiting(&self) -> bool {
        !self.in_flight.is_empty()
    }

    /// Sends a message without waiting for anything; says why not when it cannot. Gives the instant
    /// just before it was handed to the kernel, and whether the connection is a new one.
    ///
    /// After an error [`Line::answers`] must be called: what was answered before the connection
    /// broke is still to be read, and what was not is nobody else's answer.
    pub(super) fn publish(
        &mut self,
        stamp: &Stamp,
        channel: &str,
        payload: &[u8],
    ) -> Result<(Moment, bool), &'static str> {
        let reopened = self.reopen()?;
        let Some(connection) = &mut self.connection else {
            return Err("no connection");
        };
        if self.in_flight.len() >= IN_FLIGHT || connection.held() > UNSENT {
            return Err("too many without an answer");
        }
        self.messages += 1;
        let id = self.messages;
        let written = connection.write(|protocol, out| protocol.publish(channel, id, payload, out));
        if written.is_err() {
            return Err("connection lost");
        }
        // Before the write: on one machine the answer can be there before the write returns.
        let sent = Moment::now();
        if connection.flush().is_err() {
            return Err("connection lost");
        }
        self.in_flight.push_back(InFlight {
            stamp: *stamp,
            sent,
        });
        Ok((sent, reopened))
    }

    /// Reads the answers that have come.
    pub(super) fn answers(&mut self, buffer: &mut [u8], take: &mut dyn FnMut(Outcome)) {
        let Some(connection) = &mut self.connection else {
            return;
        };
        let (mut alive, mut failed) = (true, false);
        while alive {
            match kernel::receive(connection.stream.as_fd(), buffer) {
                Ok((0, _)) => alive = false,
                Ok((count, wall)) => {
                    let arrived = wall.map_or_else(Moment::now, Moment::from_wall);
                    alive = connection
                        .feed(&buffer[..count], arrived, &mut self.in_flight, take)
                        .is_ok();
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                Err(_) => (alive, failed) = (false, true),
            }
        }
        failed |= alive && connection.flush().is_err();
        if failed || !alive {
            self.retired = self.wire();
            self.connection = None;
            // A node that ends a connection in good order, with nothing under way, is still there.
            if failed || !self.in_flight.is_empty() {
                self.manner.nodes.rotate_left(1);
            }
            self.give_up(take);
        }
    }

    /// Bytes on the wire of its connections so far; `None` when the kernel gives no counters.
    pub(super) fn wire(&self) -> Option<WireTotals> {
        match &self.connection {
            Some(connection) => {
                // All nodes are reached by the same version of IP.
                let wire = net::wire(&connection.stream, self.manner.nodes[0]);
                add(self.retired, wire.ok())
            }
            None => self.retired,
        }
    }

    /// Counts every message without an answer as failed.
    pub(super) fn give_up(&mut self, take: &mut dyn FnMut(Outcome)) {
        for message in self.in_flight.drain(..) {
            take(Outcome::Unanswered(message));
        }
    }

    fn reopen(&mut self) -> Result<bool, &'static str> {
        if self.connection.is_some() {
            return Ok(false);
        }
        let now = Moment::now();
        if now < self.retry {
            return Err("no connection");
        }
        self.retry = now + REOPEN_LIMIT;
        let connection = Connection::open(&self.manner, &self.preflights, REOPEN_LIMIT);
        if connection.is_err() {
            self.manner.nodes.rotate_left(1);
        }
        self.connection = Some(connection.map_err(|_| "no connection")?);
        Ok(true)
    }
}

impl Connection {
    fn open(
        manner: &Manner,
        preflights: &Rc<RefCell<Preflights>>,
        limit: Duration,
    ) -> io::Result<Self> {
        let stream = dial::dial_blocking(manner.nodes[0], limit)?;
        let limit = Moment::now() + limit;
        let site = manner.site.clone();
        let carrier = manner.secure.as_ref().map(Carrier::new).transpose();
        let mut connection = Self {
            stream,
            carrier: carrier.map_err(io::Error::other)?.map(Box::new),
            protocol: match manner.socket {
                None => Publisher::post(site, Rc::clone(preflights)),
                Some(_) => Publisher::socket(site),
            },
            unsent: Vec::new(),
        };
        if let Some(carrier) = &mut connection.carrier {
            carrier.hello(&mut connection.unsent);
            let upgrades = manner.socket.is_some();
            connection.wait(limit, |connection, _| {
                let carrier = connection.carrier.as_ref();
                carrier.map_or(Ok(true), |carrier| carrier.is_ready(upgrades))
            })?;
        }
        if let Some(channel) = &manner.socket {
            let opened = connection.write(|protocol, out| protocol.open(channel, out));
            opened.map_err(io::Error::other)?;
            connection.wait(limit, |_, answer| Ok(answer == Some(Answer::Open)))?;
        }
        Ok(connection)
    }

    /// Lets the protocol write something.
    fn write<T>(
        &mut self,
        write: impl FnOnce(&mut Publisher, &mut Vec<u8>) -> T,
    ) -> Result<(), SecureError> {
        let Some(carrier) = &mut self.carrier else {
            write(&mut self.protocol, &mut self.unsent);
            return Ok(());
        };
        let mut plain = Vec::new();
        write(&mut self.protocol, &mut plain);
        carrier.send(&plain, &mut self.unsent)
    }

    /// Bytes that have not gone.
    fn held(&self) -> usize {
        let carried = self.carrier.as_ref().map_or(0, |carrier| carrier.held());
        self.unsent.len() + self.protocol.held() + carried
    }

    /// Sends and receives until the connection, with its newest answer, is as far as it must be.
    fn wait(
        &mut self,
        limit: Moment,
        done: impl Fn(&Self, Option<Answer>) -> Result<bool, SecureError>,
    ) -> io::Result<()> {
        let mut buffer = [0; 2048];
        let mut last = None;
        while !done(self, last).map_err(io::Error::other)? {
            self.flush()?;
            match kernel::receive(self.stream.as_fd(), &mut buffer) {
                Ok((0, _)) => return Err(io::ErrorKind::UnexpectedEof.into()),
                Ok((count, _)) => self
                    .receive(&buffer[..count], |answer| last = Some(answer))
                    .map_err(io::Error::other)?,
                Err(error)
                    if error.kind() == io::ErrorKind::WouldBlock && Moment::now() < limit =>
                {
                    std::thread::sleep(Duration::from_micros(200))
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    return Err(io::ErrorKind::TimedOut.into());
                }
                Err(error) => return Err(error),
            }
        }
        // What the handshake left to say.
        self.flush()
    }

    /// Takes in what arrived, and gives each answer.
    fn receive(&mut self, input: &[u8], mut take: impl FnMut(Answer)) -> Result<(), ClientError> {
        let Self {
            carrier,
            protocol,
            unsent,
            ..
        } = self;
        let Some(carrier) = carrier else {
            return protocol.feed(input, unsent, take);
        };
        let open = carrier.receive(input, unsent, |input, out| {
            protocol.feed(input, out, &mut take)
        })?;
        if !open {
            take(Answer::Ended);
        }
        Ok(())
    }

    fn feed(
        &mut self,
        input: &[u8],
        arrived: Moment,
        in_flight: &mut VecDeque<InFlight>,
        take: &mut dyn FnMut(Outcome),
    ) -> Result<(), ClientError> {
        let mut ended = false;
        self.receive(input, |answer| {
            let outcome = match answer {
                Answer::Accepted(place) => in_flight
                    .remove(place)
                    .map(|message| Outcome::Accepted(message, arrived)),
                Answer::Refused(place) => in_flight.remove(place).map(Outcome::Refused),
                Answer::Forbidden(place) => in_flight.remove(place).map(Outcome::Forbidden),
                Answer::Ended => {
                    ended = true;
                    None
                }
                Answer::Open => None,
            };
            outcome.into_iter().for_each(&mut *take);
        })?;
        if ended {
            Err(ClientError::WebSocket("the server ends the connection"))
        } else {
            Ok(())
        }
    }

    /// Sends what the kernel takes now.
    fn flush(&mut self) -> io::Result<()> {
        let mut done = 0;
        let result = loop {
            match self.stream.write(&self.unsent[done..]) {
                _ if done == self.unsent.len() => break Ok(()),
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => break Ok(()),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => break Err(error),
            }
        };
        self.unsent.drain(..done);
        result
    }
}
