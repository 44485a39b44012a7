//! Whether a trial can be trusted: the run judges itself.

use crate::result::TrialResult;
use crate::units::show_nanos;

/// A publisher whose 99th percentile is later than this did not keep the schedule.
const LAG_LIMIT_NS: u64 = 20_000_000;
/// A generator that is busier than this share of its processors measures itself.
const BUSY_LIMIT: f64 = 0.95;
/// The share of planned messages that must have been published.
const PUBLISHED_SHARE: f64 = 0.999;

/// Why this trial cannot be trusted, one sentence each; empty when it can. The generator had so many `processors`.
#[must_use]
pub fn reasons(trial: &TrialResult, processors: usize) -> Vec<String> {
    let mut reasons = Vec::new();
    let (clients, messages, latency) = (trial.clients, trial.messages, &trial.latency_ns);
    if clients.connected < clients.asked {
        reasons.push(format!(
            "only {} of {} clients were connected when the measured phase began",
            clients.connected, clients.asked
        ));
    }
    if (messages.published as f64) < messages.planned as f64 * PUBLISHED_SHARE {
        reasons.push(format!(
            "only {} of {} planned messages were published",
            messages.published, messages.planned
        ));
    }
    if messages.delivered == 0 && messages.expected > 0 {
        reasons.push(format!(
            "none of {} expected deliveries came",
            messages.expected
        ));
    }
    if let Some(lag) = latency.schedule_lag.filter(|lag| lag.p99 > LAG_LIMIT_NS) {
        reasons.push(format!(
            "the publisher was late: its lag at p99 is {}, more than {}",
            show_nanos(lag.p99 as f64),
            show_nanos(LAG_LIMIT_NS as f64)
        ));
    }
    for (name, series) in [
        ("delivery", latency.delivery),
        ("arrival", latency.arrival),
        ("publish", latency.publish),
    ] {
        if let Some(series) = series.filter(|series| series.negative > 0) {
            reasons.push(format!(
                "{} of {} {name} times are negative: the clocks cannot be right",
                series.negative, series.count
            ));
        }
    }
    if let Some(busy) = trial
        .generator
        .cores_busy
        .filter(|busy| *busy > BUSY_LIMIT * processors as f64)
    {
        reasons.push(format!(
            "the generator was busy on {busy:.2} processors, all that it has: it measures itself"
        ));
    }
    reasons
}
