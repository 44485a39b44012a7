//! One trial: a server, a swarm, and the phases between them.

use std::time::Duration;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::assemble::Measured;
use super::beside::Beside;
use super::conclude::{End, Ending};
use super::crew::Crew;
use super::freeze::Freezer;
use super::prepare::{Prepared, prepare};
use super::timeline::Timeline;
use super::{Event, Means, Phase, Progress, RunError, Trialled};
use crate::clock::Moment;
use crate::probe::Process;
use crate::record::Window;
use crate::scenario::{Incident, Plan, Poll, Transport, Trial};
use crate::target::Server;
use crate::witness::Witness;

/// How long the last clients may take to connect after the ramp.
const RAMP_GRACE: Duration = Duration::from_secs(15);
/// Without a single client by then, there is no use in waiting on.
const HOPELESS: Duration = Duration::from_secs(8);
/// How often the owner looks around.
const LOOK: Duration = Duration::from_millis(50);
/// A server whose clients are all gone for so long is lost.
const LOST: Duration = Duration::from_secs(4);
/// After the last delivery a trial goes on for so long: one that comes again would come now.
const LINGER: Duration = Duration::from_millis(150);

/// How long the newest value may take beyond the wait for the poll that fetches it.
const LAST_VALUE: Duration = Duration::from_millis(500);

struct Run<'a> {
    plan: &'a Plan,
    trial: &'a Trial,
    stop: &'a CancellationToken,
    server: Server,
    crew: Crew,
    began: Instant,
    /// When a client was last connected.
    alive: Instant,
    /// Since when every delivery has come.
    complete: Option<Instant>,
    measured: Measured,
    observe: &'a mut dyn FnMut(Event<'_>),
}

/// Runs one trial. An error means that nothing was measured; one inside the outcome, that something was.
pub(super) async fn run(
    plan: &Plan,
    trial: &Trial,
    means: Means<'_>,
    stop: &CancellationToken,
    observe: &mut dyn FnMut(Event<'_>),
    witness: Option<&mut Witness>,
) -> Result<Option<Trialled>, RunError> {
    Process::this().reset_peak();
    let Some(prepared) = prepare(plan, trial, means, stop, observe).await? else {
        return Ok(None);
    };
    let Prepared {
        server,
        measured,
        crew,
        assignment,
    } = prepared;
    let now = Instant::now();
    let mut run = Run {
        plan,
        trial,
        stop,
        server,
        crew,
        began: now,
        alive: now,
        complete: None,
        measured,
        observe,
    };
    let mut beside = Beside::new(witness, &assignment, stop);
    let mut ending = run.connect().await;
    if matches!(ending, Ending::Complete) {
        ending = beside.follow().await;
    }
    let window = run.window();
    let mut timeline = Timeline::new(window, assignment.shards, trial);
    if matches!(ending, Ending::Complete) {
        run.crew.run(window);
        ending = tokio::select! {
            ending = run.phases(window, &mut timeline) => ending,
            never = beside.attend(window) => match never {},
        };
    }
    if matches!(ending, Ending::Complete) {
        ending = beside.leave(window, plan.phases.drain).await;
    }
    let Run {
        server,
        crew,
        measured,
        observe,
        ..
    } = run;
    let end = End {
        assignment,
        server,
        crew,
        window,
        timeline,
        measured,
        ending,
    };
    let mut trialled = end.conclude(trial, observe).await?;
    if trialled.error.is_none() {
        trialled.error = beside.conclude(&trialled, window).err();
    }
    Ok(Some(trialled))
}

impl Run<'_> {
    /// What an emulated link adds to the time that clients take to connect: four round trips.
    fn patience(&self) -> Duration {
        self.trial.load.link.longest_round_trip() * 4
    }

    /// The ramp: until every client can receive.
    async fn connect(&mut self) -> Ending {
        let clients = self.trial.load.clients as u64;
        let limit = self.plan.phases.ramp + RAMP_GRACE + self.patience();
        let hopeless = self.plan.phases.ramp.min(HOPELESS) + HOPELESS + self.patience();
        loop {
            let standing = self.crew.standing();
            let opened = standing.opened;
            if opened >= clients && standing.publisher_ready {
                self.measured.phases.ramp = nanos(self.began.elapsed());
                return Ending::Complete;
            }
            let elapsed = self.began.elapsed();
            if elapsed > limit || (opened == 0 && elapsed > hopeless) {
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
                // No second is over yet, but whoever fails now says so.
                Some(_) = self.crew.next() => {}
                () = tokio::time::sleep(LOOK) => {}
            }
            if let Some(ending) = self.trouble() {
                return ending;
            }
        }
    }

    fn window(&self) -> Window {
        let start = Moment::now() + self.crew.lead();
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
        let mut second = 0;
        let mut look = tokio::time::interval(LOOK);
        let mut sampler = timeline.sampler(&mut self.measured, self.crew.cpu_ns());
        // However this ends, the server goes on.
        let mut freezer = Freezer::new(&self.plan.events, &window);
        loop {
            let mark = self.measured.next_mark(&window);
            let freeze = freezer.next();
            let boundary = [mark, freeze]
                .into_iter()
                .flatten()
                .fold(window.end_of(second), Moment::min);
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(at(boundary)) => {
                    if freeze == Some(boundary)
                        && let Err(reason) = freezer.turn(&self.server)
                    {
                        self.measured.doubts.push(reason);
                    }
                    if mark == Some(boundary) {
                        self.measured.mark(self.crew.cpu_ns());
                        self.crew.mark();
                    }
                    if boundary == window.end_of(second) {
                        let (connected, cpu) = (self.crew.standing().connected, self.crew.cpu_ns());
                        timeline.sample(&mut sampler, &mut self.measured, second, connected, cpu);
                        second += 1;
                    }
                }
                () = self.stop.cancelled() => return Ending::Stopped,
                Some(report) = self.crew.next() => timeline.add(report),
                _ = look.tick() => {
                    timeline.tell(self.observe);
                    self.show_phase(at(window.start), at(window.measure), at(window.end));
                    if is_planned(&self.plan.events, &window) {
                        self.alive = Instant::now();
                    }
                    if let Some(ending) = self.trouble() {
                        return ending;
                    }
                    if self.measured.is_over() && self.is_drained(at(window.end)) {
                        self.measured.phases.warm_up = window.measure.0 - window.start.0;
                        self.measured.phases.measure = window.end.0 - window.measure.0;
                        self.measured.phases.drain = nanos(at(window.end).elapsed());
                        return Ending::Complete;
                    }
                }
            }
        }
    }

    /// Whether nothing more is waited for, after the measured phase.
    fn is_drained(&mut self, end: Instant) -> bool {
        if !self.crew.standing().complete() {
            self.complete = None;
            // Who asks for the newest alone never gets the rest: the last value is all there is to wait for.
            let last = self.last_value();
            return end.elapsed() >= self.plan.phases.drain.min(last);
        }
        self.complete.get_or_insert_with(Instant::now).elapsed() >= LINGER
    }

    /// How long after the last message its delivery may still be on the way, where those before it
    /// are not waited for.
    fn last_value(&self) -> Duration {
        let load = &self.trial.load;
        match (load.poll, load.transport) {
            (Poll::Latest, Transport::Polling) => load.poll_interval + LAST_VALUE,
            (Poll::Latest, Transport::LongPolling) => load.linger + LAST_VALUE,
            _ => Duration::MAX,
        }
    }

    /// What makes it useless to go on.
    fn trouble(&mut self) -> Option<Ending> {
        if let Some(status) = self.server.ended() {
            return Some(Ending::Lost(format!("its process ended ({status})")));
        }
        if self.crew.look().is_err() {
            return Some(Ending::Worker);
        }
        if self.crew.has_failed() {
            return Some(Ending::Swarm);
        }
        let standing = self.crew.standing();
        if standing.connected > 0 || standing.opened == 0 {
            self.alive = Instant::now();
        }
        (self.alive.elapsed() > LOST + self.patience()).then(|| {
            Ending::Lost(format!(
                "no client has been connected for {} s",
                LOST.as_secs()
            ))
        })
    }

    fn show(&mut self, phase: Phase, elapsed: Duration, of: Duration) {
        let phases = self.plan.phases;
        let to_come = match phase {
            Phase::Ramp => phases.warm_up + phases.measure,
            Phase::WarmUp => phases.measure,
            Phase::Measure | Phase::Drain => Duration::ZERO,
        };
        let left = match phase {
            Phase::Drain => Duration::ZERO,
            _ => of.saturating_sub(elapsed) + to_come,
        };
        let standing = self.crew.standing();
        let event = Event::Phase(Progress {
            phase,
            elapsed: elapsed.as_secs_f64(),
            of: of.as_secs_f64(),
            left: left.as_secs_f64(),
            connected: standing.connected,
            clients: self.trial.load.clients as u64,
            published: standing.published,
            delivered: standing.delivered,
        });
        (self.observe)(event);
    }

    fn show_phase(&mut self, start: Instant, measure: Instant, end: Instant) {
        let (phases, now) = (self.plan.phases, Instant::now());
        let (phase, since, of) = match now {
            _ if now < measure => (Phase::WarmUp, start, phases.warm_up),
            _ if now < end => (Phase::Measure, measure, phases.measure),
            _ => (Phase::Drain, end, phases.drain),
        };
        self.show(phase, now.saturating_duration_since(since), of);
    }
}

/// Whether an event accounts for clients that are away now.
fn is_planned(events: &[Incident], window: &Window) -> bool {
    let now = Moment::now();
    events
        .iter()
        .filter(|event| event.action.span().is_some())
        .any(|event| (window.measure + event.at..window.measure + event.over()).contains(&now))
}

fn nanos(span: Duration) -> u64 {
    u64::try_from(span.as_nanos()).unwrap_or(u64::MAX)
}
