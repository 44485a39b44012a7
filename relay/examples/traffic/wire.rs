//! One connection, and as much of HTTP and WebSocket as is needed to read a relay.

use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

/// How long a connection may take to open.
const OPENING: Duration = Duration::from_secs(5);
/// How long any answer or heartbeat may take: beyond it something hangs.
const PATIENCE: Duration = Duration::from_secs(40);

/// Where the relay is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Relay {
    address: SocketAddr,
    /// The certificate of one that speaks TLS; a relay that is started anew may have another.
    trusted: Option<&'static Path>,
}

impl Relay {
    pub(crate) fn new(address: SocketAddr, trusted: Option<PathBuf>) -> Self {
        Self {
            address,
            // As long as the program runs.
            trusted: trusted.map(|file| &*Box::leak(file.into_boxed_path())),
        }
    }

    /// Another one, spoken to in the same way.
    pub(crate) fn at(self, address: SocketAddr) -> Self {
        Self { address, ..self }
    }
}

/// TCP, or TLS on it.
trait Stream: AsyncRead + AsyncWrite + Unpin {}
impl<S: AsyncRead + AsyncWrite + Unpin> Stream for S {}

/// A connection to the relay.
pub(crate) struct Wire {
    stream: Box<dyn Stream>,
    buffer: Vec<u8>,
}

/// A head that came.
pub(crate) struct Head {
    pub(crate) status: u16,
    lines: String,
}

impl Head {
    /// A field's value; names are lower case as the relay writes them.
    pub(crate) fn field(&self, name: &str) -> Option<&str> {
        let line = |line: &'_ str| line.split_once(": ").filter(|(n, _)| *n == name).is_some();
        let line = self.lines.lines().find(|l| line(l))?;
        line.split_once(": ").map(|(_, value)| value)
    }
}

pub(crate) fn broken(why: &str) -> io::Error {
    io::Error::new(ErrorKind::InvalidData, why.to_owned())
}

impl Wire {
    pub(crate) async fn open(relay: Relay) -> io::Result<Self> {
        let stream = timeout(OPENING, TcpStream::connect(relay.address)).await??;
        stream.set_nodelay(true)?;
        let stream: Box<dyn Stream> = match relay.trusted {
            None => Box::new(stream),
            Some(file) => {
                let tls = TlsConnector::from(Arc::new(trusting(file)?));
                let name = relay.address.ip().into();
                Box::new(timeout(OPENING, tls.connect(name, stream)).await??)
            }
        };
        Ok(Self {
            stream,
            buffer: Vec::new(),
        })
    }

    pub(crate) async fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        timeout(PATIENCE, self.stream.write_all(bytes)).await?
    }

    /// Sends a request; its answer is read by who asks.
    pub(crate) async fn ask(&mut self, path: &str, fields: &str) -> io::Result<()> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n{fields}\r\n");
        self.send(request.as_bytes()).await
    }

    pub(crate) async fn get(&mut self, path: &str, fields: &str) -> io::Result<Head> {
        self.ask(path, fields).await?;
        self.head().await
    }

    pub(crate) async fn head(&mut self) -> io::Result<Head> {
        let lines = self.until(b"\r\n\r\n").await?;
        let lines = String::from_utf8(lines).map_err(|_| broken("the head is no text"))?;
        let status = lines.split(' ').nth(1).and_then(|word| word.parse().ok());
        let status = status.ok_or_else(|| broken("no status"))?;
        Ok(Head { status, lines })
    }

    /// The body of an answer that has a length.
    pub(crate) async fn body(&mut self, head: &Head) -> io::Result<Vec<u8>> {
        let length = head.field("content-length");
        let length = length.and_then(|text| text.parse().ok()).unwrap_or(0);
        self.exactly(length).await
    }

    /// The next chunk of an answer that does not end; none at its end.
    pub(crate) async fn chunk(&mut self) -> io::Result<Option<Vec<u8>>> {
        let size = self.until(b"\r\n").await?;
        let size = std::str::from_utf8(&size).ok();
        let size = size.and_then(|text| usize::from_str_radix(text.trim(), 16).ok());
        let size = size.ok_or_else(|| broken("no chunk size"))?;
        let mut chunk = self.exactly(size + 2).await?;
        chunk.truncate(size);
        Ok((size > 0).then_some(chunk))
    }

    /// The next frame of a server: its opcode and what it carries.
    pub(crate) async fn frame(&mut self) -> io::Result<(u8, Vec<u8>)> {
        let start = self.exactly(2).await?;
        let length = match start[1] {
            126 => self.exactly(2).await?,
            127 => self.exactly(8).await?,
            short => vec![short],
        };
        let length = length
            .iter()
            .fold(0, |all, byte| all << 8 | usize::from(*byte));
        Ok((start[0] & 15, self.exactly(length).await?))
    }

    /// Sends a frame as clients do, masked.
    pub(crate) async fn send_frame(&mut self, opcode: u8, payload: &[u8]) -> io::Result<()> {
        const MASK: [u8; 4] = [0x5a, 0x17, 0xc3, 0x0e];
        let mut frame = vec![0x80 | opcode];
        match u8::try_from(payload.len()) {
            Ok(short @ ..126) => frame.push(0x80 | short),
            _ => {
                let length = u16::try_from(payload.len()).map_err(|_| broken("too long"))?;
                frame.push(0x80 | 126);
                frame.extend(length.to_be_bytes());
            }
        }
        frame.extend(MASK);
        frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(a, b)| a ^ b));
        self.send(&frame).await
    }

    /// Gives it back unless the relay has ended it while nothing was asked: closed it, or sent a frame that says so.
    pub(crate) fn if_open(mut self) -> Option<Self> {
        let mut space = [0; 4096];
        let mut came = ReadBuf::new(&mut space);
        let mut cx = Context::from_waker(Waker::noop());
        let open = match Pin::new(&mut self.stream).poll_read(&mut cx, &mut came) {
            Poll::Pending => true,
            Poll::Ready(Ok(())) if !came.filled().is_empty() => {
                self.buffer.extend_from_slice(came.filled());
                self.buffer.first() != Some(&0x88)
            }
            Poll::Ready(_) => false,
        };
        open.then_some(self)
    }

    async fn until(&mut self, end: &[u8]) -> io::Result<Vec<u8>> {
        let mut from = 0;
        loop {
            let found = self.buffer[from..]
                .windows(end.len())
                .position(|w| w == end);
            if let Some(at) = found {
                return Ok(self.buffer.drain(..from + at + end.len()).collect());
            }
            from = self.buffer.len().saturating_sub(end.len() - 1);
            self.more().await?;
        }
    }

    async fn exactly(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < length {
            self.more().await?;
        }
        Ok(self.buffer.drain(..length).collect())
    }

    async fn more(&mut self) -> io::Result<()> {
        match timeout(PATIENCE, self.stream.read_buf(&mut self.buffer)).await? {
            Ok(0) => Err(ErrorKind::UnexpectedEof.into()),
            Ok(_) => Ok(()),
            Err(error) => Err(error),
        }
    }
}

/// Trusts the certificate in a file and no other.
fn trusting(file: &Path) -> io::Result<ClientConfig> {
    let certificate = CertificateDer::from_pem_file(file).map_err(io::Error::other)?;
    let mut roots = RootCertStore::empty();
    roots.add(certificate).map_err(io::Error::other)?;
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(io::Error::other)?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}
