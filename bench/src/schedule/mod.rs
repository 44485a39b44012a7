//! When each message is due: computed ahead from a seed, whatever the server does.
//!
//! The schedule is open loop. It knows no answer and no delay, so a slow server
//! or a late generator cannot thin out the load that measures them.

mod rates;

use std::time::Duration;

use rand::rngs::Xoshiro256PlusPlus;
use rand::{Rng, SeedableRng};

use rates::Rates;

use crate::scenario::{Arrivals, Load};

/// A message that is due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Due {
    /// When, counted from the start of publishing.
    pub at: Duration,
    /// The channel it goes to.
    pub channel: u32,
    /// The publisher that sends it.
    pub publisher: u32,
    /// Its number among this publisher's messages to this channel, from 0.
    pub sequence: u32,
}

/// The messages of one trial in the order they are due.
///
/// The same load, span and seed give the same messages in every version of this
/// program: the generator is named (xoshiro256++ seeded by `SplitMix64`), not
/// `StdRng`, whose algorithm may change. Memory grows with channels and
/// publishers, never with the number of messages.
#[derive(Debug, Clone)]
pub struct Schedule {
    arrivals: Arrivals,
    rates: Rates,
    span: Duration,
    random: Xoshiro256PlusPlus,
    index: u64,
    routes: Routes,
}

impl Schedule {
    /// The messages due within `span`, which is half open: nothing is due at its end.
    #[must_use]
    pub fn new(load: &Load, span: Duration, seed: u64) -> Self {
        Self {
            arrivals: load.arrivals,
            rates: Rates::constant(load.rate),
            span,
            random: Xoshiro256PlusPlus::seed_from_u64(seed),
            index: 0,
            routes: Routes::new(load.channels, load.publishers),
        }
    }

    /// The same with other rates from some instants on, each counted from the start of publishing, in order.
    ///
    /// A step begins with a message, as the schedule does; a Poisson process just goes on faster or slower.
    #[must_use]
    pub fn with_steps(mut self, steps: impl IntoIterator<Item = (Duration, f64)>) -> Self {
        for (at, rate) in steps {
            self.rates.step(at, rate);
        }
        self
    }

    /// Counts the messages of each channel, by walking through the whole schedule.
    #[must_use]
    pub fn per_channel(self) -> Vec<u64> {
        let mut counts = vec![0; self.routes.channels as usize];
        for due in self {
            counts[due.channel as usize] += 1;
        }
        counts
    }

    /// Nanoseconds from the start to the next message.
    fn advance(&mut self) -> f64 {
        self.index += 1;
        match self.arrivals {
            Arrivals::Poisson => {
                let hazard = -self.unit().ln();
                self.rates.grow(hazard)
            }
            Arrivals::Constant => self.rates.place(|index, rate| index * 1e9 / rate),
            // The billionth keeps 3 / 0.3 from falling into the second before.
            Arrivals::Burst => self
                .rates
                .place(|index, rate| (index / rate + 1e-9).floor() * 1e9),
        }
    }

    /// A random number above 0 and up to 1, one of 2^53 equally likely.
    #[expect(clippy::cast_precision_loss, reason = "53 bits fit a float exactly")]
    fn unit(&mut self) -> f64 {
        ((self.random.next_u64() >> 11) + 1) as f64 / (1_u64 << 53) as f64
    }

    /// Channels take turns, except in a Poisson process: independent channels
    /// seen together are one process whose messages pick a channel at random.
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a remainder of a u32, and the high half of a product below 2^96"
    )]
    fn channel(&mut self) -> u32 {
        let channels = self.routes.channels;
        match self.arrivals {
            // A 64-bit draw scaled down: the bias is below 2^-32.
            Arrivals::Poisson => {
                ((u128::from(self.random.next_u64()) * u128::from(channels)) >> 64) as u32
            }
            Arrivals::Constant | Arrivals::Burst => ((self.index - 1) % u64::from(channels)) as u32,
        }
    }
}

impl Iterator for Schedule {
    type Item = Due;

    fn next(&mut self) -> Option<Due> {
        let nanos = self.advance().round();
        // A float becomes an integer by saturation, so an endless gap ends the schedule.
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "never negative; saturates"
        )]
        let at = Duration::from_nanos(nanos as u64);
        if at >= self.span {
            return None;
        }
        let channel = self.channel();
        let (publisher, sequence) = self.routes.take(channel);
        Some(Due {
            at,
            channel,
            publisher,
            sequence,
        })
    }
}

/// Who publishes to which channel, and how many messages each pair has had.
///
/// With no more publishers than channels, publisher `c % publishers` serves
/// channel `c`. With more, channel `c` has the publishers `c`, `c + channels`,
/// `c + 2 * channels`, ... and they take turns. Either way one of the two names
/// the pair.
#[derive(Debug, Clone)]
struct Routes {
    channels: u32,
    publishers: u32,
    /// Messages so far, by channel.
    of_channel: Vec<u32>,
}

impl Routes {
    fn new(channels: usize, publishers: usize) -> Self {
        let bounded = |count: usize| u32::try_from(count.max(1)).unwrap_or(u32::MAX);
        let channels = bounded(channels);
        Self {
            channels,
            publishers: bounded(publishers),
            of_channel: vec![0; channels as usize],
        }
    }

    fn take(&mut self, channel: u32) -> (u32, u32) {
        let count = &mut self.of_channel[channel as usize];
        let number = *count;
        *count += 1;
        if self.publishers <= self.channels {
            return (channel % self.publishers, number);
        }
        // How many of channel, channel + channels, ... are below publishers.
        let peers = (self.publishers - channel).div_ceil(self.channels);
        (channel + (number % peers) * self.channels, number / peers)
    }
}

#[cfg(test)]
mod tests;
