//! Publishers and followers of all transports at once, and their ledger.

use std::cell::{Cell, RefCell};
use std::iter;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::Duration;

use clap::Args;
use rand::RngExt;
use tokio::task::{JoinSet, LocalSet};
use tokio::time::{Instant, sleep, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use crate::follower::{Follower, TRANSPORTS};
use crate::ledger::{Fate, Published, Sums};
use crate::publisher::{By, Publisher};
use crate::relays::Relays;
use crate::time;
use crate::wire::Relay;

/// Publishes and follows.
#[derive(Debug, Args)]
pub(crate) struct Follow {
    /// Another relay of the same logs (repeatable): publishers and followers are spread over all of them, and who loses its
    /// connection goes on at the next
    #[arg(long, value_name = "ADDRESS")]
    also: Vec<SocketAddr>,
    /// Followers for each transport
    #[arg(long, value_name = "COUNT", default_value = "10")]
    clients: usize,
    /// Channels at once; every second one is published to by WebSocket, the others by POST
    #[arg(long, value_name = "COUNT", default_value = "4", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    channels: u32,
    /// Messages published a second, in all channels together
    #[arg(long, value_name = "COUNT", default_value = "100", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    rate: u32,
    /// How long to publish
    #[arg(long, value_name = "TIME", default_value = "20s", value_parser = time)]
    time: Duration,
    /// How long the followers may take to receive the rest
    #[arg(long, value_name = "TIME", default_value = "10s", value_parser = time)]
    drain: Duration,
    /// How long a follower stays, on average, before another takes its place on some channel; for ever unless set
    #[arg(long, value_name = "TIME", value_parser = time)]
    life: Option<Duration>,
    /// How long a channel is used before another takes its place; for ever unless set
    #[arg(long, value_name = "TIME", value_parser = time)]
    channel_life: Option<Duration>,
}

/// One channel in its time.
#[derive(Clone)]
struct Channel {
    name: String,
    published: Rc<RefCell<Published>>,
    /// Nothing more will be published.
    over: CancellationToken,
}

/// The line of totals, as far as publishing goes.
#[derive(Default)]
struct Totals {
    acknowledged: usize,
    unknown: usize,
    refused: usize,
    channels: usize,
}

/// What all tasks share.
struct Run {
    relays: Vec<Relay>,
    follow: Follow,
    end: Instant,
    now: RefCell<Vec<Channel>>,
    totals: RefCell<Totals>,
    sums: RefCell<Sums>,
    longest: Cell<Duration>,
}

impl Follow {
    /// Runs to the end; false when something was lost without a word, or came twice or out of order.
    pub(crate) async fn run(self, relay: Relay) -> bool {
        let run = Rc::new(Run {
            relays: iter::once(relay)
                .chain(self.also.iter().map(|at| relay.at(*at)))
                .collect(),
            end: Instant::now() + self.time,
            now: RefCell::new((0..self.channels).map(|at| channel(at, 0)).collect()),
            follow: self,
            totals: RefCell::default(),
            sums: RefCell::default(),
            longest: Cell::default(),
        });
        let local = LocalSet::new();
        let mut tasks = JoinSet::new();
        for at in 0..run.follow.channels {
            tasks.spawn_local_on(publish(Rc::clone(&run), at), &local);
        }
        for transport in TRANSPORTS {
            for at in 0..run.follow.clients {
                tasks.spawn_local_on(follow(Rc::clone(&run), transport, at), &local);
            }
        }
        let ended = async { while tasks.join_next().await.is_some_and(|ended| ended.is_ok()) {} };
        local.run_until(ended).await;
        run.report(tasks.is_empty())
    }
}

impl Run {
    fn report(&self, whole: bool) -> bool {
        let sums = self.sums.borrow();
        sums.print();
        let (t, c) = (self.totals.borrow(), sums.total());
        println!(
            "TOTAL acknowledged={} unknown={} refused={} channels={} longest_ms={} followers={} received={} lost={} told_lost={} \
             duplicated={} evicted={} recreated={} reconnects={} silent={}",
            t.acknowledged,
            t.unknown,
            t.refused,
            t.channels,
            self.longest.get().as_millis(),
            c.followers,
            c.received,
            c.lost,
            c.told_lost,
            c.duplicated,
            c.evicted,
            c.recreated,
            c.reconnects,
            c.silent
        );
        whole && c.lost == 0 && c.duplicated == 0 && c.silent == 0 && c.received > 0
    }
}

fn channel(at: u32, generation: u32) -> Channel {
    Channel {
        // Two runs at one relay do not meet.
        name: format!("traffic.{}.{at}.{generation}", std::process::id()),
        published: Rc::default(),
        over: CancellationToken::new(),
    }
}

/// Publishes to one channel after the other.
async fn publish(run: Rc<Run>, at: u32) {
    let place = at as usize;
    for generation in 1.. {
        let channel = run.now.borrow()[place].clone();
        let left = run.end.saturating_duration_since(Instant::now());
        let publisher = Publisher {
            relays: Relays::new(&run.relays, place / 2),
            channel: channel.name.clone(),
            by: if at % 2 == 1 { By::Socket } else { By::Post },
            pause: Duration::from_secs(run.follow.channels.into()) / run.follow.rate,
            book: &channel.published,
            longest: &run.longest,
        };
        publisher
            .run(run.follow.channel_life.unwrap_or(left).min(left))
            .await;
        {
            let (mut totals, published) = (run.totals.borrow_mut(), channel.published.borrow());
            totals.acknowledged += published.count(Fate::Acknowledged);
            totals.unknown += published.count(Fate::Unknown);
            totals.refused += published.count(Fate::Refused);
            totals.channels += 1;
        }
        if Instant::now() >= run.end {
            channel.over.cancel();
            return;
        }
        run.now.borrow_mut()[place] = self::channel(at, generation);
        channel.over.cancel();
    }
}

/// Follows one channel after the other by a transport.
async fn follow(run: Rc<Run>, transport: &'static str, at: usize) {
    loop {
        let (channel, life) = {
            let mut rng = rand::rng();
            let now = run.now.borrow();
            let channel = now[rng.random_range(0..now.len())].clone();
            let life = run
                .follow
                .life
                .map(|life| life.mul_f64(rng.random_range(0.5..1.5)));
            (channel, life)
        };
        let follower = Follower::new(
            Relays::new(&run.relays, at),
            channel.name,
            Rc::clone(&channel.published),
            transport,
        );
        let leaves = async {
            match life {
                Some(life) => sleep(life).await,
                None => std::future::pending().await,
            }
        };
        let stayed = tokio::select! {
            () = follower.run() => false,
            () = leaves => false,
            () = async {
                channel.over.cancelled().await;
                let _ = timeout(run.follow.drain, follower.caught_up()).await;
            } => true,
        };
        let counts = follower.settle(stayed);
        run.sums.borrow_mut().add(transport, counts);
        if Instant::now() >= run.end {
            return;
        }
        if stayed && run.follow.channel_life.is_none() {
            sleep_until(run.end).await;
            return;
        }
    }
}
