//! One trial: a server, a swarm, and the phases between them.

use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::sync::mpsc;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::assemble::{Measured, assemble};
use super::timeline::Timeline;
use super::{Event, Phase, Progress, RunError, TrialLog, Trialled};
use crate::clock::Moment;
use crate::probe::{Process, Processors, socket_memory};
use crate::record::Window;
use crate::result::PhaseTimes;
use crate::scenario::{Plan, Trial, capacity};
use crate::swarm::{Assignment, Report, Swarm, SwarmReport};
use crate::target::Server;

/// How long the last clients may take to connect after the ramp.
const RAMP_GRACE: Duration = Duration::from_secs(15);
/// Without a single client by then, there is no use in waiting on.
const HOPELESS: Duration = Duration::from_secs(8);
/// The publisher starts this long after the order, so that every thread has it in time.
const LEAD: Duration = Duration::from_millis(50);
/// How often the owner looks around.
const LOOK: Duration = Duration::from_millis(50);
/// A server whose clients are all gone for so long is lost.
const LOST: Duration = Duration::from_secs(4);

/// How a trial came to its end.
enum Ending {
    /// By the plan.
    Complete,
    /// A person stopped it.
    Stopped,
    /// The server is gone.
    Lost(String),
    /// A thread of the swarm ended; its report says why.
    Swarm,
}

struct Run<'a> {
    plan: &'a Plan,
    trial: &'a Trial,
    stop: &'a CancellationToken,
    server: Server,
    swarm: Swarm,
    reports: mpsc::Receiver<Report>,
    began: Instant,
    /// When a client was last connected.
    alive: Instant,
    measured: Measured,
    observe: &'a mut dyn FnMut(Event<'_>),
}

/// Runs one trial. An error means that nothing was measured; one inside the outcome, that something was.
pub(super) async fn run(
    plan: &Plan,
    trial: &Trial,
    processors: Option<&Processors>,
    stop: &CancellationToken,
    observe: &mut dyn FnMut(Event<'_>),
) -> Result<Trialled, RunError> {
    Process::this().reset_peak();
    // A server at an address is not ours to pin, so the generator takes every processor.
    let processors = processors.filter(|_| plan.target == crate::scenario::Target::Bundled);
    let server = Server::start(
        &plan.target,
        processors.map(|processors| processors.server.as_slice()),
        &trial.load,
    )
    .await?;
    let mut measured = Measured::default();
    measured.server.rss_base = server.pid.and_then(|pid| Process::new(pid).resident());
    let sockets_before = socket_memory();
    let assignment = assign(plan, trial, &server, processors);
    let (swarm, reports) = Swarm::start(assignment.clone())?;
    let now = Instant::now();
    let mut run = Run {
        plan,
        trial,
        stop,
        server,
        swarm,
        reports,
        began: now,
        alive: now,
        measured,
        observe,
    };
    let ending = match run.connect().await {
        Ending::Complete => {
            let window = run.window();
            run.swarm.run(window);
            let mut timeline = Timeline::new(window, assignment.shards, trial);
            let ending = run.phases(window, &mut timeline).await;
            run.measured.kernel_memory = socket_memory()
                .zip(sockets_before)
                .and_then(|(after, before)| after.checked_sub(before));
            return run
                .conclude(assignment, timeline, Some(window), ending)
                .await;
        }
        ending => ending,
    };
    let window = Window {
        start: Moment::now(),
        measure: Moment::now(),
        end: Moment::now(),
    };
    let timeline = Timeline::new(window, assignment.shards, trial);
    run.conclude(assignment, timeline, None, ending).await
}

fn assign(
    plan: &Plan,
    trial: &Trial,
    server: &Server,
    processors: Option<&Processors>,
) -> Assignment {
    let generator = processors.map(|processors| processors.generator.clone());
    let free = generator.as_ref().map_or_else(
        || std::thread::available_parallelism().map_or(1, std::num::NonZero::get),
        Vec::len,
    );
    let loopback = server.address.ip().is_loopback() && server.address.is_ipv4();
    Assignment {
        run: rand::random(),
        server: server.address,
        authority: server.authority.clone(),
        load: trial.load.clone(),
        seed: trial.seed,
        ramp: plan.phases.ramp,
        sources: if loopback {
            capacity::source_addresses(trial.load.clients)
        } else {
            Vec::new()
        },
        shards: free.min(trial.load.clients).max(1),
        processors: generator,
    }
}

impl Run<'_> {
    /// The ramp: until every client can receive.
    async fn connect(&mut self) -> Ending {
        let clients = self.trial.load.clients as u64;
        let limit = self.plan.phases.ramp + RAMP_GRACE;
        loop {
            let progress = self.swarm.progress();
            let opened = progress.opened.load(Ordering::Acquire);
            if opened >= clients && progress.publisher_ready.load(Ordering::Acquire) {
                self.measured.phases.ramp = nanos(self.began.elapsed());
                return Ending::Complete;
            }
            let elapsed = self.began.elapsed();
            if elapsed > limit
                || (opened == 0 && elapsed > self.plan.phases.ramp.min(HOPELESS) + HOPELESS)
            {
                self.measured.phases.ramp = nanos(elapsed);
                return if opened == 0 {
                    Ending::Swarm
                } else {
                    Ending::Complete
                };
            }
            self.show(Phase::Ramp, elapsed, self.plan.phases.ramp);
            tokio::select! {
                () = self.stop.cancelled() => return Ending::Stopped,
                () = tokio::time::sleep(LOOK) => {}
            }
            if let Some(ending) = self.trouble() {
                return ending;
            }
        }
    }

    fn window(&self) -> Window {
        let start = Moment::now() + LEAD;
        let measure = start + self.plan.phases.warm_up;
        Window {
            start,
            measure,
            end: measure + self.plan.phases.measure,
        }
    }

    /// Warm-up, measured phase and drain.
    async fn phases(&mut self, window: Window, timeline: &mut Timeline) -> Ending {
        let (origin, start) = (Instant::now(), Moment::now());
        let at = |moment: Moment| origin + Duration::from_nanos(moment.0.saturating_sub(start.0));
        let (end, limit) = (at(window.end), at(window.end) + self.plan.phases.drain);
        let mut second = 0;
        let mut look = tokio::time::interval(LOOK);
        let pid = self.server.pid;
        let mut sampler = timeline.sampler(pid.map(Process::new));
        loop {
            let (begun, ended) = (self.measured.start.is_some(), self.measured.end.is_some());
            let boundary = window
                .end_of(second)
                .min(if begun {
                    Moment(u64::MAX)
                } else {
                    window.measure
                })
                .min(if ended { Moment(u64::MAX) } else { window.end });
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(at(boundary)) => {
                    if !begun && boundary >= window.measure {
                        self.measured.begin(pid);
                    }
                    if !ended && boundary >= window.end {
                        self.measured.finish(pid);
                    }
                    if boundary == window.end_of(second) {
                        timeline.sample(&mut sampler, second, self.swarm.progress().connected.load(Ordering::Relaxed));
                        second += 1;
                    }
                }
                () = self.stop.cancelled() => return Ending::Stopped,
                Some(report) = self.reports.recv() => timeline.add(report),
                _ = look.tick() => {
                    let now = Instant::now();
                    self.show_phase(now, at(window.start), at(window.measure), end);
                    if let Some(ending) = self.trouble() {
                        return ending;
                    }
                    if now >= end && (self.swarm.progress().complete() || now >= limit) && self.measured.end.is_some() {
                        self.measured.phases = PhaseTimes {
                            warm_up: window.measure.0 - window.start.0,
                            measure: window.end.0 - window.measure.0,
                            drain: nanos(now - end),
                            ..self.measured.phases
                        };
                        return Ending::Complete;
                    }
                }
            }
        }
    }

    /// What makes it useless to go on.
    fn trouble(&mut self) -> Option<Ending> {
        if let Some(status) = self.server.ended() {
            return Some(Ending::Lost(format!("its process ended ({status})")));
        }
        if self.swarm.has_ended() {
            return Some(Ending::Swarm);
        }
        let progress = self.swarm.progress();
        if progress.connected.load(Ordering::Relaxed) > 0
            || progress.opened.load(Ordering::Relaxed) == 0
        {
            self.alive = Instant::now();
        }
        (self.alive.elapsed() > LOST).then(|| {
            Ending::Lost(format!(
                "no client has been connected for {} s",
                LOST.as_secs()
            ))
        })
    }

    /// Closes everything and makes the trial's result.
    async fn conclude(
        self,
        assignment: Assignment,
        mut timeline: Timeline,
        window: Option<Window>,
        ending: Ending,
    ) -> Result<Trialled, RunError> {
        let Self {
            trial,
            server,
            swarm,
            mut reports,
            mut measured,
            ..
        } = self;
        let (progress, address, target) = (
            swarm.progress().clone(),
            server.address.to_string(),
            server.name.clone(),
        );
        measured.sample_memory(server.pid);
        // Threads wait for room in the channel, so it is read until they are done.
        let mut finish = tokio::task::spawn_blocking(move || swarm.finish());
        let report = loop {
            tokio::select! {
                report = &mut finish => break report,
                Some(report) = reports.recv() => timeline.add(report),
            }
        };
        while let Ok(report) = reports.try_recv() {
            timeline.add(report);
        }
        server.stop().await;
        let report = report.map_err(|_| crate::swarm::SwarmError::Panicked)??;
        if window.is_none()
            && matches!(ending, Ending::Swarm)
            && progress.opened.load(Ordering::Relaxed) == 0
        {
            return Err(RunError::NoClients {
                address,
                reason: first_error(&report),
            });
        }
        let stamped = report.shards.iter().all(|shard| shard.stamped);
        let (seconds, log, series) = timeline.finish();
        let mut result = assemble(&assignment, trial, &report, &series, &measured);
        result.timeline = seconds;
        let error = match ending {
            Ending::Complete => None,
            Ending::Stopped => {
                result
                    .invalid_reasons
                    .push("the run was stopped before its end".to_owned());
                None
            }
            Ending::Swarm => Some(RunError::NoClients {
                address,
                reason: first_error(&report),
            }),
            Ending::Lost(reason) => {
                result
                    .invalid_reasons
                    .push(format!("the server was lost in mid-run: {reason}"));
                Some(RunError::Lost { address, reason })
            }
        };
        result.valid = result.invalid_reasons.is_empty();
        let log = TrialLog {
            name: format!("{}.hlog", trial.id),
            text: log,
        };
        Ok(Trialled {
            result,
            log,
            target,
            stamped,
            error,
        })
    }

    fn show(&mut self, phase: Phase, elapsed: Duration, of: Duration) {
        let progress = self.swarm.progress();
        let event = Event::Phase(Progress {
            phase,
            elapsed: elapsed.as_secs_f64(),
            of: of.as_secs_f64(),
            connected: progress.connected.load(Ordering::Relaxed),
            clients: self.trial.load.clients as u64,
            published: progress.published.load(Ordering::Relaxed),
            delivered: progress.delivered.load(Ordering::Relaxed),
        });
        (self.observe)(event);
    }

    fn show_phase(&mut self, now: Instant, start: Instant, measure: Instant, end: Instant) {
        let phases = self.plan.phases;
        let (phase, since, of) = match now {
            _ if now < measure => (Phase::WarmUp, start, phases.warm_up),
            _ if now < end => (Phase::Measure, measure, phases.measure),
            _ => (Phase::Drain, end, phases.drain),
        };
        self.show(phase, now.saturating_duration_since(since), of);
    }
}

fn first_error(report: &SwarmReport) -> String {
    let errors = report.shards.iter().flat_map(|shard| &shard.errors);
    errors.max_by_key(|(_, count)| **count).map_or_else(
        || "it accepts connections and answers no request".to_owned(),
        |(text, _)| text.clone(),
    )
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
