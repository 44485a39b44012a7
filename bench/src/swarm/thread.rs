//! The life of a shard: one thread, one executor, one recorder, many sessions.

use std::io;
use std::rc::Rc;

use super::outage::{Outages, Script};
use super::session::Session;
use super::shard::{Shard, ShardReport, Usage, channel_number};
use super::{Assignment, Order, Post, Report, SwarmError};
use crate::client::{Asked, Profile, Subscription};
use crate::clock::Moment;
use crate::reactor::{self, sleep_until};
use crate::record::{Recorder, Window};

/// The life of a shard, on its own thread.
pub(super) fn run(post: &Post, number: usize) -> Result<ShardReport, SwarmError> {
    post.pin();
    // Leaving here ends every session: an executor owns its tasks. A panic in one of them is the thread's own.
    reactor::run(live(post, number)).map_err(SwarmError::Thread)?
}

async fn live(post: &Post, number: usize) -> Result<ShardReport, SwarmError> {
    let assignment = &post.assignment;
    let mine: Vec<usize> = (number..assignment.load.clients)
        .step_by(assignment.shards)
        .collect();
    let shard = Rc::new(Shard::new(post, mine.len()).map_err(SwarmError::Thread)?);
    let subscriptions = subscriptions(assignment);
    for (slot, &client) in mine.iter().enumerate() {
        let subscription = Rc::clone(&subscriptions[client % assignment.load.channels]);
        reactor::spawn(Session::new(&shard, client, slot, subscription).run());
    }
    let mut marks = Marks::default();
    tokio::select! {
        () = obey(&shard, post, &mine, &mut marks) => {}
        error = turn(&shard) => return Err(SwarmError::Thread(error)),
    }
    Ok(conclude(&shard, post, &marks).await)
}

/// Keeps the clockwork of emulated links going, if there are any; ends only by an error.
async fn turn(shard: &Shard) -> io::Error {
    match &shard.wheel {
        Some(wheel) => wheel.turn().await,
        None => std::future::pending().await,
    }
}

/// Does what the orders say, until told to finish.
async fn obey(shard: &Shard, post: &Post, mine: &[usize], marks: &mut Marks) {
    let assignment = &post.assignment;
    let mut orders = post.orders.clone();
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
        // Both follow a plan and lose nothing when dropped.
        tokio::select! {
            () = &mut finish => {}
            () = async { tokio::join!(phases(shard, window, post, marks), events(shard, window, mine)); } => {}
        }
    }
}

fn subscriptions(assignment: &Assignment) -> Vec<Rc<Subscription>> {
    let load = &assignment.load;
    let profile = Rc::new(Profile::of_subscribers(load).with_token(assignment.token.as_ref()));
    let authority: Rc<str> = assignment.authority.as_str().into();
    let template = assignment.dialect.template();
    let asked = template.and_then(|template| Asked::new(template, load).map(Rc::new));
    let one = |channel| {
        let channel = assignment.channel(channel).into();
        Subscription::new(load, Rc::clone(&authority), channel, Rc::clone(&profile))
            .by_template(asked.as_ref())
    };
    (0..load.channels)
        .map(|channel| Rc::new(one(channel)))
        .collect()
}

/// Does to the subscribers what the events of the plan say.
async fn events(shard: &Shard, window: Window, mine: &[usize]) {
    let Some(outages) = &shard.outages else {
        return;
    };
    let Assignment {
        events, seed, load, ..
    } = &*shard.assignment;
    let script = Script::new(events, *seed, load.clients, mine, window);
    script.play(outages, async |at| sleep_until(at).await).await;
}

/// Follows the phases: marks the ends of the measured one and hands over each second. Never ends by itself.
async fn phases(shard: &Shard, window: Window, post: &Post, marks: &mut Marks) {
    let mut second = 0;
    loop {
        let end = window.end_of(second);
        // The measured phase begins with a second, the very first one without a warm-up, and may end within one.
        if window.measure <= end && marks.start.is_none() {
            sleep_until(window.measure).await;
            // Before the bytes, which take a while to count, and before an event that comes at once.
            marks.connected = shard.open.get();
            marks.start = Some(shard.usage().await);
        }
        if window.end <= end && marks.end.is_none() {
            sleep_until(window.end).await;
            marks.end = Some(shard.usage().await);
        }
        sleep_until(end).await;
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
    async fn usage(&self, shard: &Shard) -> Usage {
        let end = match self.end {
            Some(end) => end,
            None => shard.usage().await,
        };
        self.start.map(|start| end.since(start)).unwrap_or_default()
    }
}

/// Hands over the seconds that are over. Cancel-safe: a second is taken only once there is room for it.
async fn hand_over(shard: &Shard, post: &Post) {
    if let Some(recorder) = shard.recorder.borrow_mut().as_mut() {
        recorder.roll(Moment::now());
    }
    // The owner has gone when it no longer cares: then nobody waits for these.
    while let Ok(room) = post.reports.reserve().await {
        let ended = shard
            .recorder
            .borrow_mut()
            .as_mut()
            .and_then(Recorder::take_ended);
        let Some(interval) = ended else { return };
        room.send(Report::Received(Box::new(interval)));
    }
}

async fn conclude(shard: &Shard, post: &Post, marks: &Marks) -> ShardReport {
    let mut report = ShardReport {
        connected: marks.connected,
        usage: marks.usage(shard).await,
        whole: shard.usage().await,
        ..ShardReport::default()
    };
    let recorder = shard.recorder.borrow_mut().take();
    if let Some(recorder) = recorder {
        let (intervals, counts, ledgers) = recorder.finish();
        for interval in intervals {
            // As above.
            let _ = post
                .reports
                .send(Report::Received(Box::new(interval)))
                .await;
        }
        (report.counts, report.ledgers) = (counts, ledgers);
    }
    let outages = shard.outages.as_ref().map(Outages::finish);
    let outages = outages.into_iter().flatten();
    let clock = shard.assignment.share.clock;
    report.outages = outages.map(|outage| outage.ahead(-clock)).collect();
    report.connect = shard.connect.take();
    report.opening = shard.opening.get();
    report.reconnects = shard.reconnects.get();
    report.errors = shard.errors.take();
    report.stamped = shard.stamped.get();
    report
}
