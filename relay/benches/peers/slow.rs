//! Delay and cost when there is little to do: 20 messages a second of 128 bytes to 1,000 WebSockets.

use std::time::Duration;

use crate::rig::median;
use crate::servers::{Kind, Peer};
use crate::swarm::{Run, Swarm};
use crate::table::{head, verdict};

const CLIENTS: u32 = 1000;
const RATE: f64 = 20.0;
const SPAN: Duration = Duration::from_secs(3);
const ROUNDS: usize = 5;

pub(crate) fn measure() -> bool {
    println!(
        "{RATE} messages/s of 128 B to {CLIENTS} WebSockets; median of {ROUNDS} rounds of {} s",
        SPAN.as_secs()
    );
    let peers = Peer::all(&[Kind::Relay, Kind::Nats, Kind::Nchan]);
    let mut swarms: Vec<Swarm> = peers
        .iter()
        .map(|peer| Swarm::gather(peer, CLIENTS, 1))
        .collect();
    let mut runs: Vec<Vec<Run>> = peers.iter().map(|_| Vec::new()).collect();
    for _ in 0..ROUNDS {
        for ((peer, swarm), runs) in peers.iter().zip(&mut swarms).zip(&mut runs) {
            runs.push(swarm.run(peer, RATE, SPAN));
        }
    }
    head(&[
        "server",
        "p50 ms",
        "p99 ms",
        "server us/delivery",
        "client us/delivery",
    ]);
    let mut rows = Vec::new();
    for (peer, runs) in peers.iter().zip(&runs) {
        assert!(
            runs.iter()
                .all(|run| run.delivered == run.expected && run.faults == 0)
        );
        let of = |take: fn(&Run) -> f64| median(runs.iter().map(take).collect());
        let (p50, server) = (of(|run| run.delays.quantile(0.5)), of(|run| run.server));
        println!(
            "| {} | {p50:.2} | {:.2} | {server:.2} | {:.2} |",
            peer.kind.name(),
            of(|run| run.delays.quantile(0.99)),
            of(|run| run.client),
        );
        rows.push((peer.kind, p50, server));
    }
    let of = |kind| rows.iter().find(|row| row.0 == kind);
    match (of(Kind::Relay), of(Kind::Nchan)) {
        (Some(relay), Some(nchan)) => {
            let p50 = verdict(relay.1 < nchan.1, "p50 below Nchan's");
            verdict(relay.2 < nchan.2, "CPU per delivery below Nchan's") && p50
        }
        _ => false,
    }
}
