//! Where a value of a scenario was written, for errors that point at it.

use std::ops::Range;

/// Where something was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Place {
    /// A stretch of the file, in bytes.
    File(Range<usize>),
    /// A `--set`, as typed.
    Set(String),
    /// Nowhere in particular: a default, or the file as a whole.
    Whole,
}
