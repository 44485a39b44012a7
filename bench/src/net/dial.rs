//! Opening a connection: source address, options, and a limit on how long it may take.

use std::future::poll_fn;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Type};

use super::link::{Opening, Over};
use super::{Socket, Traffic};
use crate::kernel;
use crate::reactor::{self, Watched};

/// Longest time for a connection to open.
pub const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// What the kernel buffers for a client over a link: a server that sends faster than the link has to wait, as it would for a real one.
const BUFFER_OVER_LINK: usize = 128 << 10;

/// Connects to `target` from `source`, or from the kernel's choice; over a link when there is one,
/// whose round trips it takes.
///
/// # Errors
/// What the kernel says, or `TimedOut` after [`CONNECT_LIMIT`].
pub async fn dial(
    target: SocketAddr,
    source: Option<Ipv4Addr>,
    traffic: Rc<Traffic>,
    over: Option<Over>,
) -> io::Result<Socket> {
    let mut opening = over.map(Opening::new);
    if let Some(opening) = &mut opening {
        opening.ask().await?;
    }
    let socket = prepare(target, source)?;
    if opening.is_some() {
        socket.set_recv_buffer_size(BUFFER_OVER_LINK)?;
    }
    start(&socket, target)?;
    let io = Watched::new(std::net::TcpStream::from(socket))?;
    let opened = poll_fn(|context| io.poll_writable(context));
    let opened = reactor::timeout(CONNECT_LIMIT, opened).await;
    opened.ok_or(io::ErrorKind::TimedOut)?;
    if let Some(opening) = &mut opening {
        opening.hear().await?;
    }
    match (io.get_ref().take_error()?, opening) {
        (Some(error), _) => Err(error),
        (None, None) => Ok(Socket::direct(io, traffic)),
        (None, Some(opening)) => Ok(Socket::over(opening.open(io), traffic)),
    }
}

/// Connects a socket for a thread without a runtime; it is non-blocking afterwards.
///
/// # Errors
/// What the kernel says, or `TimedOut` after `limit`.
pub fn dial_blocking(target: SocketAddr, limit: Duration) -> io::Result<std::net::TcpStream> {
    let socket = prepare(target, None)?;
    socket.set_nonblocking(false)?;
    socket.connect_timeout(&SockAddr::from(target), limit)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

fn start(socket: &socket2::Socket, target: SocketAddr) -> io::Result<()> {
    let under_way = Some(rustix::io::Errno::INPROGRESS.raw_os_error());
    match socket.connect(&SockAddr::from(target)) {
        Err(error) if error.raw_os_error() != under_way => Err(error),
        Ok(()) | Err(_) => Ok(()),
    }
}

fn prepare(target: SocketAddr, source: Option<Ipv4Addr>) -> io::Result<socket2::Socket> {
    let socket = socket2::Socket::new(
        Domain::for_address(target),
        Type::STREAM.nonblocking().cloexec(),
        Some(Protocol::TCP),
    )?;
    socket.set_tcp_nodelay(true)?;
    // Ten thousand closing clients would leave ten thousand ports in TIME_WAIT and slow the next trial's connects threefold.
    socket.set_linger(Some(Duration::ZERO))?;
    // A kernel without stamps or counters is no error: the result says that arrival is missing.
    let _ = kernel::stamp_arrivals(socket.as_fd());
    if let Some(source) = source.filter(|_| target.is_ipv4()) {
        kernel::bind_address_no_port(socket.as_fd())?;
        socket.bind(&SockAddr::from(SocketAddr::from((source, 0))))?;
    }
    Ok(socket)
}
