//! Whether two trials asked the same of their servers: the load, and what the events did to it.

use std::time::Duration;

use serde_json::{Map, Value};

use crate::result::{EventKind, EventResult, TrialResult};
use crate::scenario::{Load, Transport};
use crate::units::{show_nanos, write_duration};

/// Something that two trials were asked differently, and what each was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Difference {
    /// The key of the load, or `events`.
    pub(super) key: String,
    pub(super) one: String,
    pub(super) other: String,
}

/// In what the loads of two trials differ; empty when both were asked the same.
pub(super) fn differences(one: &TrialResult, other: &TrialResult) -> Vec<Difference> {
    let mut found = of_loads(&one.load, &other.load);
    if !same_events(&one.events, &other.events) {
        found.push(Difference {
            key: "events".to_owned(),
            one: listed(&one.events),
            other: listed(&other.events),
        });
    }
    found
}

/// The same of loads that have not been run.
pub(super) fn of_loads(one: &Load, other: &Load) -> Vec<Difference> {
    let mut found = Vec::new();
    if one != other {
        let (before, after) = (fields(one), fields(other));
        let mut keys: Vec<&String> = before.keys().chain(after.keys()).collect();
        keys.sort();
        keys.dedup();
        found.extend(
            keys.into_iter()
                .filter(|key| before.get(*key) != after.get(*key))
                .map(|key| Difference {
                    key: key.clone(),
                    one: written(before.get(key)),
                    other: written(after.get(key)),
                }),
        );
    }
    found
}

/// What was asked, by key; what has no meaning for the transport asks nothing.
fn fields(load: &Load) -> Map<String, Value> {
    let Ok(Value::Object(mut fields)) = serde_json::to_value(load) else {
        return Map::new();
    };
    let idle: &[&str] = match load.transport {
        Transport::Polling => &["hold", "linger"],
        Transport::LongPolling => &["poll_interval"],
        Transport::Streaming | Transport::Sse | Transport::Websocket => &[
            "poll_interval",
            "hold",
            "linger",
            "poll",
            "batch",
            "keep_alive",
        ],
    };
    fields.retain(|key, _| !idle.contains(&key.as_str()));
    fields
}

/// A value of the load as a person reads it.
fn written(value: Option<&Value>) -> String {
    let Some(value) = value else {
        return "not set".to_owned();
    };
    let part = |name| value.get(name).and_then(Value::as_u64);
    match (part("secs"), part("nanos").map(u32::try_from)) {
        (Some(secs), Some(Ok(nanos))) => {
            write_duration(Duration::from_secs(secs) + Duration::from_nanos(nanos.into()))
        }
        _ => value.to_string(),
    }
}

fn same_events(one: &[EventResult], other: &[EventResult]) -> bool {
    one.len() == other.len() && one.iter().zip(other).all(|(one, other)| same(one, other))
}

fn same(one: &EventResult, other: &EventResult) -> bool {
    // Of a trial that ended before it, the event has affected nobody.
    let cut_short = one.affected == 0 || other.affected == 0;
    (one.kind, one.at, one.span) == (other.kind, other.at, other.span)
        && one.rate == other.rate
        && (cut_short || one.affected == other.affected)
}

fn listed(events: &[EventResult]) -> String {
    if events.is_empty() {
        return "none".to_owned();
    }
    let all: Vec<String> = events.iter().map(said).collect();
    all.join(", ")
}

/// An event in a few words, such as `disconnect of 50 clients at 10.0 s, within 2.00 s`.
fn said(event: &EventResult) -> String {
    let who = event.affected;
    let what = match event.kind {
        EventKind::Disconnect => format!("disconnect of {who} clients"),
        EventKind::Freeze => "freeze".to_owned(),
        EventKind::Rate => format!("rate {}", event.rate.unwrap_or_default()),
        EventKind::Slow => format!("slow of {who} clients"),
    };
    let lasting = if event.kind == EventKind::Disconnect {
        "within"
    } else {
        "for"
    };
    let span = event
        .span
        .map(|span| format!(", {lasting} {}", shown(span)));
    format!("{what} at {}{}", shown(event.at), span.unwrap_or_default())
}

#[expect(clippy::cast_precision_loss, reason = "three figures are shown")]
fn shown(nanos: u64) -> String {
    show_nanos(nanos as f64)
}
