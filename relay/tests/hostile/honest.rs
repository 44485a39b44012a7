//! Honest clients: they subscribe, read what comes, and are owed every message once and in order.

use std::io;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpSocket, TcpStream};
use tokio::task::JoinSet;
use tokio::time::{Instant, interval, timeout};
use tokio_util::sync::CancellationToken;

use crate::process::Relay;

/// Their number, a third each by WebSocket, SSE and long polling.
pub(crate) const CLIENTS: usize = 500;
const CHANNELS: usize = 10;

/// All of them, on a thread of their own.
pub(crate) struct Crowd {
    shared: Arc<Shared>,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    relay: std::net::SocketAddr,
    authorization: String,
    begun: Instant,
    /// When each delivery was sent, and how long it took, in nanoseconds.
    samples: Mutex<Vec<(u64, u64)>>,
    /// Messages published to each channel.
    published: [AtomicU64; CHANNELS],
    /// Subscribers that have got all that was published.
    delivered: [AtomicU64; CLIENTS],
    ready: AtomicU64,
    troubles: Mutex<Vec<String>>,
}

impl Crowd {
    /// Connects everybody and begins to publish `rate` messages a second.
    pub(crate) fn gather(relay: &Relay, rate: u32) -> Self {
        let shared = Arc::new(Shared {
            relay: relay.address,
            authorization: relay.authorization.clone(),
            begun: Instant::now(),
            samples: Mutex::default(),
            published: std::array::from_fn(|_| AtomicU64::new(0)),
            delivered: std::array::from_fn(|_| AtomicU64::new(0)),
            ready: AtomicU64::new(0),
            troubles: Mutex::default(),
        });
        let stop = CancellationToken::new();
        let (theirs, stopped) = (Arc::clone(&shared), stop.clone());
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime starts");
            runtime.block_on(live(theirs, rate, stopped));
        });
        let crowd = Self {
            shared,
            stop,
            thread: Some(thread),
        };
        for _ in 0..600 {
            if crowd.shared.ready.load(Ordering::Relaxed) == CLIENTS as u64 {
                return crowd;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("not everybody came in: {:?}", crowd.shared.troubles());
    }

    /// Nanoseconds since they gathered.
    pub(crate) fn now(&self) -> u64 {
        self.shared.now()
    }

    /// The 99th percentile of the deliveries of messages sent in a span, in nanoseconds.
    pub(crate) fn p99(&self, from: u64, to: u64) -> u64 {
        let samples = self.shared.samples.lock().expect("no panic");
        let within = samples.iter().filter(|(sent, _)| (from..to).contains(sent));
        let mut took: Vec<u64> = within.map(|(_, took)| *took).collect();
        took.sort_unstable();
        took.get(took.len() * 99 / 100).copied().unwrap_or(u64::MAX)
    }

    /// Stops publishing and waits until everybody has everything; gives what went wrong.
    pub(crate) fn dismiss(mut self) -> Vec<String> {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            thread.join().expect("the crowd does not panic");
        }
        self.shared.troubles()
    }
}

/// The place of a client: its transport follows from it, its channel and its address do not.
#[derive(Clone, Copy)]
struct Place(usize);

impl Place {
    fn channel(self) -> usize {
        self.0 % CHANNELS
    }

    fn name(self) -> String {
        format!("honest.{}", self.channel())
    }
}

async fn live(shared: Arc<Shared>, rate: u32, stop: CancellationToken) {
    let mut clients = JoinSet::new();
    for place in (0..CLIENTS).map(Place) {
        let shared = Arc::clone(&shared);
        clients.spawn(async move {
            let ended = match place.0 % 3 {
                0 => websocket(&shared, place).await,
                1 => events(&shared, place).await,
                _ => long_polls(&shared, place).await,
            };
            if let Err(error) = ended {
                shared.trouble(format!("client {} ended: {error}", place.0));
            }
        });
    }
    let publishing = stop.run_until_cancelled(publish(&shared, rate)).await;
    if let Some(Err(error)) = publishing {
        shared.trouble(format!("the publisher ended: {error}"));
    }
    let all = |place: &Place| {
        let got = shared.delivered[place.0].load(Ordering::Relaxed);
        got == shared.published[place.channel()].load(Ordering::Relaxed)
    };
    for _ in 0..200 {
        if (0..CLIENTS).map(Place).all(|place| all(&place)) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let without = (0..CLIENTS).map(Place).filter(|place| !all(place)).count();
    if without > 0 {
        shared.trouble(format!("{without} clients did not get everything"));
    }
    clients.shutdown().await;
}

impl Shared {
    fn now(&self) -> u64 {
        u64::try_from(self.begun.elapsed().as_nanos()).unwrap_or(u64::MAX)
    }

    fn trouble(&self, text: String) {
        self.troubles.lock().expect("no panic").push(text);
    }

    fn troubles(&self) -> Vec<String> {
        self.troubles.lock().expect("no panic").clone()
    }

    /// Connects from an address that is not the attackers'.
    async fn dial(&self, place: Place) -> io::Result<TcpStream> {
        let socket = TcpSocket::new_v4()?;
        let own = format!("127.0.2.{}:0", 1 + place.0 % 10);
        socket.bind(own.parse().map_err(io::Error::other)?)?;
        let stream = socket.connect(self.relay).await?;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn get(&self, place: Place, rest: &str) -> String {
        format!(
            "GET /channels/{}/{rest} HTTP/1.1\r\nHost: localhost\r\n{}",
            place.name(),
            self.authorization
        )
    }

    /// Books the messages in some bytes: each is `{"at":NANOSECONDS,"seq":NUMBER}`.
    fn book(&self, place: Place, bytes: &[u8]) -> io::Result<()> {
        let text = String::from_utf8_lossy(bytes);
        if text.contains("missed\":{") || text.contains("event: missed") {
            return Err(io::Error::other("it is told that it missed something"));
        }
        for found in text.split(r#"{"at":"#).skip(1) {
            let (at, rest) = found.split_once(r#","seq":"#).unwrap_or_default();
            let seq = rest.split('}').next().unwrap_or_default();
            let (Ok(at), Ok(seq)) = (at.parse::<u64>(), seq.parse::<u64>()) else {
                return Err(io::Error::other(format!("no message: {found}")));
            };
            let before = self.delivered[place.0].fetch_add(1, Ordering::Relaxed);
            if seq != before + 1 {
                return Err(io::Error::other(format!("{seq} comes after {before}")));
            }
            let took = self.now().saturating_sub(at);
            self.samples.lock().expect("no panic").push((at, took));
        }
        Ok(())
    }

    fn ready(&self) {
        self.ready.fetch_add(1, Ordering::Relaxed);
    }
}

async fn publish(shared: &Shared, rate: u32) -> io::Result<()> {
    while shared.ready.load(Ordering::Relaxed) < CLIENTS as u64 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let (mut answers, mut requests) = shared.dial(Place(0)).await?.into_split();
    let mut ticks = interval(Duration::from_secs(1) / rate);
    let mut buffer = vec![0; 64 << 10];
    let mut channel = 0;
    loop {
        tokio::select! {
            _ = ticks.tick() => {
                let seq = shared.published[channel].fetch_add(1, Ordering::Relaxed) + 1;
                let body = format!(r#"{{"at":{},"seq":{seq}}}"#, shared.now());
                let request = format!(
                    "POST /channels/honest.{channel}/messages HTTP/1.1\r\nHost: localhost\r\n{}Content-Type: application/json\r\n\
                     Content-Length: {}\r\n\r\n{body}",
                    shared.authorization,
                    body.len()
                );
                requests.write_all(request.as_bytes()).await?;
                channel = (channel + 1) % CHANNELS;
            }
            read = answers.read(&mut buffer) => {
                let text = String::from_utf8_lossy(&buffer[..read?]);
                if text.split("HTTP/1.1 ").skip(1).any(|answer| !answer.starts_with("201")) || text.is_empty() {
                    return Err(io::Error::other(format!("no 201: {text}")));
                }
            }
        }
    }
}

/// Reads on until there is a whole head; gives it, and leaves what follows.
async fn head(stream: &mut TcpStream, rest: &mut Vec<u8>) -> io::Result<String> {
    loop {
        if let Some(end) = rest.windows(4).position(|part| part == b"\r\n\r\n") {
            return Ok(String::from_utf8_lossy(&rest.drain(..end + 4).collect::<Vec<_>>()).into());
        }
        more(stream, rest).await?;
    }
}

async fn more(stream: &mut TcpStream, rest: &mut Vec<u8>) -> io::Result<()> {
    // Heartbeats come each second: who hears nothing for so long is not served.
    match timeout(Duration::from_secs(30), stream.read_buf(rest)).await {
        Ok(Ok(0)) => Err(io::ErrorKind::UnexpectedEof.into()),
        Ok(read) => read.map(|_| ()),
        Err(_) => Err(io::ErrorKind::TimedOut.into()),
    }
}

fn begins(head: &str, status: &str) -> io::Result<()> {
    if head.starts_with(&format!("HTTP/1.1 {status} ")) {
        Ok(())
    } else {
        Err(io::Error::other(head.to_owned()))
    }
}

async fn websocket(shared: &Shared, place: Place) -> io::Result<()> {
    let (mut stream, mut rest) = (shared.dial(place).await?, Vec::new());
    let handshake = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    let ask = shared.get(place, "socket") + handshake;
    stream.write_all(ask.as_bytes()).await?;
    begins(&head(&mut stream, &mut rest).await?, "101")?;
    shared.ready();
    loop {
        // Every message here is short: one byte of length.
        while rest.len() >= 2 && rest.len() >= 2 + usize::from(rest[1]) {
            let frame: Vec<u8> = rest.drain(..2 + usize::from(rest[1])).collect();
            match frame[0] {
                0x81 => shared.book(place, &frame[2..])?,
                0x89 => stream.write_all(&[0x8a, 0x80, 1, 2, 3, 4]).await?,
                _ => return Err(io::Error::other(format!("a frame: {frame:?}"))),
            }
        }
        more(&mut stream, &mut rest).await?;
    }
}

async fn events(shared: &Shared, place: Place) -> io::Result<()> {
    let (mut stream, mut rest) = (shared.dial(place).await?, Vec::new());
    let ask = shared.get(place, "events") + "\r\n";
    stream.write_all(ask.as_bytes()).await?;
    begins(&head(&mut stream, &mut rest).await?, "200")?;
    shared.ready();
    loop {
        if let Some(end) = rest.windows(2).rposition(|part| part == b"\n\n") {
            let whole: Vec<u8> = rest.drain(..end + 2).collect();
            shared.book(place, &whole)?;
        }
        more(&mut stream, &mut rest).await?;
    }
}

async fn long_polls(shared: &Shared, place: Place) -> io::Result<()> {
    let (mut stream, mut rest) = (shared.dial(place).await?, Vec::new());
    let mut next = String::from("earliest");
    shared.ready();
    loop {
        let ask = shared.get(place, &format!("messages?wait=10s&after={next}")) + "\r\n";
        stream.write_all(ask.as_bytes()).await?;
        let head = head(&mut stream, &mut rest).await?;
        if let Some(empty) = head.split("relay-next: ").nth(1) {
            begins(&head, "204")?;
            next = empty.lines().next().unwrap_or_default().to_owned();
            continue;
        }
        begins(&head, "200")?;
        let length = head.split("content-length: ").nth(1);
        let length = length.and_then(|text| text.lines().next()?.parse().ok());
        let length: usize = length.ok_or_else(|| io::Error::other("no length"))?;
        while rest.len() < length {
            more(&mut stream, &mut rest).await?;
        }
        let body: Vec<u8> = rest.drain(..length).collect();
        let text = String::from_utf8_lossy(&body);
        text.split('"')
            .nth(3)
            .unwrap_or_default()
            .clone_into(&mut next);
        shared.book(place, &body)?;
    }
}
