//! A server without substance, in a process of its own, so that what is measured is the client.
//!
//! It answers each transport's opening request and then keeps silent, writes messages to
//! everybody at a set pace, or answers every poll with the same page.
mod server;

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::atomic::Ordering;
use std::time::Duration;

use bench::scenario::{Dialect, Load, Transport};
use bench::swarm::{Assignment, Progress};

/// Set in the environment of the server's process.
const ROLE: &str = "PUSHMARK_RIG_SERVER";
/// The trial that messages are of.
pub(crate) const RUN: u32 = 7;

/// Becomes the server when this process was started as one; gives whether it was.
pub(crate) fn serve_if_asked() -> bool {
    let asked = std::env::var_os(ROLE).is_some();
    if asked {
        keep_to(0);
        server::serve();
    }
    asked
}

/// Keeps the calling thread, and those and the processes that it starts, to one processor.
pub(crate) fn keep_to(processor: usize) {
    let mut set = rustix::thread::CpuSet::new();
    set.set(processor);
    let _ = rustix::thread::sched_setaffinity(None, &set);
}

/// The server's process.
pub(crate) struct Server {
    child: Child,
    input: ChildStdin,
    output: BufReader<ChildStdout>,
    pub(crate) address: SocketAddr,
}

impl Server {
    pub(crate) fn start() -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .env(ROLE, "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let input = child.stdin.take().unwrap();
        let mut output = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        output.read_line(&mut line).unwrap();
        let address = line.trim().parse().unwrap();
        Self {
            child,
            input,
            output,
            address,
        }
    }

    /// Gives an order and waits for its answer.
    fn order(&mut self, order: &str) -> String {
        writeln!(self.input, "{order}").unwrap();
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim().to_owned()
    }

    /// Writes `rounds` messages to everybody who waits, one each `pace`; waits until they are written.
    pub(crate) fn blast(&mut self, rounds: u32, pace: Duration) {
        self.order(&format!("blast {rounds} {}", pace.as_micros()));
    }

    /// Answers every request with the same page from now on.
    pub(crate) fn pages(&mut self) {
        self.order("pages");
    }

    /// Requests answered so far.
    pub(crate) fn requests(&mut self) -> u64 {
        self.order("requests").parse().unwrap()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Clients of one transport, on one channel where nobody publishes.
pub(crate) fn clients(
    server: SocketAddr,
    transport: Transport,
    clients: usize,
    ramp: Duration,
) -> Assignment {
    Assignment {
        run: RUN,
        server,
        also: Vec::new(),
        authority: server.to_string(),
        dialect: Dialect::Relay,
        token: None,
        secure: None,
        load: Load {
            transport,
            clients,
            rate: 0.000_1,
            ..Load::default()
        },
        events: Vec::new(),
        seed: 1,
        ramp,
        sources: bench::scenario::capacity::source_addresses(clients),
        shards: 1,
        share: bench::swarm::Share::whole(1),
        processors: None,
    }
}

/// Waits until so many clients can receive, and the publisher could publish.
pub(crate) fn wait_for(progress: &Progress, clients: usize) {
    until(|| {
        progress.opened.load(Ordering::Acquire) >= clients as u64
            && progress.publisher_ready.load(Ordering::Acquire)
    });
}

/// Waits, a minute at most, until it is so.
pub(crate) fn until(mut done: impl FnMut() -> bool) {
    for _ in 0..12_000 {
        if done() {
            return;
        }
        std::thread::sleep(Duration::from_millis(5));
    }
    panic!("not done within a minute");
}

/// The middle of an odd number of values.
pub(crate) fn median(values: impl IntoIterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.into_iter().collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
