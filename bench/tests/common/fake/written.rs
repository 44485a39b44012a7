//! What was written when: the truth that a report is held against.

use bench::clock::Moment;

/// A message in a record that was written to one connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Written {
    /// The connection, counted from 1.
    pub(crate) connection: u64,
    /// What names the message: channel, publisher and sequence number as they stand in its stamp.
    pub(crate) message: [u8; 17],
    /// When it was due, by its stamp.
    pub(crate) due: Moment,
    /// Just before the write that made its stamp whole.
    pub(crate) before: Moment,
    /// Just after the last byte of what was written together with it.
    pub(crate) after: Moment,
}

/// A stamp in what is written.
pub(super) struct Stamp {
    /// The place after its last byte.
    pub(super) end: usize,
    pub(super) message: [u8; 17],
    pub(super) due: Moment,
}

/// Every stamp in `bytes`: `~PM1`, run (8), channel (5), publisher (4), sequence (8), due (16) and
/// check (4), in hexadecimal digits. Read here anew: bench's own reader is under test.
pub(super) fn stamps(bytes: &[u8]) -> Vec<Stamp> {
    const LENGTH: usize = 49;
    let mut found = Vec::new();
    for (at, stamp) in bytes.windows(LENGTH).enumerate() {
        if !stamp.starts_with(b"~PM1") {
            continue;
        }
        let due = std::str::from_utf8(&stamp[29..45]).unwrap();
        found.push(Stamp {
            end: at + LENGTH,
            message: stamp[12..29].try_into().unwrap(),
            due: Moment(u64::from_str_radix(due, 16).unwrap()),
        });
    }
    found
}
