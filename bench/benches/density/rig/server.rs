//! The server's side of the rig: one thread, epoll, plain writes.

use std::io::{BufRead, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::time::Duration;

use bench::clock::Moment;
use bench::stamp::Stamp;
use rustix::event::epoll;
use rustix::time::Timespec;

const LISTENER: u64 = u64::MAX;
const CONTROL: u64 = u64::MAX - 1;
/// Bytes of a message as clients get it, envelope included.
const MESSAGE: usize = 128;
/// Bytes of the body that every poll is answered with when it is asked for.
const BODY: usize = 200;

pub(super) fn serve() {
    let listener = listen();
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
    let control = std::io::stdin();
    watch(&epoll, &listener, LISTENER);
    watch(&epoll, &control, CONTROL);
    say(&listener.local_addr().unwrap().to_string());
    let mut server = Rig::default();
    let mut events = [epoll::Event {
        flags: epoll::EventFlags::empty(),
        data: epoll::EventData::new_u64(0),
    }; 256];
    loop {
        let forever: Option<&Timespec> = None;
        let count = epoll::wait(&epoll, &mut events, forever).unwrap_or(0);
        for event in &events[..count] {
            match event.data.u64() {
                LISTENER => server.accept(&listener, &epoll),
                CONTROL => {
                    let mut line = String::new();
                    if control.lock().read_line(&mut line).unwrap() == 0 {
                        return;
                    }
                    server.obey(&line);
                }
                id => server.read(usize::try_from(id).unwrap()),
            }
        }
    }
}

fn listen() -> TcpListener {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    let anywhere = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(&anywhere.into()).unwrap();
    socket.listen(4096).unwrap();
    let listener: TcpListener = socket.into();
    listener.set_nonblocking(true).unwrap();
    listener
}

fn watch(epoll: impl AsFd, what: impl AsFd, id: u64) {
    let data = epoll::EventData::new_u64(id);
    epoll::add(&epoll, &what, data, epoll::EventFlags::IN).unwrap();
}

fn say(line: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

/// What a connection waits for.
#[derive(Clone, Copy, PartialEq)]
enum Waits {
    Nothing,
    Socket,
    Stream,
    Events,
    LongPoll,
}

#[derive(Default)]
struct Rig {
    /// By their number; those that have gone leave a gap.
    connections: Vec<Option<(TcpStream, Waits)>>,
    /// Messages so far.
    head: u32,
    /// Answers so far.
    requests: u64,
    /// What every poll is answered with, when it is always the same.
    page: Option<Vec<u8>>,
}

impl Rig {
    fn obey(&mut self, line: &str) {
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[..] {
            ["blast", rounds, pace] => {
                let pace = Duration::from_micros(pace.parse().unwrap());
                self.blast(rounds.parse().unwrap(), pace);
                say("done");
            }
            ["pages"] => {
                self.page = Some(page());
                say("done");
            }
            ["requests"] => say(&self.requests.to_string()),
            _ => panic!("`{line}` is no order"),
        }
    }

    fn accept(&mut self, listener: &TcpListener, epoll: impl AsFd) {
        while let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(true).unwrap();
            stream.set_nodelay(true).unwrap();
            watch(&epoll, &stream, self.connections.len() as u64);
            self.connections.push(Some((stream, Waits::Nothing)));
        }
    }

    /// Requests of this rig's clients come whole: they are smaller than a segment.
    fn read(&mut self, id: usize) {
        let mut buffer = [0; 4096];
        let Some((stream, waits)) = &mut self.connections[id] else {
            return;
        };
        let Ok(count @ 1..) = stream.read(&mut buffer) else {
            self.connections[id] = None;
            return;
        };
        self.requests += 1;
        if let Some(page) = &self.page {
            // Whoever hangs up meanwhile is told by the next read.
            let _ = stream.write_all(page);
            return;
        }
        let answer;
        (answer, *waits) = reply(&buffer[..count], self.head);
        stream.write_all(answer.as_bytes()).unwrap();
    }

    /// Writes messages at a pace to everybody who waits for one; who polls asks for the last one.
    fn blast(&mut self, rounds: u32, pace: Duration) {
        let mut due = Moment::now();
        for _ in 0..rounds {
            due = due + pace;
            let left = due.since(Moment::now());
            std::thread::sleep(Duration::from_nanos(u64::try_from(left).unwrap_or(0)));
            self.head += 1;
            let mut bytes = Vec::with_capacity(4 * MESSAGE);
            for (stream, waits) in self.connections.iter_mut().flatten() {
                // Each message is due when it is written: nobody waits for those before him.
                bytes.clear();
                write(*waits, self.head, &mut bytes);
                stream.write_all(&bytes).unwrap();
            }
        }
    }
}

/// The answer to a request, and what its connection waits for after it.
fn reply(request: &[u8], head: u32) -> (String, Waits) {
    let request = String::from_utf8_lossy(request);
    let path = request.split(' ').nth(1).unwrap_or_default();
    if path.contains("/socket") {
        let key = request
            .split("Sec-WebSocket-Key: ")
            .nth(1)
            .and_then(|rest| rest.split("\r\n").next());
        let accept = tungstenite::handshake::derive_accept_key(key.unwrap_or_default().as_bytes());
        let answer = format!(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
        );
        return (answer, Waits::Socket);
    }
    let endless = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    if path.contains("/stream") {
        return (endless.to_owned(), Waits::Stream);
    }
    if path.contains("/events") {
        return (endless.to_owned(), Waits::Events);
    }
    let after = path
        .split("after=e-")
        .nth(1)
        .and_then(|rest| rest.split('&').next())
        .map(|position| position.parse::<u32>().unwrap());
    if after.is_some_and(|after| after < head) {
        let answer = answer(&news(head));
        return (String::from_utf8(answer).unwrap(), Waits::Nothing);
    }
    if path.contains("wait=") {
        return (String::new(), Waits::LongPoll);
    }
    let nothing = format!("HTTP/1.1 204 No Content\r\nRelay-Next: e-{head}\r\n\r\n");
    (nothing, Waits::Nothing)
}

/// What somebody who waits for a message is sent. Made anew for each, and not to be slower than the bare loop that reads it.
fn write(waits: Waits, number: u32, out: &mut Vec<u8>) {
    match waits {
        Waits::Nothing => {}
        Waits::Socket => {
            let length = u16::try_from(MESSAGE).unwrap().to_be_bytes();
            out.extend_from_slice(&[0x81, 126, length[0], length[1]]);
            record(number, out);
        }
        Waits::Stream => chunk(&format!("{}\n", text(number)), out),
        Waits::Events => chunk(&format!("id: e-{number}\ndata: {}\n\n", text(number)), out),
        Waits::LongPoll => out.extend_from_slice(&answer(&news(number))),
    }
}

/// The message of this number, due now.
fn record(number: u32, out: &mut Vec<u8>) {
    let start = out.len();
    let stamp = Stamp {
        run: super::RUN,
        channel: 0,
        publisher: 0,
        sequence: number,
        due: Moment::now(),
    };
    write!(out, "{{\"position\":\"e-{number}\",\"payload\":").unwrap();
    stamp.write_payload(MESSAGE - (out.len() - start) - 1, out);
    out.push(b'}');
}

fn text(number: u32) -> String {
    let mut bytes = Vec::new();
    record(number, &mut bytes);
    String::from_utf8(bytes).unwrap()
}

fn chunk(text: &str, out: &mut Vec<u8>) {
    write!(out, "{:x}\r\n{text}\r\n", text.len()).unwrap();
}

fn news(number: u32) -> String {
    let record = text(number);
    format!("{{\"next\":\"e-{number}\",\"messages\":[{record}],\"missed\":null}}")
}

fn answer(body: &str) -> Vec<u8> {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncache-control: no-store\r\ncontent-length: {}\r\n\
         date: Mon, 23 Nov 2026 12:00:00 GMT\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}

/// A page with a message that is no news to anybody, of a body's size.
fn page() -> Vec<u8> {
    let (before, after) = (
        "{\"next\":\"e-0\",\"messages\":[{\"position\":\"e-0\",\"payload\":\"",
        "\"}],\"missed\":null}",
    );
    let fill = ".".repeat(BODY - before.len() - after.len());
    answer(&format!("{before}{fill}{after}"))
}
