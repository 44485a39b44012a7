//! What publishing costs when the logs live in a store that relays share, beside logs in memory.
//!
//! Relays, nats-server and clients share all cores. What is published as fast as it is acknowledged goes to a channel that nobody
//! reads; what is published at a pace is read by a WebSocket at each relay.

use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{scope, sleep};
use std::time::Duration;

use memchr::memmem::find;
use rustix::time::{ClockId, clock_gettime};
use tokio::time::Instant;

use crate::rig::{median, websocket};
use crate::servers::{CLIENT, Peer, SERVER, pin};
use crate::table::head;

/// Relays that share a store; without one there is one.
const NODES: [usize; 4] = [0, 1, 2, 4];
const ROUNDS: usize = 3;
const SPAN: Duration = Duration::from_secs(2);
/// Publishers, each waiting for one acknowledgement before its next message.
const PUBLISHERS: [usize; 2] = [16, 128];
/// Messages a second at a pace.
const PACE: u32 = 200;
const MARK: &[u8] = b"@stamp:";
const DIGITS: usize = 16;
/// How long what is awaited may take.
const PATIENCE: Duration = Duration::from_secs(5);

/// Relays that share a log.
struct Cluster {
    nodes: usize,
    relays: Vec<Peer>,
}

/// What one round came to, times in milliseconds and microseconds.
struct Loaded {
    rate: f64,
    p50: f64,
    p99: f64,
    relays: f64,
    nats: f64,
}

/// The same at a pace: until it is acknowledged, until it has come at the publisher's relay, and at the others.
struct Paced {
    acknowledged: Vec<f64>,
    here: Vec<f64>,
    elsewhere: Vec<f64>,
}

pub(crate) fn measure() -> bool {
    pin(&[SERVER, CLIENT]);
    let Some(nats) = Peer::jetstream() else {
        return true;
    };
    println!(
        "publishing 128 B, each publisher waiting for its acknowledgement, spread over the relays; relays, nats-server and publishers on the same two cores; median of {ROUNDS} rounds of {} s, taking turns",
        SPAN.as_secs()
    );
    let clusters = NODES.map(|nodes| Cluster::start(nodes, &nats));
    head(&[
        "log",
        "relays",
        "publishers",
        "acknowledged/s",
        "p50 ms",
        "p99 ms",
        "relays us/message",
        "nats-server us/message",
    ]);
    for publishers in PUBLISHERS {
        let mut found = NODES.map(|_| Vec::new());
        for _ in 0..ROUNDS {
            for (cluster, found) in clusters.iter().zip(&mut found) {
                found.push(cluster.load(publishers, &nats));
            }
        }
        for (cluster, found) in clusters.iter().zip(&found) {
            let of = |take: fn(&Loaded) -> f64| median(found.iter().map(take).collect());
            println!(
                "| {} | {} | {publishers} | {:.0} | {:.2} | {:.2} | {:.1} | {:.1} |",
                cluster.log(),
                cluster.relays.len(),
                of(|run| run.rate),
                of(|run| run.p50),
                of(|run| run.p99),
                of(|run| run.relays),
                of(|run| run.nats),
            );
        }
    }
    println!();
    println!(
        "{PACE} messages/s of 128 B at one relay, a WebSocket at each; median of {ROUNDS} rounds of {} s, taking turns",
        SPAN.as_secs()
    );
    head(&[
        "log",
        "relays",
        "acknowledged p50 ms",
        "p99 ms",
        "received there p50 ms",
        "p99 ms",
        "received at the others p50 ms",
        "p99 ms",
    ]);
    let mut found = NODES.map(|_| Vec::new());
    for _ in 0..ROUNDS {
        for (cluster, found) in clusters.iter().zip(&mut found) {
            found.push(cluster.pace());
        }
    }
    for (cluster, found) in clusters.iter().zip(&found) {
        let of = |take: fn(&Paced) -> &Vec<f64>, share| {
            if take(&found[0]).is_empty() {
                return String::new();
            }
            let each = found.iter().map(|run| quantile(take(run), share));
            format!("{:.2}", median(each.collect()))
        };
        println!(
            "| {} | {} | {} | {} | {} | {} | {} | {} |",
            cluster.log(),
            cluster.relays.len(),
            of(|run| &run.acknowledged, 0.5),
            of(|run| &run.acknowledged, 0.99),
            of(|run| &run.here, 0.5),
            of(|run| &run.here, 0.99),
            of(|run| &run.elsewhere, 0.5),
            of(|run| &run.elsewhere, 0.99),
        );
    }
    pin(&[CLIENT]);
    true
}

impl Cluster {
    /// Starts relays with a stream of their own, or one with its log in memory.
    fn start(nodes: usize, nats: &Peer) -> Self {
        let (store, name) = (format!("nats://{}", nats.publish), format!("relays{nodes}"));
        let flags = ["--store", &store, "--store-name", &name];
        let flags: &[&str] = if nodes == 0 { &[] } else { &flags };
        Self {
            nodes,
            relays: (0..nodes.max(1)).map(|_| Peer::relays(1, flags)).collect(),
        }
    }

    fn log(&self) -> &'static str {
        if self.nodes == 0 {
            "in memory"
        } else {
            "in JetStream"
        }
    }

    /// Publishes as fast as it is acknowledged.
    fn load(&self, publishers: usize, nats: &Peer) -> Loaded {
        let cpu = || self.relays.iter().map(Peer::cpu).sum::<u64>();
        let (relays, server, begun) = (cpu(), nats.cpu(), Instant::now());
        let times: Vec<f64> = scope(|scope| {
            let one = |nth: usize| {
                let address = self.relays[nth % self.relays.len()].address;
                scope.spawn(move || {
                    let mut publisher = Publisher::connect(address, "load");
                    let mut times = Vec::new();
                    while begun.elapsed() < SPAN {
                        times.push(publisher.publish());
                    }
                    times
                })
            };
            let running: Vec<_> = (0..publishers).map(one).collect();
            let ended = running.into_iter().map(|one| one.join().expect("it ends"));
            ended.flatten().collect()
        });
        let each = |spent: u64| spent as f64 / 1000.0 / times.len() as f64;
        Loaded {
            rate: times.len() as f64 / begun.elapsed().as_secs_f64(),
            relays: each(cpu() - relays),
            nats: each(nats.cpu() - server),
            p50: quantile(&times, 0.5),
            p99: quantile(&times, 0.99),
        }
    }

    /// Publishes at a pace, at the first relay, and reads at all of them.
    fn pace(&self) -> Paced {
        let over = AtomicBool::new(false);
        let count = (PACE * SPAN.as_secs() as u32) as usize;
        scope(|scope| {
            let read = |peer: &Peer| {
                let socket = websocket(peer.address, "/channels/paced/socket");
                let over = &over;
                scope.spawn(move || receive(socket, count, over))
            };
            let mut readers: Vec<_> = self.relays.iter().map(read).collect();
            // A subscriber may be told of its subscription before it has one.
            sleep(Duration::from_millis(100));
            let mut publisher = Publisher::connect(self.relays[0].address, "paced");
            let begun = Instant::now();
            let acknowledged = (0..count as u32)
                .map(|nth| {
                    let due = Duration::from_secs(1) * nth / PACE;
                    sleep(due.saturating_sub(begun.elapsed()));
                    publisher.publish()
                })
                .collect();
            let end = Instant::now() + PATIENCE;
            while Instant::now() < end && readers.iter().any(|reader| !reader.is_finished()) {
                sleep(Duration::from_millis(10));
            }
            over.store(true, Ordering::Relaxed);
            let others = readers.split_off(1);
            let came = |readers: Vec<std::thread::ScopedJoinHandle<'_, Vec<f64>>>| {
                let times = readers.into_iter().map(|one| one.join().expect("it ends"));
                let whole = times.inspect(|times| assert_eq!(times.len(), count, "not all came"));
                whole.flatten().collect()
            };
            Paced {
                acknowledged,
                here: came(readers),
                elsewhere: came(others),
            }
        })
    }
}

/// A connection that publishes one message after the other.
struct Publisher {
    socket: TcpStream,
    channel: &'static str,
    answer: Vec<u8>,
}

impl Publisher {
    fn connect(address: SocketAddr, channel: &'static str) -> Self {
        let socket = TcpStream::connect(address).expect("the relay accepts");
        socket.set_nodelay(true).expect("invariant: open");
        let patient = socket.set_read_timeout(Some(2 * PATIENCE));
        patient.expect("invariant: open");
        Self {
            socket,
            channel,
            answer: Vec::new(),
        }
    }

    /// Gives how long it took until it was acknowledged, in milliseconds.
    fn publish(&mut self) -> f64 {
        let begun = Instant::now();
        let request = format!(
            "POST /channels/{}/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 128\r\n\r\n\"@stamp:{:0DIGITS$x}{:x<103}\"",
            self.channel,
            now(),
            ""
        );
        let sent = self.socket.write_all(request.as_bytes());
        sent.expect("the relay reads");
        self.answer.clear();
        let mut bytes = [0; 1024];
        // `{"position":…}` is all of the body.
        while !self.answer.ends_with(b"}") {
            let count = self.socket.read(&mut bytes).expect("the relay answers");
            assert!(count > 0, "the relay closed");
            self.answer.extend_from_slice(&bytes[..count]);
        }
        let published = self.answer.starts_with(b"HTTP/1.1 201 ");
        assert!(published, "{}", String::from_utf8_lossy(&self.answer));
        begun.elapsed().as_secs_f64() * 1e3
    }
}

/// Reads messages and gives how long each was on its way, in milliseconds.
fn receive(mut socket: TcpStream, count: usize, over: &AtomicBool) -> Vec<f64> {
    let brief = socket.set_read_timeout(Some(Duration::from_millis(100)));
    brief.expect("invariant: open");
    let (mut times, mut seen, mut bytes) = (Vec::new(), Vec::new(), [0; 16 * 1024]);
    while times.len() < count && !over.load(Ordering::Relaxed) {
        match socket.read(&mut bytes) {
            Ok(0) => break,
            Ok(count) => seen.extend_from_slice(&bytes[..count]),
            Err(error) if [ErrorKind::WouldBlock, ErrorKind::TimedOut].contains(&error.kind()) => {
                continue;
            }
            Err(_) => break,
        }
        let came = now();
        while let Some(at) = find(&seen, MARK) {
            let Some(digits) = seen.get(at + MARK.len()..at + MARK.len() + DIGITS) else {
                break;
            };
            let text = std::str::from_utf8(digits).expect("it is ours");
            let sent = u64::from_str_radix(text, 16).expect("it is ours");
            times.push((came - sent) as f64 / 1e6);
            seen.drain(..at + MARK.len() + DIGITS);
        }
    }
    times
}

/// The value below which a share of them lies.
fn quantile(values: &[f64], share: f64) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted[((sorted.len() - 1) as f64 * share).round() as usize]
}

fn now() -> u64 {
    let time = clock_gettime(ClockId::Monotonic);
    time.tv_sec as u64 * 1_000_000_000 + time.tv_nsec as u64
}
