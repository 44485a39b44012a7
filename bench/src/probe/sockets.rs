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

/// Bytes of kernel objects for one open TCP socket, by the sizes of the running kernel; buffered data not counted.
///
/// Growth of the kernel's memory as a whole would be simpler and wrong: the kernel keeps the
/// memory of closed sockets for the next ones, and serves the whole machine. The sizes stand
/// in `/proc/slabinfo`, which only root may read; without them there is no figure.
#[must_use]
pub fn socket_size() -> Option<u64> {
    size_of_socket(&fs::read_to_string("/proc/slabinfo").ok()?)
}

fn size_of_socket(slabinfo: &str) -> Option<u64> {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_socket_is_as_large_as_the_kernel_says() {
        let slabinfo = "# name <active_objs> <num_objs> <objsize>\nTCPv6 1 1 2496 1\nTCP 8164 8164 2368 13\nsock_inode_cache 1 1 832 1\nfilp 1 1 192 1\ndentry 1 1 192 1\neventpoll_epi 1 1 128 1\n";
        assert_eq!(size_of_socket(slabinfo), Some(3712));
        assert_eq!(size_of_socket("filp 1 1 192 1\n"), None);
    }
}
