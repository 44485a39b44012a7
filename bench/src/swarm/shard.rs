//! A shard: what the subscribers of one thread share, and what it reports at its end.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Context;

use serde::{Deserialize, Serialize};

use super::opening::Opening;
use super::outage::{Outage, Outages, Told};
use super::phase::mix;
use super::{Assignment, Post, Progress, add};
use crate::clock::Moment;
use crate::net::{Over, Socket, Traffic, Wheel, WireTotals};
use crate::reactor;
use crate::record::{Counts, Ledger, Recorder, Series};
use crate::scenario::Transport;

/// The buffer that all subscribers of a thread receive into, in bytes.
const BUFFER: usize = 64 * 1024;
/// Sockets that the kernel is asked about in one go: some 50 µs.
const STEP: usize = 50;
/// Kinds of error that are told apart; later kinds are counted together.
const ERROR_KINDS: usize = 16;

/// What a shard has to say at its end.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct ShardReport {
    /// Deliveries.
    pub counts: Counts,
    /// One for each subscriber.
    pub ledgers: Vec<Ledger>,
    /// From dialling until able to receive.
    pub connect: Series,
    /// Bytes of the connections that `connect` timed.
    pub opening: Opening,
    /// Subscribers able to receive when the measured phase began.
    pub connected: u64,
    /// Connections made again, in all phases.
    pub reconnects: u64,
    /// Requests and bytes of the measured phase.
    pub usage: Usage,
    /// Requests and bytes of all phases.
    pub whole: Usage,
    /// What events did to its subscribers.
    pub outages: Vec<Outage>,
    /// Errors by their text, in all phases.
    pub errors: BTreeMap<String, u64>,
    /// Whether the kernel stamped arrivals.
    pub stamped: bool,
}

/// Requests and bytes up to an instant, or between two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Messages delivered, whenever they were due.
    pub deliveries: u64,
    /// Requests answered.
    pub requests: u64,
    /// Answers without a message.
    pub empty: u64,
    /// Connections opened.
    pub connections: u64,
    /// Nanoseconds on the clock, and those that connections were open in, all together.
    pub clock: u64,
    /// See `clock`.
    pub held: u64,
    /// Socket bytes sent.
    pub sent: u64,
    /// Socket bytes received.
    pub received: u64,
    /// Bytes on the wire; `None` when the kernel gives no counters.
    pub wire: Option<WireTotals>,
}

impl Usage {
    /// Connections open at once, on average over the span.
    #[must_use]
    pub fn open(&self) -> f64 {
        if self.clock == 0 {
            return 0.0;
        }
        self.held as f64 / self.clock as f64
    }

    /// What was used since an earlier instant.
    pub(super) fn since(self, earlier: Self) -> Self {
        let wire = self.wire.zip(earlier.wire);
        Self {
            deliveries: self.deliveries - earlier.deliveries,
            requests: self.requests - earlier.requests,
            empty: self.empty - earlier.empty,
            connections: self.connections - earlier.connections,
            clock: self.clock - earlier.clock,
            held: self.held - earlier.held,
            sent: self.sent - earlier.sent,
            received: self.received - earlier.received,
            wire: wire.map(|(late, early)| WireTotals {
                sent: late.sent - early.sent,
                received: late.received - early.received,
            }),
        }
    }
}

/// What the sessions of a thread share.
pub(super) struct Shard {
    pub(super) assignment: Arc<Assignment>,
    pub(super) progress: Arc<Progress>,
    pub(super) buffer: RefCell<Box<[u8]>>,
    pub(super) out: RefCell<Vec<u8>>,
    pub(super) traffic: Rc<Traffic>,
    pub(super) deliveries: Cell<u64>,
    pub(super) requests: Cell<u64>,
    pub(super) empty: Cell<u64>,
    pub(super) connections: Cell<u64>,
    /// `None` until the phases begin.
    pub(super) recorder: RefCell<Option<Recorder>>,
    pub(super) connect: RefCell<Series>,
    pub(super) opening: Cell<Opening>,
    pub(super) reconnects: Cell<u64>,
    pub(super) stamped: Cell<bool>,
    pub(super) open: Cell<u64>,
    /// The clockwork of emulated links, when there are any.
    pub(super) wheel: Option<Rc<Wheel>>,
    /// `None` in a trial without events.
    pub(super) outages: Option<Outages>,
    sockets: RefCell<Vec<Option<Rc<Socket>>>>,
    /// Slots that a count under way has behind it, and the wire bytes of connections that closed ahead of it.
    counted: Cell<usize>,
    passed_by: Cell<Option<WireTotals>>,
    /// Wire bytes of connections that are closed; `None` once the kernel gave no counters.
    retired: Cell<Option<WireTotals>>,
    pub(super) errors: RefCell<BTreeMap<String, u64>>,
}

impl Shard {
    pub(super) fn new(post: &Post, subscribers: usize) -> io::Result<Self> {
        let wheel = (!post.assignment.load.link.is_none()).then(Wheel::new);
        Ok(Self {
            assignment: Arc::clone(&post.assignment),
            progress: Arc::clone(&post.progress),
            buffer: RefCell::new(vec![0; BUFFER].into_boxed_slice()),
            out: RefCell::default(),
            traffic: Rc::new(Traffic::to(post.assignment.server)),
            deliveries: Cell::default(),
            requests: Cell::default(),
            empty: Cell::default(),
            connections: Cell::default(),
            recorder: RefCell::default(),
            connect: RefCell::default(),
            opening: Cell::default(),
            reconnects: Cell::default(),
            stamped: Cell::default(),
            open: Cell::default(),
            outages: (!post.assignment.events.is_empty()).then(|| {
                let polling = post.assignment.load.transport == Transport::Polling;
                Outages::new(subscribers, polling)
            }),
            sockets: RefCell::new(std::iter::repeat_with(|| None).take(subscribers).collect()),
            counted: Cell::default(),
            passed_by: Cell::default(),
            retired: Cell::new(Some(WireTotals::default())),
            errors: RefCell::default(),
            wheel: wheel.transpose()?,
        })
    }

    /// The emulated link of a client's next connection.
    pub(super) fn over(&self, client: usize, connection: u32) -> Option<Over> {
        let wheel = Rc::clone(self.wheel.as_ref()?);
        let seed = mix(self.assignment.seed ^ mix(client as u64));
        Some(Over {
            link: self.assignment.load.link,
            seed: mix(seed ^ u64::from(connection)),
            wheel,
        })
    }

    /// A connection exists; its wire bytes count from now on.
    pub(super) fn connected(&self, slot: usize, socket: &Rc<Socket>) {
        self.connections.set(self.connections.get() + 1);
        self.sockets.borrow_mut()[slot] = Some(Rc::clone(socket));
    }

    /// A subscriber can receive.
    pub(super) fn opened(&self, slot: usize, started: Moment, again: bool) {
        self.open.set(self.open.get() + 1);
        if let Some(outages) = &self.outages {
            outages.opened(slot);
        }
        self.progress.connected.fetch_add(1, Ordering::Relaxed);
        if again {
            self.reconnects.set(self.reconnects.get() + 1);
        } else {
            self.connect
                .borrow_mut()
                .record(Moment::now().since(started));
            let sockets = self.sockets.borrow();
            let opening = self.opening.get().with(sockets[slot].as_deref());
            self.opening.set(opening);
            self.progress.opened.fetch_add(1, Ordering::Release);
        }
    }

    /// A connection is gone.
    pub(super) fn disconnected(&self, slot: usize) {
        if let Some(socket) = self.sockets.borrow_mut()[slot].take() {
            let wire = socket.wire().ok();
            self.retired.set(add(self.retired.get(), wire));
            if slot >= self.counted.get() && self.passed_by.get().is_some() {
                self.passed_by.set(add(self.passed_by.get(), wire));
            }
        }
    }

    /// A subscriber that could receive no longer can.
    pub(super) fn closed(&self, slot: usize) {
        self.open.set(self.open.get() - 1);
        if let Some(outages) = &self.outages {
            outages.closed(slot);
        }
        self.progress.connected.fetch_sub(1, Ordering::Relaxed);
    }

    /// What the events of the plan tell a session now; nothing in a trial without them.
    pub(super) fn told(&self, slot: usize, context: &Context<'_>) -> Told {
        let told = |outages: &Outages| outages.told(slot, context);
        self.outages.as_ref().map_or(Told::Go, told)
    }

    /// Counts bytes that are about to be sent, by the second.
    pub(super) fn count_sent(&self, bytes: usize) {
        if let Some(recorder) = self.recorder.borrow_mut().as_mut() {
            recorder.interval().sent += bytes as u64;
        }
    }

    /// Counts an error by its text.
    pub(super) fn failed(&self, text: String) {
        let mut errors = self.errors.borrow_mut();
        let known = errors.len() < ERROR_KINDS || errors.contains_key(&text);
        *errors
            .entry(if known {
                text
            } else {
                "other errors".to_owned()
            })
            .or_default() += 1;
    }

    /// What has been used so far.
    ///
    /// Asking the kernel about thousands of sockets takes milliseconds, in which no client would be
    /// served: it is done in steps, with the other clients in between. Both ends of the measured
    /// phase are marked in the same steps, so the span that each socket is counted over is the same.
    pub(super) async fn usage(&self) -> Usage {
        let now = Moment::now();
        let mut usage = Usage {
            deliveries: self.deliveries.get(),
            requests: self.requests.get(),
            empty: self.empty.get(),
            connections: self.connections.get(),
            clock: now.0,
            held: self.traffic.open.held(now),
            sent: self.traffic.sent.get(),
            received: self.traffic.received.get(),
            wire: self.retired.get(),
        };
        self.passed_by.set(Some(WireTotals::default()));
        let slots = self.sockets.borrow().len();
        for start in (0..slots).step_by(STEP) {
            self.counted.set(start);
            let end = slots.min(start + STEP);
            let step = self.sockets.borrow()[start..end]
                .iter()
                .flatten()
                .try_fold(WireTotals::default(), |total, socket| {
                    add(Some(total), socket.wire().ok())
                });
            usage.wire = add(usage.wire, step);
            self.counted.set(end);
            reactor::yield_now().await;
        }
        usage.wire = add(usage.wire, self.passed_by.take());
        usage
    }
}

/// A channel's number as stamps carry it.
pub(super) fn channel_number(channel: usize) -> u32 {
    u32::try_from(channel).unwrap_or(u32::MAX)
}
