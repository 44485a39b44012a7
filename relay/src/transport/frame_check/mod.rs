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
    /// Frames that have begun, up to when they were last asked for.
    frames: usize,
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
            frames: 0,
        }
    }

    /// Gives what ended the socket; nothing that comes after it counts.
    pub(super) fn broken(&self) -> Option<Violation> {
        self.broken
    }

    /// Gives how many frames have begun since they were taken.
    pub(super) fn frames(&self) -> usize {
        self.frames
    }

    /// Takes them.
    pub(super) fn take_frames(&mut self) -> usize {
        std::mem::take(&mut self.frames)
    }

    /// Tells whether no frame and no message is unfinished.
    pub(super) fn is_at_rest(&self) -> bool {
        self.have == 0 && self.left == 0 && self.message.is_none() && self.broken.is_none()
    }

    /// Tells whether a message has begun whose last frame has not.
    pub(super) fn is_in_message(&self) -> bool {
        self.message.is_some()
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
        self.frames += 1;
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
        self.end_if_done()
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
        self.end_if_done()?;
        Ok(len)
    }

    /// Forgets the message when its last frame is over; text does not end within a character.
    fn end_if_done(&mut self) -> Result<(), Violation> {
        if self.left > 0 || self.is_control() || self.head[0] & FIN == 0 {
            return Ok(());
        }
        let tail = self.message.take().and_then(|begun| begun.text);
        let whole = tail.is_none_or(|tail| tail.len == 0);
        whole.then_some(()).ok_or(Violation::NotUtf8)
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
mod tests;
