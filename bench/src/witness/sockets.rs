//! Bytes through the sockets of another process, by the counters that the kernel keeps of each.
//!
//! The kernel tells of every TCP socket of the host when asked over netlink
//! (`NETLINK_SOCK_DIAG`, linux/inet_diag.h), with the same `TCP_INFO` that bench reads of its own. So the
//! browser's bytes are counted as the simulated clients' are, and the browser notices nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::net::SocketAddr;
use std::os::fd::OwnedFd;

use rustix::net::netlink::SOCK_DIAG;
use rustix::net::sockopt::{Timeout, set_socket_timeout};
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType};
use rustix::net::{recv, send, socket_with};

use crate::kernel::TcpInfo;
use crate::net::{self, WireTotals};

/// `SOCK_DIAG_BY_FAMILY`.
const BY_FAMILY: u16 = 20;
/// `NLM_F_REQUEST | NLM_F_DUMP`.
const DUMP: u16 = 0x301;
const ERROR: u16 = 2;
const DONE: u16 = 3;
const TCP: u8 = 6;
/// `INET_DIAG_INFO`, as an attribute's number.
const INFO: u16 = 2;
/// Every state of a connection but listening and those in which only its addresses are left.
const STATES: u32 = 0xfff & !(1 << 10) & !(1 << 6);
/// Bytes of `struct nlmsghdr`.
const HEAD: usize = 16;
/// Bytes of `struct inet_diag_msg`, and where its inode stands.
const MESSAGE: usize = 72;
const INODE: usize = 68;
/// Bytes of `struct rtattr`.
const ATTRIBUTE: usize = 4;
/// The kernel writes at most 32 KiB at once.
const BUFFER: usize = 64 * 1024;
/// How long the kernel may take: it answers at once.
const LIMIT: std::time::Duration = std::time::Duration::from_secs(1);

/// Bytes of connections, at two levels.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Bytes {
    /// Through the sockets: HTTP and WebSocket framing included.
    pub(super) sent: u64,
    pub(super) received: u64,
    /// On the wire.
    pub(super) wire: WireTotals,
}

impl Bytes {
    fn of(info: &TcpInfo, server: SocketAddr) -> Self {
        Self {
            sent: info.bytes_sent,
            received: info.bytes_received,
            wire: net::wire_of(info, server),
        }
    }

    fn add(&mut self, other: Self) {
        self.sent += other.sent;
        self.received += other.received;
        self.wire += other.wire;
    }

    fn since(self, before: Self) -> Self {
        Self {
            sent: self.sent.saturating_sub(before.sent),
            received: self.received.saturating_sub(before.received),
            wire: WireTotals {
                sent: self.wire.sent.saturating_sub(before.wire.sent),
                received: self.wire.received.saturating_sub(before.wire.received),
            },
        }
    }
}

/// The connections of a process group to one server, looked at from time to time.
#[derive(Debug)]
pub(super) struct Watch {
    group: u32,
    server: SocketAddr,
    /// What each connection had when the watch began, 0 of a later one, and when it was last seen.
    connections: BTreeMap<u32, (Bytes, Bytes)>,
}

impl Watch {
    /// Begins now.
    ///
    /// # Errors
    /// When the kernel does not tell.
    pub(super) fn begin(group: u32, server: SocketAddr) -> io::Result<Self> {
        let mut watch = Self {
            group,
            server,
            connections: BTreeMap::new(),
        };
        watch.look()?;
        for (begun, last) in watch.connections.values_mut() {
            *begun = *last;
        }
        Ok(watch)
    }

    /// Looks again. What a connection carries between the last look and its end is not seen.
    ///
    /// # Errors
    /// As [`Watch::begin`].
    pub(super) fn look(&mut self) -> io::Result<()> {
        let told = dump(self.server)?;
        let theirs = inodes(self.group);
        for (inode, info) in told {
            if theirs.contains(&inode) {
                let bytes = Bytes::of(&info, self.server);
                let connection = self.connections.entry(inode).or_default();
                connection.1 = bytes;
            }
        }
        Ok(())
    }

    /// What has passed since the beginning, by the last look.
    pub(super) fn passed(&self) -> Bytes {
        let mut all = Bytes::default();
        for (begun, last) in self.connections.values() {
            all.add(last.since(*begun));
        }
        all
    }
}

/// The sockets, by inode, that the processes of a group have open; those of a process that is just ending are none.
fn inodes(group: u32) -> BTreeSet<u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse::<u32>().ok());
    let members = pids.filter(|pid| group_of(*pid) == Some(group));
    let files = members
        .flat_map(|pid| fs::read_dir(format!("/proc/{pid}/fd")))
        .flatten()
        .flatten();
    let targets = files.filter_map(|file| fs::read_link(file.path()).ok());
    targets
        .filter_map(|target| {
            let inode = target.to_str()?.strip_prefix("socket:[")?;
            inode.strip_suffix(']')?.parse().ok()
        })
        .collect()
}

/// The process group; the name before it stands in brackets and may hold anything.
fn group_of(pid: u32) -> Option<u32> {
    let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    stat.rsplit_once(") ")?.1.split(' ').nth(2)?.parse().ok()
}

/// Every connection of this host to a server: the inode of its socket, and its counters.
fn dump(server: SocketAddr) -> io::Result<Vec<(u32, TcpInfo)>> {
    let flags = SocketFlags::CLOEXEC;
    let socket = socket_with(
        AddressFamily::NETLINK,
        SocketType::DGRAM,
        flags,
        Some(SOCK_DIAG),
    )?;
    set_socket_timeout(&socket, Timeout::Recv, Some(LIMIT))?;
    let _ = send(&socket, &request(server), SendFlags::empty())?;
    let mut found = Vec::new();
    let mut buffer = vec![0; BUFFER];
    while more(&socket, &mut buffer, &mut found)? {}
    Ok(found)
}

fn request(server: SocketAddr) -> Vec<u8> {
    let family = if server.is_ipv6() {
        AddressFamily::INET6
    } else {
        AddressFamily::INET
    };
    let mut out = Vec::with_capacity(HEAD + 56);
    out.extend_from_slice(&72_u32.to_ne_bytes());
    out.extend_from_slice(&BY_FAMILY.to_ne_bytes());
    out.extend_from_slice(&DUMP.to_ne_bytes());
    // Sequence and sender: there is one question.
    out.extend_from_slice(&[0; 8]);
    out.push(u8::try_from(family.as_raw()).unwrap_or_default());
    out.push(TCP);
    out.extend_from_slice(&[1 << (INFO - 1), 0]);
    out.extend_from_slice(&STATES.to_ne_bytes());
    // Source port, destination port; addresses, interface and cookie are not asked for.
    out.extend_from_slice(&[0; 2]);
    out.extend_from_slice(&server.port().to_be_bytes());
    out.resize(HEAD + 56, 0);
    out
}

/// Reads one piece of the answer; gives whether there is more.
fn more(socket: &OwnedFd, buffer: &mut [u8], found: &mut Vec<(u32, TcpInfo)>) -> io::Result<bool> {
    let (_, count) = recv(socket, &mut *buffer, RecvFlags::empty())?;
    let mut rest = &buffer[..count];
    while let Some(length) = word(rest, 0).map(|length| length as usize) {
        if length < HEAD || length > rest.len() {
            return Err(io::ErrorKind::InvalidData.into());
        }
        let (message, kind) = (&rest[..length], half(rest, 4));
        match kind {
            Some(DONE) => return Ok(false),
            Some(ERROR) => return Err(refused(message)),
            _ => found.extend(connection(&message[HEAD..])),
        }
        rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
    }
    Ok(count > 0)
}

fn refused(message: &[u8]) -> io::Error {
    let code = word(message, HEAD).unwrap_or_default().cast_signed();
    io::Error::from_raw_os_error(code.saturating_neg())
}

/// Inode and counters of one connection.
fn connection(message: &[u8]) -> Option<(u32, TcpInfo)> {
    let inode = word(message, INODE)?;
    let mut rest = message.get(MESSAGE..)?;
    loop {
        let length = usize::from(half(rest, 0)?);
        let value = rest.get(ATTRIBUTE..length)?;
        if half(rest, 2)? == INFO {
            return Some((inode, TcpInfo::parse(value)?));
        }
        rest = rest.get(length.next_multiple_of(4)..)?;
    }
}

fn word(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(bytes.get(at..at + 4)?.try_into().ok()?))
}

fn half(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(bytes.get(at..at + 2)?.try_into().ok()?))
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Write};
    use std::net::{TcpListener, TcpStream};

    use super::*;

    #[test]
    fn the_bytes_of_connections_are_seen_from_outside() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let group = rustix::process::getpgrp().as_raw_nonzero().get();
        let group = u32::try_from(group).unwrap();
        let mut early = TcpStream::connect(address).unwrap();
        let mut early_far = listener.accept().unwrap().0;
        early.write_all(&[1; 77]).unwrap();
        early_far.read_exact(&mut [0; 77]).unwrap();
        let mut watch = Watch::begin(group, address).unwrap();
        assert_eq!(watch.passed(), Bytes::default());
        let mut late = TcpStream::connect(address).unwrap();
        let mut late_far = listener.accept().unwrap().0;
        for (near, far, size) in [
            (&mut early, &mut early_far, 100),
            (&mut late, &mut late_far, 20),
        ] {
            near.write_all(&vec![1; size]).unwrap();
            far.read_exact(&mut vec![0; size]).unwrap();
            far.write_all(&vec![1; size * 3]).unwrap();
            near.read_exact(&mut vec![0; size * 3]).unwrap();
        }
        watch.look().unwrap();
        let passed = watch.passed();
        // Sockets on the server's side of a connection have another port at their far end.
        assert_eq!((passed.sent, passed.received), (120, 360));
        assert!(passed.wire.sent > 120 + 80 && passed.wire.received > 360);
        drop(late);
        watch.look().unwrap();
        assert_eq!((watch.passed().sent, watch.passed().received), (120, 360));
    }

    #[test]
    fn a_process_group_that_is_not_there_has_no_sockets() {
        assert!(inodes(4_194_301).is_empty());
    }
}
