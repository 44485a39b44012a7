//! User memory of an idle simulated client, for each transport.
//!
//! Growth of resident memory over 8,000 clients, each transport in a process of its own.

use std::process::Command;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bench::probe::Process;
use bench::scenario::Transport;
use bench::scenario::capacity::MachineLimits;
use bench::swarm::Swarm;

use crate::rig;

const CLIENTS: usize = 8000;
/// Bytes a client.
const BUDGET: f64 = 8192.0;
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
    println!("{}", measure(transport));
    true
}

/// Gives whether every transport is within the budget.
pub(crate) fn run() -> bool {
    let _ = MachineLimits::raise();
    let mut worst: f64 = 0.0;
    for transport in Transport::ALL {
        let output = Command::new(std::env::current_exe().unwrap())
            .env(TRANSPORT, transport.name())
            .output()
            .unwrap();
        let bytes: f64 = String::from_utf8_lossy(&output.stdout)
            .trim()
            .parse()
            .unwrap();
        println!(
            "{:<13} {bytes:>6.0} B of user memory an idle client ({CLIENTS} clients, budget {BUDGET} B)",
            transport.name()
        );
        worst = worst.max(bytes);
    }
    worst <= BUDGET
}

fn measure(transport: Transport) -> f64 {
    let server = rig::Server::start();
    let before = Process::this().resident().unwrap();
    let (swarm, _reports) = Swarm::start(rig::waiting_clients(
        server.address,
        transport,
        CLIENTS,
        Duration::from_secs(1),
    ))
    .unwrap();
    while swarm.progress().opened.load(Ordering::Acquire) < CLIENTS as u64 {
        std::thread::sleep(Duration::from_millis(10));
    }
    std::thread::sleep(Duration::from_millis(500));
    let after = Process::this().resident().unwrap();
    swarm.finish().unwrap();
    (after - before) as f64 / CLIENTS as f64
}
