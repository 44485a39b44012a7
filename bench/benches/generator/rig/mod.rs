//! A server without substance, in a process of its own, so that what is measured is the client.
//!
//! It answers each transport's opening request and then either keeps silent or
//! writes the same message to every WebSocket at a set pace.
mod server;

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

use bench::scenario::{Load, Transport};
use bench::swarm::Assignment;

/// Set in the environment of the server's process.
const ROLE: &str = "PUSHMARK_RIG_SERVER";

/// Becomes the server when this process was started as one; gives whether it was.
pub(crate) fn serve_if_asked() -> bool {
    let asked = std::env::var_os(ROLE).is_some();
    if asked {
        keep_to(0);
        server::serve();
    }
    asked
}

/// Keeps the calling thread, and those it starts, to one processor.
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

    /// Writes `rounds` messages to every WebSocket, one each `pace`; waits until they are written.
    pub(crate) fn blast(&mut self, rounds: u32, pace: Duration) {
        writeln!(self.input, "{rounds} {}", pace.as_micros()).unwrap();
        self.output.read_line(&mut String::new()).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Clients of one transport that do nothing but wait.
pub(crate) fn waiting_clients(
    server: SocketAddr,
    transport: Transport,
    clients: usize,
    ramp: Duration,
) -> Assignment {
    let hour = Duration::from_secs(3600);
    Assignment {
        run: 7,
        server,
        authority: server.to_string(),
        token: None,
        secure: None,
        load: Load {
            transport,
            clients,
            rate: 0.000_1,
            poll_interval: hour,
            hold: hour,
            ..Load::default()
        },
        events: Vec::new(),
        seed: 1,
        ramp,
        sources: bench::scenario::capacity::source_addresses(clients),
        shards: 1,
        processors: None,
    }
}

/// The middle of an odd number of values.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
