//! What an emulated link adds: its way, its jitter, and where neither can be told ahead.

use std::time::Duration;

use super::Situation;
use crate::scenario::{Arrivals, Link, Load};

/// Steps of Simpson's rule; the integrand is smooth.
const STEPS: u32 = 200;

/// Whether the delays of a link can be told ahead: not what is lost and sent again, nor what waits
/// for a bottleneck, whose queue depends on what came before.
pub(super) fn is_told(link: &Link) -> bool {
    link.loss <= 0.0 && link.down.is_none() && link.up.is_none()
}

/// Half the round trip and the mean of the jitter of one segment, in nanoseconds.
pub(super) fn mean(link: &Link) -> f64 {
    nanos(link.rtt) / 2.0 + nanos(link.jitter) / 2.0
}

/// One-way segments from an answer's leaving the server until the next request is there: the answer, the
/// request, and two more for a connection that is not kept, with TLS four.
fn ways(load: &Load) -> i32 {
    match (load.keep_alive, load.tls) {
        (true, _) => 2,
        (false, false) => 4,
        (false, true) => 6,
    }
}

/// From an answer's leaving the server until the next request of a client that asks at once is there.
#[derive(Debug, Clone, Copy)]
pub(super) struct Gap {
    /// Without jitter, in nanoseconds.
    least: f64,
    /// The jitter of each way, in nanoseconds.
    jitter: f64,
    ways: i32,
}

impl Gap {
    /// `None` when nothing is known of an idle exchange, or of the link.
    pub(super) fn of(situation: &Situation<'_>) -> Option<Self> {
        let link = &situation.load.link;
        let ways = ways(situation.load);
        is_told(link).then_some(())?;
        Some(Self {
            least: situation.floor?.p50 + f64::from(ways) * nanos(link.rtt) / 2.0,
            jitter: nanos(link.jitter),
            ways,
        })
    }

    pub(super) fn least(self) -> f64 {
        self.least
    }

    pub(super) fn mean(self) -> f64 {
        self.least + f64::from(self.ways) * self.jitter / 2.0
    }

    pub(super) fn most(self) -> f64 {
        self.least + f64::from(self.ways) * self.jitter
    }

    /// The mean of its square.
    pub(super) fn square(self) -> f64 {
        self.mean().powi(2) + f64::from(self.ways) * self.jitter.powi(2) / 12.0
    }

    /// The share of gaps in which nothing of a Poisson process comes: E e^(-lambda G).
    pub(super) fn silent(self, rate: f64) -> f64 {
        let scaled = rate * self.jitter / 1e9;
        let each = if scaled > 1e-9 {
            (1.0 - (-scaled).exp()) / scaled
        } else {
            1.0
        };
        (-rate * self.least / 1e9).exp() * each.powi(self.ways)
    }
}

/// What jitter adds to the mean wait for the next poll, in nanoseconds: the poll's own instant at the
/// server is uncertain, and of uneven gaps more messages fall into the longer ones, Var / T.
pub(super) fn unevenness(load: &Load) -> f64 {
    let ways_there = f64::from(ways(load) - 1);
    ways_there * nanos(load.link.jitter).powi(2) / 12.0 / nanos(load.poll_interval)
}

/// The mean that jitter adds to messages on one connection, in nanoseconds: half of it when they are
/// far apart. Nothing overtakes, so those that come closer than the jitter wait for those before.
///
/// With Poisson arrivals the longest of all ways so far, less the age of each, is below x with the
/// probability (x/J) e^(-lambda (J-x)^2 / 2J). `None` for equal periods shorter than the jitter.
pub(super) fn in_order(load: &Load, rate: f64) -> Option<f64> {
    let jitter = load.link.jitter.as_secs_f64();
    match load.arrivals {
        Arrivals::Poisson => {
            let below = |x: f64| x / jitter * (-rate * (jitter - x).powi(2) / 2.0 / jitter).exp();
            let all = if jitter > 0.0 {
                jitter - integral(below, jitter)
            } else {
                0.0
            };
            Some(all * 1e9)
        }
        Arrivals::Constant | Arrivals::Burst => (rate * jitter < 1.0).then_some(jitter * 1e9 / 2.0),
    }
}

/// From 0 to `end`, by Simpson's rule.
fn integral(of: impl Fn(f64) -> f64, end: f64) -> f64 {
    let width = end / f64::from(STEPS);
    let inner = (1..STEPS).map(|step| {
        let weight = if step % 2 == 1 { 4.0 } else { 2.0 };
        weight * of(f64::from(step) * width)
    });
    (of(0.0) + inner.sum::<f64>() + of(end)) * width / 3.0
}

pub(super) fn nanos(span: Duration) -> f64 {
    span.as_secs_f64() * 1e9
}
