//! What the relay counts. The hot paths touch plain atomics; names are made when asked for.

mod exposition;
mod labels;

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};

use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;

use crate::log::Missed;
pub use labels::{Closed, Route, Transport};

/// What most requests are, by far.
const USUAL: [(Route, u16); 3] = [
    (Route::Read(Transport::Polling), 204),
    (Route::Read(Transport::Polling), 200),
    (Route::Publish, 201),
];

/// The counters of one relay.
#[derive(Debug, Default)]
pub struct Metrics {
    published: AtomicU64,
    transports: [PerTransport; Transport::ALL.len()],
    empty_polls: AtomicU64,
    missed: [AtomicU64; Missed::ALL.len()],
    closed: [AtomicU64; Closed::ALL.len()],
    connections: AtomicI64,
    throttled: AtomicU64,
    streams: AtomicI64,
    streams_closed: [AtomicU64; Closed::ALL.len()],
    requests: Family<labels::Request, Counter>,
    /// Those of polls and publishes that went well, found already: a family looks each up by its labels.
    usual: [OnceLock<Counter>; USUAL.len()],
}

#[derive(Debug, Default)]
struct PerTransport {
    delivered: AtomicU64,
    bytes: AtomicU64,
    subscribers: AtomicI64,
}

impl Metrics {
    /// Counts a published message.
    pub fn published(&self) {
        self.published.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts messages on their way to one client, and the bytes they take, framing included.
    pub fn delivered(&self, transport: Transport, messages: usize, bytes: usize) {
        let counters = &self.transports[transport as usize];
        counters
            .delivered
            .fetch_add(messages as u64, Ordering::Relaxed);
        counters.bytes.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// Counts a poll that found nothing, long or short.
    pub fn empty_poll(&self) {
        self.empty_polls.fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a reader that was told it missed something.
    pub fn missed(&self, missed: Missed) {
        self.missed[missed as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts the end of a connection.
    pub fn closed(&self, reason: Closed) {
        self.closed[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Counts a wait of an address that has used up its turns.
    pub fn throttled(&self) {
        self.throttled.fetch_add(1, Ordering::Relaxed);
    }

    /// Gives how often addresses that had used up their turns were made to wait.
    pub fn throttled_total(&self) -> u64 {
        self.throttled.load(Ordering::Relaxed)
    }

    /// Moves the number of open streams of HTTP/2.
    pub fn streams(&self, change: i64) {
        self.streams.fetch_add(change, Ordering::Relaxed);
    }

    /// Counts the end of a stream of HTTP/2.
    pub fn stream_closed(&self, reason: Closed) {
        self.streams_closed[reason as usize].fetch_add(1, Ordering::Relaxed);
    }

    /// Gives the number of open streams of HTTP/2.
    pub fn open_streams(&self) -> i64 {
        self.streams.load(Ordering::Relaxed)
    }

    /// Counts an answered request.
    pub fn answered(&self, route: Route, status: u16) {
        let counter = || {
            self.requests
                .get_or_create(&labels::Request { route, status })
        };
        match USUAL.iter().position(|usual| *usual == (route, status)) {
            Some(place) => self.usual[place].get_or_init(|| counter().clone()).inc(),
            None => counter().inc(),
        };
    }

    /// Moves the number of open connections.
    pub fn connections(&self, change: i64) {
        self.connections.fetch_add(change, Ordering::Relaxed);
    }

    /// Moves the number of clients that wait for messages.
    pub fn subscribers(&self, transport: Transport, change: i64) {
        self.transports[transport as usize]
            .subscribers
            .fetch_add(change, Ordering::Relaxed);
    }

    /// Gives how many connections ended for a reason.
    pub fn closed_total(&self, reason: Closed) -> u64 {
        self.closed[reason as usize].load(Ordering::Relaxed)
    }

    /// Gives how many readers were told that they missed something for a reason.
    pub fn missed_total(&self, missed: Missed) -> u64 {
        self.missed[missed as usize].load(Ordering::Relaxed)
    }

    /// Gives the number of published messages.
    pub fn published_total(&self) -> u64 {
        self.published.load(Ordering::Relaxed)
    }

    /// Gives the number of deliveries by all transports.
    pub fn delivered_total(&self) -> u64 {
        self.transports
            .iter()
            .map(|t| t.delivered.load(Ordering::Relaxed))
            .sum()
    }

    /// Gives the number of open connections.
    pub fn open_connections(&self) -> i64 {
        self.connections.load(Ordering::Relaxed)
    }

    /// Gives the number of clients that wait for messages by one transport.
    pub fn waiting(&self, transport: Transport) -> i64 {
        self.transports[transport as usize]
            .subscribers
            .load(Ordering::Relaxed)
    }
}
