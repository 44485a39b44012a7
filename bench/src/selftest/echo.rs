//! The echo: a server for bench's own clients, on one thread, that gives each message to the
//! subscribers of its channel with the instant of writing in place of the one it was due.
//!
//! It knows no more of the protocol than these clients need.

use std::collections::HashMap;
use std::io::{self, ErrorKind, Write};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use memchr::memmem;
use rustix::event::epoll;
use rustix::time::Timespec;
use tungstenite::handshake::derive_accept_key;

use crate::clock::Moment;
use crate::kernel;
use crate::record::Series;
use crate::stamp::Stamp;

const LISTENER: u64 = u64::MAX;
/// Connections that may wait to be accepted: all that dial at once.
const BACKLOG: i32 = 4096;
/// How often an idle echo looks whether it is to end.
const LOOK: Timespec = Timespec {
    tv_sec: 0,
    tv_nsec: 20_000_000,
};
/// How long a subscriber that does not read may hold up the echo.
const WRITE_LIMIT: Duration = Duration::from_secs(1);
/// The longest request that bench's clients make of it.
const LONGEST_REQUEST: usize = 64 * 1024;
/// Bytes of a message's payload, as many as the stamp needs and no fewer than are usual.
const PAYLOAD: usize = 128;

/// What the echo did.
#[derive(Debug)]
pub(super) struct Echoed {
    /// Messages written to subscribers.
    pub(super) written: u64,
    /// How long each write took, in nanoseconds: the truth lies within it.
    pub(super) width: Series,
}

/// A running echo.
#[derive(Debug)]
pub(super) struct Echo {
    pub(super) address: SocketAddr,
    shared: Arc<Shared>,
    thread: JoinHandle<io::Result<Series>>,
}

#[derive(Debug, Default)]
struct Shared {
    stop: AtomicBool,
    written: AtomicU64,
}

impl Echo {
    /// Starts it on a free port of loopback, kept to these processors.
    pub(super) fn start(processors: Option<Vec<usize>>) -> io::Result<Self> {
        let socket = socket2::Socket::new(
            socket2::Domain::IPV4,
            socket2::Type::STREAM.nonblocking().cloexec(),
            None,
        )?;
        socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
        socket.listen(BACKLOG)?;
        let listener = TcpListener::from(socket);
        let address = listener.local_addr()?;
        let shared = Arc::new(Shared::default());
        let its = Arc::clone(&shared);
        let thread = thread::Builder::new()
            .name("echo".to_owned())
            .spawn(move || {
                let mut set = rustix::thread::CpuSet::new();
                let all = processors.iter().flatten();
                all.for_each(|processor| set.set(*processor));
                // Where the kernel refuses, it runs where it will.
                let _ =
                    processors.is_some() && rustix::thread::sched_setaffinity(None, &set).is_ok();
                serve(&listener, &its)
            })?;
        Ok(Self {
            address,
            shared,
            thread,
        })
    }

    /// Messages written to subscribers so far.
    pub(super) fn written(&self) -> u64 {
        self.shared.written.load(Ordering::Acquire)
    }

    /// Ends it.
    pub(super) fn stop(self) -> io::Result<Echoed> {
        self.shared.stop.store(true, Ordering::Release);
        let panicked = || Err(io::Error::other("its thread panicked"));
        let width = self.thread.join().unwrap_or_else(|_| panicked())?;
        Ok(Echoed {
            written: self.shared.written.load(Ordering::Acquire),
            width,
        })
    }
}

#[derive(Debug)]
struct Connection {
    stream: TcpStream,
    input: Vec<u8>,
}

struct Server<'a> {
    shared: &'a Shared,
    epoll: OwnedFd,
    connections: HashMap<u64, Connection>,
    /// The subscribers of each channel.
    channels: HashMap<u32, Vec<u64>>,
    accepted: u64,
    width: Series,
    frame: Vec<u8>,
}

fn serve(listener: &TcpListener, shared: &Shared) -> io::Result<Series> {
    let mut server = Server {
        shared,
        epoll: epoll::create(epoll::CreateFlags::CLOEXEC)?,
        connections: HashMap::new(),
        channels: HashMap::new(),
        accepted: 0,
        width: Series::default(),
        frame: Vec::new(),
    };
    server.watch(listener, LISTENER)?;
    let mut events = [epoll::Event {
        flags: epoll::EventFlags::empty(),
        data: epoll::EventData::new_u64(0),
    }; 64];
    let mut buffer = vec![0; LONGEST_REQUEST];
    while !shared.stop.load(Ordering::Acquire) {
        let count = match epoll::wait(&server.epoll, &mut events, Some(&LOOK)) {
            Err(rustix::io::Errno::INTR) => 0,
            count => count?,
        };
        for event in &events[..count] {
            match event.data.u64() {
                LISTENER => server.accept(listener)?,
                id => {
                    if server.read(id, &mut buffer).is_err() {
                        server.connections.remove(&id);
                    }
                }
            }
        }
    }
    Ok(server.width)
}

impl Server<'_> {
    fn watch(&self, socket: impl AsFd, id: u64) -> io::Result<()> {
        let data = epoll::EventData::new_u64(id);
        Ok(epoll::add(
            &self.epoll,
            socket,
            data,
            epoll::EventFlags::IN,
        )?)
    }

    fn accept(&mut self, listener: &TcpListener) -> io::Result<()> {
        loop {
            let stream = match listener.accept() {
                Ok((stream, _)) => stream,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) => return Err(error),
            };
            stream.set_nonblocking(false)?;
            stream.set_nodelay(true)?;
            stream.set_write_timeout(Some(WRITE_LIMIT))?;
            self.accepted += 1;
            self.watch(&stream, self.accepted)?;
            let input = Vec::new();
            self.connections
                .insert(self.accepted, Connection { stream, input });
        }
    }

    /// Reads what has come and answers each whole request; an error ends the connection.
    fn read(&mut self, id: u64, buffer: &mut [u8]) -> io::Result<()> {
        let connection = self.connections.get_mut(&id).ok_or(ErrorKind::NotFound)?;
        match kernel::receive(connection.stream.as_fd(), buffer) {
            Ok((0, _)) => return Err(ErrorKind::UnexpectedEof.into()),
            Ok((count, _)) => connection.input.extend_from_slice(&buffer[..count]),
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(error) => return Err(error),
        }
        while let Some(request) = self.next_request(id)? {
            self.answer(id, &request)?;
        }
        Ok(())
    }

    /// The next whole request, its body included.
    fn next_request(&mut self, id: u64) -> io::Result<Option<Vec<u8>>> {
        let connection = self.connections.get_mut(&id).ok_or(ErrorKind::NotFound)?;
        let input = &mut connection.input;
        let Some(head) = memmem::find(input, b"\r\n\r\n") else {
            let long = input.len() > LONGEST_REQUEST;
            return if long {
                Err(ErrorKind::InvalidData.into())
            } else {
                Ok(None)
            };
        };
        let length = header(&input[..head], "content-length").and_then(|text| text.parse().ok());
        let whole = head + 4 + length.unwrap_or(0_usize).min(LONGEST_REQUEST);
        Ok((input.len() >= whole).then(|| input.drain(..whole).collect()))
    }

    fn answer(&mut self, id: u64, request: &[u8]) -> io::Result<()> {
        if let Some(key) = header(request, "sec-websocket-key") {
            let channel = channel(request).ok_or(ErrorKind::InvalidData)?;
            let accept = derive_accept_key(key.as_bytes());
            self.write(id, format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                 Sec-WebSocket-Protocol: relay.v1\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
            ).as_bytes())?;
            self.channels.entry(channel).or_default().push(id);
            return Ok(());
        }
        if let Some(stamp) = Stamp::find_all(request).next() {
            self.echo(&stamp);
        }
        self.write(id, b"HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\n{}")
    }

    fn write(&self, id: u64, bytes: &[u8]) -> io::Result<()> {
        let connection = self.connections.get(&id).ok_or(ErrorKind::NotFound)?;
        (&connection.stream).write_all(bytes)
    }

    /// Writes a message to each subscriber of its channel, each time with the instant before.
    fn echo(&mut self, stamp: &Stamp) {
        let subscribers = self.channels.remove(&stamp.channel).unwrap_or_default();
        let mut frame = std::mem::take(&mut self.frame);
        for id in &subscribers {
            let before = Moment::now();
            text_frame(
                &Stamp {
                    due: before,
                    ..*stamp
                },
                &mut frame,
            );
            if self.write(*id, &frame).is_ok() {
                self.width.record(Moment::now().since(before));
                self.shared.written.fetch_add(1, Ordering::Release);
            }
        }
        self.frame = frame;
        self.channels.insert(stamp.channel, subscribers);
    }
}

/// A message as a text frame of a server (RFC 6455, section 5.2).
fn text_frame(stamp: &Stamp, out: &mut Vec<u8>) {
    out.clear();
    // The length is known once the text is there; this payload always takes the form of two bytes.
    out.extend_from_slice(&[0x81, 126, 0, 0]);
    out.extend_from_slice(b"{\"position\":\"echo-1\",\"payload\":");
    stamp.write_payload(PAYLOAD, out);
    out.push(b'}');
    let length = u16::try_from(out.len() - 4).unwrap_or(u16::MAX);
    out[2..4].copy_from_slice(&length.to_be_bytes());
}

/// A header of a request; its head may be followed by anything.
fn header<'a>(request: &'a [u8], name: &str) -> Option<&'a str> {
    let end = memmem::find(request, b"\r\n\r\n").unwrap_or(request.len());
    let head = std::str::from_utf8(&request[..end]).ok()?;
    let mut headers = head.lines().filter_map(|line| line.split_once(':'));
    let (_, value) = headers.find(|(known, _)| known.eq_ignore_ascii_case(name))?;
    Some(value.trim())
}

/// The number of the channel that a request names: `/channels/bench-0000002a-NUMBER/socket`.
fn channel(request: &[u8]) -> Option<u32> {
    let line = request.split(|byte| *byte == b'\r').next()?;
    let mut parts = std::str::from_utf8(line).ok()?.split('/');
    parts.nth(2)?.rsplit('-').next()?.parse().ok()
}
