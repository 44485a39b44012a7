//! Settings whose value is a number, for whoever varies it.

use std::time::Duration;

use super::Setting;
use crate::scenario::plan::Factor;

impl Setting {
    /// The value in its own unit; `None` when it is no number.
    pub(in crate::scenario) fn number(&self) -> Option<f64> {
        match self.factor() {
            Factor::Number(number) => Some(number),
            Factor::Text(_) => None,
        }
    }

    /// Whether only whole numbers are values of it.
    pub(in crate::scenario) fn is_whole(&self) -> bool {
        !matches!(self, Self::Rate(_) | Self::Loss(_))
    }

    /// The same key with another number; unchanged when its value is no number.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between two values that were read, never negative and far below 2^53"
    )]
    pub(in crate::scenario) fn with_number(&self, number: f64) -> Self {
        let count = number.round() as usize;
        let span = Duration::from_nanos(number.round() as u64);
        match self {
            Self::Clients(_) => Self::Clients(count),
            Self::Channels(_) => Self::Channels(count),
            Self::Rate(_) => Self::Rate(number),
            Self::Payload(_) => Self::Payload(count),
            Self::Publishers(_) => Self::Publishers(count),
            Self::PollInterval(_) => Self::PollInterval(span),
            Self::Hold(_) => Self::Hold(span),
            Self::Batch(_) => Self::Batch(count),
            Self::Nodes(_) => Self::Nodes(count),
            Self::Linger(_) => Self::Linger(span),
            Self::Rtt(_) => Self::Rtt(span),
            Self::Jitter(_) => Self::Jitter(span),
            Self::Loss(_) => Self::Loss(number),
            Self::Down(Some(_)) => Self::Down(Some(count as u64)),
            Self::Up(Some(_)) => Self::Up(Some(count as u64)),
            _ => self.clone(),
        }
    }
}
