//! One worker, as the coordinator knows it.

use std::fmt;
use std::time::Duration;

use super::RunError;
use super::link::Link;
use super::nats::{self, Recruit};
use super::wire::{Failure, Hello, Order, Said};
use crate::clock::Moment;
use crate::probe::Process;
use crate::record::{Series, Window};
use crate::result::WorkerResult;
use crate::swarm::{Assignment, PublishReport, Report, ShardReport};

/// A worker that says nothing for so long is lost. Many times as long as it takes a busy machine to let every thread run.
const SILENCE: Duration = Duration::from_secs(5);
/// The most that one look adds to a silence: a coordinator that stood still itself has heard nothing for that reason.
const STEP: Duration = Duration::from_millis(200);
/// Looks until a process that ended its output must have ended, so that it can be said how.
const ENDING: u32 = 10;

/// Where a worker is.
#[derive(Debug)]
pub(super) enum Place {
    /// A thread of this process.
    Thread,
    /// A process of this machine.
    Process(u32),
    /// Behind a NATS server.
    Far(Box<Recruit>),
}

impl Place {
    /// How long it may say nothing. A thread of this process stands still with it, and ends its link when it ends.
    fn silence(&self) -> Option<Duration> {
        match self {
            Self::Thread => None,
            Self::Process(_) => Some(SILENCE),
            Self::Far(_) => Some(nats::SILENCE),
        }
    }
}

#[derive(Debug)]
pub(super) struct Member {
    number: usize,
    pub(super) link: Link,
    pub(super) place: Place,
    clients: usize,
    publishes: bool,
    /// Once the phases have begun.
    pub(super) window: Option<Window>,
    pub(super) hello: Option<Hello>,
    pub(super) ready: bool,
    /// Deliveries of its clients in the measured phase.
    delivery: Series,
    pub(super) shards: Vec<ShardReport>,
    pub(super) publisher: Option<PublishReport>,
    pub(super) failure: Option<Failure>,
    done: bool,
    late: Option<u64>,
    heard: u64,
    quiet: Duration,
    ending: u32,
    lost: Option<String>,
    marks: Vec<(Moment, Option<u64>)>,
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "worker {}", self.number + 1)?;
        match &self.place {
            Place::Thread => Ok(()),
            Place::Process(pid) => write!(f, " (process {pid})"),
            Place::Far(recruit) => {
                write!(f, " ({}, process {})", recruit.name, recruit.hello.pid)
            }
        }
    }
}

impl Member {
    pub(super) fn new(
        number: usize,
        (link, place): (Link, Place),
        assignment: &Assignment,
    ) -> Self {
        Self {
            number,
            link,
            place,
            clients: assignment.own_clients(),
            publishes: assignment.share.publishes,
            window: None,
            hello: None,
            ready: false,
            delivery: Series::default(),
            shards: Vec::new(),
            publisher: None,
            failure: None,
            done: false,
            late: None,
            heard: 0,
            quiet: Duration::ZERO,
            ending: 0,
            lost: None,
            marks: Vec::new(),
        }
    }

    /// Gives an order. One that cannot be taken belongs to a worker that is lost, and the next looks find that.
    pub(super) fn order(&mut self, order: Order) {
        let _ = self.link.orders.try_send(order);
    }

    /// Checks that both speak the same.
    pub(super) fn check(&self) -> Result<(), RunError> {
        let hello = self.hello.clone().unwrap_or_default();
        match hello.unlike_ours() {
            None => Ok(()),
            Some(why) => Err(self.error(why)),
        }
    }

    fn error(&self, reason: String) -> RunError {
        RunError::Worker {
            worker: self.to_string(),
            reason,
        }
    }

    /// Takes in what it said; gives a second of one of its threads.
    pub(super) fn book(&mut self, said: Said) -> Result<Option<Report>, RunError> {
        match said {
            Said::Hello(hello) => self.hello = Some(hello),
            Said::Ready => self.ready = true,
            Said::Refused(why) => {
                self.lose(&format!("refuses its part: {why}"));
                return Err(self.error(format!("refuses its part: {why}")));
            }
            Said::Late(nanos) => self.late = Some(nanos),
            Said::Second(report) => {
                if let Report::Received(interval) = &report
                    && self
                        .window
                        .is_some_and(|window| window.measured_second(interval.second))
                {
                    self.delivery.merge(&interval.delivery);
                }
                return Ok(Some(report));
            }
            Said::Shard(shard) => self.shards.push(*shard),
            Said::Ledgers(mut ledgers) => {
                if let Some(shard) = self.shards.last_mut() {
                    shard.ledgers.append(&mut ledgers);
                }
            }
            Said::Outages(mut outages) => {
                if let Some(shard) = self.shards.last_mut() {
                    shard.outages.append(&mut outages);
                }
            }
            Said::Published(publisher) if self.publishes => self.publisher = Some(*publisher),
            Said::Done => self.done = true,
            Said::Failed(failure) => self.failure = Some(failure),
            Said::Published(_) | Said::Beat(_) => {}
        }
        Ok(None)
    }

    /// Whether its last word is still to come.
    pub(super) fn is_awaited(&self) -> bool {
        !self.done && self.failure.is_none() && self.lost.is_none()
    }

    /// Looks whether it lives, so long after the last look.
    pub(super) fn look(&mut self, since: Duration) {
        if !self.is_awaited() {
            return;
        }
        let (heard, ended) = {
            let board = self.link.board();
            (board.heard, board.ended.clone())
        };
        if let Some(why) = ended {
            self.ending += 1;
            let status = self.link.child.as_mut().and_then(|child| child.ended());
            if let Some(status) = status {
                self.lose(&format!("was lost: it ended ({status})"));
            } else if self.ending > ENDING {
                self.lose(&format!("was lost: {why}"));
            }
            return;
        }
        if std::mem::replace(&mut self.heard, heard) != heard {
            self.quiet = Duration::ZERO;
            return;
        }
        self.quiet += since.min(STEP);
        if let Some(silence) = self.place.silence()
            && self.quiet > silence
        {
            self.lose(&format!(
                "was lost: it has given no sign of life for {} s",
                silence.as_secs()
            ));
        }
    }

    /// Reads its clock once more, when that is another one, and lets it go.
    pub(super) async fn part(&mut self) {
        if let Place::Far(recruit) = &mut self.place {
            if self.lost.is_none() {
                recruit.clock = recruit.clock_held().await;
            }
            recruit.dismiss().await;
        }
    }

    pub(super) fn lose(&mut self, why: &str) {
        self.lost.get_or_insert_with(|| why.to_owned());
        // It may be stopped and not dead: nothing of it is to stay.
        self.link.child = None;
    }

    pub(super) fn loss(&self) -> Option<RunError> {
        self.lost.clone().map(|why| self.error(why))
    }

    /// CPU time of its process so far, when that is not this one.
    pub(super) fn cpu_ns(&self) -> Option<u64> {
        let said = self.link.board().beat.cpu_ns;
        match self.place {
            Place::Thread => None,
            Place::Process(pid) => Process::new(pid).cpu_ns().or(said),
            Place::Far(_) => said,
        }
    }

    /// The largest resident memory of its process, when that is not this one.
    pub(super) fn peak(&self) -> Option<u64> {
        let said = self.link.board().beat.peak;
        match self.place {
            Place::Thread => None,
            Place::Process(pid) => Process::new(pid).peak().or(said),
            Place::Far(_) => said,
        }
    }

    /// The measured phase begins or, the second time, ends.
    pub(super) fn mark(&mut self, now: Moment) {
        let cpu = self.cpu_ns();
        self.marks.push((now, cpu));
    }

    /// What a reader should know of its part.
    pub(super) fn doubt(&self) -> Option<String> {
        let late = self.late?;
        Some(format!(
            "{self} was told of the start {} ms after it",
            late / 1_000_000
        ))
    }

    pub(super) fn result(&self) -> WorkerResult {
        let (cpu_ns, cores_busy) = self.spent().unzip();
        let (name, pid, processors, clock) = match &self.place {
            Place::Thread => (None, None, None, None),
            Place::Process(pid) => (None, Some(*pid), None, None),
            Place::Far(recruit) => {
                let hello = &recruit.hello;
                let processors = Some(hello.processors as u64);
                let clock = Some(recruit.clock);
                (
                    Some(recruit.name.clone()),
                    Some(hello.pid),
                    processors,
                    clock,
                )
            }
        };
        WorkerResult {
            number: self.number as u64 + 1,
            name,
            pid,
            processors,
            clients: self.clients as u64,
            publishes: self.publishes,
            delivery: self.delivery.summary(),
            cpu_ns,
            cores_busy,
            rss_peak: self.link.board().beat.peak,
            clock,
            lost: self.lost.clone(),
        }
    }

    /// CPU time between the marks, and the processors that it kept busy.
    fn spent(&self) -> Option<(u64, f64)> {
        let [(start, before), (end, after)] = self.marks[..] else {
            return None;
        };
        let spent = after?.saturating_sub(before?);
        let span = end.since(start);
        (span > 0).then(|| (spent, spent as f64 / span as f64))
    }
}
