//! Positions: how every reader says where it is.

use std::fmt;
use std::str::FromStr;

use rand::RngExt;

const EPOCH_LEN: usize = 6;
const DIGITS: &[u8; 36] = b"0123456789abcdefghijklmnopqrstuvwxyz";

/// The life of one log: drawn at random when the log is made.
///
/// A log that was rebuilt has another epoch, so it is not mistaken for a resumed one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Epoch([u8; EPOCH_LEN]);

/// Where a message stands in its channel's log.
///
/// Offsets grow strictly within one epoch but may skip. A position from another epoch
/// says nothing about this log. It is written `epoch-offset`, as in `k3f9ab-17`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Position {
    /// The log's life.
    pub epoch: Epoch,
    /// The place in it; 0 is before the first message.
    pub offset: u64,
}

/// The text is no position.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a position is written EPOCH-OFFSET, such as k3f9ab-17, as an answer gave it; or `earliest`"
)]
pub struct PositionError;

impl Epoch {
    /// Draws a new epoch.
    #[must_use]
    pub fn random() -> Self {
        let mut rng = rand::rng();
        Self(std::array::from_fn(|_| {
            DIGITS[rng.random_range(0..DIGITS.len())]
        }))
    }

    /// Gives the epoch that a number stands for, which few numbers share.
    #[must_use]
    pub fn of_number(mut number: u64) -> Self {
        Self(std::array::from_fn(|_| {
            let digit = DIGITS[(number % DIGITS.len() as u64) as usize];
            number /= DIGITS.len() as u64;
            digit
        }))
    }

    fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).expect("invariant: an epoch is ASCII")
    }
}

impl Position {
    /// Gives `take` what [`Display`](fmt::Display) writes, without an allocation: every poll's answer says where it stands.
    pub(crate) fn written<T>(self, take: impl FnOnce(&[u8]) -> T) -> T {
        // An offset has at most 20 digits.
        let mut text = [b'0'; EPOCH_LEN + 1 + 20];
        let (mut at, mut left) = (text.len(), self.offset);
        while left > 0 || at == text.len() {
            at -= 1;
            text[at] = b'0' + (left % 10) as u8;
            left /= 10;
        }
        at -= 1;
        text[at] = b'-';
        at -= EPOCH_LEN;
        text[at..][..EPOCH_LEN].copy_from_slice(&self.epoch.0);
        take(&text[at..])
    }
}

impl fmt::Display for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Debug for Epoch {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.epoch.as_str(), self.offset)
    }
}

impl FromStr for Position {
    type Err = PositionError;

    /// Reads exactly what [`Display`](fmt::Display) writes: no sign, no leading zero, no capital.
    fn from_str(text: &str) -> Result<Self, PositionError> {
        let (epoch, offset) = text.split_once('-').ok_or(PositionError)?;
        let epoch: [u8; EPOCH_LEN] = epoch.as_bytes().try_into().map_err(|_| PositionError)?;
        let plain = offset.bytes().all(|b| b.is_ascii_digit())
            && (offset == "0" || !offset.starts_with('0'));
        if !plain
            || !epoch
                .iter()
                .all(|b| b.is_ascii_digit() || b.is_ascii_lowercase())
        {
            return Err(PositionError);
        }
        let offset = offset.parse().map_err(|_| PositionError)?;
        Ok(Self {
            epoch: Epoch(epoch),
            offset,
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_position_reads_back_as_written(offset: u64) {
            let position = Position { epoch: Epoch::random(), offset };
            prop_assert_eq!(position.to_string().parse(), Ok(position));
            prop_assert_eq!(position.written(<[u8]>::to_vec), position.to_string().into_bytes());
        }

        #[test]
        fn what_is_read_is_written_the_same(text in "[a-z0-9]{5,7}-[0-9]{0,21}|\\PC{0,12}") {
            if let Ok(position) = text.parse::<Position>() {
                prop_assert_eq!(position.to_string(), text);
            }
        }
    }

    #[test]
    fn garbage_is_no_position() {
        for wrong in [
            "",
            "-",
            "k3f9ab",
            "k3f9ab-",
            "k3f9ab-01",
            "k3f9ab-+1",
            "K3F9AB-1",
            "k3f9-1",
            "k3f9ab-1-1",
            "k3f9ab-18446744073709551616",
            "k3f9ab- 1",
            "é3f9a-1",
        ] {
            assert_eq!(wrong.parse::<Position>(), Err(PositionError), "{wrong}");
        }
    }
}
