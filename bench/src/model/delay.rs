//! Delivery delay: how long a message waits before it is sent, and its way.

use super::Situation;
use crate::scenario::{Arrivals, Transport};

/// Mean and 99th percentile of the delivery delay, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Delay {
    pub(super) mean: f64,
    pub(super) p99: f64,
}

/// A uniform law: from `start`, over `width`, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Uniform {
    /// The shortest delay.
    pub start: f64,
    /// The longest less the shortest.
    pub width: f64,
}

/// What a delivery costs a fast server, in nanoseconds of one processor.
///
/// Measured apart from the bundled relay: axum on a processor of its own, a bare reader
/// on another, 1,000 connections, one message a round, median of five rounds. They give the fan-out
/// term and the load beyond which no delay is predicted; a slower server shows as a deviation.
const fn delivery_cost(transport: Transport) -> f64 {
    match transport {
        // A whole exchange of request and answer.
        Transport::Polling => 10_000.0,
        Transport::LongPolling => 10_900.0,
        Transport::Streaming | Transport::Sse => 6_300.0,
        Transport::Websocket => 4_900.0,
    }
}

/// The law that polling's delays follow: a message waits for the next poll of a client whose
/// phase has nothing to do with it. `None` for other transports, or without a floor.
///
/// Mean T/2 + d, 99th percentile 0.99 T + d, whatever the arrivals.
#[must_use]
pub fn polling_law(situation: &Situation<'_>) -> Option<Uniform> {
    let load = situation.load;
    if load.transport != Transport::Polling || situation.network.loss > 0.0 {
        return None;
    }
    Some(Uniform {
        start: situation.floor?.p50 + way(situation),
        width: nanos(load.poll_interval),
    })
}

pub(super) fn predict(situation: &Situation<'_>) -> Option<Delay> {
    let rate = situation.rate()?;
    if utilisation(situation, rate) >= 1.0 {
        // Past saturation the delay depends on how long the trial is.
        return None;
    }
    match situation.load.transport {
        Transport::Polling => {
            let Uniform { start, width } = polling_law(situation)?;
            Some(Delay {
                mean: start + width / 2.0,
                p99: start + 0.99 * width,
            })
        }
        Transport::LongPolling => long_polling(situation, rate),
        Transport::Streaming | Transport::Sse | Transport::Websocket => pushed(situation),
    }
}

/// The one-way delay of the link, beyond what the floor holds.
fn way(situation: &Situation<'_>) -> f64 {
    nanos(situation.network.rtt) / 2.0
}

/// An open connection: the way, and the subscribers of the same message served before.
///
/// d + s, and the i-th of N is served after i/r: mean (N-1)/2r, p99 0.99 (N-1)/r.
fn pushed(situation: &Situation<'_>) -> Option<Delay> {
    let (floor, way) = (situation.floor?, way(situation));
    let others = (situation.readers() - 1.0) * delivery_cost(situation.load.transport);
    Some(Delay {
        mean: floor.p50 + way + others / 2.0,
        p99: floor.p99.max(floor.p50 + 0.99 * others) + way,
    })
}

/// The same, and what is published in the gap between an answer and the next request waits for that.
///
/// Gap G = 2d + s, one RTT more for a connection that is not kept. With Poisson arrivals an answer holds
/// b = lambda G + e^(-lambda G) messages, of which lambda G waited for G/2 on average.
fn long_polling(situation: &Situation<'_>, rate: f64) -> Option<Delay> {
    let pushed = pushed(situation)?;
    let gap = gap_ns(situation)?;
    let expected = rate * gap / 1e9;
    if situation.load.arrivals == Arrivals::Constant {
        // Equal periods: the next request is there before the next message, or no simple law holds.
        return (expected < 1.0).then_some(pushed);
    }
    let batch = batch(expected);
    // Of all messages the share lambda (G - x) / b waits longer than x.
    let longest = (gap - 0.01 * batch / rate * 1e9).max(0.0);
    Some(Delay {
        mean: pushed.mean + expected * gap / 2.0 / batch,
        p99: pushed.p99 + longest,
    })
}

/// From an answer's leaving the server until the next request is there, in nanoseconds.
pub(super) fn gap_ns(situation: &Situation<'_>) -> Option<f64> {
    let trips = if situation.load.keep_alive { 1.0 } else { 2.0 };
    let rtt = nanos(situation.network.rtt);
    situation.floor.map(|floor| floor.p50 + trips * rtt)
}

/// Messages in an answer, when so many are `expected` in the gap before it.
pub(super) fn batch(expected: f64) -> f64 {
    expected + (-expected).exp()
}

/// The share of one processor's time that a fast server needs for this load.
fn utilisation(situation: &Situation<'_>, rate: f64) -> f64 {
    let load = situation.load;
    #[expect(clippy::cast_precision_loss, reason = "at most a million")]
    let clients = load.clients as f64;
    let each = match load.transport {
        Transport::Polling => 1.0 / load.poll_interval.as_secs_f64(),
        _ => rate,
    };
    clients * each * delivery_cost(load.transport) / 1e9
}

fn nanos(span: std::time::Duration) -> f64 {
    span.as_secs_f64() * 1e9
}
