//! One thread that publishes by a plan and reads all subscribers: the same for every server, down to what a frame holds.
//!
//! A message is due at its instant, whether the server keeps up or not, and its delay counts from there. The subscribers look for
//! the mark in each message and for nothing else, so what stands around it costs the same for every protocol.

use std::collections::{HashMap, VecDeque};
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::OwnedFd;
use std::time::Duration;

use memchr::memmem::Finder;
use rustix::buffer::spare_capacity;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, EventData, EventFlags};
use rustix::time::{ClockId, clock_gettime};

use crate::histogram::Histogram;
use crate::pushpin;
use crate::rig::{request, websocket};
use crate::servers::{Kind, Peer};

const MARK: &[u8] = b"@stamp:";
const DIGITS: usize = 8;
/// What a mark without its last digit takes.
const CARRY: usize = MARK.len() + DIGITS - 1;
const READ: usize = 256 * 1024;
const SIZE: usize = 128;
/// Connections of messages that may not be taken yet; older ones were.
const POSTS: usize = 256;
const PUBLISHER: u64 = u64::MAX;
/// How long the last messages may take.
const DRAIN: u64 = 2_000_000_000;

/// Subscribers of one server, and who publishes to them.
pub(crate) struct Swarm {
    kind: Kind,
    clients: Vec<Client>,
    channels: u32,
    /// The number in the first channel's name.
    base: u32,
    publisher: TcpStream,
    /// Where messages are published, and the connections of the last ones: Pushpin takes one on each.
    door: SocketAddr,
    posts: VecDeque<TcpStream>,
    /// What the kernel has not taken yet.
    outbox: Vec<u8>,
    epoll: OwnedFd,
    buffer: Vec<u8>,
    /// When each message was due, by its number.
    due: Vec<u64>,
}

struct Client {
    socket: TcpStream,
    carry: [u8; CARRY],
    carried: usize,
    channel: u32,
    /// The number of the next message.
    next: u32,
}

/// What one run came to.
pub(crate) struct Run {
    pub(crate) expected: u64,
    pub(crate) delivered: u64,
    /// Messages that did not come in order, or a connection that ended.
    pub(crate) faults: u64,
    pub(crate) delays: Histogram,
    pub(crate) reads: u64,
    /// From the first message due to the last delivered, in seconds.
    pub(crate) seconds: f64,
    /// CPU time in microseconds a delivery.
    pub(crate) server: f64,
    pub(crate) client: f64,
}

impl Run {
    /// Tells whether all was delivered, in order, with a 99th percentile below 250 ms.
    pub(crate) fn holds(&self) -> bool {
        self.faults == 0 && self.delivered == self.expected && self.delays.quantile(0.99) < 250.0
    }

    pub(crate) fn rate(&self) -> f64 {
        self.delivered as f64 / self.seconds
    }
}

/// Subscribes one client by WebSocket.
pub(crate) fn subscribe(peer: &Peer, channel: &str) -> TcpStream {
    match peer.kind {
        Kind::Relay => websocket(peer.address, &format!("/channels/{channel}/socket")),
        Kind::Nchan | Kind::Pushpin => websocket(peer.address, &format!("/ws/{channel}")),
        Kind::Nats => {
            let mut socket = websocket(peer.address, "/");
            let words = format!("CONNECT {{\"verbose\":false}}\r\nSUB {channel} 1\r\nPING\r\n");
            let length = u8::try_from(words.len()).expect("invariant: short");
            let frame = [&[0x82, 0x80 | length, 0, 0, 0, 0], words.as_bytes()].concat();
            socket.write_all(&frame).expect("the server reads");
            let (mut seen, mut bytes) = (Vec::new(), [0; 2048]);
            while memchr::memmem::find(&seen, b"PONG").is_none() {
                let count = socket.read(&mut bytes).expect("the server answers");
                assert!(count > 0, "the server closed");
                seen.extend_from_slice(&bytes[..count]);
            }
            socket
        }
    }
}

impl Swarm {
    /// Subscribes clients by WebSocket, evenly spread over channels.
    pub(crate) fn gather(peer: &Peer, clients: u32, channels: u32) -> Self {
        Self::gather_from(0, peer, clients, channels)
    }

    /// The same with channels that are numbered from `base` on.
    pub(crate) fn gather_from(base: u32, peer: &Peer, clients: u32, channels: u32) -> Self {
        let epoll = epoll::create(CreateFlags::CLOEXEC).expect("the kernel waits for us");
        let watch = |socket: &TcpStream, data| {
            socket.set_nonblocking(true).expect("invariant: open");
            epoll::add(&epoll, socket, EventData::new_u64(data), EventFlags::IN)
                .expect("invariant: open, and new");
        };
        let clients: Vec<Client> = (0..clients)
            .map(|number| {
                let channel = number % channels;
                let socket = subscribe(peer, &format!("c{}", base + channel));
                watch(&socket, u64::from(number));
                Client {
                    socket,
                    carry: [0; CARRY],
                    carried: 0,
                    channel,
                    next: channel,
                }
            })
            .collect();
        let mut publisher = TcpStream::connect(peer.publish).expect("the server accepts");
        publisher.set_nodelay(true).expect("invariant: open");
        if peer.kind == Kind::Nats {
            let words = b"CONNECT {\"verbose\":false}\r\n";
            publisher.write_all(words).expect("the server reads");
        }
        watch(&publisher, PUBLISHER);
        // A subscriber may be told of its subscription before it has one.
        std::thread::sleep(Duration::from_millis(300));
        Self {
            kind: peer.kind,
            clients,
            channels,
            base,
            publisher,
            door: peer.publish,
            posts: VecDeque::new(),
            outbox: Vec::new(),
            epoll,
            buffer: vec![0; CARRY + READ],
            due: Vec::new(),
        }
    }

    /// Publishes `rate` messages a second, open loop, and reads until all have come or the patience is over.
    pub(crate) fn run(&mut self, peer: &Peer, rate: f64, span: Duration) -> Run {
        // Whole turns, so that each channel gets as many.
        let turns = (rate * span.as_secs_f64() / f64::from(self.channels))
            .round()
            .max(1.0) as u32;
        let messages = turns * self.channels;
        let first = self.due.len() as u32;
        let mut run = Run {
            expected: u64::from(turns) * self.clients.len() as u64,
            delivered: 0,
            faults: 0,
            delays: Histogram::new(),
            reads: 0,
            seconds: 0.0,
            server: 0.0,
            client: 0.0,
        };
        for client in &mut self.clients {
            client.next = first + client.channel;
        }
        let (cpu, own) = (peer.cpu(), clock(ClockId::ThreadCPUTime));
        let begun = clock(ClockId::Monotonic);
        let at = |number: u32| begun + (f64::from(number) * 1e9 / rate) as u64;
        let last = at(messages);
        let (mut sent, mut now) = (0, begun);
        let mut events = Vec::with_capacity(1024);
        while run.delivered < run.expected && now < last + DRAIN {
            while sent < messages && at(sent) <= now {
                self.due.push(at(sent));
                self.put(first + sent);
                sent += 1;
            }
            self.send(&mut run);
            let until = if sent < messages {
                at(sent)
            } else {
                last + DRAIN
            };
            let wait = Timespec {
                tv_sec: 0,
                tv_nsec: until.saturating_sub(now).min(1_000_000) as i64,
            };
            events.clear();
            epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&wait))
                .expect("invariant: an open descriptor");
            for (nth, event) in events.iter().enumerate() {
                match event.data.u64() {
                    PUBLISHER => self.hear(),
                    number => self.read(number as usize, &mut run),
                }
                // Many may have come: what is due meanwhile does not wait for the last of them.
                if nth % 16 == 15 {
                    now = clock(ClockId::Monotonic);
                    while sent < messages && at(sent) <= now {
                        self.due.push(at(sent));
                        self.put(first + sent);
                        sent += 1;
                    }
                    self.send(&mut run);
                }
            }
            now = clock(ClockId::Monotonic);
        }
        run.seconds = (now - begun) as f64 / 1e9;
        let each = |spent: u64| spent as f64 / 1000.0 / run.delivered.max(1) as f64;
        run.server = each(peer.cpu() - cpu);
        run.client = each(clock(ClockId::ThreadCPUTime) - own);
        run
    }

    fn put(&mut self, number: u32) {
        let channel = self.base + number % self.channels;
        let payload = payload(number);
        let head = match self.kind {
            Kind::Relay => format!(
                "POST /channels/c{channel}/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {SIZE}\r\n\r\n"
            ),
            Kind::Nchan => format!(
                "POST /pub/c{channel} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {SIZE}\r\n\r\n"
            ),
            Kind::Nats => format!("PUB c{channel} {SIZE}\r\n"),
            Kind::Pushpin => return self.post(&pushpin::publish(&format!("c{channel}"), &payload)),
        };
        self.outbox.extend_from_slice(head.as_bytes());
        self.outbox.extend_from_slice(payload.as_bytes());
        if self.kind == Kind::Nats {
            self.outbox.extend_from_slice(b"\r\n");
        }
    }

    /// Sends a request on a connection of its own.
    fn post(&mut self, request: &str) {
        // What cannot be sent is not delivered, and missed there.
        let sent = TcpStream::connect(self.door)
            .and_then(|mut stream| stream.write_all(request.as_bytes()).map(|()| stream));
        self.posts.extend(sent.ok());
        if self.posts.len() > POSTS {
            self.posts.pop_front();
        }
    }

    fn send(&mut self, run: &mut Run) {
        while !self.outbox.is_empty() {
            match self.publisher.write(&self.outbox) {
                Ok(written) => drop(self.outbox.drain(..written)),
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(_) => {
                    run.faults += 1;
                    self.outbox.clear();
                }
            }
        }
    }

    /// Takes the answers to the publisher away.
    fn hear(&mut self) {
        if matches!(self.publisher.read(&mut self.buffer), Ok(0)) {
            let _ = epoll::delete(&self.epoll, &self.publisher);
        }
    }

    fn read(&mut self, number: usize, run: &mut Run) {
        let client = &mut self.clients[number];
        let start = client.carried;
        self.buffer[..start].copy_from_slice(&client.carry[..start]);
        let count = match client.socket.read(&mut self.buffer[start..]) {
            Ok(count @ 1..) => count,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return,
            Ok(_) | Err(_) => {
                run.faults += 1;
                let _ = epoll::delete(&self.epoll, &client.socket);
                return;
            }
        };
        let now = clock(ClockId::Monotonic);
        run.reads += 1;
        let bytes = &self.buffer[..start + count];
        let finder = Finder::new(MARK);
        let mut done = 0;
        while let Some(found) = finder.find(&bytes[done..]) {
            let digits = done + found + MARK.len();
            let Some(text) = bytes.get(digits..digits + DIGITS) else {
                done += found;
                break;
            };
            done = digits + DIGITS;
            let number = text.iter().fold(0, |sum, digit| {
                (sum << 4) | (u32::from(digit & 15) + if *digit > b'9' { 9 } else { 0 })
            });
            run.faults += u64::from(number != client.next);
            client.next = number.wrapping_add(self.channels);
            if let Some(due) = self.due.get(number as usize) {
                run.delays.add(now.saturating_sub(*due), 1);
                run.delivered += 1;
            }
        }
        let rest = &bytes[done.max(bytes.len().saturating_sub(CARRY))..];
        client.carried = rest.len();
        client.carry[..rest.len()].copy_from_slice(rest);
    }
}

/// A JSON string of 128 bytes that holds the mark.
pub(crate) fn payload(number: u32) -> String {
    format!("\"@stamp:{number:08x}{:x<111}\"", "")
}

/// Gives where the channel's log of a relay stands.
pub(crate) fn head(peer: &Peer, channel: &str) -> String {
    let mut socket = TcpStream::connect(peer.address).expect("the relay accepts");
    let head = request(
        &mut socket,
        &format!("GET /channels/{channel}/messages HTTP/1.1\r\nHost: localhost\r\n\r\n"),
    );
    let fields: HashMap<&str, &str> = head
        .lines()
        .filter_map(|line| line.split_once(": "))
        .collect();
    fields["relay-next"].to_owned()
}

/// Publishes one message to the relay, so that the channel is one that is in use.
pub(crate) fn begin(peer: &Peer, channel: &str) {
    let mut socket = TcpStream::connect(peer.address).expect("the relay accepts");
    let head = request(
        &mut socket,
        &format!(
            "POST /channels/{channel}/messages HTTP/1.1\r\nHost: localhost\r\n\
             Content-Type: application/json\r\nContent-Length: 1\r\n\r\n0"
        ),
    );
    assert!(head.starts_with("HTTP/1.1 201 "), "{head}");
}

fn clock(id: ClockId) -> u64 {
    let time = clock_gettime(id);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
