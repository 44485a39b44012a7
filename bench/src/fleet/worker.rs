//! A worker: has a swarm do what the coordinator orders, one trial after another, and reports.
//!
//! It runs on a thread that no client is served on, so however busy the swarm is, it goes on giving signs of life.

use std::io;
use std::net::SocketAddr;
use std::os::fd::AsFd;
use std::time::Duration;

use tokio::net::unix::pipe;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::wire::{self, Beat, Duty, Hello, Order, Said, VERSION};
use crate::clock::Moment;
use crate::probe::Process;
use crate::scenario::Endpoint;
use crate::scenario::capacity::MachineLimits;
use crate::swarm::{Assignment, Report, Swarm, SwarmError, SwarmReport};

/// How often it gives a sign of life.
const BEAT: Duration = Duration::from_millis(50);
/// Messages that may wait to be sent.
pub(super) const QUEUE: usize = 64;

/// Does what is ordered on standard input and reports on standard output, until the input ends.
///
/// # Errors
/// When the two are not pipes, or a runtime cannot start.
pub fn over_stdio() -> io::Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let input = io::stdin().as_fd().try_clone_to_owned()?;
        let output = io::stdout().as_fd().try_clone_to_owned()?;
        let mut input = pipe::Receiver::from_owned_fd(input)?;
        let mut output = pipe::Sender::from_owned_fd(output)?;
        let (orders, ordered) = mpsc::channel(QUEUE);
        let (said, mut saying) = mpsc::channel(QUEUE);
        let read = async move {
            // Whatever is no order ends the work as the end of the input does.
            while let Ok(Some(order)) = wire::read::<Order>(&mut input).await {
                if orders.send(order).await.is_err() {
                    break;
                }
            }
        };
        let write = async move {
            while let Some(said) = saying.recv().await {
                if wire::write(&mut output, &said).await.is_err() {
                    break;
                }
            }
        };
        tokio::select! {
            // What is said last is written before the work counts as done.
            ((), ()) = async { tokio::join!(serve(ordered, said), write) } => {}
            () = async { read.await; std::future::pending().await } => {}
        }
        Ok(())
    })
}

/// What a worker says of itself.
pub(super) fn hello() -> Hello {
    // Descriptors are for connections: all that may be had are taken.
    let limits = MachineLimits::raise();
    Hello {
        version: VERSION,
        program: env!("CARGO_PKG_VERSION").to_owned(),
        pid: std::process::id(),
        processors: std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        descriptors: limits.as_ref().map_or(0, |limits| limits.descriptors),
        ports: limits.map_or(0, |limits| limits.ports.len() as u64),
        place: place(),
    }
}

/// This kernel since it started, and the network namespace of this process.
pub(super) fn place() -> String {
    let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    let network = std::fs::read_link("/proc/self/ns/net").unwrap_or_default();
    format!("{} {}", boot.trim(), network.display())
}

/// Works until nobody orders any more.
pub(super) async fn serve(mut orders: mpsc::Receiver<Order>, said: mpsc::Sender<Said>) {
    if said.send(Said::Hello(hello())).await.is_err() {
        return;
    }
    while let Some(order) = orders.recv().await {
        // Anything else belongs to a trial that is over.
        if let Order::Assign(duty) = order
            && attempt(*duty, &mut orders, &said).await.is_none()
        {
            return;
        }
    }
}

/// One trial; `None` when the coordinator is gone.
async fn attempt(
    duty: Duty,
    orders: &mut mpsc::Receiver<Order>,
    said: &mpsc::Sender<Said>,
) -> Option<()> {
    if let Err(why) = may_load(&duty) {
        return said.send(Said::Refused(why)).await.ok();
    }
    said.send(Said::Ready).await.ok()?;
    match orders.recv().await? {
        Order::Connect => {}
        _ => return Some(()),
    }
    let clock = duty.assignment.share.clock;
    let (swarm, reports) = match Swarm::start(duty.assignment) {
        Ok(started) => started,
        Err(error) => return said.send(Said::Failed(error.into())).await.ok(),
    };
    let mut work = Work {
        clock,
        progress: std::sync::Arc::clone(swarm.progress()),
        swarm: Some(swarm),
        reports,
        said,
        told: true,
    };
    let finished = work.go_on(orders).await;
    let report = work.end().await;
    if finished {
        tell(report, said).await
    } else {
        Some(())
    }
}

/// The same rule as for scenarios: nothing but loopback, or what the scenario names.
fn may_load(duty: &Duty) -> Result<(), String> {
    let Assignment {
        server,
        also,
        authority,
        ..
    } = &duty.assignment;
    let endpoint = Endpoint::read(&format!("http://{authority}"));
    let first = endpoint.map_or_else(|_| String::new(), |endpoint| endpoint.host);
    let may = |host: &String, address: &SocketAddr| {
        address.ip().is_loopback() || duty.allow_hosts.contains(host)
    };
    let refused = match also.iter().find(|(host, address)| !may(host, address)) {
        _ if !may(&first, server) => authority,
        Some((host, _)) => host,
        None => return Ok(()),
    };
    Err(format!(
        "{refused} is not loopback, and target.allow_hosts (or --allow-host of the worker) does not name it"
    ))
}

/// A swarm at work.
struct Work<'a> {
    clock: i64,
    progress: std::sync::Arc<crate::swarm::Progress>,
    /// Until it is told to finish.
    swarm: Option<Swarm>,
    reports: mpsc::Receiver<Report>,
    said: &'a mpsc::Sender<Said>,
    /// Whether the coordinator still wants to know.
    told: bool,
}

impl Work<'_> {
    /// Goes on until it is to finish, with a report if that gives `true`, or until a thread has ended.
    async fn go_on(&mut self, orders: &mut mpsc::Receiver<Order>) -> bool {
        let mut beat = tokio::time::interval(BEAT);
        loop {
            tokio::select! {
                biased;
                order = orders.recv() => match order {
                    Some(Order::Run(window)) => self.run(window).await,
                    Some(Order::Finish) => return true,
                    None => {
                        self.told = false;
                        return false;
                    }
                    Some(Order::Assign(_) | Order::Connect) => {}
                },
                _ = beat.tick() => {
                    self.beat().await;
                    if self.swarm.as_ref().is_none_or(Swarm::has_ended) {
                        return true;
                    }
                }
                Some(report) = self.reports.recv() => self.say(Said::Second(report)).await,
            }
        }
    }

    async fn run(&mut self, window: crate::record::Window) {
        if let Some(swarm) = &self.swarm {
            swarm.run(window);
        }
        let late = Moment::now().since(window.start.ahead(self.clock));
        if late > 0 {
            self.say(Said::Late(late.unsigned_abs())).await;
        }
    }

    async fn beat(&mut self) {
        let this = Process::this();
        let beat = Beat {
            standing: self.progress.read(),
            cpu_ns: this.cpu_ns(),
            peak: this.peak(),
        };
        self.say(Said::Beat(beat)).await;
    }

    async fn say(&mut self, said: Said) {
        self.told = self.told && self.said.send(said).await.is_ok();
    }

    /// Ends the swarm. Its threads wait for room in the channel, so that is read until they are done.
    async fn end(&mut self) -> Result<SwarmReport, SwarmError> {
        let Some(swarm) = self.swarm.take() else {
            return Err(SwarmError::Panicked);
        };
        let mut finish: JoinHandle<_> = tokio::task::spawn_blocking(move || swarm.finish());
        let mut beat = tokio::time::interval(BEAT);
        let report = loop {
            tokio::select! {
                report = &mut finish => break report,
                Some(report) = self.reports.recv() => self.say(Said::Second(report)).await,
                _ = beat.tick() => self.beat().await,
            }
        };
        while let Ok(report) = self.reports.try_recv() {
            self.say(Said::Second(report)).await;
        }
        // What it cost and how far it came, to the end.
        self.beat().await;
        report.unwrap_or(Err(SwarmError::Panicked))
    }
}

/// Says all that a swarm has to say at its end.
async fn tell(report: Result<SwarmReport, SwarmError>, said: &mpsc::Sender<Said>) -> Option<()> {
    let SwarmReport { shards, publisher } = match report {
        Ok(report) => report,
        Err(error) => return said.send(Said::Failed(error.into())).await.ok(),
    };
    for message in shards.into_iter().flat_map(wire::pieces) {
        said.send(message).await.ok()?;
    }
    let publisher = Said::Published(Box::new(publisher));
    said.send(publisher).await.ok()?;
    said.send(Said::Done).await.ok()
}
