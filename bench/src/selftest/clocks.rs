//! The clocks: what reading them costs, how late a wait ends, and whether the kernel's receive
//! stamp falls within the write that caused it.

use std::io::{self, ErrorKind, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::num::NonZeroU64;
use std::os::fd::AsFd;
use std::time::Duration;

use rustix::time::{ClockId, Timespec};

use super::{Figure, quantiles, told};
use crate::clock::Moment;
use crate::kernel;
use crate::record::Series;
use crate::units::{show_count, show_nanos};

const READINGS: u32 = 200_000;
const WRITES: u64 = 20_000;
const WAITS: u32 = 500;
const PACE: Duration = Duration::from_millis(2);

pub(super) fn figures(out: &mut Vec<Figure>) -> io::Result<()> {
    let reading = cost(Moment::now);
    let wall = Moment::now().0;
    let stamp = cost(|| Moment::from_wall(std::hint::black_box(wall)));
    out.push(told("reading the clock", show_nanos(reading)));
    out.push(told("bringing a stamp to the clock", show_nanos(stamp)));
    let (outside, furthest) = sandwich()?;
    out.push(told(
        "stamps outside their write / furthest",
        format!(
            "{} of {} / {}",
            show_count(outside),
            show_count(WRITES),
            show_nanos(furthest as f64)
        ),
    ));
    let lateness = quantiles(&lateness(), &[0.5, 0.99]);
    out.push(told("a wait's end after its instant, p50 / p99", lateness));
    Ok(())
}

fn cost(read: impl Fn() -> Moment) -> f64 {
    let start = Moment::now();
    for _ in 0..READINGS {
        std::hint::black_box(read());
    }
    Moment::now().since(start) as f64 / f64::from(READINGS)
}

/// Of bytes written one at a time: how many have a stamp from before or after their write, and how
/// far the furthest is from it, in nanoseconds. On loopback the sender's own write brings a byte
/// to the receiver's socket, so each of them should fall within.
fn sandwich() -> io::Result<(u64, i64)> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    let reader = TcpStream::connect(listener.local_addr()?)?;
    let mut writer = listener.accept()?.0;
    writer.set_nodelay(true)?;
    kernel::stamp_arrivals(reader.as_fd())?;
    let (mut outside, mut furthest) = (0, 0);
    for _ in 0..WRITES {
        let before = Moment::now();
        writer.write_all(b"?")?;
        let after = Moment::now();
        let stamp = loop {
            match kernel::receive(reader.as_fd(), &mut [0]) {
                Ok((_, wall)) => break wall,
                Err(error) if error.kind() == ErrorKind::WouldBlock => {}
                Err(error) => return Err(error),
            }
        };
        // A machine without stamps has said so already.
        if let Some(stamp) = stamp.map(Moment::from_wall) {
            let far = before.since(stamp).max(stamp.since(after));
            outside += u64::from(far > 0);
            furthest = furthest.max(far);
        }
    }
    Ok((outside, furthest))
}

/// How late a thread is that waits as the publisher does.
fn lateness() -> Series {
    // A thread of its own, whose timer slack ends with it; one that panics has measured nothing.
    let waits = || {
        let _ = rustix::thread::set_current_timer_slack(Some(NonZeroU64::MIN));
        let mut late = Series::default();
        let mut due = Moment::now();
        for _ in 0..WAITS {
            due = due + PACE;
            let until = Timespec {
                tv_sec: (due.0 / 1_000_000_000).cast_signed(),
                tv_nsec: (due.0 % 1_000_000_000).cast_signed(),
            };
            let _ = rustix::thread::clock_nanosleep_absolute(ClockId::Monotonic, &until);
            late.record(Moment::now().since(due));
        }
        late
    };
    std::thread::spawn(waits).join().unwrap_or_default()
}
