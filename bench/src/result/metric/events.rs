//! The metrics of events: of several in one trial, the worst counts.

use super::{Metric, Unit};
use crate::result::compared::Better;
use crate::result::{EventResult, Summary, TrialResult};

macro_rules! catch_up {
    ($part:literal, $formula:literal, $read:expr) => {
        Metric {
            name: concat!("events.catch_up.", $part),
            unit: Unit::Nanoseconds,
            better: Better::Lower,
            formula: concat!(
                $formula,
                " last message due before the return received - able to receive again"
            ),
            read: |trial| {
                let read: fn(&Summary) -> Option<f64> = $read;
                worst(trial, |event| event.catch_up_ns.as_ref().and_then(read))
            },
        }
    };
}

pub(super) static EVENTS: [Metric; 10] = [
    Metric {
        name: "events.back",
        unit: Unit::Nanoseconds,
        better: Better::Lower,
        formula: "last affected client able to receive again - event",
        read: |trial| {
            // A client that never came back has no time, and no gate must hold of the others alone.
            let hit = || trial.events.iter().filter(|event| event.affected > 0);
            if hit().any(|event| event.time_until_all_back_ns.is_none()) {
                return None;
            }
            worst(trial, |event| event.time_until_all_back_ns.map(float))
        },
    },
    catch_up!("mean", "mean of", |s| Some(s.mean)),
    catch_up!("min", "smallest of", |s| Some(float(s.min))),
    catch_up!("p50", "median of", |s| Some(float(s.p50))),
    catch_up!("p90", "90th percentile of", |s| Some(float(s.p90))),
    catch_up!("p95", "95th percentile of", |s| s.p95.map(float)),
    catch_up!("p99", "99th percentile of", |s| Some(float(s.p99))),
    catch_up!("p99_9", "99.9th percentile of", |s| s.p99_9.map(float)),
    catch_up!("max", "largest of", |s| Some(float(s.max))),
    Metric {
        name: "events.missed",
        unit: Unit::Count,
        better: Better::Lower,
        formula: "deliveries that affected clients never had, of messages due while they were away",
        read: |trial| worst(trial, |event| Some(float(event.missed))),
    },
];

/// The largest value over the events that affected anybody.
fn worst(trial: &TrialResult, read: impl Fn(&EventResult) -> Option<f64>) -> Option<f64> {
    let hit = trial.events.iter().filter(|event| event.affected > 0);
    hit.filter_map(read).reduce(f64::max)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "counts and nanoseconds stay far below 2^53, or three figures of them are shown"
)]
fn float(value: u64) -> f64 {
    value as f64
}
