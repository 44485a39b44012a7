//! The server's side of the rig: one thread, epoll, plain writes.

use std::collections::HashMap;
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

pub(super) fn serve() {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket
        .bind(
            &"127.0.0.1:0"
                .parse::<std::net::SocketAddr>()
                .unwrap()
                .into(),
        )
        .unwrap();
    socket.listen(4096).unwrap();
    let listener: TcpListener = socket.into();
    listener.set_nonblocking(true).unwrap();
    let epoll = epoll::create(epoll::CreateFlags::CLOEXEC).unwrap();
    epoll::add(
        &epoll,
        &listener,
        epoll::EventData::new_u64(LISTENER),
        epoll::EventFlags::IN,
    )
    .unwrap();
    let control = std::io::stdin();
    epoll::add(
        &epoll,
        &control,
        epoll::EventData::new_u64(CONTROL),
        epoll::EventFlags::IN,
    )
    .unwrap();
    say(&listener.local_addr().unwrap().to_string());
    let mut server = Rig {
        connections: HashMap::new(),
        sockets: Vec::new(),
        next: 0,
        sequence: 0,
    };
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
                    let numbers: Vec<u64> = line
                        .split_whitespace()
                        .map(|word| word.parse().unwrap())
                        .collect();
                    server.blast(numbers[0], Duration::from_micros(numbers[1]));
                    say("done");
                }
                id => server.read(id),
            }
        }
    }
}

fn say(line: &str) {
    let mut out = std::io::stdout();
    writeln!(out, "{line}").unwrap();
    out.flush().unwrap();
}

struct Rig {
    connections: HashMap<u64, TcpStream>,
    sockets: Vec<u64>,
    next: u64,
    sequence: u32,
}

impl Rig {
    fn accept(&mut self, listener: &TcpListener, epoll: impl AsFd) {
        while let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(true).unwrap();
            stream.set_nodelay(true).unwrap();
            epoll::add(
                &epoll,
                &stream,
                epoll::EventData::new_u64(self.next),
                epoll::EventFlags::IN,
            )
            .unwrap();
            self.connections.insert(self.next, stream);
            self.next += 1;
        }
    }

    /// Requests of this rig's clients come whole: they are smaller than a segment.
    fn read(&mut self, id: u64) {
        let mut buffer = [0; 4096];
        let Some(stream) = self.connections.get_mut(&id) else {
            return;
        };
        let Ok(count @ 1..) = stream.read(&mut buffer) else {
            self.connections.remove(&id);
            return;
        };
        let request = String::from_utf8_lossy(&buffer[..count]);
        let path = request.split(' ').nth(1).unwrap_or_default();
        let answer = if path.contains("/socket") {
            self.sockets.push(id);
            let key = request
                .split("Sec-WebSocket-Key: ")
                .nth(1)
                .and_then(|rest| rest.split("\r\n").next())
                .unwrap_or_default();
            let accept = tungstenite::handshake::derive_accept_key(key.as_bytes());
            format!(
                "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
            )
        } else if path.contains("/stream") || path.contains("/events") {
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n".to_owned()
        } else if path.contains("wait=") {
            return;
        } else {
            "HTTP/1.1 204 No Content\r\nRelay-Next: e-0\r\n\r\n".to_owned()
        };
        stream.write_all(answer.as_bytes()).unwrap();
    }

    fn blast(&mut self, rounds: u64, pace: Duration) {
        let mut due = Moment::now();
        for _ in 0..rounds {
            due = due + pace;
            let left = due.since(Moment::now());
            std::thread::sleep(Duration::from_nanos(u64::try_from(left).unwrap_or(0)));
            let stamp = Stamp {
                run: 7,
                channel: 0,
                publisher: 0,
                sequence: self.sequence,
                due: Moment::now(),
            };
            self.sequence += 1;
            let mut payload = Vec::new();
            stamp.write_payload(128 - 38, &mut payload);
            let mut frame = vec![0x81, 126, 0, 128];
            frame.extend_from_slice(b"{\"position\":\"abcdef-100000\",\"payload\":");
            frame.extend_from_slice(&payload);
            frame.push(b'}');
            frame[3] = u8::try_from(frame.len() - 4).unwrap();
            for id in &self.sockets {
                if let Some(stream) = self.connections.get_mut(id) {
                    stream.write_all(&frame).unwrap();
                }
            }
        }
    }
}
