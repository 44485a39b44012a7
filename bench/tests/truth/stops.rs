//! What stops for a while: the real relay by a signal, and the threads of bench that read.

use std::io::{self, Write};
use std::sync::Arc;
use std::time::Duration;

use bench::clock::Moment;
use nix::errno::Errno;
use nix::sys::ptrace;
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::Pid;
use rustix::process::Signal;

use crate::fake::{Fake, Plan, Tally};
use crate::floor;
use crate::process::{children, signal, sockets, state, threads};
use crate::program::{Story, side_by_side, wait_for};
use crate::seen::{self, ALL, ENDLESS, Seen};
use crate::truth::{Truth, delivery_is_no_less_than_arrival, figures};

const LIMIT: Duration = Duration::from_secs(20);

#[test]
fn a_relay_that_is_stopped_for_a_second_shows_it_and_loses_nothing() {
    side_by_side(ENDLESS, |transport| {
        let story = Story::new(&format!(
            r#"
title = "Stopped"
matrix = {{ transport = [{transport}] }}
phases = {{ ramp = "100ms", warm_up = "0s", measure = "4s", drain = "4s" }}
load = {{ clients = 20, rate = 50.0, arrivals = "constant" }}
"#
        ));
        let running = story.start();
        let mut relay = 0;
        // A client may not be quite done with connecting when its socket is there: a second is enough for that.
        assert!(wait_for(LIMIT, || {
            relay = children(running.pid()).first().copied().unwrap_or(0);
            sockets(relay) > 20
        }));
        std::thread::sleep(Duration::from_secs(1));
        signal(relay, Signal::STOP);
        assert!(wait_for(LIMIT, || state(relay) == Some('T')));
        let stopped = Moment::now();
        std::thread::sleep(Duration::from_secs(1));
        let span = Moment::now().since(stopped);
        signal(relay, Signal::CONT);
        running.wait();
        let seen = Seen {
            trial: story.trial(),
            fake: Arc::default(),
        };
        shows_a_stop(&seen, span as f64);
    });
}

/// Messages were due each 20 ms over 4 s. One that was due in the stop came at its end, and the
/// latest figures are those of the messages due first in it: each step of a message is 20 ms less.
fn shows_a_stop(seen: &Seen, span: f64) {
    const EACH: f64 = 20e6;
    const MESSAGES: f64 = 200.0;
    /// What a busy machine may add.
    const BUSY: f64 = 400e6;
    let transport = seen.transport();
    assert_eq!(seen.faults(), [0; 4], "{transport}");
    assert_eq!(seen.float("/messages/published"), MESSAGES, "{transport}");
    for series in ["delivery", "arrival"] {
        for (quantile, nanos) in figures(seen, series) {
            let later = (1.0 - quantile) * MESSAGES * EACH;
            let range = span - later - 2.0 * EACH..=(span - later).max(0.0) + BUSY;
            assert!(
                range.contains(&(nanos as f64)),
                "{transport}: {series} at {quantile} is {nanos}, not in {range:?}"
            );
        }
    }
}

#[test]
fn a_generator_that_is_kept_from_reading_is_late_to_deliver_and_not_to_receive() {
    // Whoever polls does so late when it is stopped, so for polling it is not the server's time alone.
    let (stalled, floor) = floor::beside(|| {
        side_by_side(&ALL[1..], |transport| {
            let fake = Fake::start(Plan::default());
            let story = Story::new(&scenario(&fake.url(), transport));
            let running = story.start();
            let mut tally: Option<Arc<Tally>> = None;
            assert!(wait_for(LIMIT, || {
                tally = fake.tallies().pop();
                tally
                    .as_ref()
                    .is_some_and(|did| did.of(|did| &did.published) >= 50)
            }));
            let stall = stall(&threads(running.pid(), "shard-"));
            running.wait();
            stall.map(|stall| (stall, seen::of(&story, &fake)))
        })
    });
    for stalled in stalled {
        match stalled {
            Ok(((from, to), seen)) => shows_in_delivery_alone(&seen[0], from, to, floor),
            Err(error) => skip(error),
        }
    }
}

/// A channel has a message each 400 ms: none has two waiting in one socket when the stall ends.
fn scenario(url: &str, transport: &str) -> String {
    format!(
        r#"
title = "Stalled"
target = {{ server = "relay", url = "{url}" }}
matrix = {{ transport = [{transport}] }}
phases = {{ ramp = "100ms", warm_up = "0s", measure = "2s", drain = "2s" }}
[load]
clients = 40
channels = 40
rate = 100.0
arrivals = "constant"
"#
    )
}

/// Stops threads of another process for 200 ms, as no signal can; gives when they stood still.
fn stall(threads: &[u32]) -> Result<(Moment, Moment), Errno> {
    assert!(!threads.is_empty());
    let threads = threads
        .iter()
        .map(|thread| Pid::from_raw(thread.cast_signed()));
    let threads: Vec<Pid> = threads.collect();
    for thread in &threads {
        ptrace::seize(*thread, ptrace::Options::empty())?;
        ptrace::interrupt(*thread)?;
    }
    for thread in &threads {
        waitpid(*thread, Some(WaitPidFlag::__WALL))?;
    }
    let from = Moment::now();
    std::thread::sleep(Duration::from_millis(200));
    let to = Moment::now();
    for thread in &threads {
        ptrace::detach(*thread, None)?;
    }
    Ok((from, to))
}

fn shows_in_delivery_alone(seen: &Seen, from: Moment, to: Moment, floor: u64) {
    let (transport, written) = (seen.transport(), seen.fake.written());
    assert_eq!(seen.faults(), [0; 4], "{transport}");
    let held = written
        .iter()
        .filter(|record| (from..to).contains(&record.before))
        .count();
    assert!(held >= 5, "{transport}: {held}");
    let delivery = Truth::new(&written, |record| {
        let held = (from..to).contains(&record.before);
        let came = if held { to } else { record.before };
        came.since(record.due)
    });
    // Nothing was read in that time.
    delivery.bounds_delivery(seen, floor);
    assert!(
        seen.number("/latency_ns/delivery/max") >= 150_000_000,
        "{transport}"
    );
    // The server wrote all the time, and the kernel took it.
    Truth::of_arrival(&seen.fake).agrees(seen, floor);
    delivery_is_no_less_than_arrival(seen);
}

fn skip(error: Errno) {
    let may_not = [Errno::EPERM, Errno::ENOSYS, Errno::EACCES];
    assert!(may_not.contains(&error), "{error}");
    // Past the capture of tests: whoever runs them is to see it.
    let _ = writeln!(
        io::stderr(),
        "SKIPPED: threads of bench cannot be stopped here (ptrace: {error}), so nothing shows that this moves delivery alone"
    );
}
