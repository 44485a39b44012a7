//! The workers of one trial, as the coordinator sees them: one swarm, wherever its parts are.
//!
//! What they report is joined without loss: every thread of every worker is one more shard, so a trial of many
//! workers goes through the same books as a trial of one. A worker that is lost is named, and nothing waits for it.

use std::time::Duration;

use tokio::time::Instant;

use super::RunError;
use super::link::{Link, News};
use super::member::{Member, Place};
use super::timeline::Timeline;
use super::wire::{Duty, Order};
use crate::clock::Moment;
use crate::probe::Process;
use crate::record::Window;
use crate::result::WorkerResult;
use crate::swarm::{Assignment, PublishReport, Report, Standing, SwarmError, SwarmReport};

/// How long a worker may take to start, and to prepare for a trial.
const READY_LIMIT: Duration = Duration::from_secs(10);
/// How long the workers may take for their last reports.
const END_LIMIT: Duration = Duration::from_secs(60);
/// How often the coordinator looks after them while it waits for nothing else.
const LOOK: Duration = Duration::from_millis(50);

#[derive(Debug)]
pub(super) struct Crew {
    news: News,
    members: Vec<Member>,
    looked: Instant,
}

impl Crew {
    /// Workers, each with its part of a trial.
    pub(super) fn new(news: News, workers: Vec<(Link, Place)>, assignments: &[Assignment]) -> Self {
        let numbered = workers.into_iter().zip(assignments).enumerate();
        let member = |(number, (worker, assignment))| Member::new(number, worker, assignment);
        Self {
            news,
            members: numbered.map(member).collect(),
            looked: Instant::now(),
        }
    }

    /// Assigns them their parts, and has them connect once all are ready.
    ///
    /// # Errors
    /// [`RunError::Worker`] names the one that cannot do its part.
    pub(super) async fn begin(
        &mut self,
        assignments: Vec<Assignment>,
        allow_hosts: &[String],
    ) -> Result<(), RunError> {
        self.until(|member| member.hello.is_some()).await?;
        for member in &self.members {
            member.check()?;
        }
        for (member, assignment) in self.members.iter_mut().zip(assignments) {
            let allow_hosts = allow_hosts.to_vec();
            member.order(Order::Assign(Box::new(Duty {
                assignment,
                allow_hosts,
            })));
        }
        self.until(|member| member.ready).await?;
        self.order(|| Order::Connect);
        Ok(())
    }

    /// How long before the start all must be told of it.
    pub(super) fn lead(&self) -> Duration {
        let lead = |member: &Member| match member.place {
            Place::Thread => Duration::from_millis(150),
            Place::Process(_) => Duration::from_millis(400),
            Place::Far(_) => Duration::from_secs(1),
        };
        self.members.iter().map(lead).max().unwrap_or_default()
    }

    /// Lets go those that are not of this machine.
    pub(super) async fn part(&mut self) {
        for member in &mut self.members {
            member.part().await;
        }
    }

    /// Waits until each of them has come so far.
    async fn until(&mut self, done: impl Fn(&Member) -> bool) -> Result<(), RunError> {
        let deadline = Instant::now() + READY_LIMIT;
        while let Some(waiting) = self.members.iter().find(|member| !done(member)) {
            let late = RunError::Worker {
                worker: waiting.to_string(),
                reason: format!("is not ready within {} s", READY_LIMIT.as_secs()),
            };
            tokio::select! {
                (number, said) = self.news.next() => {
                    self.members[number].book(said)?;
                }
                () = tokio::time::sleep(LOOK) => {}
            }
            self.look()?;
            if Instant::now() > deadline {
                return Err(late);
            }
        }
        Ok(())
    }

    fn order(&mut self, order: impl Fn() -> Order) {
        for member in &mut self.members {
            member.order(order());
        }
    }

    /// Begins the phases.
    pub(super) fn run(&mut self, window: Window) {
        for member in &mut self.members {
            member.window = Some(window);
            member.order(Order::Run(window));
        }
    }

    /// How far they are together.
    pub(super) fn standing(&self) -> Standing {
        let mut all = Standing::default();
        for member in &self.members {
            all += member.link.board().beat.standing;
        }
        all
    }

    /// Whether the swarm of one could not work: [`Crew::finish`] says why.
    pub(super) fn has_failed(&self) -> bool {
        self.members.iter().any(|member| member.failure.is_some())
    }

    /// The next second of any thread. Cancel-safe.
    pub(super) async fn next(&mut self) -> Option<Report> {
        let (number, said) = self.news.next().await;
        // Who refuses now is found by the next look.
        self.members[number].book(said).ok().flatten()
    }

    /// Looks whether they live.
    ///
    /// # Errors
    /// [`RunError::Worker`] names the first that is lost.
    pub(super) fn look(&mut self) -> Result<(), RunError> {
        let since = self.looked.elapsed();
        self.looked = Instant::now();
        self.members
            .iter_mut()
            .for_each(|member| member.look(since));
        match self.members.iter().find_map(Member::loss) {
            Some(error) => Err(error),
            None => Ok(()),
        }
    }

    /// CPU time of the generator so far, this process included.
    pub(super) fn cpu_ns(&self) -> Option<u64> {
        let others = self.members.iter().filter_map(Member::cpu_ns).sum::<u64>();
        Process::this().cpu_ns().map(|own| own + others)
    }

    /// The largest resident memory of each process of the generator, all together.
    pub(super) fn peak(&self) -> Option<u64> {
        let others = self.members.iter().filter_map(Member::peak).sum::<u64>();
        Process::this().peak().map(|own| own + others)
    }

    /// The measured phase begins or, the second time, ends.
    pub(super) fn mark(&mut self) {
        let now = Moment::now();
        self.members.iter_mut().for_each(|member| member.mark(now));
    }

    /// Has every worker close its connections, and gives what all of them booked.
    ///
    /// Whoever is lost has booked nothing: its part of the deliveries counts as never come.
    ///
    /// # Errors
    /// [`SwarmError`] of the first worker whose swarm had one.
    pub(super) async fn finish(
        &mut self,
        timeline: &mut Timeline,
    ) -> Result<SwarmReport, SwarmError> {
        self.order(|| Order::Finish);
        let deadline = Instant::now() + END_LIMIT;
        while self.members.iter().any(Member::is_awaited) {
            tokio::select! {
                report = self.next() => {
                    if let Some(report) = report {
                        timeline.add(report);
                    }
                }
                () = tokio::time::sleep(LOOK) => {}
            }
            // The lost are told of by `loss`.
            let _ = self.look();
            if Instant::now() > deadline {
                let late = format!("has not reported within {} s", END_LIMIT.as_secs());
                let awaited = self.members.iter_mut().filter(|member| member.is_awaited());
                awaited.for_each(|member| member.lose(&late));
            }
        }
        let mut all = SwarmReport {
            shards: Vec::new(),
            publisher: PublishReport::default(),
        };
        for member in &mut self.members {
            if let Some(failure) = member.failure.take() {
                return Err(failure.into());
            }
            all.shards.append(&mut member.shards);
            if let Some(publisher) = member.publisher.take() {
                all.publisher = publisher;
            }
        }
        Ok(all)
    }

    /// The first worker that was lost.
    pub(super) fn loss(&self) -> Option<RunError> {
        self.members.iter().find_map(Member::loss)
    }

    /// What a reader should know of the workers' part in this.
    pub(super) fn doubts(&self) -> Vec<String> {
        let late = self.members.iter().filter_map(Member::doubt);
        late.collect()
    }

    /// Each worker by itself; of one alone nothing is to be told.
    pub(super) fn results(&self) -> Vec<WorkerResult> {
        let told = |member: &&Member| !matches!(member.place, Place::Thread);
        self.members
            .iter()
            .filter(told)
            .map(Member::result)
            .collect()
    }
}
