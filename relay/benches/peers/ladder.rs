//! The highest fan-out that each server sustains on one core: 128 bytes to 1,000 and to 5,000 WebSockets, at rising rates.

use std::time::Duration;

use crate::servers::{Kind, Peer};
use crate::swarm::{Run, Swarm};
use crate::table::{head, verdict};

const SPAN: Duration = Duration::from_millis(1500);
/// Deliveries a second of the first rung, and how much higher the next one is.
const FIRST: f64 = 150_000.0;
const STEP: f64 = 1.5;
/// Rungs at the most: a server that holds the last can do more than is told.
const RUNGS: usize = 12;
/// Rungs below the first, each half of the one above, for a server that does not hold it.
const BELOW: usize = 6;
/// Rungs between the highest that held and the lowest that did not.
const BETWEEN: usize = 2;

/// How far one server has come.
struct Climber {
    peer: Peer,
    swarm: Option<Swarm>,
    held: Option<(f64, Run)>,
    failed: Option<(f64, Run)>,
}

pub(crate) fn measure(clients: u32, kinds: &[Kind]) -> bool {
    println!(
        "highest sustained fan-out of 128 B to {clients} WebSockets: all delivered, in order, p99 below 250 ms, {} s a rung",
        SPAN.as_secs_f64()
    );
    let peers = Peer::all(kinds);
    let mut climbers: Vec<Climber> = peers.into_iter().map(Climber::new).collect();
    let mut asked = FIRST;
    for _ in 0..RUNGS {
        for climber in climbers
            .iter_mut()
            .filter(|climber| climber.failed.is_none())
        {
            climber.rung(asked, clients);
        }
        asked *= STEP;
    }
    for climber in &mut climbers {
        let mut asked = FIRST;
        for _ in 0..BELOW {
            if climber.held.is_none() {
                asked /= 2.0;
                climber.rung(asked, clients);
            }
        }
    }
    for _ in 0..BETWEEN {
        for climber in &mut climbers {
            if let (Some((low, _)), Some((high, _))) = (&climber.held, &climber.failed) {
                climber.rung((low * high).sqrt(), clients);
            }
        }
    }
    head(&[
        "server",
        "deliveries/s",
        "p50 ms",
        "p99 ms",
        "server us/delivery",
        "client us/delivery",
        "deliveries/read",
        "next rung",
    ]);
    for climber in &climbers {
        climber.show();
    }
    let best = |relay: bool| {
        let of = climbers
            .iter()
            .filter(|c| (c.peer.kind == Kind::Relay) == relay);
        of.filter_map(|c| c.held.as_ref())
            .map(|(_, run)| run.rate())
            .fold(0.0, f64::max)
    };
    let (relay, peers) = (best(true), best(false));
    verdict(
        relay > peers,
        &format!(
            "above every peer, {clients} WebSockets: {:.2} times the best",
            relay / peers
        ),
    )
}

impl Climber {
    fn new(peer: Peer) -> Self {
        Self {
            peer,
            swarm: None,
            held: None,
            failed: None,
        }
    }

    /// Tries a rate, in deliveries a second.
    fn rung(&mut self, asked: f64, clients: u32) {
        let peer = &self.peer;
        let swarm = self
            .swarm
            .get_or_insert_with(|| Swarm::gather(peer, clients, 1));
        let run = swarm.run(peer, asked / f64::from(clients), SPAN);
        if run.holds() {
            self.held = Some((asked, run));
        } else {
            // What it has not delivered would come into the next rung: it begins anew.
            self.swarm = None;
            if let Some(peer) = Peer::start(self.peer.kind) {
                self.peer = peer;
            }
            self.failed = Some((asked, run));
        }
    }

    fn show(&self) {
        let next = self
            .failed
            .as_ref()
            .map_or("not tried".to_owned(), |(asked, run)| {
                let (share, p99) = (
                    100.0 * run.delivered as f64 / run.expected as f64,
                    run.delays.quantile(0.99),
                );
                format!(
                    "{:.0}k: {share:.1} % came, p99 {p99:.0} ms, {} faults",
                    asked / 1000.0,
                    run.faults
                )
            });
        match &self.held {
            None => println!("| {} | none | | | | | | {next} |", self.peer.kind.name()),
            Some((_, run)) => println!(
                "| {} | {:.0} | {:.1} | {:.1} | {:.2} | {:.2} | {:.2} | {next} |",
                self.peer.kind.name(),
                run.rate(),
                run.delays.quantile(0.5),
                run.delays.quantile(0.99),
                run.server,
                run.client,
                run.delivered as f64 / run.reads as f64,
            ),
        }
    }
}
