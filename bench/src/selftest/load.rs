//! A swarm against the echo: how far what bench claims is from what the echo did.

use std::sync::atomic::Ordering;
use std::thread;
use std::time::Duration;

use tokio::sync::mpsc::Receiver;

use super::echo::{Echo, Echoed};
use super::{ARRIVAL_BUDGET, Figure, SelfTestError, bounded, quantiles, told};
use crate::clock::Moment;
use crate::probe::Processors;
use crate::record::{Series, Window};
use crate::scenario::{Arrivals, Dialect, Load, Publish, Transport, capacity};
use crate::swarm::{Assignment, Report, Share, Swarm};
use crate::units::{show_count, show_nanos};

const CLIENTS: usize = 1000;
const CHANNELS: usize = 100;
/// Files that this process opens for it: both ends of every connection, and what threads and clocks take.
pub const DESCRIPTORS: u64 = 2 * (CLIENTS + CHANNELS) as u64 + 128;

/// Messages a second; each goes to ten clients.
const RATE: f64 = 1000.0;
const RAMP: Duration = Duration::from_millis(500);
const WARM_UP: Duration = Duration::from_secs(1);
const MEASURE: Duration = Duration::from_secs(5);
/// How long the clients may take to connect.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
/// How long the last deliveries may take.
const DRAIN: Duration = Duration::from_secs(2);
const LOOK: Duration = Duration::from_millis(10);
/// The first message is due this long after the order, so that every thread has it in time.
const LEAD: Duration = Duration::from_millis(200);

/// What was claimed, and what was done.
pub(super) struct Told {
    /// The claimed arrival, since the instant just before the write that caused it.
    arrival: Series,
    /// The claimed delivery, since the same.
    delivery: Series,
    lag: Series,
    delivered: u64,
    stamped: bool,
    echoed: Echoed,
    pinned: Option<String>,
}

pub(super) fn run() -> Result<Told, SelfTestError> {
    let processors = Processors::apart(false);
    let kept_to = processors.as_ref().map(|apart| apart.server.clone());
    let echo = Echo::start(kept_to).map_err(SelfTestError::Echo)?;
    let generator = processors.as_ref().map(|apart| apart.generator.clone());
    let (swarm, reports) = Swarm::start(assignment(&echo, generator))?;
    let booked = thread::spawn(move || book(reports));
    let connected = connect(&swarm);
    if connected.is_ok() {
        work(&swarm, &echo);
    }
    let report = swarm.finish()?;
    connected?;
    let (arrival, delivery, lag, delivered) = booked
        .join()
        .map_err(|_| crate::swarm::SwarmError::Panicked)?;
    Ok(Told {
        arrival,
        delivery,
        lag,
        delivered,
        stamped: report.shards.iter().all(|shard| shard.stamped),
        echoed: echo.stop().map_err(SelfTestError::Echo)?,
        pinned: processors.as_ref().map(Processors::describe),
    })
}

fn assignment(echo: &Echo, processors: Option<Vec<usize>>) -> Assignment {
    Assignment {
        events: Vec::new(),
        run: rand::random(),
        server: echo.address,
        also: Vec::new(),
        authority: echo.address.to_string(),
        dialect: Dialect::Relay,
        token: None,
        secure: None,
        load: Load {
            transport: Transport::Websocket,
            clients: CLIENTS,
            channels: CHANNELS,
            rate: RATE,
            // A client has a message each 100 ms: one that is kept from reading for less than that
            // has no two in its socket, which would share a stamp.
            arrivals: Arrivals::Constant,
            publish: Publish::Post,
            publishers: 16,
            ..Load::default()
        },
        seed: 42,
        ramp: RAMP,
        sources: capacity::source_addresses(CLIENTS),
        shards: processors.as_ref().map_or(1, Vec::len),
        share: Share::whole(processors.as_ref().map_or(1, Vec::len)),
        processors,
    }
}

fn connect(swarm: &Swarm) -> Result<(), SelfTestError> {
    let (progress, limit) = (swarm.progress(), Moment::now() + CONNECT_LIMIT);
    loop {
        let connected = progress.opened.load(Ordering::Acquire);
        if connected >= CLIENTS as u64 && progress.publisher_ready.load(Ordering::Acquire) {
            return Ok(());
        }
        // A thread that ended says why when it is joined.
        if Moment::now() > limit || swarm.has_ended() {
            return Err(SelfTestError::Clients {
                connected,
                asked: CLIENTS,
                limit: CONNECT_LIMIT.as_secs(),
            });
        }
        thread::sleep(LOOK);
    }
}

/// The phases, and the last deliveries.
fn work(swarm: &Swarm, echo: &Echo) {
    let start = Moment::now() + LEAD;
    let measure = start + WARM_UP;
    let end = measure + MEASURE;
    swarm.run(Window {
        start,
        measure,
        end,
    });
    let progress = swarm.progress();
    let all = || {
        progress.published_all.load(Ordering::Acquire)
            && progress.delivered.load(Ordering::Relaxed) >= echo.written()
    };
    while !swarm.has_ended() && (Moment::now() < end || (!all() && Moment::now() < end + DRAIN)) {
        thread::sleep(LOOK);
    }
}

/// Adds up the seconds of the measured phase, and the deliveries of all.
fn book(mut reports: Receiver<Report>) -> (Series, Series, Series, u64) {
    let (mut arrival, mut delivery, mut lag) =
        (Series::default(), Series::default(), Series::default());
    let mut delivered = 0;
    while let Some(report) = reports.blocking_recv() {
        match report {
            Report::Received(interval) => {
                delivered += interval.delivered;
                if interval.measured {
                    arrival.merge(&interval.arrival);
                    delivery.merge(&interval.delivery);
                }
            }
            Report::Sent(sending) => lag.merge(&sending.lag),
        }
    }
    (arrival, delivery, lag, delivered)
}

impl Told {
    pub(super) fn describe(&self) -> String {
        format!(
            "The floor of the instrument: what bench adds, on this machine and now.\n\
             {} WebSockets to an echo inside bench, {} deliveries a second for {} s; {}.",
            show_count(CLIENTS as u64),
            show_count(self.arrival.count() / MEASURE.as_secs()),
            MEASURE.as_secs(),
            self.pinned.as_deref().unwrap_or("one processor for all")
        )
    }

    pub(super) fn figures(&self, out: &mut Vec<Figure>) {
        let (echoed, delivered) = (self.echoed.written, self.delivered);
        out.push(bounded(
            "messages echoed / delivered",
            format!("{} / {}", show_count(echoed), show_count(delivered)),
            "the same".to_owned(),
            echoed == delivered,
        ));
        let stamped = if self.stamped { "yes" } else { "no" };
        out.push(bounded(
            "the kernel stamps arrivals",
            stamped.to_owned(),
            "yes".to_owned(),
            self.stamped,
        ));
        let p99 = self.arrival.quantile(0.99);
        out.push(bounded(
            "arrival error: claimed - before the write, p99",
            quantiles(&self.arrival, &[0.99]),
            format!("under {}", show_nanos(ARRIVAL_BUDGET as f64)),
            p99.is_some_and(|nanos| nanos < ARRIVAL_BUDGET),
        ));
        let negative = self.arrival.summary().map_or(0, |summary| summary.negative);
        out.push(bounded(
            "arrivals claimed before the write",
            show_count(negative),
            "none".to_owned(),
            negative == 0,
        ));
        for (name, series) in [
            ("arrival error, p50 / max", &self.arrival),
            ("the echo's own write, p50 / max", &self.echoed.width),
        ] {
            out.push(told(name, quantiles(series, &[0.5, 1.0])));
        }
        for (name, series) in [
            (
                "delivery error: parsed - before the write, p50 / p99",
                &self.delivery,
            ),
            (
                "schedule lag: handed to the socket - due, p50 / p99",
                &self.lag,
            ),
        ] {
            out.push(told(name, quantiles(series, &[0.5, 0.99])));
        }
    }
}
