//! Reads along with tungstenite, and finds at once what that finds only at the end of a frame.
//!
//! A client that breaks the protocol in the first bytes of a frame is not listened to until its last
//! one, and text that is not UTF-8 ends the socket with the byte that shows it (RFC 6455, section 8.1).

use std::str::from_utf8;

/// Bits of a frame's first byte: the last of its message, reserved, an opcode of a control frame.
const FIN: u8 = 0x80;
const RESERVED: u8 = 0x70;
const CONTROL_BIT: u8 = 0x08;
/// Bit of the second byte: a mask is given.
const MASKED: u8 = 0x80;
/// The longest payload of a control frame, in bytes.
const LONGEST_CONTROL: u8 = 125;
/// Payload bytes that are unmasked and read as text at once, on the stack.
const PIECE: usize = 256;

/// What a client did that ends its socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Violation {
    /// A frame that the protocol forbids.
    Protocol,
    /// A message beyond the limit.
    TooLarge,
    /// Text that is not UTF-8.
    NotUtf8,
}

/// The frames of one client, byte by byte, as far as they have come.
#[derive(Debug)]
pub(super) struct FrameCheck {
    /// The most payload bytes of a message.
    largest: u64,
    /// The head of the present frame, and how much of it is here.
    head: [u8; 14],
    have: usize,
    /// Payload bytes of the present frame still to come, when its head is complete.
    left: u64,
    /// The mask, turned so that its first byte is that of the next one to come.
    mask: [u8; 4],
    message: Option<Begun>,
    broken: Option<Violation>,
}

/// A message whose first frame has begun.
#[derive(Debug, Default)]
struct Begun {
    /// Its payload bytes in all frames that have begun.
    length: u64,
    /// A character whose last bytes have not come yet; none when the message is binary.
    text: Option<Tail>,
}

/// The first bytes of a character.
#[derive(Debug, Default)]
struct Tail {
    bytes: [u8; 4],
    len: usize,
}

impl FrameCheck {
    pub(super) fn new(largest: usize) -> Self {
        Self {
            largest: largest as u64,
            head: [0; 14],
            have: 0,
            left: 0,
            mask: [0; 4],
            message: None,
            broken: None,
        }
    }

    /// Gives what ended the socket; nothing that comes after it counts.
    pub(super) fn broken(&self) -> Option<Violation> {
        self.broken
    }

    /// Gives how many of the next bytes may go on: all of them, or those of the frames before the one
    /// that breaks the protocol, and perhaps some of its own.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while at < bytes.len() && self.broken.is_none() {
            let step = if self.left > 0 {
                self.payload(&bytes[at..])
            } else {
                self.head_byte(bytes[at]).map(|()| 1)
            };
            match step {
                Ok(step) => at += step,
                Err(violation) => self.broken = Some(violation),
            }
        }
        at
    }

    fn head_byte(&mut self, byte: u8) -> Result<(), Violation> {
        self.head[self.have] = byte;
        self.have += 1;
        match self.have {
            1 => self.first(byte),
            2 => self.second(byte),
            _ => Ok(()),
        }?;
        if self.have < 2 || self.have < self.head_length() {
            return Ok(());
        }
        self.mask
            .copy_from_slice(&self.head[self.have - 4..self.have]);
        self.have = 0;
        self.left = self.length();
        self.begin()
    }

    fn first(&self, byte: u8) -> Result<(), Violation> {
        let fin = byte & FIN != 0;
        let allowed = byte & RESERVED == 0
            && match byte & 0x0f {
                0x0 => self.message.is_some(),
                0x1 | 0x2 => self.message.is_none(),
                0x8..=0xa => fin,
                _ => false,
            };
        allowed.then_some(()).ok_or(Violation::Protocol)
    }

    fn second(&self, byte: u8) -> Result<(), Violation> {
        let masked = byte & MASKED != 0;
        let fits = !self.is_control() || byte & 0x7f <= LONGEST_CONTROL;
        (masked && fits).then_some(()).ok_or(Violation::Protocol)
    }

    fn is_control(&self) -> bool {
        self.head[0] & CONTROL_BIT != 0
    }

    /// Bytes of the head: two, the longer lengths, the mask.
    fn head_length(&self) -> usize {
        6 + match self.head[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        }
    }

    /// The payload's length. A longer form than it needs is taken: the RFC forbids the client to send
    /// it, but nothing follows from it.
    fn length(&self) -> u64 {
        let long = match self.head[1] & 0x7f {
            126 => &self.head[2..4],
            127 => &self.head[2..10],
            short => return u64::from(short),
        };
        long.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
    }

    /// Takes a complete head into account.
    fn begin(&mut self) -> Result<(), Violation> {
        // The highest bit of a length must be 0.
        if self.left >> 63 != 0 {
            return Err(Violation::Protocol);
        }
        if self.is_control() {
            return Ok(());
        }
        let text = (self.head[0] & 0x0f == 0x1).then(Tail::default);
        let message = self.message.get_or_insert(Begun { length: 0, text });
        message.length = message.length.saturating_add(self.left);
        if message.length > self.largest {
            return Err(Violation::TooLarge);
        }
        self.end_if_done();
        Ok(())
    }

    /// Reads on in the payload, and gives how much of it was read.
    fn payload(&mut self, bytes: &[u8]) -> Result<usize, Violation> {
        let most = bytes.len().min(PIECE);
        let len = usize::try_from(self.left).map_or(most, |left| left.min(most));
        let text = self.message.as_mut().and_then(|begun| begun.text.as_mut());
        if let Some(tail) = text.filter(|_| self.head[0] & CONTROL_BIT == 0) {
            tail.read(&bytes[..len], self.mask)?;
        }
        self.mask.rotate_left(len % 4);
        self.left -= len as u64;
        self.end_if_done();
        Ok(len)
    }

    /// Forgets the message when its last frame is over.
    fn end_if_done(&mut self) {
        if self.left == 0 && !self.is_control() && self.head[0] & FIN != 0 {
            // A character that the end cuts off is left to tungstenite, which has the whole frame now.
            self.message = None;
        }
    }
}

impl Tail {
    /// Reads at most [`PIECE`] masked bytes of text.
    fn read(&mut self, masked: &[u8], mask: [u8; 4]) -> Result<(), Violation> {
        let mut space = [0; PIECE + 4];
        let text = &mut space[..self.len + masked.len()];
        text[..self.len].copy_from_slice(&self.bytes[..self.len]);
        for (at, (byte, masked)) in text[self.len..].iter_mut().zip(masked).enumerate() {
            *byte = masked ^ mask[at % 4];
        }
        let rest = match from_utf8(text) {
            Ok(_) => &[][..],
            Err(error) if error.error_len().is_some() => return Err(Violation::NotUtf8),
            Err(error) => &text[error.valid_up_to()..],
        };
        self.len = rest.len();
        self.bytes[..rest.len()].copy_from_slice(rest);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Makes a frame with a mask.
    fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
        let mask = [0x5a, 0, 0xff, 0x17];
        let mut out = vec![first, 0xfe];
        out.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
        out.extend(mask);
        out.extend(
            payload
                .iter()
                .zip(mask.iter().cycle())
                .map(|(byte, key)| byte ^ key),
        );
        if payload.len() < 126 {
            out[1] = 0x80 | u8::try_from(payload.len()).unwrap();
            out.drain(2..4);
        }
        out
    }

    #[test]
    fn the_byte_that_is_wrong_ends_it() {
        for (bytes, violation) in [
            (vec![0xc1], Violation::Protocol),
            (vec![0x83], Violation::Protocol),
            (vec![0x09], Violation::Protocol),
            (vec![0x80], Violation::Protocol),
            (vec![0x81, 1], Violation::Protocol),
            (vec![0x89, 0xfe], Violation::Protocol),
            (frame(0x81, b"\xce\xba\xf4\x90"), Violation::NotUtf8),
            (frame(0x81, b"\xed\xa0"), Violation::NotUtf8),
            (frame(0x82, &[0; 1001])[..8].to_vec(), Violation::TooLarge),
            (
                vec![0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4],
                Violation::Protocol,
            ),
        ] {
            let good = [
                frame(0x81, "kosme \u{1f980}".as_bytes()),
                frame(0x8a, b"\xff"),
            ]
            .concat();
            let mut check = FrameCheck::new(1000);
            let whole = [good, bytes].concat();
            let (last, before) = whole.split_last().unwrap();
            assert_eq!(check.pass(before), before.len(), "{before:x?}");
            assert_eq!(check.broken(), None, "{before:x?}");
            assert_eq!(check.pass(&[*last]), 0);
            assert_eq!(check.broken(), Some(violation));
            assert_eq!(check.pass(b"more"), 0);
        }
    }

    #[test]
    fn the_frames_of_a_message_count_together() {
        let mut check = FrameCheck::new(1000);
        for first in [0x01, 0x00, 0x80, 0x02, 0x80] {
            let bytes = frame(first, &[b'x'; 300]);
            assert_eq!(check.pass(&bytes), bytes.len());
        }
        check.pass(&[frame(0x01, &[b'x'; 900]), frame(0x80, &[b'x'; 101])].concat());
        assert_eq!(check.broken(), Some(Violation::TooLarge));
    }

    proptest! {
        #[test]
        fn text_is_judged_as_the_standard_library_judges_it(
            parts in prop::collection::vec(prop_oneof![
                "\\PC{0,3}".prop_map(String::into_bytes),
                prop::collection::vec(prop_oneof![Just(0xf4), Just(0x90), Just(0xed), 0x80..=0xffu8], 0..2),
            ], 0..100),
            chop in 1..20usize,
        ) {
            let text = parts.concat();
            let bytes = frame(0x81, &text);
            let mut check = FrameCheck::new(usize::MAX);
            let passed: usize = bytes.chunks(chop).map(|chunk| check.pass(chunk)).sum();
            let wrong = from_utf8(&text).err().is_some_and(|error| error.error_len().is_some());
            prop_assert_eq!(check.broken(), wrong.then_some(Violation::NotUtf8));
            prop_assert_eq!(passed == bytes.len(), !wrong);
        }
    }
}
