//! A program that follows a run by its server-sent events, over a socket of its own.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use serde_json::Value;

/// Bench says something every two seconds.
const SILENT: Duration = Duration::from_secs(30);

/// An event as it came.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Heard {
    pub(super) id: String,
    pub(super) name: String,
    pub(super) data: Value,
}

/// Follows the events of one run.
pub(super) struct Viewer {
    stream: BufReader<TcpStream>,
    text: String,
}

/// Asks for something and gives the head of the answer, and the stream behind it.
pub(super) fn ask(address: SocketAddr, path: &str, more: &str) -> (String, BufReader<TcpStream>) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(SILENT)).unwrap();
    let host = if more.contains("Host:") {
        String::new()
    } else {
        format!("Host: {address}\r\n")
    };
    write!(stream, "GET {path} HTTP/1.1\r\n{host}{more}\r\n").unwrap();
    let mut stream = BufReader::new(stream);
    let mut head = String::new();
    while !head.ends_with("\r\n\r\n") {
        assert!(stream.read_line(&mut head).unwrap() > 0, "{head}");
    }
    (head, stream)
}

impl Viewer {
    /// Follows from the beginning, or from behind the event of an id.
    pub(super) fn open(address: SocketAddr, after: Option<&str>) -> Self {
        let more = after.map_or_else(String::new, |id| format!("Last-Event-ID: {id}\r\n"));
        let (head, stream) = ask(address, "/events", &more);
        assert!(head.starts_with("HTTP/1.1 200 "), "{head}");
        assert!(head.contains("content-type: text/event-stream"), "{head}");
        Self {
            stream,
            text: String::new(),
        }
    }

    /// The next event; `None` when the stream has ended in good order.
    pub(super) fn next(&mut self) -> Option<Heard> {
        while !self.text.contains("\n\n") {
            let mut size = String::new();
            self.stream.read_line(&mut size).unwrap();
            let size = usize::from_str_radix(size.trim(), 16).expect("a chunk has a size");
            let mut chunk = vec![0; size + 2];
            self.stream.read_exact(&mut chunk).unwrap();
            if size == 0 {
                return None;
            }
            self.text
                .push_str(std::str::from_utf8(&chunk[..size]).unwrap());
        }
        let (event, rest) = self.text.split_once("\n\n").unwrap();
        let field = |name: &str| {
            let mut lines = event.lines();
            let found = lines.find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            found.unwrap_or_default().to_owned()
        };
        let heard = Heard {
            id: field("id"),
            name: field("event"),
            data: serde_json::from_str(&field("data")).unwrap(),
        };
        self.text = rest.to_owned();
        Some(heard)
    }

    /// Every event to the end.
    pub(super) fn rest(mut self) -> Vec<Heard> {
        std::iter::from_fn(|| self.next()).collect()
    }
}

/// Those that stay, which every viewer gets; the rest say where the run is now.
pub(super) fn lasting(heard: &[Heard]) -> Vec<Heard> {
    let stays = |heard: &&Heard| !heard.id.is_empty();
    heard.iter().filter(stays).cloned().collect()
}
