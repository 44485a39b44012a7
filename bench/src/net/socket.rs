//! The measured socket: every byte counted, every arrival stamped by the kernel.

use std::cell::Cell;
use std::io::{self, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use tokio::io::unix::AsyncFd;

use crate::clock::Moment;
use crate::kernel;

/// TCP and IP header without options, in bytes.
const HEADERS_V4: u64 = 40;
const HEADERS_V6: u64 = 60;
/// What a SYN carries beyond other segments (MSS, window scale, SACK permitted), in bytes.
const SYN_EXTRA: u64 = 8;

/// Bytes through the sockets of one thread to one server. Shared by all of them, so an idle socket
/// pays a pointer for it.
#[derive(Debug)]
pub struct Traffic {
    /// Bytes of TCP and IP header that each segment has, options left out.
    headers: u64,
    /// Bytes written to sockets.
    pub sent: Cell<u64>,
    /// Bytes read from sockets.
    pub received: Cell<u64>,
}

impl Traffic {
    /// Nothing yet, to this server.
    #[must_use]
    pub fn to(server: SocketAddr) -> Self {
        let headers = if server.is_ipv6() {
            HEADERS_V6
        } else {
            HEADERS_V4
        };
        Self {
            headers,
            sent: Cell::default(),
            received: Cell::default(),
        }
    }
}

/// Bytes on the wire, TCP/IP headers and acknowledgements included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct WireTotals {
    /// From the client to the server.
    pub sent: u64,
    /// From the server to the client.
    pub received: u64,
}

impl std::ops::AddAssign for WireTotals {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.received += other.received;
    }
}

/// A piece of what arrived.
#[derive(Debug, Clone, Copy)]
pub struct Received {
    /// Bytes now in the buffer; 0 when the server has closed its side.
    pub count: usize,
    /// When the last of them reached this host's socket; `None` without kernel stamps.
    pub arrival: Option<Moment>,
}

/// A connected, non-blocking TCP socket that counts and stamps.
///
/// Belongs to one thread. Methods take `&self`, so that the thread can read the
/// counters of a socket while its session waits on it.
#[derive(Debug)]
pub struct Socket {
    io: AsyncFd<TcpStream>,
    traffic: Rc<Traffic>,
}

impl Socket {
    /// Takes over a connected socket.
    pub(super) fn new(io: AsyncFd<TcpStream>, traffic: Rc<Traffic>) -> Self {
        Self { io, traffic }
    }

    /// Receives what is there into `buffer`, waiting for the first byte.
    ///
    /// The buffer is only borrowed while the socket is polled: one buffer serves all sockets of a thread.
    ///
    /// # Errors
    /// Whatever the kernel gives; the connection is of no more use.
    pub fn poll_receive(
        &self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<io::Result<Received>> {
        loop {
            let mut ready = ready!(self.io.poll_read_ready(context))?;
            match kernel::receive(self.io.get_ref().as_fd(), buffer) {
                Ok((count, wall)) => {
                    // A buffer that is not full was the last of it: no second call only to be told so.
                    if count > 0 && count < buffer.len() {
                        ready.clear_ready();
                    }
                    self.traffic
                        .received
                        .set(self.traffic.received.get() + count as u64);
                    return Poll::Ready(Ok(Received {
                        count,
                        arrival: wall.map(Moment::from_wall),
                    }));
                }
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => ready.clear_ready(),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
    }

    /// Sends all of `bytes`. Not cancel-safe: a dropped call may have sent a part.
    ///
    /// # Errors
    /// Whatever the kernel gives; the connection is of no more use.
    pub async fn send_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.try_send(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                    let mut ready = self.io.writable().await?;
                    match self.try_send(bytes) {
                        Ok(count) => bytes = &bytes[count..],
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                            ready.clear_ready()
                        }
                        Err(error) => return Err(error),
                    }
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Sends what the kernel takes at once.
    ///
    /// # Errors
    /// `WouldBlock` when it takes nothing.
    pub fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        let count = self.io.get_ref().write(bytes)?;
        self.traffic
            .sent
            .set(self.traffic.sent.get() + count as u64);
        Ok(count)
    }

    /// Bytes on the wire since the connection was opened: see [`wire`].
    ///
    /// # Errors
    /// When the kernel gives no counters.
    pub fn wire(&self) -> io::Result<WireTotals> {
        totals(self.io.get_ref(), self.traffic.headers)
    }
}

/// Bytes on the wire of a connection to `server` since it was opened, by the kernel's own counters.
///
/// Segments times header size, plus the bytes they carried. Agrees with the interface's
/// counters to the byte on loopback, but for the segment that closes it.
///
/// # Errors
/// When the kernel gives no counters.
pub fn wire(stream: &TcpStream, server: SocketAddr) -> io::Result<WireTotals> {
    totals(stream, Traffic::to(server).headers)
}

fn totals(stream: &TcpStream, headers: u64) -> io::Result<WireTotals> {
    let info = kernel::tcp_info(stream.as_fd())?;
    let each = headers + info.option_bytes;
    Ok(WireTotals {
        sent: info.bytes_sent + info.segments_out * each + SYN_EXTRA,
        received: info.bytes_received + info.segments_in * each + SYN_EXTRA,
    })
}
