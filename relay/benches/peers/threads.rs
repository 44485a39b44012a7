//! One thread, two threads of one runtime, or two processes that share a port: the same work, on the same two cores.
//!
//! Relay and client share both cores, so what is had for a second is the pair's; what the relay pays for each is its own.
//! Processes without a store have each a log of its own: what is measured here needs none in common.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::thread::scope;
use std::time::Duration;

use tempfile::TempDir;
use tokio::time::Instant;

use crate::polling::wrk;
use crate::publish::script;
use crate::rig::median;
use crate::servers::{CLIENT, Peer, SERVER, pin};
use crate::swarm::{Run, Swarm, begin};
use crate::table::head;

/// How a relay is spread over two cores, in how many processes, of how many threads.
type Way = (&'static str, usize, &'static str);

/// What is done to a relay: how often a second, and what each costs in microseconds.
type Work<'a> = &'a dyn Fn(&Peer) -> (f64, f64);

const WAYS: [Way; 3] = [
    ("one thread", 1, "1"),
    ("one process, two threads", 1, "2"),
    ("two processes, one port", 2, "1"),
];
const ROUNDS: usize = 3;
/// Event streams that are opened in a round, and so many at once.
const OPENED: usize = 4096;
const AT_ONCE: usize = 256;
/// Enough connections that each of two processes has surely taken one.
const SURELY: usize = 32;

/// Subscribers of each of two channels, that have a publisher each.
const CLIENTS: u32 = 500;
/// Deliveries a second: little, and rungs that double.
const SLOW: f64 = 20_000.0;
const RUNGS: [f64; 6] = [400e3, 800e3, 1600e3, 3200e3, 6400e3, 12800e3];
const SPAN: Duration = Duration::from_millis(1500);

/// Polls, publishes and connections a second, and what each costs.
pub(crate) fn requests() -> bool {
    println!(
        "relay and client on the same two cores: wrk -t1 -d3s, and {OPENED} event streams opened, {AT_ONCE} at a time; median of {ROUNDS} rounds, taking turns"
    );
    pin(&[SERVER, CLIENT]);
    let folder = TempDir::new().expect("a folder can be made");
    let script = script(&folder);
    let post = ["-c", "16", "-s", &script];
    let works: [(&str, Work<'_>); 3] = [
        ("empty poll, 1000 connections", &|peer| {
            // Without a position: it would be that of one process.
            wrk(peer, "/channels/bench/messages", &["-c", "1000"])
        }),
        ("publish, 16 connections", &|peer| {
            wrk(peer, "/channels/c0/messages", &post)
        }),
        ("event stream opened", &open),
    ];
    let peers = WAYS.map(|(_, processes, threads)| {
        let peer = Peer::relays(processes, &["--threads", threads]);
        (0..SURELY).for_each(|_| begin(&peer, "bench"));
        peer
    });
    head(&["work", "relay", "a second", "relay us/each"]);
    for (work, measure) in works {
        let mut found = WAYS.map(|_| Vec::new());
        for _ in 0..ROUNDS {
            for (peer, found) in peers.iter().zip(&mut found) {
                found.push(measure(peer));
            }
        }
        for ((way, ..), found) in WAYS.iter().zip(&found) {
            let of = |take: fn(&(f64, f64)) -> f64| median(found.iter().map(take).collect());
            println!(
                "| {work} | {way} | {:.0} | {:.2} |",
                of(|one| one.0),
                of(|one| one.1)
            );
        }
    }
    pin(&[CLIENT]);
    true
}

/// Opens event streams, and gives how many a second and what each costs the relay in microseconds.
fn open(peer: &Peer) -> (f64, f64) {
    let (cpu, begun) = (peer.cpu(), Instant::now());
    let mut all = Vec::with_capacity(OPENED);
    for _ in 0..OPENED / AT_ONCE {
        let connect = |_| {
            // The kernel finishes the handshake, whether the relay has come to accept it or not.
            let mut stream = TcpStream::connect(peer.address).expect("the relay accepts");
            let asked =
                stream.write_all(b"GET /channels/idle/events HTTP/1.1\r\nHost: localhost\r\n\r\n");
            asked.expect("the relay reads");
            stream
        };
        let mut some: Vec<TcpStream> = (0..AT_ONCE).map(connect).collect();
        let mut bytes = [0; 4096];
        for stream in &mut some {
            // All of the head comes at once.
            let count = stream.read(&mut bytes).expect("the relay answers");
            assert!(bytes[..count].starts_with(b"HTTP/1.1 200"));
        }
        all.append(&mut some);
    }
    let each = OPENED as f64;
    (
        each / begun.elapsed().as_secs_f64(),
        (peer.cpu() - cpu) as f64 / 1000.0 / each,
    )
}

/// A relay spread over the cores, and the swarms at it.
struct Side {
    /// One for each process.
    peers: Vec<Peer>,
    swarms: Vec<Swarm>,
    held: Option<Figures>,
    failed: bool,
}

/// What both swarms came to.
struct Figures {
    asked: f64,
    rate: f64,
    p50: f64,
    p99: f64,
    server: f64,
    client: f64,
    holds: bool,
}

/// Fan-out, where each process has a channel with its own subscribers and publisher.
pub(crate) fn fan_out() -> bool {
    println!(
        "128 B to two channels of {CLIENTS} WebSockets and a publisher each, relay and client on the same two cores, {} s each; the highest rung with p99 below 250 ms",
        SPAN.as_secs_f64()
    );
    pin(&[SERVER, CLIENT]);
    let mut sides = WAYS.map(|(_, processes, threads)| Side::start(processes, threads));
    let slow: Vec<Figures> = {
        let mut found: Vec<Vec<Figures>> = sides.iter().map(|_| Vec::new()).collect();
        for _ in 0..ROUNDS {
            for (side, found) in sides.iter_mut().zip(&mut found) {
                found.push(side.run(SLOW));
            }
        }
        found.into_iter().map(middle).collect()
    };
    for asked in RUNGS {
        for side in sides.iter_mut().filter(|side| !side.failed) {
            let run = side.run(asked);
            side.failed = !run.holds;
            if run.holds {
                side.held = Some(run);
            }
        }
    }
    head(&[
        "work",
        "relay",
        "deliveries/s",
        "p50 ms",
        "p99 ms",
        "relay us/delivery",
        "client us/delivery",
    ]);
    for ((way, ..), run) in WAYS.iter().zip(&slow) {
        run.show("slow", way);
    }
    for ((way, ..), side) in WAYS.iter().zip(&sides) {
        match &side.held {
            Some(run) => run.show("highest rung", way),
            None => println!("| highest rung | {way} | none | | | | |"),
        }
    }
    pin(&[CLIENT]);
    true
}

impl Side {
    fn start(processes: usize, threads: &str) -> Self {
        // Not at one port: nobody could choose to which of them a client of a channel comes.
        let start = |_| Peer::relays(1, &["--threads", threads]);
        let peers: Vec<Peer> = (0..processes).map(start).collect();
        let gather = |nth| Swarm::gather_from(nth, &peers[nth as usize % processes], CLIENTS, 1);
        Self {
            swarms: (0..2).map(gather).collect(),
            peers,
            held: None,
            failed: false,
        }
    }

    /// Both swarms at once, a thread each.
    fn run(&mut self, asked: f64) -> Figures {
        let peers = &self.peers;
        let cpu = || peers.iter().map(Peer::cpu).sum::<u64>();
        let before = cpu();
        let rate = asked / 2.0 / f64::from(CLIENTS);
        let runs: Vec<Run> = scope(|scope| {
            let run = |(nth, swarm)| {
                let peer: &Peer = &peers[nth % peers.len()];
                let swarm: &mut Swarm = swarm;
                scope.spawn(move || swarm.run(peer, rate, SPAN))
            };
            let running: Vec<_> = self.swarms.iter_mut().enumerate().map(run).collect();
            let ended = running.into_iter().map(|one| one.join().expect("it ends"));
            ended.collect()
        });
        let spent = cpu() - before;
        let delivered = runs.iter().map(|run| run.delivered).sum::<u64>() as f64;
        let worst = |of: fn(&Run) -> f64| runs.iter().map(of).fold(0.0, f64::max);
        Figures {
            asked,
            rate: runs.iter().map(Run::rate).sum(),
            p50: worst(|run| run.delays.quantile(0.5)),
            p99: worst(|run| run.delays.quantile(0.99)),
            server: spent as f64 / 1000.0 / delivered.max(1.0),
            client: worst(|run| run.client),
            holds: runs.iter().all(Run::holds),
        }
    }
}

impl Figures {
    fn show(&self, work: &str, way: &str) {
        println!(
            "| {work}: {:.0} asked | {way} | {:.0} | {:.2} | {:.2} | {:.2} | {:.2} |",
            self.asked, self.rate, self.p50, self.p99, self.server, self.client
        );
    }
}

/// The run that is in the middle by its cost.
fn middle(mut runs: Vec<Figures>) -> Figures {
    assert!(runs.iter().all(|run| run.holds), "too much for a relay");
    runs.sort_by(|one, other| one.server.total_cmp(&other.server));
    runs.swap_remove(runs.len() / 2)
}
