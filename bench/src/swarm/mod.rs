//! The simulated clients of one process: subscribers on shards, the publisher on a thread of its own.
//!
//! A [`Swarm`] is told where to connect, later when the phases begin, and at
//! last to finish; it hands over each second as it ends and its ledgers at the
//! end. It shares nothing with its owner but [`Progress`].

mod booking;
mod carried;
mod end;
mod line;
mod lines;
mod opening;
mod outage;
mod pacer;
mod phase;
mod progress;
mod road;
mod session;
mod shard;
mod thread;

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread::JoinHandle;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::sync::{mpsc, watch};

pub use opening::Opening;
pub use outage::Outage;
pub use pacer::{Pairs, PublishReport};
pub use progress::{Progress, Standing};
pub use shard::{ShardReport, Usage};

use crate::clock::Moment;
use crate::net::{Secure, WireTotals};
use crate::record::{Interval, Sending, Window};
use crate::scenario::{Dialect, Incident, Load, Slot, Token, events};
use crate::schedule::Schedule;
use crate::stamp::Stamp;

/// Seconds that may wait to be taken by the owner, of all threads together.
const REPORTS: usize = 256;

/// What a swarm is to do.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Assignment {
    /// Marks this trial's messages.
    pub run: u32,
    /// The server.
    pub server: SocketAddr,
    /// More nodes of it, over which clients are spread, and to which they go when one is gone: hosts as the scenario names them,
    /// and addresses.
    pub also: Vec<(String, SocketAddr)>,
    /// `host:port`, as clients write it.
    pub authority: String,
    /// The interface that it speaks.
    pub dialect: Dialect,
    /// What every client sends to be let in.
    #[serde(with = "carried::token")]
    pub token: Option<Token>,
    /// Whom clients trust, where connections are encrypted.
    pub secure: Option<Secure>,
    /// The load.
    pub load: Load,
    /// What happens in the measured phase, in the order of time.
    pub events: Vec<Incident>,
    /// Seeds the schedule, the poll phases and whom events affect.
    pub seed: u64,
    /// Time over which the clients connect.
    pub ramp: Duration,
    /// Source addresses, taken in turn; none leaves the choice to the kernel.
    pub sources: Vec<Ipv4Addr>,
    /// Threads for subscribers, of all processes together.
    pub shards: usize,
    /// The part of it that is this process's.
    pub share: Share,
    /// Processors to keep to, when there are enough of them.
    pub processors: Option<Vec<usize>>,
}

/// One process's part of an assignment.
///
/// Shard `n` of all has the subscribers `n`, `n + shards` and so on, so any way of dealing the shards out to
/// processes splits the subscribers exactly.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    /// The numbers of its shards.
    pub shards: Range<usize>,
    /// Whether it publishes: of all processes, one does.
    pub publishes: bool,
    /// How many nanoseconds this process's clock is ahead of the fleet's. Messages carry the fleet's time, and so do the
    /// window and whatever is reported as an instant.
    pub clock: i64,
}

impl Share {
    /// All of it, for a process that works alone.
    #[must_use]
    pub fn whole(shards: usize) -> Self {
        Self {
            shards: 0..shards,
            publishes: true,
            clock: 0,
        }
    }
}

impl Assignment {
    /// The name of a channel.
    #[must_use]
    pub fn channel(&self, number: usize) -> String {
        let Some(template) = self.dialect.template() else {
            return format!("bench-{:08x}-{number}", self.run);
        };
        template.channel.fill(|slot| match slot {
            Slot::Run => format!("{:08x}", self.run),
            Slot::Number => number.to_string(),
            _ => String::new(),
        })
    }

    /// The pairs of publisher and channel that publish: each a WebSocket of its own.
    pub(crate) fn pairs(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let Load {
            channels,
            publishers,
            ..
        } = self.load;
        (0..channels.max(publishers)).map(move |number| (number % publishers, number % channels))
    }

    /// The node that is the `turn`th of all, counted round and round.
    #[must_use]
    pub(crate) fn node(&self, turn: usize) -> SocketAddr {
        match turn % (1 + self.also.len()) {
            0 => self.server,
            other => self.also[other - 1].1,
        }
    }

    /// The turn that a subscriber begins with: the nodes share all subscribers evenly, and those of each channel.
    #[must_use]
    pub(crate) fn turn(&self, subscriber: usize) -> usize {
        let channels = self.load.channels;
        subscriber % channels + subscriber / channels
    }

    /// The messages of the warm-up and the measured phase.
    #[must_use]
    pub fn schedule(&self, window: &Window) -> Schedule {
        let span = |from: Moment, to: Moment| Duration::from_nanos(to.0 - from.0);
        let warm_up = span(window.start, window.measure);
        let steps = events::steps(&self.events, self.load.rate);
        Schedule::new(&self.load, span(window.start, window.end), self.seed)
            .with_steps(steps.into_iter().map(|(at, rate)| (warm_up + at, rate)))
    }

    /// Subscribers of its own.
    #[must_use]
    pub fn own_clients(&self) -> usize {
        let Share { shards, .. } = &self.share;
        let one = |shard: usize| {
            self.load
                .clients
                .saturating_sub(shard)
                .div_ceil(self.shards)
        };
        shards.clone().map(one).sum()
    }

    /// Subscribers of a channel.
    #[must_use]
    pub fn subscribers(&self, channel: usize) -> u64 {
        let Load {
            clients, channels, ..
        } = self.load;
        (clients / channels + usize::from(channel < clients % channels)) as u64
    }
}

/// What the threads of a swarm are to do now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// Connect, spread over the ramp.
    Connect,
    /// The phases begin.
    Run(Window),
    /// Close and report.
    Finish,
}

/// A second that has ended on one thread.
#[derive(Debug, Serialize, Deserialize)]
pub enum Report {
    /// Of a shard.
    Received(Box<Interval>),
    /// Of the publisher.
    Sent(Box<Sending>),
}

/// Why a swarm could not work.
#[derive(Debug, Error)]
pub enum SwarmError {
    /// A thread could not start.
    #[error("cannot start a thread for clients: {0}")]
    Thread(#[source] std::io::Error),
    /// The publisher could not connect.
    #[error("the publisher cannot connect to {server}: {source}")]
    Publisher {
        /// The server.
        server: SocketAddr,
        /// Why.
        #[source]
        source: std::io::Error,
    },
    /// A thread ended by a bug.
    #[error("a thread of the swarm panicked; this is a bug in bench")]
    Panicked,
}

/// What a swarm has to say at its end.
#[derive(Debug)]
pub struct SwarmReport {
    /// Of each shard.
    pub shards: Vec<ShardReport>,
    /// Of the publisher.
    pub publisher: PublishReport,
}

impl SwarmReport {
    /// Bytes on the wire of every connection, in all phases; `None` when the kernel gave no counters.
    #[must_use]
    pub fn wire(&self) -> Option<WireTotals> {
        let shards = self.shards.iter().map(|shard| shard.whole.wire);
        shards.fold(self.publisher.wire, add)
    }
}

/// Both together; `None` when one is not known.
fn add(total: Option<WireTotals>, more: Option<WireTotals>) -> Option<WireTotals> {
    let (mut total, more) = total.zip(more)?;
    total += more;
    Some(total)
}

/// The clients of one trial, at work.
#[derive(Debug)]
pub struct Swarm {
    assignment: Arc<Assignment>,
    orders: watch::Sender<Order>,
    progress: Arc<Progress>,
    reports: mpsc::Sender<Report>,
    shards: Vec<JoinHandle<Result<ShardReport, SwarmError>>>,
    publisher: Option<JoinHandle<Result<PublishReport, SwarmError>>>,
}

impl Swarm {
    /// Starts the threads; the publisher connects at once, the subscribers spread over the ramp.
    ///
    /// # Errors
    /// When a thread cannot start.
    pub fn start(assignment: Assignment) -> Result<(Self, mpsc::Receiver<Report>), SwarmError> {
        let (reports, receiver) = mpsc::channel(REPORTS);
        let (orders, _) = watch::channel(Order::Connect);
        let mut swarm = Self {
            assignment: Arc::new(assignment),
            orders,
            progress: Arc::default(),
            reports,
            shards: Vec::new(),
            publisher: None,
        };
        let share = swarm.assignment.share.clone();
        for number in share.shards {
            let post = swarm.post();
            let thread = std::thread::Builder::new()
                .name(format!("shard-{number}"))
                .spawn(move || thread::run(&post, number));
            swarm.shards.push(thread.map_err(SwarmError::Thread)?);
        }
        if share.publishes {
            let post = swarm.post();
            let thread = std::thread::Builder::new()
                .name("publisher".to_owned())
                .spawn(move || pacer::run(&post));
            swarm.publisher = Some(thread.map_err(SwarmError::Thread)?);
        }
        Ok((swarm, receiver))
    }

    /// Begins the phases; the window is on the fleet's clock.
    pub fn run(&self, window: Window) {
        let window = window.ahead(self.assignment.share.clock);
        self.orders.send_replace(Order::Run(window));
    }

    /// What it has done so far.
    #[must_use]
    pub fn progress(&self) -> &Arc<Progress> {
        &self.progress
    }

    /// Whether a thread has ended before it was told to: [`Swarm::finish`] says why.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.shards.iter().any(JoinHandle::is_finished)
            || self.publisher.as_ref().is_some_and(JoinHandle::is_finished)
    }

    /// Closes every connection and gives what was booked.
    ///
    /// The receiver of reports must be read meanwhile, or threads wait for room in it.
    ///
    /// # Errors
    /// [`SwarmError`] of the first thread that had one.
    pub fn finish(self) -> Result<SwarmReport, SwarmError> {
        self.orders.send_replace(Order::Finish);
        drop(self.reports);
        // Every thread is waited for before the first error is given: none outlives its trial.
        let shards: Vec<_> = self
            .shards
            .into_iter()
            .map(|thread| thread.join().unwrap_or(Err(SwarmError::Panicked)))
            .collect();
        let publisher = self
            .publisher
            .map(|thread| thread.join().unwrap_or(Err(SwarmError::Panicked)));
        Ok(SwarmReport {
            shards: shards.into_iter().collect::<Result<_, _>>()?,
            publisher: publisher.transpose()?.unwrap_or_default(),
        })
    }

    fn post(&self) -> Post {
        Post {
            assignment: Arc::clone(&self.assignment),
            orders: self.orders.subscribe(),
            progress: Arc::clone(&self.progress),
            reports: self.reports.clone(),
        }
    }
}

/// What each thread of a swarm is given.
#[derive(Debug)]
pub(crate) struct Post {
    assignment: Arc<Assignment>,
    orders: watch::Receiver<Order>,
    progress: Arc<Progress>,
    reports: mpsc::Sender<Report>,
}

impl Post {
    /// What is to be done now. An owner that has gone without a word wants nothing more.
    fn order(&self) -> Order {
        if self.orders.has_changed().is_err() {
            return Order::Finish;
        }
        *self.orders.borrow()
    }

    /// A message of the measured phase is on its way, or is known not to be after all.
    fn expect(&self, stamp: &Stamp, comes: bool) {
        let subscribers = self.assignment.subscribers(stamp.channel as usize);
        let expected = &self.progress.expected;
        if comes {
            expected.fetch_add(subscribers, Ordering::Relaxed);
        } else {
            expected.fetch_sub(subscribers, Ordering::Relaxed);
        }
    }

    /// Keeps the calling thread to the processors of the assignment; when the kernel refuses, it runs where it will.
    fn pin(&self) {
        if let Some(processors) = &self.assignment.processors {
            let mut set = rustix::thread::CpuSet::new();
            processors.iter().for_each(|processor| set.set(*processor));
            let _ = rustix::thread::sched_setaffinity(None, &set);
        }
    }
}
