//! A raw client: it writes exact bytes and takes frames apart as strictly as the RFC lets it.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

use crate::case::{CLOSE, Case, End, Frame, Outcome, close_payload, frame};

/// How long a server may say nothing before it counts as silent: no case allows that, so only a fault takes it.
const PATIENCE: Duration = Duration::from_secs(10);
/// More than this is sent in larger chops.
const BYTE_BY_BYTE: usize = 2500;

/// The handshake of RFC 6455, section 1.3.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";

/// How the bytes of a case are cut into writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Writes {
    /// All in one.
    Whole,
    /// One byte each; chops of 1,021 bytes when there are many.
    Chops,
    /// With the handshake before them, in one.
    WithHandshake,
}

/// A connection and what was read of it.
pub(crate) struct Raw {
    stream: TcpStream,
    rest: Vec<u8>,
}

impl Raw {
    pub(crate) fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_nodelay(true).unwrap();
        Self {
            stream,
            rest: Vec::new(),
        }
    }

    /// Sends bytes. A server that has ended the connection already need not take them.
    pub(crate) fn send(&mut self, bytes: &[u8], chop: usize) {
        for part in bytes.chunks(chop) {
            if self.stream.write_all(part).is_err() {
                break;
            }
        }
    }

    /// Reads the head of an answer.
    pub(crate) fn head(&mut self) -> String {
        loop {
            if let Some(end) = self.rest.windows(4).position(|four| four == b"\r\n\r\n") {
                let head = self.rest.drain(..end + 4).collect();
                return String::from_utf8(head).unwrap();
            }
            let read = self.fill();
            assert_eq!(read, Ok(true), "no answer: {:?}", self.rest);
        }
    }

    /// Reads more: false at the end of the connection, and an error when the server is silent.
    fn fill(&mut self) -> Result<bool, ()> {
        let mut buffer = [0; 16384];
        match self.stream.read(&mut buffer) {
            Ok(count) => {
                self.rest.extend_from_slice(&buffer[..count]);
                Ok(count > 0)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => Err(()),
            Err(_) => Ok(false),
        }
    }

    /// Reads one frame, or says how the connection ended.
    fn frame(&mut self) -> Result<Frame, End> {
        loop {
            if let Some((head, length)) = server_head(&self.rest)
                && self.rest.len() >= head + length
            {
                let frame: Vec<u8> = self.rest.drain(..head + length).collect();
                return Ok((frame[0], frame[head..].to_vec()));
            }
            match self.fill() {
                Ok(true) => {}
                Ok(false) if self.rest.is_empty() => return Err(End::Gone),
                Ok(false) => panic!("the connection ended within a frame: {:x?}", self.rest),
                Err(()) => return Err(End::Silent),
            }
        }
    }

    /// Tells whether the server speaks WebSocket: one message, then the answer to a close.
    pub(crate) fn speaks(&mut self) -> bool {
        let outcome = self.outcome(None);
        outcome.frames.len() == 1 && outcome.end == End::Closed(Some(1000))
    }

    /// Reads to the end; `close` is the payload that answers the client's own close.
    fn outcome(&mut self, close: Option<&[u8]>) -> Outcome {
        let mut frames = Vec::new();
        let end = loop {
            match self.frame() {
                Ok((CLOSE, payload)) => {
                    let code = payload
                        .get(..2)
                        .map(|two| u16::from_be_bytes([two[0], two[1]]));
                    assert!(payload.len() != 1, "half a code");
                    assert!(
                        payload.len() < 2 || std::str::from_utf8(&payload[2..]).is_ok(),
                        "a reason is UTF-8"
                    );
                    // The server is the one to end the connection, and sends nothing after its close.
                    break match self.frame() {
                        Err(End::Gone) if close == Some(&payload) => End::Open,
                        Err(End::Gone) => End::Closed(code),
                        Err(end) => end,
                        Ok(frame) => panic!("{frame:x?} after the close"),
                    };
                }
                Ok(frame) => frames.push(frame),
                Err(end) => break end,
            }
        };
        Outcome { frames, end }
    }
}

/// Gives the lengths of a frame's head and of its payload, when the head is complete.
fn server_head(bytes: &[u8]) -> Option<(usize, usize)> {
    let (&first, rest) = bytes.split_first()?;
    let (&second, rest) = rest.split_first()?;
    assert_eq!(first & 0x70, 0, "a reserved bit is set");
    assert_eq!(second & 0x80, 0, "a server masks nothing");
    assert!(
        first & 0x08 == 0 || (first & 0x80 != 0 && second <= 125),
        "a control frame is whole and short"
    );
    let (head, length) = match second {
        126 => (4, u16::from_be_bytes(*rest.first_chunk()?).into()),
        127 => (10, u64::from_be_bytes(*rest.first_chunk()?)),
        short => (2, u64::from(short)),
    };
    let shortest = match length {
        0..=125 => 2,
        126..=0xffff => 4,
        _ => 10,
    };
    assert_eq!(head, shortest, "a length has its shortest form");
    Some((head, usize::try_from(length).unwrap()))
}

/// Plays one case and gives what came of it.
pub(crate) fn play(address: SocketAddr, path: &str, case: &Case, writes: Writes) -> Outcome {
    let handshake = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    );
    let close = close_payload(1000, b"that was all");
    let mut bytes = case.bytes.clone();
    if case.may_stay_open() {
        bytes.extend(frame(CLOSE, &close));
    }
    let mut raw = Raw::connect(address);
    if writes == Writes::WithHandshake {
        raw.send(&[handshake.as_bytes(), &bytes].concat(), usize::MAX);
    } else {
        raw.send(handshake.as_bytes(), usize::MAX);
    }
    let head = raw.head();
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    match writes {
        Writes::Whole => raw.send(&bytes, usize::MAX),
        Writes::Chops if bytes.len() <= BYTE_BY_BYTE => raw.send(&bytes, 1),
        Writes::Chops => raw.send(&bytes, 1021),
        Writes::WithHandshake => {}
    }
    if case.leaves {
        // A server that has closed already has reset the connection, perhaps.
        let _ = raw.stream.shutdown(Shutdown::Write);
    }
    raw.outcome(case.may_stay_open().then_some(&close[..]))
}
