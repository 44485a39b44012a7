//! A server in the relay's interface that does wrong what it is told to, and counts it.
//!
//! Its code is its own: it shares nothing with the relay, and with bench no
//! more than the clock. A thread for each connection, blocking. It notes when it
//! wrote each record, so that what bench reports can be held against what was done.

mod connection;
mod delay;
mod http2;
mod log;
mod socket;
mod stream;
mod wire;
mod written;

use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

pub(crate) use delay::Delay;
use log::Log;
use stream::{Certificate, Stream};
pub(crate) use written::Written;

/// What goes wrong. "Every n-th" counts the messages of a channel from 1; 0 is never.
#[derive(Debug, Clone, Default)]
pub(crate) struct Plan {
    /// Passes before a message is delivered. A longer one holds up the channel's later messages.
    pub(crate) delay: Delay,
    /// Passes before each connection is accepted, one after another.
    pub(crate) slow_accept: Duration,
    /// Every n-th message is accepted and never delivered.
    pub(crate) drop_every: u64,
    /// Every n-th message is delivered twice.
    pub(crate) repeat_every: u64,
    /// Every n-th message is delivered after its successor.
    pub(crate) swap_every: u64,
    /// At the n-th message a channel falls silent for the time given.
    pub(crate) stall: Option<(u64, Duration)>,
    /// The n-th message is gone before anyone has read it, and readers are told.
    pub(crate) evict: u64,
    /// How answers are cut into writes.
    pub(crate) cut: Cut,
    /// Subscribers' connections are reset in mid-record once they have brought this many records.
    pub(crate) reset_after: u64,
    /// How many connections are ended so in a trial.
    pub(crate) resets: u64,
    /// They are ended in good order instead, after a whole record.
    pub(crate) politely: bool,
    /// The n-th publish of all is not answered but its connection reset.
    pub(crate) reset_publish: u64,
    /// Each poll's answer ends its connection.
    pub(crate) close_polls: bool,
    /// Publishes are answered 503.
    pub(crate) refuse: bool,
    /// There is no `/healthz`.
    pub(crate) unhealthy: bool,
    /// What is never answered.
    pub(crate) silent: Silent,
    /// It serves the client code of the relay's pages.
    pub(crate) pages: bool,
    /// It speaks TLS, and its certificate is for these names; none for none.
    pub(crate) certified: &'static [&'static str],
    /// What it offers by ALPN; with `h2` it speaks nothing else.
    pub(crate) offers: &'static [&'static str],
    /// It opens no WebSocket over HTTP/2.
    pub(crate) no_connect: bool,
}

/// How bytes are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Cut {
    /// Each record as soon as it is there.
    #[default]
    Whole,
    /// Every byte in a segment of its own.
    Bytes,
    /// In eight segments: no more than TCP sends at once without an acknowledgement.
    Parts,
    /// The records of a tenth of a second in one write.
    Together,
}

/// What is never answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Silent {
    #[default]
    Nothing,
    /// Channels; `/healthz` is fine.
    Channels,
    /// Everything, though connections are accepted.
    Everything,
}

/// What was done in one trial.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) published: AtomicU64,
    pub(crate) dropped: AtomicU64,
    pub(crate) repeated: AtomicU64,
    pub(crate) swapped: AtomicU64,
    pub(crate) evicted: AtomicU64,
    pub(crate) resets: AtomicU64,
    pub(crate) polls: AtomicU64,
    /// Publishes asked for, taken or not.
    asked: AtomicU64,
    written: Mutex<Vec<Written>>,
}

impl Tally {
    /// One of its counts.
    pub(crate) fn of(&self, field: fn(&Self) -> &AtomicU64) -> u64 {
        field(self).load(Ordering::SeqCst)
    }

    /// Every record that was written whole, in the order of writing on each connection.
    pub(crate) fn written(&self) -> Vec<Written> {
        self.written.lock().unwrap().clone()
    }
}

/// Counts one, and gives how many there are now.
fn count(counter: &AtomicU64) -> u64 {
    counter.fetch_add(1, Ordering::SeqCst) + 1
}

struct Shared {
    plan: Plan,
    certificate: Option<Certificate>,
    log: Log,
    /// By what a trial's channels have in common, in the order of the trials.
    tallies: Mutex<Vec<(String, Arc<Tally>)>>,
    connections: AtomicU64,
    stop: AtomicBool,
}

impl Shared {
    /// The tally of the trial that a channel belongs to: all of the channel's name but its number.
    fn tally(&self, channel: &str) -> Arc<Tally> {
        let trial = channel.rsplit_once('-').map_or(channel, |parts| parts.0);
        let mut tallies = self.tallies.lock().unwrap();
        if let Some((_, tally)) = tallies.iter().find(|(known, _)| known == trial) {
            return Arc::clone(tally);
        }
        tallies.push((trial.to_owned(), Arc::default()));
        Arc::clone(&tallies[tallies.len() - 1].1)
    }
}

/// The server; it ends when dropped.
pub(crate) struct Fake {
    address: SocketAddr,
    shared: Arc<Shared>,
}

impl Fake {
    /// Listens on a free port.
    pub(crate) fn start(plan: Plan) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let shared = Arc::new(Shared {
            log: Log::default(),
            certificate: (!plan.certified.is_empty()).then(|| Certificate::new(&plan)),
            plan,
            tallies: Mutex::default(),
            connections: AtomicU64::new(0),
            stop: AtomicBool::new(false),
        });
        let server = Arc::clone(&shared);
        thread::spawn(move || accept(&listener, &server));
        Self { address, shared }
    }

    pub(crate) fn url(&self) -> String {
        match self.shared.certificate {
            None => format!("http://{}", self.address),
            Some(_) => format!("https://{}", self.address),
        }
    }

    /// A scenario that names its URL, trusting it.
    pub(crate) fn trusted(&self, scenario: &str) -> String {
        let Some(certificate) = &self.shared.certificate else {
            return scenario.to_owned();
        };
        let url = format!("url = \"{}\"", self.url());
        let file = certificate.file.display();
        scenario.replace(&url, &format!("{url}, tls_ca = \"{file}\""))
    }

    /// What it did in each trial.
    pub(crate) fn tallies(&self) -> Vec<Arc<Tally>> {
        let tallies = self.shared.tallies.lock().unwrap();
        tallies.iter().map(|(_, tally)| Arc::clone(tally)).collect()
    }
}

impl Drop for Fake {
    fn drop(&mut self) {
        self.shared.stop.store(true, Ordering::SeqCst);
        // Wakes the listener; when it has gone already there is nobody to wake.
        let _ = TcpStream::connect(self.address);
    }
}

fn accept(listener: &TcpListener, shared: &Arc<Shared>) {
    for stream in listener.incoming() {
        // The kernel has shaken hands already: what is slow is whoever would answer.
        thread::sleep(shared.plan.slow_accept);
        if shared.stop.load(Ordering::SeqCst) {
            return;
        }
        let Ok(stream) = stream else { continue };
        let shared = Arc::clone(shared);
        // A connection that its client cuts ends with an error, which is no news.
        thread::spawn(move || {
            stream.set_nodelay(true)?;
            if shared.plan.offers.contains(&"h2") {
                return http2::serve(stream, &shared);
            }
            connection::serve(&Stream::new(stream, shared.certificate.as_ref()), &shared)
        });
    }
}
