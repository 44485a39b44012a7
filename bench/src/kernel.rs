//! The few kernel calls that no safe library offers here: receive stamps,
//! `TCP_INFO` in full, the CPU clock of another process, and children that end with their parent.
//!
//! The only file of this package with `unsafe` code.
#![expect(
    unsafe_code,
    reason = "system calls without a safe wrapper; each block says why it is sound"
)]

use std::io;
use std::mem::{MaybeUninit, size_of, zeroed};
use std::os::fd::{AsRawFd, BorrowedFd};
use std::os::unix::process::CommandExt;
use std::process::Command;

use libc::{c_int, c_void, socklen_t};

/// Has the kernel kill a child when the thread that starts it ends, however it ends.
pub fn end_with_this_thread(command: &mut Command) {
    let ask = || {
        // SAFETY: prctl reads its two arguments and no memory.
        check(unsafe { libc::prctl(libc::PR_SET_PDEATHSIG, libc::SIGKILL) }).map(drop)
    };
    // SAFETY: between fork and exec the closure makes one system call and allocates nothing.
    unsafe { command.pre_exec(ask) };
}

/// Has the kernel give this thread the processor in turns of `slice` nanoseconds, without more of the processor in all.
///
/// The shorter its turns are, the sooner a thread is let in that has just woken: its turn would end before that of
/// whoever runs now (EEVDF, Linux 6.12). Needs no right, unlike a priority. Older kernels ignore it.
///
/// # Errors
/// When the kernel refuses.
pub fn take_short_turns(slice: u64) -> io::Result<()> {
    // SAFETY: sched_attr is a plain C struct for which all zeroes is a valid value: no policy but the usual, and no niceness.
    let mut wanted: libc::sched_attr = unsafe { zeroed() };
    let size = size_of_val(&wanted);
    // SAFETY: the structure is live and of the size given; 0 is the calling thread.
    let result = unsafe { libc::syscall(libc::SYS_sched_getattr, 0, &raw mut wanted, size, 0) };
    check_long(result)?;
    wanted.sched_runtime = slice;
    // SAFETY: the structure is live, and says its own size.
    check_long(unsafe { libc::syscall(libc::SYS_sched_setattr, 0, &raw const wanted, 0) })
}

/// Asks the kernel to stamp what arrives on a TCP socket, in software, at its receive queue.
///
/// # Errors
/// When the kernel refuses, as some emulated ones do.
pub fn stamp_arrivals(socket: BorrowedFd<'_>) -> io::Result<()> {
    let flags = libc::SOF_TIMESTAMPING_RX_SOFTWARE | libc::SOF_TIMESTAMPING_SOFTWARE;
    set_option(
        socket,
        libc::SOL_SOCKET,
        libc::SO_TIMESTAMPING,
        flags.cast_signed(),
    )
}

/// Leaves the choice of the source port to `connect`, so that one source address can
/// serve as many connections as there are ports for each destination.
///
/// # Errors
/// When the kernel refuses.
pub fn bind_address_no_port(socket: BorrowedFd<'_>) -> io::Result<()> {
    set_option(socket, libc::IPPROTO_IP, libc::IP_BIND_ADDRESS_NO_PORT, 1)
}

fn set_option(socket: BorrowedFd<'_>, level: c_int, name: c_int, value: c_int) -> io::Result<()> {
    // SAFETY: the descriptor is open for the borrow, and the option's value is a live c_int of the length given.
    let result = unsafe {
        libc::setsockopt(
            socket.as_raw_fd(),
            level,
            name,
            (&raw const value).cast(),
            size_of::<c_int>() as socklen_t,
        )
    };
    check(result).map(drop)
}

/// Receives into `buffer` without blocking; gives the number of bytes and, when the kernel
/// stamped them, the wall-clock nanoseconds at which the *last* of them arrived.
///
/// # Errors
/// `WouldBlock` when there is nothing, and whatever `recvmsg` gives.
pub fn receive(socket: BorrowedFd<'_>, buffer: &mut [u8]) -> io::Result<(usize, Option<u64>)> {
    // Room for one SCM_TIMESTAMPING message (three timespecs), aligned as cmsghdr must be.
    let mut control = [0_u64; 16];
    let mut part = libc::iovec {
        iov_base: buffer.as_mut_ptr().cast(),
        iov_len: buffer.len(),
    };
    // SAFETY: msghdr is a plain C struct for which all zeroes is a valid value.
    let mut message: libc::msghdr = unsafe { zeroed() };
    message.msg_iov = &raw mut part;
    message.msg_iovlen = 1;
    message.msg_control = control.as_mut_ptr().cast();
    message.msg_controllen = size_of_val(&control);
    // SAFETY: every pointer in `message` names live memory of the length given beside it.
    let count = check_size(unsafe {
        libc::recvmsg(socket.as_raw_fd(), &raw mut message, libc::MSG_DONTWAIT)
    })?;
    Ok((count, arrival(&message)))
}

fn arrival(message: &libc::msghdr) -> Option<u64> {
    // SAFETY: the kernel filled msg_control and msg_controllen; CMSG_FIRSTHDR checks that a header fits.
    let mut header = unsafe { libc::CMSG_FIRSTHDR(message) };
    while !header.is_null() {
        // SAFETY: CMSG_FIRSTHDR and CMSG_NXTHDR give null or a whole header within the control buffer.
        let found = unsafe { *header };
        if found.cmsg_level == libc::SOL_SOCKET
            && found.cmsg_type == libc::SCM_TIMESTAMPING
            && found.cmsg_len >= size_of::<libc::timespec>()
        {
            // SAFETY: the kernel wrote three timespecs after this header; the first is the software stamp.
            let stamp = unsafe {
                libc::CMSG_DATA(header)
                    .cast::<libc::timespec>()
                    .read_unaligned()
            };
            let nanos = stamp
                .tv_sec
                .cast_unsigned()
                .wrapping_mul(1_000_000_000)
                .wrapping_add(stamp.tv_nsec.cast_unsigned());
            return (nanos != 0).then_some(nanos);
        }
        // SAFETY: as above.
        header = unsafe { libc::CMSG_NXTHDR(message, header) };
    }
    None
}

/// What the kernel counted on one TCP connection, both directions.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TcpInfo {
    /// Payload bytes sent, retransmitted ones included.
    pub bytes_sent: u64,
    /// Payload bytes received.
    pub bytes_received: u64,
    /// Segments sent, bare acknowledgements and the SYN included.
    pub segments_out: u64,
    /// Segments received.
    pub segments_in: u64,
    /// Bytes of TCP options in each segment: 12 with timestamps, otherwise 0.
    pub option_bytes: u64,
}

impl TcpInfo {
    /// Reads the kernel's own structure; `None` when it is shorter than this needs (before Linux 4.19).
    ///
    /// The layout is kernel ABI (linux/tcp.h): fields are only ever added at the end.
    #[must_use]
    pub fn parse(info: &[u8]) -> Option<Self> {
        const OPTIONS: usize = 5;
        const BYTES_RECEIVED: usize = 128;
        const SEGMENTS_OUT: usize = 136;
        const SEGMENTS_IN: usize = 140;
        const BYTES_SENT: usize = 200;
        let long = |at: usize| Some(u64::from_ne_bytes(info.get(at..at + 8)?.try_into().ok()?));
        let short = |at: usize| Some(u32::from_ne_bytes(info.get(at..at + 4)?.try_into().ok()?));
        Some(Self {
            bytes_sent: long(BYTES_SENT)?,
            bytes_received: long(BYTES_RECEIVED)?,
            segments_out: short(SEGMENTS_OUT)?.into(),
            segments_in: short(SEGMENTS_IN)?.into(),
            option_bytes: if info.get(OPTIONS)? & 1 == 1 { 12 } else { 0 },
        })
    }
}

/// Reads the kernel's counters of a TCP socket. Costs about 1 µs.
///
/// # Errors
/// When the kernel gives none, or fewer than this needs (before Linux 4.19).
pub fn tcp_info(socket: BorrowedFd<'_>) -> io::Result<TcpInfo> {
    let mut info = [0_u8; 512];
    let mut length = info.len() as socklen_t;
    // SAFETY: the buffer is live and `length` holds its size; the kernel writes at most that.
    let result = unsafe {
        libc::getsockopt(
            socket.as_raw_fd(),
            libc::IPPROTO_TCP,
            libc::TCP_INFO,
            info.as_mut_ptr().cast::<c_void>(),
            &raw mut length,
        )
    };
    check(result)?;
    TcpInfo::parse(&info[..length as usize]).ok_or_else(|| {
        io::Error::new(
            io::ErrorKind::Unsupported,
            "this kernel's TCP_INFO has no byte counters",
        )
    })
}

/// CPU time that a process has used, user and system, all threads, in nanoseconds.
///
/// # Errors
/// When there is no such process.
pub fn cpu_time(pid: u32) -> io::Result<u64> {
    let mut clock: libc::clockid_t = 0;
    // SAFETY: `clock` is live; the call gives an error number instead of setting errno.
    let result = unsafe { libc::clock_getcpuclockid(pid.cast_signed(), &raw mut clock) };
    if result != 0 {
        return Err(io::Error::from_raw_os_error(result));
    }
    let mut time = MaybeUninit::<libc::timespec>::uninit();
    // SAFETY: `time` has room for the timespec that the call writes.
    check(unsafe { libc::clock_gettime(clock, time.as_mut_ptr()) })?;
    // SAFETY: the call succeeded, so it wrote `time`.
    let time = unsafe { time.assume_init() };
    Ok(time.tv_sec.cast_unsigned() * 1_000_000_000 + time.tv_nsec.cast_unsigned())
}

fn check(result: c_int) -> io::Result<c_int> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(result)
    }
}

fn check_long(result: libc::c_long) -> io::Result<()> {
    if result < 0 {
        Err(io::Error::last_os_error())
    } else {
        Ok(())
    }
}

fn check_size(result: isize) -> io::Result<usize> {
    usize::try_from(result).map_err(|_| io::Error::last_os_error())
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::net::{TcpListener, TcpStream};
    use std::os::fd::AsFd;

    use super::*;
    use crate::clock::Moment;

    fn pair() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
        (client, listener.accept().unwrap().0)
    }

    #[test]
    fn the_kernel_says_when_bytes_arrived_however_late_they_are_read() {
        let (client, mut server) = pair();
        stamp_arrivals(client.as_fd()).unwrap();
        let mut buffer = [0; 64];
        // The first socket of a machine that asks is heard a moment later, by a worker of the kernel.
        for _ in 0..1000 {
            server.write_all(b"?").unwrap();
            std::thread::sleep(std::time::Duration::from_millis(1));
            if receive(client.as_fd(), &mut buffer).unwrap().1.is_some() {
                break;
            }
        }
        let sent = Moment::now();
        server.write_all(b"hello").unwrap();
        std::thread::sleep(std::time::Duration::from_millis(60));
        let (count, wall) = receive(client.as_fd(), &mut buffer).unwrap();
        let arrived = Moment::from_wall(wall.unwrap());
        assert_eq!(&buffer[..count], b"hello");
        let age = Moment::now().since(arrived);
        assert!(age > 50_000_000, "{age} ns after a sleep of 60 ms");
        assert!(arrived.since(sent) > -1_000_000);
        assert_eq!(
            receive(client.as_fd(), &mut buffer).unwrap_err().kind(),
            io::ErrorKind::WouldBlock
        );
    }

    #[test]
    fn the_kernel_counts_bytes_and_segments_of_both_sides_alike() {
        let (client, mut server) = pair();
        server.write_all(&[7; 1000]).unwrap();
        let mut buffer = [0; 2000];
        while receive(client.as_fd(), &mut buffer).is_err() {}
        let (here, there) = (
            tcp_info(client.as_fd()).unwrap(),
            tcp_info(server.as_fd()).unwrap(),
        );
        assert_eq!((here.bytes_received, there.bytes_sent), (1000, 1000));
        assert!(here.segments_in >= 1 && there.segments_out >= 1);
    }

    #[test]
    fn a_thread_may_take_short_turns_without_any_right() {
        let policy = || {
            // SAFETY: as in the function that is tested.
            let mut now: libc::sched_attr = unsafe { zeroed() };
            let size = size_of_val(&now);
            let result =
                unsafe { libc::syscall(libc::SYS_sched_getattr, 0, &raw mut now, size, 0) };
            check_long(result).unwrap();
            (now.sched_policy, now.sched_nice)
        };
        let before = policy();
        take_short_turns(100_000).unwrap();
        assert_eq!(policy(), before, "no more of the processor than before");
    }

    #[test]
    fn a_process_has_a_cpu_clock_and_a_missing_one_has_not() {
        let before = cpu_time(std::process::id()).unwrap();
        std::hint::black_box((0..2_000_000_u64).fold(0, u64::wrapping_add));
        assert!(cpu_time(std::process::id()).unwrap() > before);
        assert!(cpu_time(4_194_301).is_err());
    }
}
