//! Whether a trial can be trusted: the run judges itself.
//!
//! Loss, duplicates and order are findings about the server: each is a warning, and gates decide on them.

use std::time::Duration;

use super::steady::{GROWN, Trend};
use crate::result::{Bound, Check, EventResult, TrialResult, WorkerResult};
use crate::scenario::{Action, Arrivals, Incident, events};
use crate::units::{show_count, show_nanos};

/// The share of the clients asked for that must be connected when the measured phase begins.
pub const CONNECTED_SHARE: f64 = 1.0;
/// The share of planned messages that must have been published.
pub const PUBLISHED_SHARE: f64 = 0.999;
/// How far the published rate may be from the rate asked for, beyond what the law of arrivals allows.
pub const RATE_SHARE: f64 = 0.01;
/// Standard deviations that a Poisson process may be from its mean: with many messages chance exceeds them once in two million trials.
pub const RATE_SIGMAS: f64 = 5.0;
/// Deliveries that must have come when any was expected.
pub const DELIVERED: f64 = 1.0;
/// A publisher whose 99th percentile is later than this, in nanoseconds, did not keep the schedule.
pub const LAG_LIMIT_NS: f64 = 20e6;
/// Times below zero.
pub const NEGATIVE: f64 = 0.0;
/// A generator that is busier than this share of its processors measures itself.
pub const BUSY_LIMIT: f64 = 0.95;
/// The share of the median delivery that a worker's clock may be wrong by.
pub const CLOCK_SHARE: f64 = 0.25;
/// The share from which that is a warning.
pub const CLOCK_WARNING: f64 = 0.1;
/// The median of the last third of the measured phase over that of the first, when it grows steadily.
pub const GROWTH_LIMIT: f64 = GROWN;

/// A rule's outcome, and the sentence for it when it does not hold.
struct Rule {
    check: Check,
    reason: String,
}

/// Checks every rule that applies to this trial. The generator had so many `processors`.
///
/// Gives each check, and a sentence for each that does not hold: with none the trial can be trusted.
#[must_use]
pub fn check(trial: &TrialResult, processors: usize) -> (Vec<Check>, Vec<String>) {
    let rules = [
        connected(trial),
        published(trial),
        rate(trial),
        delivered(trial),
        lag(trial),
        negative(trial, 0),
        negative(trial, 1),
        negative(trial, 2),
        generator(trial, processors),
        clock(trial),
        steady(trial),
    ];
    let (mut checks, mut reasons) = (Vec::new(), Vec::new());
    for rule in rules.into_iter().flatten() {
        if !rule.check.holds {
            reasons.push(rule.reason);
        }
        checks.push(rule.check);
    }
    (checks, reasons)
}

/// What a reader should know of a trial that can be trusted all the same.
#[must_use]
pub fn warnings(trial: &TrialResult) -> Vec<String> {
    let drift = Trend::of(trial).and_then(Trend::warning);
    let law = trial.uniformity.filter(|law| !law.holds).map(|law| {
        format!(
            "delays are not uniform over the poll interval: they are {:.3} from that law, more than {:.3} (Kolmogorov-Smirnov, p = {:.1e})",
            law.d, law.limit, law.p
        )
    });
    let clock = worst_clock(trial, CLOCK_WARNING)
        .filter(|(share, _)| *share > CLOCK_WARNING && *share <= CLOCK_SHARE)
        .map(|(_, text)| text);
    let faults = faults(trial).into_iter();
    faults.chain(clock).chain(drift).chain(law).collect()
}

/// Deliveries that did not come, came again, or came in the wrong order; and nothing to deliver.
fn faults(trial: &TrialResult) -> Vec<String> {
    let messages = trial.messages;
    let mut found = Vec::new();
    if messages.planned == 0 {
        found.push(
            "no message was due in the measured phase: this says nothing of delivery".to_owned(),
        );
    }
    if messages.lost > 0 && !trial.load.passes_over() {
        let share = share(messages.lost, messages.expected).unwrap_or_default();
        found.push(format!(
            "{} of {} expected deliveries never came ({:.2} %)",
            show_count(messages.lost),
            show_count(messages.expected),
            share * 100.0
        ));
    }
    if messages.duplicated > 0 {
        found.push(format!("{} came again", deliveries(messages.duplicated)));
    }
    if messages.reordered > 0 {
        let count = deliveries(messages.reordered);
        found.push(format!(
            "{count} came after a later one of the same publisher"
        ));
    }
    found
}

fn deliveries(count: u64) -> String {
    let noun = if count == 1 { "delivery" } else { "deliveries" };
    format!("{} {noun}", show_count(count))
}

fn at_least(rule: &str, unit: &str, limit: f64, measured: f64) -> Check {
    bound(rule, unit, (Bound::AtLeast, limit), measured)
}

fn at_most(rule: &str, unit: &str, limit: f64, measured: f64) -> Check {
    bound(rule, unit, (Bound::AtMost, limit), measured)
}

fn bound(rule: &str, unit: &str, (bound, limit): (Bound, f64), measured: f64) -> Check {
    let holds = match bound {
        Bound::AtMost => measured <= limit,
        Bound::AtLeast => measured >= limit,
    };
    Check {
        rule: rule.to_owned(),
        bound,
        limit,
        measured,
        unit: unit.to_owned(),
        holds,
    }
}

fn connected(trial: &TrialResult) -> Option<Rule> {
    let clients = trial.clients;
    let share = share(clients.connected, clients.asked)?;
    Some(Rule {
        check: at_least("connected", "share", CONNECTED_SHARE, share),
        reason: format!(
            "only {} of {} clients were connected when the measured phase began",
            clients.connected, clients.asked
        ),
    })
}

fn published(trial: &TrialResult) -> Option<Rule> {
    let messages = trial.messages;
    let share = share(messages.published, messages.planned)?;
    Some(Rule {
        check: at_least("published", "share", PUBLISHED_SHARE, share),
        reason: format!(
            "only {} of {} planned messages were published",
            messages.published, messages.planned
        ),
    })
}

/// Asked against achieved rate: the schedule itself, and what became of it.
fn rate(trial: &TrialResult) -> Option<Rule> {
    // A trial that did not come to its end has no span.
    let span = Some(number(trial.phases.measure) / 1e9).filter(|span| *span > 0.0)?;
    let changes = changes(trial);
    let usual = trial.load.rate;
    let asked = events::messages(&changes, usual, Duration::from_nanos(trial.phases.measure));
    let achieved = number(trial.messages.published);
    let stretches = number(events::steps(&changes, usual).len() as u64 + 1);
    let allowed = match trial.load.arrivals {
        Arrivals::Poisson => RATE_SIGMAS * asked.sqrt(),
        // One more or less at the ends of the phase, and of each rate in it.
        Arrivals::Constant => stretches,
        Arrivals::Burst => stretches * events::peak(&changes, usual).max(1.0),
    };
    let limit = RATE_SHARE + allowed / asked;
    let off = (achieved / asked - 1.0).abs();
    Some(Rule {
        check: at_most("rate", "share", limit, off),
        reason: format!(
            "{:.2} messages a second were published though {} were asked for: {:.1} % off, more than {:.1} %",
            achieved / span,
            // A mean of several rates has no end of decimals.
            if changes.is_empty() {
                usual.to_string()
            } else {
                format!("{:.2}", asked / span)
            },
            off * 100.0,
            limit * 100.0
        ),
    })
}

/// The changes of the rate among a trial's events.
fn changes(trial: &TrialResult) -> Vec<Incident> {
    let change = |event: &EventResult| {
        let span = event.span.map(Duration::from_nanos);
        Some(Incident {
            at: Duration::from_nanos(event.at),
            action: Action::Rate {
                rate: event.rate?,
                span,
            },
        })
    };
    trial.events.iter().filter_map(change).collect()
}

fn delivered(trial: &TrialResult) -> Option<Rule> {
    let messages = trial.messages;
    (messages.expected > 0).then(|| Rule {
        check: at_least("delivered", "count", DELIVERED, number(messages.delivered)),
        reason: format!("none of {} expected deliveries came", messages.expected),
    })
}

fn lag(trial: &TrialResult) -> Option<Rule> {
    let lag = number(trial.latency_ns.schedule_lag?.p99);
    Some(Rule {
        check: at_most("schedule_lag", "ns", LAG_LIMIT_NS, lag),
        reason: format!(
            "the publisher was late: its lag at p99 is {}, more than {}",
            show_nanos(lag),
            show_nanos(LAG_LIMIT_NS)
        ),
    })
}

fn negative(trial: &TrialResult, series: usize) -> Option<Rule> {
    let latency = &trial.latency_ns;
    let (name, rule, series) = [
        ("delivery", "negative_delivery", latency.delivery),
        ("arrival", "negative_arrival", latency.arrival),
        ("publish", "negative_publish", latency.publish),
    ][series];
    let series = series?;
    Some(Rule {
        check: at_most(rule, "count", NEGATIVE, number(series.negative)),
        reason: format!(
            "{} of {} {name} times are negative: the clocks cannot be right",
            series.negative, series.count
        ),
    })
}

#[expect(clippy::cast_precision_loss, reason = "a machine has few processors")]
fn generator(trial: &TrialResult, processors: usize) -> Option<Rule> {
    // Workers elsewhere have processors of their own, and one that has too few is not made up for by the others.
    let own = |worker: &WorkerResult| Some((worker.cores_busy?, worker.processors?));
    let elsewhere = trial.workers.iter().filter_map(own);
    let (busy, processors) = elsewhere
        .max_by(|(one, of), (other, among)| (one / *of as f64).total_cmp(&(other / *among as f64)))
        .or_else(|| Some((trial.generator.cores_busy?, processors as u64)))?;
    let share = busy / processors.max(1) as f64;
    Some(Rule {
        check: at_most("generator_busy", "share", BUSY_LIMIT, share),
        reason: format!(
            "the generator was busy on {busy:.2} processors, {:.1} % of all that it has and more than {:.0} %: it measures itself",
            share * 100.0,
            BUSY_LIMIT * 100.0
        ),
    })
}

/// Deliveries of a worker on another host are as right as its clock is known.
fn clock(trial: &TrialResult) -> Option<Rule> {
    let (share, reason) = worst_clock(trial, CLOCK_SHARE)?;
    Some(Rule {
        check: at_most("clock_bound", "share", CLOCK_SHARE, share),
        reason,
    })
}

/// The worker whose clock is known worst: its bound as a share of the median delivery, and a sentence for one above `limit`.
fn worst_clock(trial: &TrialResult, limit: f64) -> Option<(f64, String)> {
    let median = number(trial.latency_ns.delivery?.p50);
    let clocks = trial.workers.iter().filter_map(|w| Some((w, w.clock?)));
    let (worker, clock) = clocks.max_by_key(|(_, clock)| clock.bound_ns)?;
    let bound = number(clock.bound_ns);
    let share = bound / median.max(1.0);
    let text = format!(
        "the clock of worker {} ({}) is known to {} only, {:.0} % of the median delivery of {} and more than {:.0} %",
        worker.number,
        worker.name.as_deref().unwrap_or("here"),
        show_nanos(bound),
        share * 100.0,
        show_nanos(median),
        limit * 100.0
    );
    Some((share, text))
}

fn steady(trial: &TrialResult) -> Option<Rule> {
    let trend = Trend::of(trial)?;
    let mut check = at_most("steady", "ratio", GROWTH_LIMIT, trend.ratio());
    // Only a growth that is steady and above noise is a queue.
    check.holds = !trend.grows();
    Some(Rule {
        check,
        reason: format!(
            "no steady state: the median delivery grew from {} in the first third of the measured phase to {} in the last, {:.1} times as long and more than {GROWTH_LIMIT}: the server does not keep up",
            show_nanos(trend.first),
            show_nanos(trend.last),
            trend.ratio()
        ),
    })
}

fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| number(part) / number(whole))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts and spans stay far below 2^53"
)]
fn number(count: u64) -> f64 {
    count as f64
}
