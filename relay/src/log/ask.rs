//! What a reader is asked for: where to begin, what to give, how long to wait.

use tokio::time::Instant;

use crate::message::{Position, PositionError};

/// Where a reader begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Start {
    /// At the oldest message kept.
    Earliest,
    /// After the youngest: from now on.
    Latest,
    /// After a position that an answer gave.
    After(Position),
    /// The same, where only the store knows whether it was ever given and cannot be asked: it is taken for right, and waits.
    Unasked(Position),
}

impl std::str::FromStr for Start {
    type Err = PositionError;

    fn from_str(text: &str) -> Result<Self, PositionError> {
        if text == "earliest" {
            Ok(Self::Earliest)
        } else {
            text.parse().map(Self::After)
        }
    }
}

/// How long a reader waits when there is nothing to read.
#[derive(Debug, Clone, Copy)]
pub enum Wait {
    /// Not at all.
    No,
    /// Until then, and then returns an empty batch.
    UpTo(Instant),
    /// For as long as it takes.
    Forever,
}

/// What a reader wants of the messages after its position.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pick {
    /// The most messages of one read; `None` leaves it to the log's own limit, which is never exceeded.
    pub most: Option<usize>,
    /// Only the newest message: those before it are passed over.
    pub newest: bool,
}
