//! A connection of the relay to itself, whose bytes are kept: what a page shows was sent.

use std::fmt::Write as _;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::pki_types::ServerName;
use serde_json::{Value, json};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::tls::Tls;

/// The most bytes of one answer; the pages' own messages are far smaller.
const MOST: usize = 64 * 1024;

/// Finds the end of a piece in the bytes that have come so far; the end may lie beyond them.
pub(super) type Ends = fn(&[u8]) -> Option<usize>;

/// Who sent some bytes.
#[derive(Debug, Clone, Copy)]
pub(super) enum From {
    Client,
    Relay,
}

/// Bytes both ways.
trait Stream: AsyncRead + AsyncWrite + Send + Unpin {}

impl<T: AsyncRead + AsyncWrite + Send + Unpin> Stream for T {}

/// One side of a conversation, and all that was said.
pub(super) struct Tape {
    /// What is kept is what passes above TLS, where there is TLS.
    stream: Box<dyn Stream>,
    /// Read, but not asked for yet.
    early: Vec<u8>,
    said: Vec<Value>,
}

impl Tape {
    pub(super) async fn start(address: SocketAddr, tls: Option<&Tls>) -> io::Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        let stream: Box<dyn Stream> = match tls {
            None => Box::new(stream),
            Some(tls) => {
                let connector = TlsConnector::from(Arc::clone(&tls.own));
                let name = ServerName::from(address.ip());
                Box::new(connector.connect(name, stream).await?)
            }
        };
        Ok(Self {
            stream,
            early: Vec::new(),
            said: Vec::new(),
        })
    }

    /// Sends bytes, under the name of what they are for.
    pub(super) async fn send(&mut self, purpose: &str, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes).await?;
        self.keep(purpose, From::Client, bytes);
        Ok(())
    }

    /// Receives one whole piece, under the name of what it is for.
    pub(super) async fn receive(&mut self, purpose: &str, ends: Ends) -> io::Result<Vec<u8>> {
        let piece = self.next(ends).await?;
        self.keep(purpose, From::Relay, &piece);
        Ok(piece)
    }

    /// Receives one whole piece without keeping it.
    pub(super) async fn next(&mut self, ends: Ends) -> io::Result<Vec<u8>> {
        loop {
            if let Some(end) = ends(&self.early).filter(|end| *end <= self.early.len()) {
                return Ok(self.early.drain(..end).collect());
            }
            if self.early.len() > MOST {
                return Err(io::ErrorKind::FileTooLarge.into());
            }
            if self.stream.read_buf(&mut self.early).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
        }
    }

    pub(super) fn keep(&mut self, purpose: &str, from: From, bytes: &[u8]) {
        let from = match from {
            From::Client => "client",
            From::Relay => "relay",
        };
        self.said
            .push(json!({ "purpose": purpose, "from": from, "hex": hex(bytes) }));
    }

    /// Ends the connection and gives what was said.
    pub(super) fn stop(self) -> Vec<Value> {
        self.said
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
            // Writing to a string cannot fail.
            let _ = write!(text, "{byte:02x}");
            text
        })
}

/// Finds the end of a head.
pub(super) fn head(bytes: &[u8]) -> Option<usize> {
    after(bytes, b"\r\n\r\n")
}

/// Finds the end of an answer whose body has a length, or none.
pub(super) fn answer(bytes: &[u8]) -> Option<usize> {
    let head = head(bytes)?;
    let text = String::from_utf8_lossy(&bytes[..head]);
    let length = text
        .lines()
        .find_map(|line| line.strip_prefix("content-length: "))
        .and_then(|length| length.parse::<usize>().ok());
    Some(head + length.unwrap_or(0))
}

/// Finds the end of a chunk.
pub(super) fn chunk(bytes: &[u8]) -> Option<usize> {
    let line = after(bytes, b"\r\n")?;
    let size = std::str::from_utf8(&bytes[..line - 2]).ok()?;
    let size = usize::from_str_radix(size, 16).ok()?;
    line.checked_add(size)?.checked_add(2)
}

/// Finds the end of a frame from the relay, which is never masked.
pub(super) fn frame(bytes: &[u8]) -> Option<usize> {
    match (*bytes.get(1)?, bytes) {
        (126, [_, _, high, low, ..]) => Some(4 + usize::from(u16::from_be_bytes([*high, *low]))),
        (126.., _) => None,
        (short, _) => Some(2 + usize::from(short)),
    }
}

fn after(bytes: &[u8], end: &[u8]) -> Option<usize> {
    let at = bytes.windows(end.len()).position(|window| window == end)?;
    Some(at + end.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_end_where_their_framing_says() {
        assert_eq!(answer(b"HTTP/1.1 204 No Content\r\n\r\nHTTP"), Some(27));
        assert_eq!(
            answer(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nokHTTP"),
            Some(40)
        );
        assert_eq!(answer(b"HTTP/1.1 200 OK\r\n"), None);
        assert_eq!(chunk(b"a\r\n0123456789\r\n5"), Some(15));
        assert_eq!(chunk(b"a"), None);
        assert_eq!(chunk(b"zz\r\n"), None);
        assert_eq!(chunk(b"ffffffffffffffff\r\n"), None);
        assert_eq!(frame(b"\x81\x02hi\x81"), Some(4));
        assert_eq!(frame(b"\x81\x7e\x01\x00"), Some(4 + 256));
        assert_eq!(frame(b"\x81"), None);
        assert_eq!(frame(b"\x81\x7e\x01"), None);
    }
}
