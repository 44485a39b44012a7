//! User memory of a simulated client that waits, for each transport.
//!
//! Growth of resident memory over 10,000 clients, each transport in a process of its own: once when
//! all are connected, and once when each has had a message.

use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bench::clock::Moment;
use bench::probe::Process;
use bench::record::Window;
use bench::scenario::Transport;
use bench::scenario::capacity::MachineLimits;
use bench::swarm::{Assignment, Swarm};

use crate::figures::Figure;
use crate::rig;

const CLIENTS: usize = 10_000;
/// Bytes a client.
const BUDGET: f64 = 2048.0;
/// Set in the environment of the process that measures one transport.
const TRANSPORT: &str = "PUSHMARK_RIG_TRANSPORT";

/// Measures one transport when this process was started to do so.
pub(crate) fn measure_if_asked() -> bool {
    let Ok(name) = std::env::var(TRANSPORT) else {
        return false;
    };
    let transport = Transport::ALL
        .into_iter()
        .find(|transport| transport.name() == name)
        .unwrap();
    let (idle, after) = measure(transport);
    println!("{idle} {after}");
    true
}

pub(crate) fn run() -> Vec<Figure> {
    let _ = MachineLimits::raise();
    println!("bytes of user memory a client, of {CLIENTS}\n");
    println!("| transport | connected | after a message |\n|---|---|---|");
    let mut figures = Vec::new();
    for transport in Transport::ALL {
        let output = Command::new(std::env::current_exe().unwrap())
            .env(TRANSPORT, transport.name())
            .output()
            .unwrap();
        let bytes: Vec<f64> = String::from_utf8_lossy(&output.stdout)
            .split_whitespace()
            .map(|bytes| bytes.parse().unwrap())
            .collect();
        println!(
            "| {} | {:.0} | {:.0} |",
            transport.name(),
            bytes[0],
            bytes[1]
        );
        let what = format!("memory of an idle client, {}", transport.name());
        let most = bytes[0].max(bytes[1]);
        figures.push(Figure::at_most(&what, most, BUDGET, " B"));
    }
    figures
}

fn measure(transport: Transport) -> (f64, f64) {
    let mut server = rig::Server::start();
    let before = Process::this().resident().unwrap();
    let grown = || (Process::this().resident().unwrap() - before) as f64 / CLIENTS as f64;
    let (swarm, mut reports) = Swarm::start(assignment(&server, transport)).unwrap();
    let drain = std::thread::spawn(move || while reports.blocking_recv().is_some() {});
    rig::wait_for(swarm.progress(), CLIENTS);
    std::thread::sleep(Duration::from_millis(500));
    let connected = grown();
    let now = Moment::now();
    swarm.run(Window {
        start: now,
        measure: now,
        end: now + Duration::from_secs(3600),
    });
    std::thread::sleep(Duration::from_millis(300));
    server.blast(1, Duration::ZERO);
    rig::until(|| swarm.progress().delivered.load(Ordering::Relaxed) >= CLIENTS as u64);
    std::thread::sleep(Duration::from_millis(500));
    let after = grown();
    swarm.finish().unwrap();
    drain.join().unwrap();
    (connected, after)
}

fn assignment(server: &rig::Server, transport: Transport) -> Assignment {
    let mut assignment = rig::clients(
        server.address,
        transport,
        CLIENTS,
        Duration::from_millis(1500),
    );
    // Between two polls for nearly all of the time.
    assignment.load.poll_interval = Duration::from_secs(5);
    assignment.load.hold = Duration::from_secs(60);
    assignment
}
