//! Opening a connection: source address, options, and a limit on how long it may take.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::rc::Rc;
use std::time::Duration;

use socket2::{Domain, Protocol, SockAddr, Type};

use super::{Socket, Traffic};
use crate::kernel;

/// Longest time for a connection to open.
pub const CONNECT_LIMIT: Duration = Duration::from_secs(10);

/// Connects to `target` from `source`, or from the kernel's choice.
///
/// # Errors
/// What the kernel says, or `TimedOut` after [`CONNECT_LIMIT`].
pub async fn dial(
    target: SocketAddr,
    source: Option<Ipv4Addr>,
    traffic: Rc<Traffic>,
) -> io::Result<Socket> {
    let io = kernel::watch(start(target, source)?.into())?;
    let opened = tokio::time::timeout(CONNECT_LIMIT, io.writable()).await;
    opened.map_err(|_| io::ErrorKind::TimedOut)??.retain_ready();
    match io.get_ref().take_error()? {
        Some(error) => Err(error),
        None => Ok(Socket::new(io, traffic)),
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

fn start(target: SocketAddr, source: Option<Ipv4Addr>) -> io::Result<socket2::Socket> {
    let socket = prepare(target, source)?;
    match socket.connect(&SockAddr::from(target)) {
        Ok(()) => Ok(socket),
        Err(error)
            if error.raw_os_error() == Some(rustix::io::Errno::INPROGRESS.raw_os_error()) =>
        {
            Ok(socket)
        }
        Err(error) => Err(error),
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
