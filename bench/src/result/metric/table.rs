//! The rows of the table of metrics.

use super::{Metric, Unit};
use crate::result::compared::Better;
use crate::result::{Summary, TrialResult};

macro_rules! series {
    ($field:ident, $better:ident, $what:literal) => {
        [
            series!($field, $better, "mean", concat!("mean of ", $what), |s| {
                Some(s.mean)
            }),
            series!(
                $field,
                $better,
                "min",
                concat!("smallest ", $what),
                |s| num(s.min)
            ),
            series!($field, $better, "p50", concat!("median of ", $what), |s| {
                num(s.p50)
            }),
            series!(
                $field,
                $better,
                "p90",
                concat!("90th percentile of ", $what),
                |s| { num(s.p90) }
            ),
            series!(
                $field,
                $better,
                "p95",
                concat!("95th percentile of ", $what),
                |s| s.p95.and_then(num)
            ),
            series!(
                $field,
                $better,
                "p99",
                concat!("99th percentile of ", $what),
                |s| { num(s.p99) }
            ),
            series!(
                $field,
                $better,
                "p99_9",
                concat!("99.9th percentile of ", $what),
                |s| s.p99_9.and_then(num)
            ),
            series!($field, $better, "max", concat!("largest ", $what), |s| num(
                s.max
            )),
        ]
    };
    ($field:ident, $better:ident, $part:literal, $formula:expr, $read:expr) => {
        Metric {
            name: concat!(stringify!($field), ".", $part),
            unit: Unit::Nanoseconds,
            better: Better::$better,
            formula: $formula,
            read: |trial| {
                let read: fn(&Summary) -> Option<f64> = $read;
                recorded(trial.latency_ns.$field.as_ref()).and_then(read)
            },
        }
    };
}

pub(super) static SERIES: [[Metric; 8]; 5] = [
    series!(delivery, Lower, "received and parsed - due"),
    series!(arrival, Lower, "bytes at the client's socket - due"),
    series!(publish, Lower, "publish answered - publish sent"),
    series!(schedule_lag, Neither, "handed to the socket - due"),
    series!(connect, Lower, "able to receive - dialled"),
];

macro_rules! metric {
    ($name:literal, $unit:ident, $better:ident, $formula:literal, $read:expr) => {
        Metric {
            name: $name,
            unit: Unit::$unit,
            better: Better::$better,
            formula: $formula,
            read: $read,
        }
    };
}

pub(super) static PLAIN: [Metric; 34] = [
    metric!(
        "clients",
        Count,
        Neither,
        "subscribers able to receive when the measured phase began",
        |t| num(t.clients.connected)
    ),
    metric!(
        "planned",
        Count,
        Neither,
        "messages due in the measured phase",
        |t| { num(t.messages.planned) }
    ),
    metric!(
        "published",
        Count,
        Higher,
        "of these, accepted by the server",
        |t| num(t.messages.published)
    ),
    metric!(
        "expected",
        Count,
        Neither,
        "one delivery for each subscriber of each message's channel",
        |t| num(t.messages.expected)
    ),
    metric!(
        "delivered",
        Count,
        Higher,
        "deliveries that came, each counted once",
        |t| num(t.messages.delivered)
    ),
    metric!("lost", Count, Lower, "expected - delivered", |t| num(t
        .messages
        .lost)),
    metric!("missed_share", Share, Lower, "lost / expected", |t| ratio(
        num(t.messages.lost),
        num(t.messages.expected)
    )),
    metric!(
        "duplicated",
        Count,
        Lower,
        "deliveries that came again",
        |t| num(t.messages.duplicated)
    ),
    metric!(
        "reordered",
        Count,
        Lower,
        "deliveries after a later one of the same publisher",
        |t| num(t.messages.reordered)
    ),
    metric!("reconnects", Count, Lower, "connections made again", |t| {
        num(t.clients.reconnects)
    }),
    metric!(
        "connections_per_client",
        Count,
        Neither,
        "connections open at once in the measured phase / clients",
        |t| t.clients.connections_per_client
    ),
    metric!(
        "bytes_per_connect",
        Bytes,
        Lower,
        "socket both directions of a first connection, until able to receive",
        |t| ratio(t.bytes.connect_socket.and_then(num), connects(t))
    ),
    metric!(
        "wire_bytes_per_connect",
        Bytes,
        Lower,
        "wire both directions of a first connection, until able to receive",
        |t| ratio(t.bytes.connect_wire.and_then(num), connects(t))
    ),
    metric!("requests", Count, Neither, "requests answered", |t| num(t
        .requests
        .total)),
    metric!(
        "empty_polls",
        Count,
        Neither,
        "answers that brought no message",
        |t| num(t.requests.empty)
    ),
    metric!(
        "empty_share",
        Share,
        Neither,
        "empty_polls / requests",
        |t| ratio(num(t.requests.empty), num(t.requests.total))
    ),
    metric!(
        "connections",
        Count,
        Neither,
        "connections opened in the measured phase",
        |t| num(t.requests.connections)
    ),
    metric!(
        "payload_bytes_per_message",
        Bytes,
        Neither,
        "size of a payload",
        |t| each(t, payloads(t))
    ),
    metric!(
        "framing_bytes_per_message",
        Bytes,
        Lower,
        "(socket both directions - payloads) / deliveries",
        |t| each(t, minus(socket(t), payloads(t)))
    ),
    metric!(
        "tcp_bytes_per_message",
        Bytes,
        Lower,
        "(wire - socket) / deliveries",
        |t| each(t, minus(wire(t), socket(t)))
    ),
    metric!(
        "socket_bytes_per_message",
        Bytes,
        Lower,
        "socket both directions / deliveries",
        |t| each(t, socket(t))
    ),
    metric!(
        "wire_bytes_per_message",
        Bytes,
        Lower,
        "wire both directions / deliveries",
        |t| each(t, wire(t))
    ),
    metric!(
        "wire_bytes_per_client_second",
        BytesPerSecond,
        Lower,
        "wire both directions / clients / measured seconds",
        |t| ratio(per_second(t, wire(t)), num(t.clients.connected))
    ),
    metric!(
        "session_bytes_per_client",
        Bytes,
        Lower,
        "socket both directions in all phases, from the first request / clients",
        |t| ratio(
            t.bytes
                .session_sent
                .and_then(num)
                .zip(t.bytes.session_received.and_then(num))
                .map(|(sent, received)| sent + received),
            num(t.clients.connected)
        )
    ),
    metric!(
        "header_bytes_per_second",
        BytesPerSecond,
        Lower,
        "(socket both directions - payloads) / measured seconds",
        |t| per_second(t, minus(socket(t), payloads(t)))
    ),
    metric!(
        "server_cpu_per_thousand",
        Nanoseconds,
        Lower,
        "server CPU / deliveries * 1000",
        |t| each(t, t.server.cpu_ns.and_then(num)).map(|v| v * 1e3)
    ),
    metric!(
        "server_cores",
        Cores,
        Lower,
        "server CPU / time between its two readings",
        |t| {
            // Older documents do not say how far apart they were.
            let about = || ratio(t.server.cpu_ns.and_then(num), num(t.phases.measure));
            t.server.cores_busy.or_else(about)
        }
    ),
    metric!(
        "server_memory_per_client",
        Bytes,
        Lower,
        "(resident loaded - resident before the first client) / clients",
        |t| ratio(
            minus(
                t.server.rss_loaded.and_then(num),
                t.server.rss_base.and_then(num)
            ),
            num(t.clients.connected)
        )
    ),
    metric!(
        "kernel_memory_per_client",
        Bytes,
        Lower,
        "kernel socket memory of the server / clients",
        |t| ratio(
            t.server.kernel_socket_memory.and_then(num),
            num(t.clients.connected)
        )
    ),
    metric!(
        "generator_cores",
        Cores,
        Neither,
        "generator CPU / time between its two readings",
        |t| t.generator.cores_busy
    ),
    metric!(
        "generator_cpu_per_thousand",
        Nanoseconds,
        Neither,
        "generator CPU / deliveries * 1000",
        |t| each(t, t.generator.cpu_ns.and_then(num)).map(|v| v * 1e3)
    ),
    metric!(
        "missed_reports",
        Count,
        Lower,
        "times the server said that it had dropped messages",
        |t| t.messages.missed_reports.and_then(num)
    ),
    metric!(
        "publish_errors",
        Count,
        Lower,
        "publishes refused or not sent",
        |t| num(t.messages.publish_errors)
    ),
    metric!(
        "negative",
        Count,
        Neither,
        "delivery and arrival latencies below zero",
        |t| {
            let below = |s: &Option<Summary>| num(s.as_ref().map_or(0, |s| s.negative));
            Some(below(&t.latency_ns.delivery)? + below(&t.latency_ns.arrival)?)
        }
    ),
];

#[expect(
    clippy::unnecessary_wraps,
    reason = "the shape that every reading function has"
)]
#[expect(
    clippy::cast_precision_loss,
    reason = "counts stay far below 2^53, or three figures of them are shown"
)]
fn num(count: u64) -> Option<f64> {
    Some(count as f64)
}

fn recorded(series: Option<&Summary>) -> Option<&Summary> {
    series.filter(|s| s.count > 0)
}

fn ratio(part: Option<f64>, whole: Option<f64>) -> Option<f64> {
    let whole = whole.filter(|w| *w > 0.0)?;
    Some(part? / whole)
}

/// Clients that could ever receive.
fn connects(trial: &TrialResult) -> Option<f64> {
    num(trial.latency_ns.connect.as_ref()?.count)
}

fn minus(from: Option<f64>, less: Option<f64>) -> Option<f64> {
    Some(from? - less?)
}

fn each(trial: &TrialResult, total: Option<f64>) -> Option<f64> {
    ratio(total, num(trial.bytes.deliveries))
}

/// Payload bytes of the messages that came with the counted bytes.
fn payloads(trial: &TrialResult) -> Option<f64> {
    Some(num(trial.bytes.deliveries)? * num(trial.load.payload as u64)?)
}

fn per_second(trial: &TrialResult, total: Option<f64>) -> Option<f64> {
    ratio(total, num(trial.phases.measure).map(|ns| ns / 1e9))
}

fn socket(trial: &TrialResult) -> Option<f64> {
    Some(num(trial.bytes.socket_sent)? + num(trial.bytes.socket_received)?)
}

fn wire(trial: &TrialResult) -> Option<f64> {
    Some(num(trial.bytes.wire_sent?)? + num(trial.bytes.wire_received?)?)
}
