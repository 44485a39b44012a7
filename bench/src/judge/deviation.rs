//! How far a trial is from its prediction, and why.

use crate::result::{Cause, Explanation, Prediction, Summary, TrialResult, metric};
use crate::scenario::{Arrivals, Transport};
use crate::units::show_nanos;

/// A deviation of a delay is explained when it is above this share of the prediction...
pub const LARGE: f64 = 0.1;
/// ... and above this span: what timers and wake-ups add to any delay, in nanoseconds.
pub const LARGE_NS: f64 = 1e6;
/// A deviation of bytes is explained above this share.
pub const LARGE_BYTES: f64 = 0.05;
/// A cause explains a deviation when it accounts for this share of it.
const MOST: f64 = 0.5;
/// A server that is busier than this share of its processors makes messages queue.
const BUSY: f64 = 0.7;
/// Standard errors that chance hardly ever exceeds.
const SIGMAS: f64 = 4.0;

/// `measured / predicted - 1` of each figure that has both.
#[must_use]
pub fn deviation(trial: &TrialResult) -> Prediction {
    let off = |predicted: Option<f64>, measured: Option<f64>| {
        let predicted = predicted.filter(|value| *value > 0.0)?;
        Some(measured? / predicted - 1.0)
    };
    let measured = |name| metric::find(name).and_then(|metric| metric.of(trial));
    let theory = trial.predicted;
    Prediction {
        delivery_mean_ns: off(theory.delivery_mean_ns, measured("delivery.mean")),
        delivery_p99_ns: off(theory.delivery_p99_ns, measured("delivery.p99")),
        wire_bytes_per_message: off(
            theory.wire_bytes_per_message,
            measured("wire_bytes_per_message"),
        ),
    }
}

/// Explains each large deviation of a trial whose server had so many `processors` and was of so many `nodes`.
#[must_use]
pub fn explain(trial: &TrialResult, processors: usize, nodes: usize) -> Vec<Explanation> {
    let delay = |metric, predicted: Option<f64>, at: At| {
        let excess = Excess::of(trial, predicted?, at)?;
        let (cause, text) = excess.cause(trial, processors, nodes);
        Some(explanation(metric, cause, text))
    };
    let theory = trial.predicted;
    let mean = delay("delivery.mean", theory.delivery_mean_ns, At::Mean);
    let p99 = delay("delivery.p99", theory.delivery_p99_ns, At::P99);
    let waited = mean
        .as_ref()
        .map(|why| why.cause)
        .filter(|cause| matches!(cause, Cause::Queueing | Cause::Generator));
    let bytes = bytes(trial, waited);
    [mean, p99, bytes].into_iter().flatten().collect()
}

fn explanation(metric: &str, cause: Cause, text: String) -> Explanation {
    Explanation {
        metric: metric.to_owned(),
        cause,
        text,
    }
}

/// The figure of a series that is looked at.
#[derive(Debug, Clone, Copy, PartialEq)]
enum At {
    Mean,
    P99,
}

impl At {
    #[expect(
        clippy::cast_precision_loss,
        reason = "latencies stay far below 2^53 ns"
    )]
    fn read(self, series: &Summary) -> f64 {
        match self {
            Self::Mean => series.mean,
            Self::P99 => series.p99 as f64,
        }
    }

    /// The share of a channel's other subscribers that are served before this one.
    fn before(self) -> f64 {
        match self {
            Self::Mean => 0.5,
            Self::P99 => 0.99,
        }
    }
}

/// A delay that is far from its prediction, in nanoseconds.
struct Excess {
    at: At,
    predicted: f64,
    /// Measured less predicted.
    size: f64,
}

impl Excess {
    /// `None` when the deviation is not large.
    fn of(trial: &TrialResult, predicted: f64, at: At) -> Option<Self> {
        let measured = at.read(trial.latency_ns.delivery.as_ref()?);
        let size = measured - predicted;
        (size.abs() > LARGE * predicted && size.abs() > LARGE_NS).then_some(Self {
            at,
            predicted,
            size,
        })
    }

    fn cause(&self, trial: &TrialResult, processors: usize, nodes: usize) -> (Cause, String) {
        if self.size.abs() <= chance(trial) {
            let text = "too few independent samples to tell it from the prediction".to_owned();
            return (Cause::Chance, text);
        }
        let several = (nodes > 1).then(|| {
            let text = format!(
                "the model knows one server, and this one is {nodes} nodes: neither the way of a message from one to the others nor the work that they share is in it"
            );
            (Cause::Nodes, text)
        });
        if self.size < 0.0 {
            let text = "it is less than theory allows, and nothing measured says why".to_owned();
            return several.unwrap_or((Cause::Unexplained, text));
        }
        self.generator(trial)
            .map(|text| (Cause::Generator, text))
            .or_else(|| Some((Cause::Queueing, self.busy(trial, processors)?)))
            .or(several)
            .or_else(|| {
                let text = self.fan_out(trial).or_else(|| self.held_up(trial));
                text.map(|text| (Cause::Queueing, text))
            })
            .unwrap_or_else(|| {
                let text = "no cause was measured".to_owned();
                (Cause::Unexplained, text)
            })
    }

    /// bench published late, or parsed long after the bytes had come.
    fn generator(&self, trial: &TrialResult) -> Option<String> {
        let latency = &trial.latency_ns;
        let late = latency.schedule_lag.as_ref().map(|lag| self.at.read(lag))?;
        let parsed = match (&latency.delivery, &latency.arrival) {
            (Some(delivery), Some(arrival)) => self.at.read(delivery) - self.at.read(arrival),
            _ => 0.0,
        };
        (late + parsed >= MOST * self.size).then(|| {
            format!(
                "{} more than predicted, and the generator itself was slow: it published {} late and had parsed messages {} after their bytes came",
                show_nanos(self.size),
                show_nanos(late),
                show_nanos(parsed)
            )
        })
    }

    /// The server's processors were busy.
    #[expect(clippy::cast_precision_loss, reason = "a machine has few processors")]
    fn busy(&self, trial: &TrialResult, processors: usize) -> Option<String> {
        let busy = figure(trial, "server_cores")? / processors.max(1) as f64;
        (busy >= BUSY).then(|| {
            format!(
                "the server was busy {:.0} % of the time, so messages waited for it",
                busy * 100.0
            )
        })
    }

    /// The subscribers of a message are served one after another, slower than a fast server would.
    fn fan_out(&self, trial: &TrialResult) -> Option<String> {
        let others = trial.load.subscribers_per_channel() - 1.0;
        if trial.transport == Transport::Polling || others < 1.0 {
            return None;
        }
        let each = figure(trial, "server_cpu_per_thousand")? / 1000.0;
        let waited = each * others * self.at.before();
        (waited >= MOST * self.size).then(|| {
            format!(
                "each message goes to {:.0} subscribers one after another, and each costs the server {} of CPU: {} for those before",
                others + 1.0,
                show_nanos(each),
                show_nanos(waited)
            )
        })
    }

    /// The bytes themselves came late.
    fn held_up(&self, trial: &TrialResult) -> Option<String> {
        let arrival = self.at.read(trial.latency_ns.arrival.as_ref()?);
        let late = arrival - self.predicted;
        (late >= MOST * self.size).then(|| {
            format!(
                "the bytes reached the clients' sockets {} later than an idle server would send them: they waited in the server or on the way",
                show_nanos(late)
            )
        })
    }
}

fn figure(trial: &TrialResult, name: &str) -> Option<f64> {
    metric::find(name).and_then(|metric| metric.of(trial))
}

/// How far chance may take polling's mean: it is one of as many uniform waits as there are independent
/// samples. The other transports' delays hardly scatter.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn chance(trial: &TrialResult) -> f64 {
    if trial.transport != Transport::Polling {
        return 0.0;
    }
    let deliveries = trial.messages.delivered;
    // Pairs of client and message are independent when both are random; else a client is one sample.
    let samples = match trial.load.arrivals {
        Arrivals::Poisson => deliveries,
        Arrivals::Constant | Arrivals::Burst => deliveries.min(trial.load.clients as u64),
    };
    let interval = trial.load.poll_interval.as_secs_f64() * 1e9;
    SIGMAS * interval / 12_f64.sqrt() / (samples.max(1) as f64).sqrt()
}

/// Why bytes deviate, when messages `waited` for that cause.
fn bytes(trial: &TrialResult, waited: Option<Cause>) -> Option<Explanation> {
    let name = "wire_bytes_per_message";
    let off = deviation(trial).wire_bytes_per_message?;
    #[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
    let planned = trial.messages.planned.max(1) as f64;
    if off.abs() <= LARGE_BYTES {
        return None;
    }
    let reconnects = trial.clients.reconnects;
    Some(if off.abs() <= 1.0 / planned.sqrt() {
        let text = format!("too few messages, {planned:.0}, to tell it from the prediction");
        explanation(name, Cause::Chance, text)
    } else if reconnects > 0 {
        let text = format!("{reconnects} connections were made again, and their bytes count");
        explanation(name, Cause::Unexplained, text)
    } else if let Some(batch) = batch(trial).filter(|_| off < 0.0) {
        let text = format!(
            "an answer carried {batch:.1} messages on average, though an idle server leaves a gap for hardly any: requests came late"
        );
        explanation(name, Cause::Queueing, text)
    } else if let Some(cause) = waited.filter(|_| off < 0.0) {
        let text = "messages that waited came several in a segment, and acknowledgements with them";
        explanation(name, cause, text.to_owned())
    } else if off < 0.0 {
        let text = "messages or acknowledgements shared segments, or answers are shorter than the bundled relay's";
        explanation(name, Cause::Unexplained, text.to_owned())
    } else {
        let text = "more or longer answers than the bundled relay gives, or more acknowledgements";
        explanation(name, Cause::Unexplained, text.to_owned())
    })
}

/// Messages in an answer to a long poll; `None` when there is hardly more than one.
#[expect(clippy::cast_precision_loss, reason = "counts stay far below 2^53")]
fn batch(trial: &TrialResult) -> Option<f64> {
    let answers = trial.requests.total.saturating_sub(trial.requests.empty);
    let batch = trial.bytes.deliveries as f64 / answers.max(1) as f64;
    (trial.transport == Transport::LongPolling && batch >= 1.0 + LARGE_BYTES).then_some(batch)
}
