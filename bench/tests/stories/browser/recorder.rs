//! A server in the relay's interface that writes down what it is asked.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

use tungstenite::handshake::derive_accept_key;

/// Keeps what pages need to be told apart; anything else is as the relay has it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    /// `Access-Control-Max-Age` of preflights.
    pub(super) max_age: &'static str,
    /// Whether pages of other origins may read and publish.
    pub(super) allows: bool,
    /// More headers of each answer, each with its line end.
    pub(super) more: &'static str,
}

impl Default for Manner {
    fn default() -> Self {
        Self {
            max_age: "600",
            allows: true,
            more: "",
        }
    }
}

/// A request's head as it came.
#[derive(Debug, Clone)]
pub(super) struct Head {
    pub(super) text: String,
    /// Counts connections from 1.
    pub(super) connection: usize,
}

impl Head {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self.text.lines().skip(1);
        lines.find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }

    fn line(&self) -> &str {
        self.text.lines().next().unwrap_or_default()
    }

    /// What it is for, told by nothing but its request line and whether it goes on from somewhere.
    pub(super) fn kind(&self) -> &'static str {
        let line = self.line();
        let resumed = self.header("Last-Event-ID").is_some() || line.contains("/events?after=");
        match line.split(' ').next().unwrap_or_default() {
            "POST" => "post",
            "OPTIONS" => "preflight",
            _ if line.contains("/socket") => "socket",
            _ if line.contains("/stream") => "stream",
            _ if line.contains("/events") && resumed => "events again",
            _ if line.contains("/events") => "events",
            _ if line.contains("wait=") => "long poll",
            _ if line.contains("/messages") => "poll",
            _ => "other",
        }
    }
}

#[derive(Debug, Default)]
struct Shared {
    heads: Mutex<Vec<Head>>,
    page: Mutex<String>,
    connections: Mutex<usize>,
    stop: AtomicBool,
}

/// The server; it ends when dropped.
pub(super) struct Recorder {
    pub(super) address: SocketAddr,
    shared: Arc<Shared>,
}

impl Recorder {
    pub(super) fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::<Shared>::default();
        let server = Arc::clone(&shared);
        thread::spawn(move || {
            for stream in listener.incoming() {
                if server.stop.load(Ordering::SeqCst) {
                    return;
                }
                let (Ok(stream), shared) = (stream, Arc::clone(&server)) else {
                    continue;
                };
                // A connection that its client cuts ends with an error, which is no news.
                thread::spawn(move || serve(stream, &shared, manner));
            }
        });
        Self { address, shared }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// What is shown at `/page`.
    pub(super) fn show(&self, page: String) {
        *self.shared.page.lock().unwrap() = page;
    }

    pub(super) fn heads(&self) -> Vec<Head> {
        self.shared.heads.lock().unwrap().clone()
    }

    /// The requests of one kind.
    pub(super) fn of(&self, kind: &str) -> Vec<Head> {
        let mut heads = self.heads();
        heads.retain(|head| head.kind() == kind);
        heads
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Wakes the listener; when it has gone already there is nobody to wake.
        let _ = TcpStream::connect(self.address);
    }
}

fn serve(mut stream: TcpStream, shared: &Shared, manner: Manner) -> io::Result<()> {
    stream.set_nodelay(true)?;
    let connection = {
        let mut connections = shared.connections.lock().unwrap();
        *connections += 1;
        *connections
    };
    let mut buffer = Vec::new();
    loop {
        let text = until_blank_line(&mut stream, &mut buffer)?;
        let head = Head { text, connection };
        let length = head.header("Content-Length").unwrap_or("0").parse();
        take(&mut stream, &mut buffer, length.map_err(io::Error::other)?)?;
        shared.heads.lock().unwrap().push(head.clone());
        let page = shared.page.lock().unwrap().clone();
        let cors = match head.header("Origin") {
            Some(origin) if manner.allows => {
                format!("Access-Control-Allow-Origin: {origin}\r\n")
            }
            _ => String::new(),
        };
        let headers = format!("{cors}{}", manner.more);
        let close = head.header("Connection") == Some("close");
        stream.write_all(answer(&head, &headers, &page, manner).as_bytes())?;
        if head.kind() == "socket" || close {
            break;
        }
    }
    // A socket stays open for a while; whoever asked for the end has it now.
    if buffer.is_empty() && shared.heads.lock().unwrap().last().map(Head::kind) == Some("socket") {
        thread::sleep(Duration::from_millis(500));
    }
    Ok(())
}

fn answer(head: &Head, headers: &str, page: &str, manner: Manner) -> String {
    let body = |kind: &str, body: &str| {
        let length = body.len();
        format!(
            "HTTP/1.1 200 OK\r\n{headers}Content-Type: {kind}\r\nContent-Length: {length}\r\n\r\n{body}"
        )
    };
    let nothing = format!("HTTP/1.1 204 No Content\r\n{headers}Relay-Next: r-0\r\n\r\n");
    match head.kind() {
        "poll" => nothing,
        "long poll" => {
            thread::sleep(Duration::from_millis(20));
            nothing
        }
        "stream" => body("application/x-ndjson", "\n"),
        // It ends, so that the client comes back with the id.
        "events" | "events again" => body("text/event-stream", "retry: 100\nid: r-1\ndata: 1\n\n"),
        "socket" => {
            let accept = derive_accept_key(head.header("Sec-WebSocket-Key").unwrap().as_bytes());
            format!(
                "HTTP/1.1 101 Switching Protocols\r\n{headers}Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Protocol: relay.v1\r\nSec-WebSocket-Accept: {accept}\r\n\r\n"
            )
        }
        "preflight" if !manner.allows => {
            "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n".to_owned()
        }
        "preflight" => format!(
            "HTTP/1.1 204 No Content\r\n{headers}Access-Control-Allow-Methods: GET, POST\r\nAccess-Control-Allow-Headers: Content-Type\r\nAccess-Control-Max-Age: {}\r\n\r\n",
            manner.max_age
        ),
        "post" => format!(
            "HTTP/1.1 201 Created\r\n{headers}Content-Type: application/json\r\nContent-Length: 18\r\n\r\n{{\"position\":\"r-0\"}}"
        ),
        _ => body("text/html", page),
    }
}

fn until_blank_line(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<String> {
    loop {
        let end = buffer.windows(4).position(|part| part == b"\r\n\r\n");
        if let Some(end) = end {
            let head = take(stream, buffer, end + 4)?;
            return String::from_utf8(head).map_err(io::Error::other);
        }
        more(stream, buffer)?;
    }
}

fn take(stream: &mut TcpStream, buffer: &mut Vec<u8>, length: usize) -> io::Result<Vec<u8>> {
    while buffer.len() < length {
        more(stream, buffer)?;
    }
    Ok(buffer.drain(..length).collect())
}

fn more(stream: &mut TcpStream, buffer: &mut Vec<u8>) -> io::Result<()> {
    let mut part = [0; 4096];
    match stream.read(&mut part)? {
        0 => Err(io::ErrorKind::UnexpectedEof.into()),
        length => {
            buffer.extend_from_slice(&part[..length]);
            Ok(())
        }
    }
}
