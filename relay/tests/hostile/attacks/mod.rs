//! Hostile clients: what they do, and how it is expected to end.

mod floods;
mod slow;

use std::collections::BTreeMap;
use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicU16, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use crate::process::{ATTACKERS, Relay};

type Job = Pin<Box<dyn Future<Output = io::Result<()>> + Send>>;

/// One kind of attack.
#[derive(Clone, Copy)]
pub(crate) struct Attack {
    pub(crate) name: &'static str,
    /// Connections at once.
    attackers: usize,
    /// What one of them does until it is ended; the number tells them apart. It begins anew at once.
    job: fn(Arc<Target>, usize) -> Job,
    /// What the relay must have counted: a reason in `closed`, or an answer's status; nothing where they may go on for ever.
    pub(crate) counted: &'static str,
}

/// What they attack, and how it ended for them.
pub(crate) struct Target {
    address: SocketAddr,
    /// Where they come from: no attack has to pay for the one before it.
    own: SocketAddr,
    /// Where their accomplice comes from, who publishes what they read: it does not wait for their turns.
    accomplice: SocketAddr,
    authorization: String,
    number: AtomicU64,
    ends: Mutex<BTreeMap<String, u64>>,
}

/// Every attack. Floods of frames and replays are within the rules: they are made to wait, and are only to have no effect on others.
pub(crate) const ALL: [Attack; 13] = [
    attack(
        "slow heads (slowloris)",
        ATTACKERS,
        |t, _| Box::pin(slow::slow_head(t)),
        "header_deadline",
    ),
    attack(
        "slow bodies",
        ATTACKERS,
        |t, _| Box::pin(slow::slow_body(t)),
        "body_deadline",
    ),
    attack(
        "connections that say nothing",
        ATTACKERS,
        |t, _| Box::pin(slow::silence(t)),
        "header_deadline",
    ),
    attack(
        "readers that read nothing",
        80,
        |t, n| Box::pin(slow::slow_read(t, n, 0)),
        "write_deadline",
    ),
    attack(
        "readers that read a little",
        80,
        |t, n| Box::pin(slow::slow_read(t, n, 2048)),
        "write_deadline",
    ),
    attack(
        "readers that fall behind",
        80,
        |t, n| Box::pin(slow::slow_read(t, n, 48 << 10)),
        "slow_reader",
    ),
    attack(
        "connection flood",
        2 * ATTACKERS,
        |t, _| Box::pin(floods::flood(t)),
        "address_refused",
    ),
    attack("ping flood", 20, |t, _| Box::pin(floods::pings(t)), ""),
    attack(
        "tiny fragments",
        20,
        |t, n| Box::pin(floods::fragments(t, n)),
        "",
    ),
    attack(
        "asked names",
        4,
        |t, _| Box::pin(floods::names(t, false)),
        "204",
    ),
    attack(
        "replays of the backlog",
        20,
        |t, n| Box::pin(floods::replay(t, n)),
        "200",
    ),
    attack("tickets", 4, |t, _| Box::pin(floods::tickets(t)), "503"),
    attack(
        "published names",
        4,
        |t, _| Box::pin(floods::names(t, true)),
        "503",
    ),
];

const fn attack(
    name: &'static str,
    attackers: usize,
    job: fn(Arc<Target>, usize) -> Job,
    counted: &'static str,
) -> Attack {
    Attack {
        name,
        attackers,
        job,
        counted,
    }
}

/// How an attack went.
pub(crate) struct Outcome {
    /// How its connections ended, as they saw it, and what they were answered.
    pub(crate) ends: BTreeMap<String, u64>,
    /// The relay's resident memory at its largest.
    pub(crate) peak: u64,
}

impl Attack {
    /// Attacks for a while, from one address of its own, and lets go; `patience` is how much longer it goes on
    /// until it has come to its end.
    pub(crate) fn run(self, relay: &Relay, lasts: Duration, patience: Duration) -> Outcome {
        let before = relay.stats();
        static ATTACKS: AtomicU16 = AtomicU16::new(0);
        let [high, low] = ATTACKS.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let target = Arc::new(Target {
            address: relay.address,
            own: SocketAddr::from(([127, 9, high, low], 0)),
            accomplice: SocketAddr::from(([127, 10, high, low], 0)),
            authorization: relay.authorization.clone(),
            number: AtomicU64::new(0),
            ends: Mutex::default(),
        });
        let (theirs, stop) = (Arc::clone(&target), CancellationToken::new());
        let stopped = stop.clone();
        let thread = std::thread::spawn(move || {
            // Who measures shares the machine with who attacks, and goes first.
            let own = rustix::thread::gettid();
            let _ = rustix::process::setpriority_process(Some(own), 5);
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime starts");
            runtime.block_on(self.last(theirs, stopped));
        });
        let begun = tokio::time::Instant::now();
        let mut peak = 0;
        let over = || {
            let told = target.ends.lock().expect("no panic");
            let closed = |stats: &Value| stats["closed"][self.counted].as_u64();
            self.counted.is_empty()
                || told.contains_key(self.counted)
                || closed(&relay.stats()) > closed(&before)
        };
        let mut until = lasts;
        while begun.elapsed() < until {
            std::thread::sleep(Duration::from_millis(50));
            peak = peak.max(relay.resident());
            if begun.elapsed() >= until && until < lasts + patience && !over() {
                until = begun.elapsed() + Duration::from_millis(500);
            }
        }
        stop.cancel();
        thread.join().expect("an attacker does not panic");
        let ends = std::mem::take(&mut *target.ends.lock().expect("no panic"));
        Outcome { ends, peak }
    }

    async fn last(self, target: Arc<Target>, stop: CancellationToken) {
        let mut attackers = JoinSet::new();
        for number in 0..self.attackers {
            let target = Arc::clone(&target);
            attackers.spawn(async move {
                loop {
                    if let Err(error) = (self.job)(Arc::clone(&target), number).await {
                        target.ended(&format!("{:?}", error.kind()));
                    }
                    sleep(Duration::from_millis(20)).await;
                }
            });
        }
        stop.cancelled().await;
        attackers.shutdown().await;
    }
}

impl Target {
    fn ended(&self, how: &str) {
        self.ends_many(how, 1);
    }

    fn ends_many(&self, how: &str, times: u64) {
        let mut ends = self.ends.lock().expect("no panic");
        *ends.entry(how.to_owned()).or_insert(0) += times;
    }

    /// Connects from the attackers' address.
    async fn dial(&self) -> io::Result<TcpStream> {
        self.dial_with(self.own, 64 << 10).await
    }

    /// The same from an address, with a receive buffer of so many bytes.
    async fn dial_with(&self, own: SocketAddr, buffer: u32) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        socket.set_reuseaddr(true)?;
        socket.set_recv_buffer_size(buffer)?;
        // A reset at the end: their machine does not run out of ports before the relay runs out of patience.
        socket.set_zero_linger()?;
        socket.bind(own)?;
        let stream = socket.connect(self.address).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn request(&self, line: &str, rest: &str) -> String {
        format!(
            "{line} HTTP/1.1\r\nHost: localhost\r\n{}{rest}",
            self.authorization
        )
    }

    fn post(&self, path: &str, body: &str) -> String {
        let length = body.len();
        let rest =
            format!("Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}");
        self.request(&format!("POST {path}"), &rest)
    }

    /// Reads to the end and notes how it was told.
    async fn until_told(&self, stream: &mut TcpStream) -> io::Result<()> {
        let mut text = Vec::new();
        let _ = stream.take(1 << 16).read_to_end(&mut text).await;
        self.told(&text);
        Ok(())
    }

    fn told(&self, bytes: &[u8]) {
        let text = String::from_utf8_lossy(bytes);
        let how = match text.strip_prefix("HTTP/1.1 ") {
            Some(answer) => answer.chars().take(3).collect(),
            None if bytes.is_empty() => "closed".to_owned(),
            None => match bytes.iter().position(|byte| *byte == 0x88) {
                Some(at) if bytes.len() > at + 3 => {
                    let code = u16::from_be_bytes([bytes[at + 2], bytes[at + 3]]);
                    format!("close {code}")
                }
                _ => "cut".to_owned(),
            },
        };
        self.ended(&how);
    }

    async fn websocket(&self, channel: &str) -> io::Result<TcpStream> {
        let mut stream = self.dial().await?;
        let ask = self.request(
            &format!("GET /channels/{channel}/socket"),
            "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
             Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        );
        stream.write_all(ask.as_bytes()).await?;
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await?);
        }
        Ok(stream)
    }
}
