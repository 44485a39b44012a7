//! A snapshot: all that the logs keep, as text, so that the next process goes on where this one ended.
//!
//! ```text
//! relay-log 1 1800000000123
//! epochs 3f0c…
//! ended 4711 2
//! channel room.1 k3f9ab-16 2
//! 17 2500 {"text":"hi"}
//! 18 900 "and again"
//! end 1 2 SHA-256
//! ```
//! The first line names the version and the time of writing (Unix, milliseconds), the second the key that epochs are computed
//! from (128 bits, hexadecimal), and those after it how many lives have ended in which place. A channel has its name, its epoch with the
//! offset of the last message that is no longer kept, and the count of its messages, one a line, oldest first: offset, age in
//! milliseconds, payload. A payload is one line because it is minified JSON. The last line counts channels and messages and gives
//! the SHA-256 of all lines before it, in hexadecimal.

mod read;
#[cfg(test)]
mod tests;
mod write;

use std::io;

pub(super) use read::read;
pub(super) use write::write;

/// What the first line begins with.
const MAGIC: &str = "relay-log";
/// The version that is written, and the only one that is read.
const VERSION: u32 = 1;
/// The greatest offset that is read, so that a log goes on behind any.
const LAST: u64 = u64::MAX / 2;
/// The longest line, its payload left out.
const LINE: usize = 256;

/// What came out of a snapshot.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Restored {
    /// Channels that go on.
    pub channels: usize,
    /// Messages they keep.
    pub messages: usize,
    /// Channels that were left behind: there may not be so many.
    pub channels_left: usize,
    /// Messages that were left behind: too old by now, too many or too large for what a channel may keep.
    pub messages_left: usize,
}

/// The reason a snapshot was not read.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotError {
    /// It is something else.
    #[error("it is no log of a relay")]
    Foreign,
    /// Its version is another one.
    #[error("it has version {found} of the format, and this relay reads version {VERSION}")]
    Version {
        /// The version it names.
        found: u32,
    },
    /// It ends before its last line.
    #[error("it is cut off: its end is missing")]
    Truncated,
    /// A line means nothing.
    #[error("its line {line} is wrong")]
    Malformed {
        /// The line's number, from 1.
        line: u64,
    },
    /// What it says is not what was written.
    #[error("its checksum is wrong: it was changed after it was written")]
    Checksum,
    /// It cannot be read at all.
    #[error(transparent)]
    Io(#[from] io::Error),
}
