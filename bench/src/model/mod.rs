//! What theory predicts for a trial, to be shown beside what was measured.
//!
//! Pure functions of the load, of the floor (an idle exchange timed before the
//! trial) and of sizes that the relay's interface fixes. Nothing that a trial
//! measures enters the prediction of that trial, so a deviation can fail. The
//! number of planned messages does enter: it is the schedule's, drawn from the
//! seed, and a server cannot change it.
//!
//! Sources: RFC 6202 (long polling: three transits, batching under load),
//! RFC 8446 (records of TLS), RFC 9113 and RFC 7541 (frames and header lines of HTTP/2),
//! Lubbers and Greco 2010 and Bozdag et al. 2007 (costs of polling), RFC 6455
//! and the WHATWG HTML standard (framing). See the package's README.

mod bytes;
mod delay;
mod exchange;
mod hpack;
mod way;

use std::time::Duration;

pub use exchange::{Names, Network};

use crate::result::{Floor, Prediction};
use crate::scenario::{Arrivals, Load, Poll, Transport};

/// What is known of a trial before it is measured.
#[derive(Debug, Clone, Copy)]
pub struct Situation<'a> {
    /// The load.
    pub load: &'a Load,
    /// Messages that the schedule has in the measured phase, in all channels.
    pub planned: u64,
    /// The measured phase.
    pub span: Duration,
    /// An idle exchange with the server, timed before the trial.
    pub floor: Option<Floor>,
    /// The names in the clients' requests.
    pub names: Names<'a>,
    /// The way between the two, apart from the link.
    pub network: Network,
    /// Whether events of the scenario fall into the measured phase.
    pub events: bool,
}

impl Situation<'_> {
    /// Messages a second for each subscriber; `None` without any.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a scenario plans far fewer than 2^53 messages"
    )]
    fn rate(&self) -> Option<f64> {
        let rate = self.planned as f64 / self.span.as_secs_f64() / self.load.channels.max(1) as f64;
        (rate.is_finite() && rate > 0.0).then_some(rate)
    }

    /// Whether an answer to a poll holds all that there is, and at once: neither only the newest value, nor
    /// at most so many messages, nor what came while the server lingered.
    fn gives_all(&self) -> bool {
        let load = self.load;
        match load.transport {
            Transport::Polling => load.poll == Poll::Log && load.batch.is_none(),
            Transport::LongPolling => {
                load.poll == Poll::Log && load.batch.is_none() && load.linger.is_zero()
            }
            Transport::Streaming | Transport::Sse | Transport::Websocket => true,
        }
    }

    /// Subscribers of a channel.
    fn readers(&self) -> f64 {
        self.load.subscribers_per_channel().max(1.0)
    }
}

/// Predicts a trial. A figure is `None` where no model applies: bursts, events, a server that cannot keep
/// up, messages longer than a segment, connections that are not kept, loss or a bandwidth on the
/// link, polls that are not answered before the next, answers that hold only the newest value, at most so many
/// messages, or what came while the server lingered.
#[must_use]
pub fn predict(situation: &Situation<'_>) -> Prediction {
    if situation.load.arrivals == Arrivals::Burst || situation.events {
        return Prediction::default();
    }
    let delay = delay::predict(situation);
    Prediction {
        delivery_mean_ns: delay.map(|delay| delay.mean),
        delivery_p99_ns: delay.and_then(|delay| delay.p99),
        wire_bytes_per_message: bytes::predict(situation),
    }
}

pub use delay::{Uniform, polling_law, server_time_per_client};

#[cfg(test)]
mod tests;
