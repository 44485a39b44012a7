//! One worker, as the coordinator knows it.

use std::fmt;
use std::time::Duration;

use super::RunError;
use super::link::Link;
use super::wire::{Failure, Hello, Order, Said, VERSION};
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

#[derive(Debug)]
pub(super) struct Member {
    number: usize,
    pub(super) link: Link,
    /// Of a worker that is not this process.
    pid: Option<u32>,
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
        match self.pid {
            Some(pid) => write!(f, " (process {pid})"),
            None => Ok(()),
        }
    }
}

impl Member {
    pub(super) fn new(number: usize, link: Link, assignment: &Assignment) -> Self {
        Self {
            number,
            pid: link.child.as_ref().map(crate::target::Child::id),
            link,
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
        if hello.version == VERSION {
            return Ok(());
        }
        Err(self.error(format!(
            "speaks version {} of the workers' messages (bench {}), and this bench {} speaks version {VERSION}: run the same bench on both sides",
            hello.version,
            hello.program,
            env!("CARGO_PKG_VERSION")
        )))
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
        // A thread of this process stands still with it, and ends its link when it ends.
        if self.quiet > SILENCE && self.pid.is_some() {
            self.lose(&format!(
                "was lost: it has given no sign of life for {} s",
                SILENCE.as_secs()
            ));
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

    pub(super) fn cpu_ns(&self) -> Option<u64> {
        let pid = self.pid?;
        let said = self.link.board().beat.cpu_ns;
        Process::new(pid).cpu_ns().or(said)
    }

    pub(super) fn peak(&self) -> Option<u64> {
        let pid = self.pid?;
        let said = self.link.board().beat.peak;
        Process::new(pid).peak().or(said)
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
        WorkerResult {
            number: self.number as u64 + 1,
            name: None,
            pid: self.pid,
            clients: self.clients as u64,
            publishes: self.publishes,
            delivery: self.delivery.summary(),
            cpu_ns,
            cores_busy,
            rss_peak: self.link.board().beat.peak,
            clock: None,
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
