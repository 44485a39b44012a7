//! What an idle subscriber costs: the relay's resident memory, per client of each transport.
//!
//! `cargo bench -p relay --bench memory [-- --gate]`; with `--gate` it fails past the budget.
#![expect(clippy::print_stdout, reason = "a benchmark's result")]

mod rig;

use std::fs;
use std::net::TcpStream;
use std::process::ExitCode;
use std::thread::sleep;
use std::time::Duration;

use rig::{Server, median, request, websocket};

const CLIENTS: u64 = 4000;
const ROUNDS: usize = 5;

/// A transport, how a client subscribes by it, and the budget in bytes a client.
type Row = (&'static str, fn(&Server) -> TcpStream, f64);

const ROWS: [Row; 4] = [
    (
        "long-polling",
        |server| get(server, "messages?wait=55s", false),
        24.0 * 1024.0,
    ),
    (
        "streaming",
        |server| get(server, "stream", true),
        8.0 * 1024.0,
    ),
    ("sse", |server| get(server, "events", true), 8.0 * 1024.0),
    (
        "websocket",
        |server| websocket(server.address, "/channels/bench/socket"),
        8.0 * 1024.0,
    ),
];

fn main() -> ExitCode {
    let gate = std::env::args().any(|flag| flag == "--gate");
    let mut held = true;
    println!("{CLIENTS} idle clients, median of {ROUNDS} relays each");
    for (name, subscribe, budget) in ROWS {
        let cost = median((0..ROUNDS).map(|_| per_client(subscribe)).collect());
        held &= cost <= budget;
        println!("{name:>13}  {cost:6.0} B a client  (budget {budget:.0})");
    }
    if held || !gate {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn per_client(subscribe: fn(&Server) -> TcpStream) -> f64 {
    let server = Server::relay(&["--max-wait", "1m"]);
    // What is allocated once, for the first clients, is not a client's.
    let mut clients: Vec<_> = (0..50).map(|_| subscribe(&server)).collect();
    sleep(Duration::from_millis(300));
    let before = resident(&server);
    clients.extend((0..CLIENTS).map(|_| subscribe(&server)));
    sleep(Duration::from_millis(700));
    (resident(&server) - before) as f64 / CLIENTS as f64
}

fn get(server: &Server, path: &str, head: bool) -> TcpStream {
    use std::io::Write;
    let mut stream = TcpStream::connect(server.address).expect("the relay accepts");
    let text = format!(
        "GET /channels/bench/{path} HTTP/1.1\r\nHost: localhost\r\nUser-Agent: bench\r\nAccept: */*\r\n\r\n"
    );
    if head {
        request(&mut stream, &text);
    } else {
        stream.write_all(text.as_bytes()).expect("the relay reads");
    }
    stream
}

/// Resident memory of a server in bytes.
fn resident(server: &Server) -> u64 {
    let status =
        fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("the server runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
    kib.expect("VmRSS is there") * 1024
}
