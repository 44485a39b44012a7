//! What a delivery costs: 128 bytes to 1,000 WebSockets, against a bare loop of writes.
//!
//! `cargo bench -p relay --bench fan_out [-- --gate]`; with `--gate` it fails past the budget.
//!
//! Both servers are processes of their own on one core, and the same reader reads them on
//! another. A round goes to all clients before the next begins. Rounds of relay and floor
//! alternate, and the result is the median of their ratios: the machine's mood cancels out.
#![expect(clippy::print_stdout, reason = "a benchmark's result")]

mod rig;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use rig::{Server, median, websocket};
use rustix::thread::{CpuSet, Pid, sched_setaffinity};
use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

const CLIENTS: usize = 1000;
const MESSAGES: usize = 150;
const ROUNDS: usize = 9;
const BUDGET: f64 = 1.5;
/// The frame of a 128-byte message, as it was measured for the floor.
const FRAME: usize = 132;

fn main() -> ExitCode {
    let flags: Vec<String> = std::env::args().collect();
    if flags.iter().any(|flag| flag == "--floor") {
        floor();
        return ExitCode::SUCCESS;
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime starts");
    let ratio = runtime.block_on(compare());
    let held = ratio <= BUDGET;
    println!("median ratio {ratio:.2} (budget {BUDGET})");
    if held || !flags.iter().any(|flag| flag == "--gate") {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// The bare server: for each byte on its first connection, one write to every other.
fn floor() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    println!(
        "listening on http://{}",
        listener.local_addr().expect("invariant: bound")
    );
    let mut sockets = (0..=CLIENTS).map(|_| listener.accept().expect("the reader dials").0);
    let mut control = sockets
        .next()
        .expect("invariant: one more than the clients");
    let mut clients: Vec<TcpStream> = sockets.collect();
    let frame = [b'x'; FRAME];
    let mut byte = [0];
    while let Ok(1) = control.read(&mut byte) {
        for client in &mut clients {
            client.write_all(&frame).expect("the reader reads");
        }
    }
}

async fn compare() -> f64 {
    let itself = std::env::current_exe().expect("this program has a path");
    let bare = Server::start(itself.to_str().expect("a plain path"), &["--floor"]);
    let relay = Server::relay(&[]);
    pin(Some(bare.pid()), 0);
    pin(Some(relay.pid()), 0);
    pin(None, 1);

    let mut control = TcpStream::connect(bare.address).expect("the floor accepts");
    control
        .set_nodelay(true)
        .expect("invariant: an open socket");
    let dial = || TcpStream::connect(bare.address).expect("the floor accepts");
    let bare_reader = Reader::new((0..CLIENTS).map(|_| dial()).collect());
    let mut publisher = websocket(relay.address, "/channels/bench/socket?receive=false");
    let relay_reader = Reader::new(
        (0..CLIENTS)
            .map(|_| websocket(relay.address, "/channels/bench/socket"))
            .collect(),
    );
    let publish = masked(format!(r#"{{"publish":"{}"}}"#, "x".repeat(126)).as_bytes());

    let mut ratios = Vec::new();
    for round in 0..=ROUNDS {
        let floor = bare_reader
            .cost(&bare, || control.write_all(b"x").expect("the floor reads"))
            .await;
        let cost = relay_reader
            .cost(&relay, || {
                publisher.write_all(&publish).expect("the relay reads")
            })
            .await;
        // The answers to the publisher are not measured; they are taken away now and then.
        let _ = publisher
            .read(&mut [0; 64 * 1024])
            .expect("the relay answers");
        if round > 0 {
            println!(
                "floor {floor:5.2} us  relay {cost:5.2} us  ratio {:.2}",
                cost / floor
            );
            ratios.push(cost / floor);
        }
    }
    median(ratios)
}

/// A thousand clients that count what they get.
struct Reader {
    received: Arc<AtomicUsize>,
    all: Arc<Notify>,
    _tasks: TaskTracker,
}

impl Reader {
    fn new(sockets: Vec<TcpStream>) -> Self {
        let (received, all, tasks) = (
            Arc::new(AtomicUsize::new(0)),
            Arc::new(Notify::new()),
            TaskTracker::new(),
        );
        for socket in sockets {
            socket
                .set_nonblocking(true)
                .expect("invariant: an open socket");
            let socket = tokio::net::TcpStream::from_std(socket).expect("the runtime takes it");
            let (received, all) = (Arc::clone(&received), Arc::clone(&all));
            tasks.spawn(async move {
                let mut buffer = [0; 512];
                while socket.readable().await.is_ok() {
                    // In lock step, what one read finds is one frame.
                    match socket.try_read(&mut buffer) {
                        Ok(0) => break,
                        Ok(_) if received.fetch_add(1, Ordering::Relaxed) + 1 == CLIENTS => {
                            all.notify_one()
                        }
                        _ => {}
                    }
                }
            });
        }
        Self {
            received,
            all,
            _tasks: tasks,
        }
    }

    /// Sends messages in lock step and gives the server's CPU time per delivery in microseconds.
    async fn cost(&self, server: &Server, mut send: impl FnMut()) -> f64 {
        let before = cpu(server);
        for _ in 0..MESSAGES {
            self.received.store(0, Ordering::Relaxed);
            send();
            self.all.notified().await;
        }
        (cpu(server) - before) as f64 / (MESSAGES * CLIENTS) as f64 / 1000.0
    }
}

/// Wraps text in a client's frame; the mask of zeros leaves the text as it is.
fn masked(text: &[u8]) -> Vec<u8> {
    let length = u16::try_from(text.len())
        .expect("invariant: short")
        .to_be_bytes();
    [&[0x81, 0x80 | 126], &length[..], &[0; 4], text].concat()
}

/// Pins a process, or this one, to a core where there is one.
fn pin(pid: Option<u32>, core: usize) {
    let mut cores = CpuSet::new();
    cores.set(core);
    let pid = pid.and_then(|pid| Pid::from_raw(i32::try_from(pid).ok()?));
    if sched_setaffinity(pid, &cores).is_err() {
        println!("not pinned to core {core}");
    }
}

/// CPU time of all threads of a server in nanoseconds.
fn cpu(server: &Server) -> u64 {
    let tasks = fs::read_dir(format!("/proc/{}/task", server.pid())).expect("the server runs");
    let time = |path| -> Option<u64> {
        let text = fs::read_to_string(path).ok()?;
        text.split(' ').next()?.parse().ok()
    };
    tasks
        .flatten()
        .filter_map(|task| time(task.path().join("schedstat")))
        .sum()
}
