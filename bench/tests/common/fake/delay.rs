//! How long messages are kept back: always the same, one of two spans, or with a heavy tail.

use std::time::Duration;

/// What passes before a message is delivered.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Delay {
    /// The same for all.
    Fixed(Duration),
    /// `usual`, or for this share of the messages `other`.
    Bimodal {
        usual: Duration,
        other: Duration,
        share: f64,
    },
    /// `least / u^(1 / shape)` for u uniform in (0, 1], and `most` at most: a Pareto distribution.
    Pareto {
        least: Duration,
        shape: f64,
        most: Duration,
    },
}

impl Default for Delay {
    fn default() -> Self {
        Self::Fixed(Duration::ZERO)
    }
}

impl Delay {
    /// That of a channel's `number`-th message. A channel is drawn for by its number, which stands
    /// at the end of its name, so that every run of a plan has the same delays.
    pub(super) fn of(self, channel: &str, number: u64) -> Duration {
        let channel = channel
            .rsplit('-')
            .next()
            .and_then(|name| name.parse().ok());
        let seed = number << 20 | channel.unwrap_or(0_u64);
        match self {
            Self::Fixed(delay) => delay,
            Self::Bimodal { other, share, .. } if uniform(seed) <= share => other,
            Self::Bimodal { usual, .. } => usual,
            Self::Pareto { least, shape, most } => {
                least.mul_f64(uniform(seed).powf(-1.0 / shape)).min(most)
            }
        }
    }
}

/// A number above 0 and up to 1, drawn by SplitMix64 (Steele, Lea and Flood 2014).
fn uniform(seed: u64) -> f64 {
    let value = seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15);
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (((value ^ (value >> 31)) >> 11) + 1) as f64 / (1_u64 << 53) as f64
}
