//! Kernel memory of TCP sockets: no process's resident memory ever shows it.

use std::fs;

/// What the kernel keeps for each open TCP socket that is watched by epoll, and how many of each.
const OBJECTS: [(&str, u64); 5] = [
    ("TCP", 1),
    ("sock_inode_cache", 1),
    ("filp", 1),
    ("dentry", 1),
    ("eventpoll_epi", 1),
];
/// Bytes of a page of buffered data.
const PAGE: u64 = 4096;

/// Kernel memory of all TCP sockets of this machine (network namespace), in bytes: open sockets times the
/// sizes of the kernel's objects for one, plus the pages of buffered data.
///
/// Growth of the kernel's memory as a whole would be simpler and wrong: the kernel keeps the
/// memory of closed sockets for the next ones. The sizes stand in `/proc/slabinfo`, which only
/// root may read; without them there is no figure.
#[must_use]
pub fn socket_memory() -> Option<u64> {
    let sizes = fs::read_to_string("/proc/slabinfo").ok()?;
    let (sockets, pages) = tcp(&fs::read_to_string("/proc/net/sockstat").ok()?)?;
    Some(sockets * socket_size(&sizes)? + pages * PAGE)
}

/// Bytes of kernel objects for one socket.
fn socket_size(slabinfo: &str) -> Option<u64> {
    let size = |name: &str| {
        let line = slabinfo
            .lines()
            .find(|line| line.split_ascii_whitespace().next() == Some(name))?;
        line.split_ascii_whitespace().nth(3)?.parse::<u64>().ok()
    };
    // A cache that the kernel has merged with another of the same size is left out, so this is a lower bound.
    let known: u64 = OBJECTS
        .iter()
        .filter_map(|(name, count)| Some(size(name)? * count))
        .sum();
    size("TCP").map(|_| known)
}

/// Open TCP sockets and pages of their buffers.
fn tcp(sockstat: &str) -> Option<(u64, u64)> {
    let line = sockstat
        .lines()
        .find_map(|line| line.strip_prefix("TCP:"))?;
    let words: Vec<&str> = line.split_ascii_whitespace().collect();
    let field = |name: &str| {
        words
            .iter()
            .position(|word| *word == name)
            .and_then(|at| words.get(at + 1)?.parse().ok())
    };
    Some((field("inuse")?, field("mem")?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_as_large_as_the_kernel_says() {
        let slabinfo = "# name <active_objs> <num_objs> <objsize>\nTCPv6 1 1 2496 1\nTCP 8164 8164 2368 13\nsock_inode_cache 1 1 832 1\nfilp 1 1 192 1\ndentry 1 1 192 1\neventpoll_epi 1 1 128 1\n";
        assert_eq!(socket_size(slabinfo), Some(3712));
        assert_eq!(socket_size("filp 1 1 192 1\n"), None);
    }

    #[test]
    fn open_sockets_and_pages_are_read() {
        assert_eq!(
            tcp("sockets: used 9\nTCP: inuse 7 orphan 0 tw 3 alloc 8 mem 2\n"),
            Some((7, 2))
        );
        assert_eq!(tcp("UDP: inuse 7\n"), None);
    }
}
