//! What a server makes of bytes: how many answers, which, and whether it goes on.

use std::fmt;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

/// What came of a row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Verdict {
    /// The status of each answer; 0 is one without a head, as HTTP/0.9 had it.
    pub(crate) statuses: Vec<u16>,
    /// The server closed the connection.
    pub(crate) closed: bool,
    /// The hidden request was executed.
    pub(crate) marker: bool,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let statuses = self.statuses.iter().map(|status| match status {
            0 => "a bare body".to_owned(),
            status => status.to_string(),
        });
        let statuses: Vec<_> = statuses.collect();
        let statuses = if statuses.is_empty() {
            "nothing".to_owned()
        } else {
            statuses.join(" + ")
        };
        let end = if self.closed { "closed" } else { "open" };
        let marker = if self.marker { ", **both**" } else { "" };
        write!(f, "{statuses}, {end}{marker}")
    }
}

/// Sends bytes and gives the answers, and whether the server closed; it is open when it says nothing for `silence`.
pub(crate) fn ask(address: SocketAddr, bytes: &[u8], silence: Duration) -> (Vec<u16>, bool) {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(silence)).unwrap();
    let mut writer = stream.try_clone().unwrap();
    let mut answers = Vec::new();
    let closed = thread::scope(|scope| {
        // What is long is answered before it is all sent, and the rest of it may be refused.
        let sent = scope.spawn(move || writer.write_all(bytes));
        let mut buffer = [0; 65536];
        let closed = loop {
            match stream.read(&mut buffer) {
                Ok(0) => break true,
                Ok(read) => answers.extend_from_slice(&buffer[..read]),
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    break false;
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => break true,
            }
        };
        let _ = stream.shutdown(std::net::Shutdown::Both);
        let _ = sent.join().unwrap();
        closed
    });
    (statuses(&answers), closed)
}

/// Takes answers apart by their lengths.
fn statuses(mut answers: &[u8]) -> Vec<u16> {
    let mut found = Vec::new();
    while !answers.is_empty() {
        let Some(end) = find(answers, b"\r\n\r\n").filter(|_| answers.starts_with(b"HTTP/1."))
        else {
            found.push(0);
            break;
        };
        let (head, rest) = answers.split_at(end + 4);
        let head = String::from_utf8_lossy(head).to_ascii_lowercase();
        let status: u16 = head[9..12].parse().unwrap();
        found.push(status);
        let value = |name: &str| head.split("\r\n").find_map(|line| line.strip_prefix(name));
        answers = match (
            status,
            value("content-length: "),
            value("transfer-encoding: "),
        ) {
            (101, _, _) => &[],
            (100..200 | 204 | 304, _, _) => rest,
            (_, Some(length), _) => rest.get(length.parse().unwrap()..).unwrap_or_default(),
            (_, None, Some(_)) => find(rest, b"0\r\n\r\n").map_or(&[][..], |end| &rest[end + 5..]),
            (_, None, None) => &[],
        };
    }
    found
}

fn find(bytes: &[u8], text: &[u8]) -> Option<usize> {
    bytes.windows(text.len()).position(|window| window == text)
}
