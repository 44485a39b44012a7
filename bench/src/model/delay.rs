//! Delivery delay: how long a message waits before it is sent, and its way.

use super::Situation;
use super::way::{self, Gap, nanos};
use crate::scenario::{Arrivals, Load, Transport};

/// Mean and 99th percentile of the delivery delay, in nanoseconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Delay {
    pub(super) mean: f64,
    /// `None` under jitter: sums of several uniform ways have no simple quantile.
    pub(super) p99: Option<f64>,
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
/// phase has nothing to do with it. `None` for other transports, without a floor, and where another
/// law holds: jitter, loss or bandwidth on the link, polls that come out of step, answers that
/// leave messages out, events.
///
/// Mean T/2 + d, 99th percentile 0.99 T + d, whatever the arrivals. A poll is at the server half a round trip
/// after it was sent, which shifts all polls alike; so d is one way, not two.
#[must_use]
pub fn polling_law(situation: &Situation<'_>) -> Option<Uniform> {
    let load = situation.load;
    let simple = load.link.jitter.is_zero() && !situation.events && situation.gives_all();
    if load.transport != Transport::Polling || !simple || !in_step(situation)? {
        return None;
    }
    Some(Uniform {
        start: situation.floor?.p50 + way::mean(&load.link),
        width: nanos(load.poll_interval),
    })
}

/// Whether each poll is answered before the next is due; else a client leaves polls out. `None` when
/// that cannot be told.
pub(super) fn in_step(situation: &Situation<'_>) -> Option<bool> {
    Some(Gap::of(situation)?.most() < nanos(situation.load.poll_interval))
}

pub(super) fn predict(situation: &Situation<'_>) -> Option<Delay> {
    let rate = situation.rate()?;
    if utilisation(situation, rate) >= 1.0
        || !way::is_told(&situation.load.link)
        || !situation.gives_all()
    {
        // Past saturation the delay depends on how long the trial is, behind a bottleneck on its queue.
        return None;
    }
    match situation.load.transport {
        Transport::Polling => polling(situation),
        Transport::LongPolling => long_polling(situation, rate),
        Transport::Streaming | Transport::Sse | Transport::Websocket => {
            let jitter = way::in_order(situation.load, rate)?;
            pushed(situation, jitter)
        }
    }
}

fn polling(situation: &Situation<'_>) -> Option<Delay> {
    let load = situation.load;
    if !in_step(situation)? {
        return None;
    }
    let width = nanos(load.poll_interval);
    let start = situation.floor?.p50 + way::mean(&load.link);
    Some(Delay {
        mean: start + width / 2.0 + way::unevenness(load),
        p99: load.link.jitter.is_zero().then_some(start + 0.99 * width),
    })
}

/// An open connection: the way with what `jitter` adds, and the subscribers of the same message served before.
///
/// d + s, and the i-th of N is served after i/r: mean (N-1)/2r, p99 0.99 (N-1)/r.
fn pushed(situation: &Situation<'_>, jitter: f64) -> Option<Delay> {
    let load = situation.load;
    let (floor, way) = (situation.floor?, nanos(load.link.rtt) / 2.0);
    let others = (situation.readers() - 1.0) * delivery_cost(load.transport);
    let p99 = floor.p99.max(floor.p50 + 0.99 * others) + way;
    Some(Delay {
        mean: floor.p50 + way + jitter + others / 2.0,
        p99: load.link.jitter.is_zero().then_some(p99),
    })
}

/// The same, and what is published in the gap between an answer and the next request waits for that.
///
/// Gap G = 2d + s, one RTT more for a connection that is not kept. With Poisson arrivals an answer holds
/// b = lambda G + e^(-lambda G) messages, of which lambda G waited for G/2 on average. Jitter makes gaps
/// uneven: then E G^2 stands for G^2, and E e^(-lambda G) for e^(-lambda G).
fn long_polling(situation: &Situation<'_>, rate: f64) -> Option<Delay> {
    let link = &situation.load.link;
    let pushed = pushed(situation, nanos(link.jitter) / 2.0)?;
    let gap = Gap::of(situation)?;
    if situation.load.arrivals == Arrivals::Constant {
        // Equal periods: the next request is there before the next message, or no simple law holds.
        return (rate * gap.most() / 1e9 < 1.0).then_some(pushed);
    }
    let batch = batch(rate, gap);
    // Of all messages the share lambda (G - x) / b waits longer than x.
    let longest = (gap.mean() - 0.01 * batch / rate * 1e9).max(0.0);
    Some(Delay {
        mean: pushed.mean + rate * gap.square() / 1e9 / 2.0 / batch,
        p99: pushed.p99.map(|p99| p99 + longest),
    })
}

/// Messages of a Poisson process in an answer: those that came in the gap before it, or one.
pub(super) fn batch(rate: f64, gap: Gap) -> f64 {
    rate * gap.mean() / 1e9 + gap.silent(rate)
}

/// The share of one processor's time that a fast server needs for this load.
fn utilisation(situation: &Situation<'_>, rate: f64) -> f64 {
    let load = situation.load;
    #[expect(clippy::cast_precision_loss, reason = "at most a million")]
    let clients = load.clients as f64;
    clients * server_time_per_client(load, rate) / 1e9
}

/// Nanoseconds of one processor that a fast server needs for each client and second, at so many messages a
/// second to each: polling costs an exchange an interval, whatever it brings, the others one a message.
///
/// Another server or processor takes another time; how transports compare changes less.
#[must_use]
pub fn server_time_per_client(load: &Load, rate: f64) -> f64 {
    let each = match load.transport {
        Transport::Polling => 1.0 / load.poll_interval.as_secs_f64(),
        _ => rate,
    };
    each * delivery_cost(load.transport)
}
