//! Wire bytes for each delivered message: data, TCP/IP headers and acknowledgements, both directions.

use super::delay::{batch, in_step};
use super::exchange::{Sizes, sizes};
use super::way::{self, Gap};
use super::{Network, Situation};
use crate::scenario::{Arrivals, Transport};

/// A segment that nothing answers for so long is acknowledged by an empty one (Linux: `TCP_DELACK_MIN`), in seconds.
const DELAYED_ACK: f64 = 0.040;

pub(super) fn predict(situation: &Situation<'_>) -> Option<f64> {
    let rate = situation.rate()?;
    let sizes = sizes(situation)?;
    let cost = Cost {
        sizes,
        network: situation.network,
        rate,
        arrivals: situation.load.arrivals,
    };
    let load = situation.load;
    match load.transport {
        _ if !load.keep_alive || !situation.gives_all() => None,
        Transport::Polling => {
            // Without a floor, as when the link says nothing of the gap, the interval must be far longer.
            let paced = in_step(situation).unwrap_or(way::is_told(&load.link));
            paced.then(|| cost.polling(load.poll_interval.as_secs_f64()))?
        }
        Transport::LongPolling => cost.long_polling(Gap::of(situation)?, load.hold.as_secs_f64()),
        Transport::Streaming | Transport::Sse | Transport::Websocket => {
            // The emulated link is behind the kernel: neither loss nor jitter changes what that sends.
            (cost.fits(sizes.message, 1.0) && cost.carried(load.link.down)).then(|| cost.pushed())
        }
    }
}

struct Cost {
    sizes: Sizes,
    network: Network,
    /// Messages a second for each subscriber.
    rate: f64,
    arrivals: Arrivals,
}

impl Cost {
    #[expect(clippy::cast_precision_loss, reason = "a header has tens of bytes")]
    fn header(&self) -> f64 {
        self.network.header as f64
    }

    /// Whether an answer with so many messages is one segment: longer ones depend on the path.
    #[expect(clippy::cast_precision_loss, reason = "a segment has at most 64 KiB")]
    fn fits(&self, fixed: f64, messages: f64) -> bool {
        let segment = self.network.segment.min(self.sizes.whole) as f64;
        self.sizes.request <= segment && fixed + messages * self.sizes.message <= segment
    }

    /// A segment with the message and an empty one that acknowledges it.
    fn pushed(&self) -> f64 {
        self.sizes.message + 2.0 * self.header()
    }

    /// Whether a link of so many bits a second has room for the messages; else the server feels it.
    #[expect(
        clippy::cast_precision_loss,
        reason = "far fewer than 2^53 bits a second"
    )]
    fn carried(&self, down: Option<u64>) -> bool {
        let bits = 8.0 * self.rate * (self.sizes.message + self.header());
        down.is_none_or(|down| bits < down as f64)
    }

    /// The share of spans of `seconds` without a message.
    fn silent(&self, seconds: f64) -> f64 {
        let expected = self.rate * seconds;
        match self.arrivals {
            Arrivals::Poisson => (-expected).exp(),
            // Equal periods at a random phase.
            Arrivals::Constant | Arrivals::Burst => (1.0 - expected).max(0.0),
        }
    }

    /// `(Hq + E)/T + lambda (P + item) + (Hr - E)(1 - e^(-lambda T))/T` for each client and second,
    /// with three segments an exchange: the client's acknowledgement of an answer finds no next
    /// request to travel with, unless that comes within the delay of acknowledgements.
    fn polling(&self, interval: f64) -> Option<f64> {
        let Sizes {
            request,
            request_again,
            empty,
            page,
            message,
            ..
        } = self.sizes;
        let expected = self.rate * interval;
        let silent = self.silent(interval);
        let request = silent * request_again + (1.0 - silent) * request;
        // Twice the mean, so that most answers fit when the mean one does.
        if !self.fits(page, (2.0 * expected).max(1.0)) {
            return None;
        }
        let segments = if interval > DELAYED_ACK { 3.0 } else { 2.0 };
        let exchange = request + segments * self.header() + silent * empty + (1.0 - silent) * page;
        Some(exchange / expected + message)
    }

    /// `(Hq + Hr)/b + P + item`. The next request acknowledges an answer; a request that waits
    /// longer than the delay of acknowledgements gets one of its own, and so does an answer when a link makes the
    /// gap that long. Holds that end without a message cost an exchange each.
    fn long_polling(&self, gap: Gap, hold: f64) -> Option<f64> {
        let Sizes {
            request,
            empty,
            page,
            message,
            ..
        } = self.sizes;
        let (least, most) = (gap.least() / 1e9, gap.most() / 1e9);
        let batch = match self.arrivals {
            Arrivals::Poisson => batch(self.rate, gap),
            Arrivals::Constant | Arrivals::Burst if self.rate * most < 1.0 => 1.0,
            Arrivals::Constant | Arrivals::Burst => return None,
        };
        if !self.fits(page, 2.0 * batch) {
            return None;
        }
        let acknowledged = match self.arrivals {
            Arrivals::Poisson => self.silent(DELAYED_ACK),
            Arrivals::Constant | Arrivals::Burst => {
                f64::from(u8::from(1.0 / self.rate > DELAYED_ACK))
            }
        };
        let far = if most < DELAYED_ACK {
            0.0
        } else if least > DELAYED_ACK {
            1.0
        } else {
            // Jitter decides.
            return None;
        };
        let answered = request + page + (2.0 + acknowledged + far) * self.header();
        let timed_out = request + empty + (3.0 + far) * self.header();
        let silent_holds = match self.arrivals {
            Arrivals::Poisson => {
                let silent = self.silent(hold);
                silent / (1.0 - silent)
            }
            Arrivals::Constant | Arrivals::Burst => (1.0 / self.rate / hold).floor(),
        };
        Some((answered + silent_holds * timed_out) / batch + message)
    }
}
