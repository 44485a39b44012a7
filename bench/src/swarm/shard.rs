//! A shard: one thread, one runtime, one recorder, many subscribers.

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use tokio::task::LocalSet;
use tokio::time::Instant;

use super::session::Session;
use super::{Assignment, Order, Post, Progress, Report, SwarmError};
use crate::client::{Profile, Subscription};
use crate::clock::Moment;
use crate::net::{Socket, Traffic, WireTotals};
use crate::record::{Counts, Interval, Ledger, Recorder, Series, Window};

/// The buffer that all subscribers of a thread receive into, in bytes.
const BUFFER: usize = 64 * 1024;
/// Kinds of error that are told apart; later kinds are counted together.
const ERROR_KINDS: usize = 16;

/// What a shard has to say at its end.
#[derive(Debug, Default)]
pub struct ShardReport {
    /// Deliveries.
    pub counts: Counts,
    /// One for each subscriber.
    pub ledgers: Vec<Ledger>,
    /// From dialling until able to receive.
    pub connect: Series,
    /// Subscribers able to receive when the measured phase began.
    pub connected: u64,
    /// Connections made again, in all phases.
    pub reconnects: u64,
    /// Requests and bytes of the measured phase.
    pub usage: Usage,
    /// Errors by their text, in all phases.
    pub errors: BTreeMap<String, u64>,
    /// Whether the kernel stamped arrivals.
    pub stamped: bool,
}

/// Requests and bytes up to an instant, or between two.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Usage {
    /// Requests answered.
    pub requests: u64,
    /// Answers without a message.
    pub empty: u64,
    /// Socket bytes sent.
    pub sent: u64,
    /// Socket bytes received.
    pub received: u64,
    /// Bytes on the wire; `None` when the kernel gives no counters.
    pub wire: Option<WireTotals>,
}

impl Usage {
    fn since(self, earlier: Self) -> Self {
        let wire = self.wire.zip(earlier.wire);
        Self {
            requests: self.requests - earlier.requests,
            empty: self.empty - earlier.empty,
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
    /// The same instant on both clocks, for timers.
    origin: (Moment, Instant),
    pub(super) buffer: RefCell<Box<[u8]>>,
    pub(super) out: RefCell<Vec<u8>>,
    pub(super) traffic: Rc<Traffic>,
    pub(super) requests: Cell<u64>,
    pub(super) empty: Cell<u64>,
    /// `None` until the phases begin.
    pub(super) recorder: RefCell<Option<Recorder>>,
    pub(super) connect: RefCell<Series>,
    pub(super) reconnects: Cell<u64>,
    pub(super) stamped: Cell<bool>,
    open: Cell<u64>,
    sockets: RefCell<Vec<Option<Rc<Socket>>>>,
    /// Wire bytes of connections that are closed; `None` once the kernel gave no counters.
    retired: Cell<Option<WireTotals>>,
    errors: RefCell<BTreeMap<String, u64>>,
}

impl Shard {
    fn new(post: &Post, subscribers: usize) -> Self {
        Self {
            assignment: Arc::clone(&post.assignment),
            progress: Arc::clone(&post.progress),
            origin: (Moment::now(), Instant::now()),
            buffer: RefCell::new(vec![0; BUFFER].into_boxed_slice()),
            out: RefCell::default(),
            traffic: Rc::default(),
            requests: Cell::default(),
            empty: Cell::default(),
            recorder: RefCell::default(),
            connect: RefCell::default(),
            reconnects: Cell::default(),
            stamped: Cell::default(),
            open: Cell::default(),
            sockets: RefCell::new(std::iter::repeat_with(|| None).take(subscribers).collect()),
            retired: Cell::new(Some(WireTotals::default())),
            errors: RefCell::default(),
        }
    }

    /// The runtime's name for a moment.
    pub(super) fn instant(&self, moment: Moment) -> Instant {
        self.origin.1 + std::time::Duration::from_nanos(moment.0.saturating_sub(self.origin.0.0))
    }

    /// A connection exists; its wire bytes count from now on.
    pub(super) fn connected(&self, slot: usize, socket: &Rc<Socket>) {
        self.sockets.borrow_mut()[slot] = Some(Rc::clone(socket));
    }

    /// A subscriber can receive.
    pub(super) fn opened(&self, started: Moment, again: bool) {
        self.connect
            .borrow_mut()
            .record(Moment::now().since(started));
        self.open.set(self.open.get() + 1);
        self.progress.connected.fetch_add(1, Ordering::Relaxed);
        if again {
            self.reconnects.set(self.reconnects.get() + 1);
        } else {
            self.progress.opened.fetch_add(1, Ordering::Release);
        }
    }

    /// A connection is gone; `was_open` when its subscriber could receive.
    pub(super) fn closed(&self, slot: usize, was_open: bool) {
        if let Some(socket) = self.sockets.borrow_mut()[slot].take() {
            self.retired
                .set(add(self.retired.get(), socket.wire().ok()));
        }
        if was_open {
            self.open.set(self.open.get() - 1);
            self.progress.connected.fetch_sub(1, Ordering::Relaxed);
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

    fn usage(&self) -> Usage {
        let live = self
            .sockets
            .borrow()
            .iter()
            .flatten()
            .fold(self.retired.get(), |total, socket| {
                add(total, socket.wire().ok())
            });
        Usage {
            requests: self.requests.get(),
            empty: self.empty.get(),
            sent: self.traffic.sent.get(),
            received: self.traffic.received.get(),
            wire: live,
        }
    }
}

fn add(total: Option<WireTotals>, more: Option<WireTotals>) -> Option<WireTotals> {
    let (mut total, more) = total.zip(more)?;
    total += more;
    Some(total)
}

/// The life of a shard, on its own thread.
pub(super) fn run(post: &Post, number: usize) -> Result<ShardReport, SwarmError> {
    post.pin();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(SwarmError::Thread)?;
    let tasks = LocalSet::new();
    let report = tasks.block_on(&runtime, live(post, number, &tasks));
    // Ends every session: a LocalSet owns its tasks.
    drop(tasks);
    Ok(report)
}

async fn live(post: &Post, number: usize, tasks: &LocalSet) -> ShardReport {
    let assignment = &post.assignment;
    let mine: Vec<usize> = (number..assignment.load.clients)
        .step_by(assignment.shards)
        .collect();
    let shard = Rc::new(Shard::new(post, mine.len()));
    let subscriptions = subscriptions(assignment);
    for (slot, &client) in mine.iter().enumerate() {
        let subscription = Rc::clone(&subscriptions[client % assignment.load.channels]);
        tasks.spawn_local(Session::new(&shard, client, slot, subscription).run());
    }
    let mut orders = post.orders.clone();
    let mut marks = Marks::default();
    let order = orders
        .wait_for(|order| *order != Order::Connect)
        .await
        .map_or(Order::Finish, |order| *order);
    if let Order::Run(window) = order {
        let channels = mine
            .iter()
            .map(|client| channel_number(client % assignment.load.channels));
        *shard.recorder.borrow_mut() = Some(Recorder::new(assignment.run, window, channels));
        let mut finish = std::pin::pin!(async {
            orders
                .wait_for(|order| *order == Order::Finish)
                .await
                .map_or((), drop)
        });
        tokio::select! {
            () = &mut finish => {}
            () = phases(&shard, window, post, &mut marks) => {}
        }
    }
    conclude(&shard, post, &marks).await
}

fn subscriptions(assignment: &Assignment) -> Vec<Rc<Subscription>> {
    let profile = Rc::new(Profile(assignment.load.headers));
    let authority: Rc<str> = assignment.authority.as_str().into();
    let one = |channel| Subscription {
        authority: Rc::clone(&authority),
        channel: assignment.channel(channel).into(),
        profile: Rc::clone(&profile),
        hold: assignment.load.hold,
    };
    (0..assignment.load.channels)
        .map(|channel| Rc::new(one(channel)))
        .collect()
}

/// Follows the phases: marks the ends of the measured one and hands over each second. Never ends by itself.
async fn phases(shard: &Shard, window: Window, post: &Post, marks: &mut Marks) {
    let mut second = 0;
    loop {
        let end = window.end_of(second);
        tokio::time::sleep_until(shard.instant(end)).await;
        if end >= window.measure && marks.start.is_none() {
            marks.start = Some(shard.usage());
            marks.connected = shard.open.get();
        }
        if end >= window.end && marks.end.is_none() {
            marks.end = Some(shard.usage());
        }
        hand_over(shard, post).await;
        second += 1;
    }
}

/// What was counted when the measured phase began and when it ended.
#[derive(Default)]
struct Marks {
    connected: u64,
    start: Option<Usage>,
    end: Option<Usage>,
}

impl Marks {
    /// The usage of the measured phase. An order to finish may come before the timer of its end:
    /// then it has lasted until now.
    fn usage(&self, shard: &Shard) -> Usage {
        let end = self.end.unwrap_or_else(|| shard.usage());
        self.start.map(|start| end.since(start)).unwrap_or_default()
    }
}

async fn hand_over(shard: &Shard, post: &Post) {
    let ended = shard.recorder.borrow_mut().as_mut().map(|recorder| {
        recorder.roll(Moment::now());
        recorder.take_ended()
    });
    send(post, ended.unwrap_or_default()).await;
}

async fn send(post: &Post, intervals: Vec<Interval>) {
    for interval in intervals {
        // The owner has gone when it no longer cares: then nobody waits for these.
        let _ = post
            .reports
            .send(Report::Received(Box::new(interval)))
            .await;
    }
}

async fn conclude(shard: &Shard, post: &Post, marks: &Marks) -> ShardReport {
    let mut report = ShardReport {
        connected: marks.connected,
        usage: marks.usage(shard),
        ..ShardReport::default()
    };
    let recorder = shard.recorder.borrow_mut().take();
    if let Some(recorder) = recorder {
        let (intervals, counts, ledgers) = recorder.finish();
        send(post, intervals).await;
        (report.counts, report.ledgers) = (counts, ledgers);
    }
    report.connect = shard.connect.take();
    report.reconnects = shard.reconnects.get();
    report.errors = shard.errors.take();
    report.stamped = shard.stamped.get();
    report
}

/// A channel's number as stamps carry it.
pub(super) fn channel_number(channel: usize) -> u32 {
    u32::try_from(channel).unwrap_or(u32::MAX)
}
