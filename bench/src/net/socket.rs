//! The measured socket: every byte counted, every arrival stamped by the kernel.

use std::cell::Cell;
use std::future::poll_fn;
use std::io::{self, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::rc::Rc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::link::Line;
use super::open::Open;
use crate::clock::{Moment, Wall};
use crate::kernel::{self, TcpInfo};
use crate::reactor::{self, Watched};

/// TCP and IP header without options, in bytes.
const HEADERS_V4: u64 = 40;
const HEADERS_V6: u64 = 60;
/// How long a server may take to end a connection after the answer that it announced as the last.
const PART_LIMIT: Duration = Duration::from_millis(100);
/// Reads of what a server may still say when both sides are about to end the connection.
const ALERTS: usize = 8;
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
    /// Reads the kernel's stamps.
    wall: Wall,
    /// Connections that are open.
    pub open: Open,
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
            wall: Wall::default(),
            open: Open::default(),
        }
    }
}

/// Bytes on the wire, TCP/IP headers and acknowledgements included.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// When the last of them reached this host's socket or, over a link, the emulated far end;
    /// `None` without kernel stamps.
    pub arrival: Option<Moment>,
}

/// A connected, non-blocking TCP socket that counts and stamps.
///
/// Belongs to one thread. Methods take `&self`, so that the thread can read the
/// counters of a socket while its session waits on it.
#[derive(Debug)]
pub struct Socket {
    way: Way,
    traffic: Rc<Traffic>,
}

#[derive(Debug)]
enum Way {
    Direct(Watched<TcpStream>),
    /// Over an emulated link.
    Over(Rc<Line>),
}

impl Socket {
    /// Takes over a connected socket.
    pub(super) fn direct(io: Watched<TcpStream>, traffic: Rc<Traffic>) -> Self {
        Self::counted(Way::Direct(io), traffic)
    }

    /// Takes over a socket connected over a link.
    pub(super) fn over(line: Rc<Line>, traffic: Rc<Traffic>) -> Self {
        Self::counted(Way::Over(line), traffic)
    }

    fn counted(way: Way, traffic: Rc<Traffic>) -> Self {
        traffic.open.opened();
        Self { way, traffic }
    }

    fn stream(&self) -> &TcpStream {
        match &self.way {
            Way::Direct(io) => io.get_ref(),
            Way::Over(line) => line.stream(),
        }
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
        let received = ready!(match &self.way {
            Way::Direct(io) => poll_receive(io, context, buffer, &self.traffic.wall),
            Way::Over(line) => line.poll_receive(context, buffer),
        })?;
        self.traffic
            .received
            .set(self.traffic.received.get() + received.count as u64);
        Poll::Ready(Ok(received))
    }

    /// Sends all of `bytes`. Not cancel-safe: a dropped call may have sent a part.
    ///
    /// # Errors
    /// Whatever the kernel gives; the connection is of no more use.
    pub async fn send_all(&self, mut bytes: &[u8]) -> io::Result<()> {
        while !bytes.is_empty() {
            match self.try_send(bytes) {
                Ok(count) => bytes = &bytes[count..],
                Err(error) if would_block(&error) => {
                    // Boxed: it is rare, and every session would keep room for it.
                    bytes = &bytes[Box::pin(self.send_later(bytes)).await?..];
                }
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// Waits until there may be room, and sends what there is room for.
    async fn send_later(&self, bytes: &[u8]) -> io::Result<usize> {
        let sent = match &self.way {
            Way::Direct(io) => {
                poll_fn(|context| io.poll_writable(context)).await;
                let sent = self.try_send(bytes);
                if sent.as_ref().is_err_and(would_block) {
                    io.not_writable();
                }
                sent
            }
            Way::Over(line) => {
                poll_fn(|context| line.poll_writable(context)).await;
                self.try_send(bytes)
            }
        };
        match sent {
            Err(error) if would_block(&error) => Ok(0),
            sent => sent,
        }
    }

    /// Sends what the kernel takes at once; over a link, what may be on its way.
    ///
    /// # Errors
    /// `WouldBlock` when it takes nothing.
    pub fn try_send(&self, bytes: &[u8]) -> io::Result<usize> {
        let count = match &self.way {
            Way::Direct(io) => io.get_ref().write(bytes)?,
            Way::Over(line) => line.try_send(bytes)?,
        };
        self.traffic
            .sent
            .set(self.traffic.sent.get() + count as u64);
        Ok(count)
    }

    /// Ends a connection that the server ends too, in good order: once its last segment is here, the
    /// client's own is sent, over a link too at once, and counted. A server that keeps it open nevertheless is not
    /// waited for. With `alerts` it may say before that TLS ends.
    pub async fn part(&self, alerts: bool) {
        let ended = reactor::timeout(PART_LIMIT, self.ended(alerts)).await;
        if ended.is_some_and(|ended| ended) {
            self.shut();
        }
    }

    /// Ends a connection that only its client ends, in good order: its last segment is sent, and the
    /// server's is waited for as long as for one that ends it by itself.
    pub async fn leave(&self) {
        self.shut();
        // Too late is no matter.
        let _ = reactor::timeout(PART_LIMIT, self.ended(true)).await;
    }

    fn shut(&self) {
        // A reset would end it too, and cost the server less than its browsers will.
        // Over a link it does not travel: whoever hangs up is gone at once, and the next connection
        // waits for nothing of this one.
        let _ = socket2::SockRef::from(self.stream()).set_linger(None);
        let _ = self.stream().shutdown(Shutdown::Write);
    }

    /// Waits for the server's end; gives `false` when something else came.
    async fn ended(&self, alerts: bool) -> bool {
        let mut bytes = [0; 64];
        for _ in 0..if alerts { ALERTS } else { 1 } {
            let received = poll_fn(|context| self.poll_receive(context, &mut bytes)).await;
            match received {
                Ok(Received { count: 1.., .. }) => {}
                Ok(_) => return true,
                Err(_) => return false,
            }
        }
        false
    }

    /// Bytes on the wire since the connection was opened: see [`wire`]. What an emulated link loses
    /// and sends again is not in it.
    ///
    /// # Errors
    /// When the kernel gives no counters.
    pub fn wire(&self) -> io::Result<WireTotals> {
        totals(self.stream(), self.traffic.headers)
    }

    /// Bytes in both directions since the connection was opened, at the socket and on the wire.
    ///
    /// # Errors
    /// When the kernel gives no counters.
    pub fn passed(&self) -> io::Result<(u64, WireTotals)> {
        let info = kernel::tcp_info(self.stream().as_fd())?;
        let bytes = info.bytes_sent + info.bytes_received;
        Ok((bytes, on_wire(&info, self.traffic.headers)))
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.traffic.open.closed();
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
    Ok(on_wire(&kernel::tcp_info(stream.as_fd())?, headers))
}

/// The same by counters that were read already, of whoever's connection to `server`.
#[must_use]
pub fn wire_of(info: &TcpInfo, server: SocketAddr) -> WireTotals {
    on_wire(info, Traffic::to(server).headers)
}

fn on_wire(info: &TcpInfo, headers: u64) -> WireTotals {
    let each = headers + info.option_bytes;
    WireTotals {
        sent: info.bytes_sent + info.segments_out * each + SYN_EXTRA,
        received: info.bytes_received + info.segments_in * each + SYN_EXTRA,
    }
}

fn poll_receive(
    io: &Watched<TcpStream>,
    context: &Context<'_>,
    buffer: &mut [u8],
    wall: &Wall,
) -> Poll<io::Result<Received>> {
    loop {
        ready!(io.poll_readable(context));
        match kernel::receive(io.get_ref().as_fd(), buffer) {
            Ok((count, stamp)) => {
                // A buffer that is not full was the last of it: no second call only to be told so.
                if count > 0 && count < buffer.len() {
                    io.not_readable();
                }
                return Poll::Ready(Ok(Received {
                    count,
                    arrival: stamp.map(|stamp| wall.moment(stamp)),
                }));
            }
            Err(error) if would_block(&error) => io.not_readable(),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Poll::Ready(Err(error)),
        }
    }
}

fn would_block(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::WouldBlock
}
