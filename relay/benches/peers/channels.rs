//! Many channels: 10,000 of them with one WebSocket each, and messages to all in turn.

use std::time::Duration;

use crate::servers::{Kind, Peer};
use crate::swarm::Swarm;
use crate::table::head;

const CHANNELS: u32 = 10_000;
const RATES: [f64; 3] = [5_000.0, 10_000.0, 20_000.0];
const SPAN: Duration = Duration::from_secs(3);

pub(crate) fn measure() -> bool {
    println!(
        "{CHANNELS} channels with one WebSocket each, 128 B to each in turn for {} s",
        SPAN.as_secs()
    );
    head(&[
        "server",
        "messages/s",
        "came %",
        "p50 ms",
        "p99 ms",
        "server us/message",
    ]);
    // One after the other: together they would take more descriptors than a process mostly may have.
    for kind in [Kind::Relay, Kind::Nats, Kind::Nchan] {
        let Some(peer) = Peer::start(kind) else {
            continue;
        };
        let mut swarm = Swarm::gather(&peer, CHANNELS, CHANNELS);
        for rate in RATES {
            let run = swarm.run(&peer, rate, SPAN);
            println!(
                "| {} | {rate:.0} | {:.2} | {:.2} | {:.2} | {:.2} |",
                kind.name(),
                100.0 * run.delivered as f64 / run.expected as f64,
                run.delays.quantile(0.5),
                run.delays.quantile(0.99),
                run.server,
            );
        }
    }
    true
}
