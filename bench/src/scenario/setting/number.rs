//! Settings whose value is a number, for whoever varies it.

use std::time::Duration;

use super::Setting;
use crate::scenario::plan::Factor;

/// A number to some five figures, as one would write it in a name: what is between two that read the same is nothing that is measured.
pub(super) fn short(number: f64) -> String {
    let decimals = (0..12).find(|decimals| {
        let off = format!("{number:.decimals$}")
            .parse::<f64>()
            .map(|near| near - number);
        off.is_ok_and(|off| off.abs() <= number.abs() * 2e-5)
    });
    decimals.map_or_else(
        || number.to_string(),
        |decimals| format!("{number:.decimals$}"),
    )
}

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

#[cfg(test)]
mod tests {
    use super::short;

    #[test]
    fn a_number_in_a_name_is_as_one_writes_it() {
        for (number, written) in [
            (0.0, "0"),
            (2.5, "2.5"),
            (100.0, "100"),
            (20.0 / 3.0, "6.6667"),
            (100.0 / 3.0, "33.333"),
            (0.000_1, "0.0001"),
            (0.003_333_333_333, "0.0033333"),
            (1_234_567.8, "1234568"),
        ] {
            assert_eq!(short(number), written);
        }
    }
}
