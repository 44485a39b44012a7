//! The floor: how far a kernel stamp strays from the write that caused it, measured beside a run.

use std::io::{ErrorKind, Write};
use std::net::{TcpListener, TcpStream};
use std::os::fd::AsFd;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use bench::clock::Moment;
use bench::kernel;

/// A stamp is brought from one clock to another by readings that are up to 5 µs apart, and so is the floor's own.
const CLOCKS: u64 = 10_000;
const PACE: Duration = Duration::from_millis(5);

/// Does `work`, and measures meanwhile how far outside its write the stamp of a byte falls at most, in nanoseconds.
pub(crate) fn beside<T>(work: impl FnOnce() -> T) -> (T, u64) {
    let over = AtomicBool::new(false);
    thread::scope(|scope| {
        let floor = scope.spawn(|| measure(&over));
        let working = Working(&over);
        let done = work();
        drop(working);
        (done, floor.join().unwrap() + CLOCKS)
    })
}

/// Ends the measuring with the work, also with work that fails.
struct Working<'a>(&'a AtomicBool);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

fn measure(over: &AtomicBool) -> u64 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let reader = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    let mut writer = listener.accept().unwrap().0;
    writer.set_nodelay(true).unwrap();
    kernel::stamp_arrivals(reader.as_fd()).unwrap();
    let (mut floor, mut stamps) = (0, 0);
    while !over.load(Ordering::Acquire) {
        let before = Moment::now();
        writer.write_all(b"?").unwrap();
        let after = Moment::now();
        thread::sleep(PACE);
        let mut byte = [0];
        match kernel::receive(reader.as_fd(), &mut byte) {
            Ok((_, Some(wall))) => {
                let stamp = Moment::from_wall(wall);
                let outside = before.since(stamp).max(stamp.since(after));
                floor = floor.max(u64::try_from(outside).unwrap_or(0));
                stamps += 1;
            }
            // The first socket of a machine that asks is heard a moment later.
            Ok((_, None)) => {}
            Err(error) => assert_eq!(error.kind(), ErrorKind::WouldBlock),
        }
    }
    assert!(stamps > 10, "the kernel stamps nothing");
    floor
}
