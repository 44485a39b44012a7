//! The stamp that every published message carries, and that clients look for.
//!
//! A stamp is plain ASCII without quotes or backslashes, so it comes through
//! JSON quoting unchanged, and it is found by its mark wherever a server puts
//! the payload. It names the message and the instant it was *due*.

use std::sync::LazyLock;

use memchr::memmem::Finder;

use crate::clock::Moment;

const MARK: &[u8; 4] = b"~PM1";
const FIELDS: [usize; 5] = [8, 5, 4, 8, 16];
const CHECK: usize = 4;

/// Bytes of a stamp.
pub const LENGTH: usize = MARK.len() + 8 + 5 + 4 + 8 + 16 + CHECK;

static FINDER: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(MARK));

/// Which message this is and when it was due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stamp {
    /// The trial, drawn anew for each: a message left over from another one is a stray.
    pub run: u32,
    /// The channel's number, at most 20 bits.
    pub channel: u32,
    /// The publisher's number.
    pub publisher: u16,
    /// Counts from 0 for each pair of publisher and channel.
    pub sequence: u32,
    /// When the schedule wanted it sent.
    pub due: Moment,
}

impl Stamp {
    /// Writes the payload of this message: a JSON string of exactly `size` bytes, quotes included.
    ///
    /// A `size` too small for the stamp gives the smallest payload that holds it.
    pub fn write_payload(&self, size: usize, out: &mut Vec<u8>) {
        out.push(b'"');
        self.write(out);
        out.resize(out.len() + size.saturating_sub(LENGTH + 2), b'.');
        out.push(b'"');
    }

    fn write(&self, out: &mut Vec<u8>) {
        let start = out.len();
        out.extend_from_slice(MARK);
        let values = [
            u64::from(self.run),
            u64::from(self.channel),
            u64::from(self.publisher),
            u64::from(self.sequence),
            self.due.0,
        ];
        for (value, width) in values.into_iter().zip(FIELDS) {
            write_hex(value, width, out);
        }
        let check = checksum(&out[start..]);
        write_hex(u64::from(check), CHECK, out);
    }

    /// Reads the stamp at the start of `bytes`; `None` when there is no whole and sound one.
    #[must_use]
    pub fn read(bytes: &[u8]) -> Option<Self> {
        let body = bytes.get(..LENGTH)?.strip_prefix(MARK)?;
        let mut at = 0;
        let mut values = [0; 5];
        for (value, width) in values.iter_mut().zip(FIELDS) {
            *value = read_hex(&body[at..at + width])?;
            at += width;
        }
        let check = read_hex(&body[at..at + CHECK])?;
        if check != u64::from(checksum(&bytes[..LENGTH - CHECK])) {
            return None;
        }
        Some(Self {
            run: u32::try_from(values[0]).ok()?,
            channel: u32::try_from(values[1]).ok()?,
            publisher: u16::try_from(values[2]).ok()?,
            sequence: u32::try_from(values[3]).ok()?,
            due: Moment(values[4]),
        })
    }

    /// Every sound stamp in `bytes`, in order.
    pub fn find_all(bytes: &[u8]) -> impl Iterator<Item = Self> + '_ {
        FINDER
            .find_iter(bytes)
            .filter_map(|at| Self::read(&bytes[at..]))
    }
}

fn write_hex(value: u64, width: usize, out: &mut Vec<u8>) {
    for place in (0..width).rev() {
        let digit = (value >> (place * 4)) & 0xf;
        out.push(b"0123456789abcdef"[digit as usize]);
    }
}

fn read_hex(digits: &[u8]) -> Option<u64> {
    let (mut value, mut seen) = (0, 0);
    for &digit in digits {
        let digit = DIGITS[usize::from(digit)];
        seen |= digit;
        value = value << 4 | u64::from(digit & 0xf);
    }
    // Looked at once for all of them: a stamp that is none is rare.
    (seen != NO_DIGIT).then_some(value)
}

/// What each byte stands for as a hexadecimal digit. No union of digits looks like a byte that is none.
const DIGITS: [u8; 256] = {
    let mut digits = [NO_DIGIT; 256];
    let mut value = 0_u8;
    while value < 16 {
        digits[b"0123456789abcdef"[value as usize] as usize] = value;
        value += 1;
    }
    digits
};
const NO_DIGIT: u8 = 0xff;

/// FNV-1a, folded to 16 bits: tells a damaged stamp from a sound one.
fn checksum(bytes: &[u8]) -> u16 {
    let hash = bytes.iter().fold(0x811c_9dc5_u32, |hash, &byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    (hash >> 16) as u16 ^ (hash & 0xffff) as u16
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn any_stamp() -> impl Strategy<Value = Stamp> {
        (
            any::<u32>(),
            0..1_u32 << 20,
            any::<u16>(),
            any::<u32>(),
            any::<u64>(),
        )
            .prop_map(|(run, channel, publisher, sequence, due)| Stamp {
                run,
                channel,
                publisher,
                sequence,
                due: Moment(due),
            })
    }

    proptest! {
        #[test]
        fn a_stamp_is_found_in_any_envelope(stamps in prop::collection::vec(any_stamp(), 0..5), before in "[^~]{0,20}", size in 0..300_usize) {
            let mut text = before.into_bytes();
            for stamp in &stamps {
                let mut payload = Vec::new();
                stamp.write_payload(size, &mut payload);
                prop_assert_eq!(payload.len(), size.max(LENGTH + 2));
                let payload = String::from_utf8(payload).unwrap();
                // A server that quotes the payload again changes nothing inside the stamp.
                text.extend_from_slice(serde_json::to_string(&payload).unwrap().as_bytes());
            }
            prop_assert_eq!(Stamp::find_all(&text).collect::<Vec<_>>(), stamps);
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
            let _ = Stamp::find_all(&bytes).count();
        }

        #[test]
        fn a_damaged_stamp_is_no_stamp(stamp in any_stamp(), at in 4..LENGTH, change in 1..=255_u8) {
            let mut payload = Vec::new();
            stamp.write(&mut payload);
            payload[at] ^= change;
            prop_assert_ne!(Stamp::read(&payload), Some(stamp));
        }
    }
}
