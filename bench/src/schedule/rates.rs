//! The rate over time: constant from each step to the next.

use std::time::Duration;

/// A stretch of one rate.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Stretch {
    /// Where it begins, in nanoseconds from the start of publishing.
    from: f64,
    /// Where the next one begins.
    to: f64,
    /// Messages a second.
    rate: f64,
}

/// The stretches in order, without gaps; the last has no end.
#[derive(Debug, Clone)]
pub(super) struct Rates {
    stretches: Vec<Stretch>,
    /// The stretch that the next message is looked for in.
    current: usize,
    /// Messages that this stretch has had.
    index: u64,
    /// Where a Poisson process stands, in nanoseconds.
    clock: f64,
}

impl Rates {
    pub(super) fn constant(rate: f64) -> Self {
        Self {
            stretches: vec![Stretch {
                from: 0.0,
                to: f64::INFINITY,
                rate,
            }],
            current: 0,
            index: 0,
            clock: 0.0,
        }
    }

    /// From `at` on, which is later than every step so far, there are `rate` messages a second.
    pub(super) fn step(&mut self, at: Duration, rate: f64) {
        let from = at.as_secs_f64() * 1e9;
        // A step at the very start leaves nothing of the stretch before it.
        self.stretches.retain(|stretch| stretch.from < from);
        if let Some(last) = self.stretches.last_mut() {
            last.to = from;
        }
        let to = f64::INFINITY;
        self.stretches.push(Stretch { from, to, rate });
    }

    /// The instant at which a Poisson process has grown by `hazard` expected messages: the
    /// time change of a process whose rate varies (Ross, Introduction to Probability Models, 5.4.1).
    pub(super) fn grow(&mut self, mut hazard: f64) -> f64 {
        loop {
            let Stretch { to, rate, .. } = self.stretches[self.current];
            let next = self.clock + hazard / rate * 1e9;
            // The last stretch has no end, however far off its next message is.
            if next < to || to.is_infinite() {
                self.clock = next;
                return next;
            }
            hazard -= (to - self.clock) / 1e9 * rate;
            self.clock = to;
            self.current += 1;
        }
    }

    /// The instant of the next message that `place` puts so many nanoseconds behind the start of
    /// its stretch, given its number there and the rate. Each stretch begins with a message.
    #[expect(
        clippy::cast_precision_loss,
        reason = "a scenario plans far fewer than 2^53 messages"
    )]
    pub(super) fn place(&mut self, place: impl Fn(f64, f64) -> f64) -> f64 {
        loop {
            let Stretch { from, to, rate } = self.stretches[self.current];
            let at = from + place(self.index as f64, rate);
            if at < to || to.is_infinite() {
                self.index += 1;
                return at;
            }
            self.current += 1;
            self.index = 0;
        }
    }
}
