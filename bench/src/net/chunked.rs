//! Taking the chunk framing off a body, in pieces of any size (RFC 9112, section 7.1).

/// Longest chunk size that is believed: 2^40 bytes.
const MAX_DIGITS: u8 = 10;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
enum State {
    #[default]
    Size,
    /// Behind the digits: an extension may follow, and nothing else.
    Space,
    Extension,
    SizeEnd,
    Data,
    DataReturn,
    DataEnd,
    /// At the start of a trailer line.
    Trailer,
    TrailerLine,
    LastEnd,
    Ended,
}

/// A body in chunks, as far as it has been read.
#[derive(Debug, Default)]
pub(super) struct Chunked {
    state: State,
    left: u64,
    digits: u8,
}

impl Chunked {
    /// Reads on: gives how many bytes it took and the data among them, at most one run of it.
    /// `None` when the framing is malformed.
    pub(super) fn read<'a>(&mut self, input: &'a [u8]) -> Option<(usize, &'a [u8])> {
        let mut at = 0;
        while at < input.len() && self.state != State::Ended {
            if self.state == State::Data {
                let take = usize::try_from(self.left)
                    .unwrap_or(usize::MAX)
                    .min(input.len() - at);
                self.left -= take as u64;
                if self.left == 0 {
                    self.state = State::DataReturn;
                }
                // Only the run itself is given; the rest of the input is read by the next call.
                return Some((at + take, &input[at..at + take]));
            }
            self.step(input[at])?;
            at += 1;
        }
        Some((at, &[]))
    }

    /// Whether a chunk has begun and not ended.
    pub(super) fn is_within(&self) -> bool {
        self.state == State::Data
    }

    pub(super) fn ended(&self) -> bool {
        self.state == State::Ended
    }

    fn step(&mut self, byte: u8) -> Option<()> {
        self.state = match (self.state, byte) {
            (State::Size, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F') if self.digits < MAX_DIGITS => {
                self.left = self.left << 4 | u64::from((byte as char).to_digit(16)?);
                self.digits += 1;
                State::Size
            }
            (State::Size, b' ' | b'\t') if self.digits > 0 => State::Space,
            (State::Size, b';') if self.digits > 0 => State::Extension,
            (State::Size, b'\r') if self.digits > 0 => State::SizeEnd,
            (State::Space, b' ' | b'\t') => State::Space,
            (State::Space, b';') => State::Extension,
            (State::Space, b'\r') => State::SizeEnd,
            (State::Extension, b'\r') => State::SizeEnd,
            (State::Extension, byte) if byte != b'\n' => State::Extension,
            (State::SizeEnd, b'\n') => {
                self.digits = 0;
                if self.left == 0 {
                    State::Trailer
                } else {
                    State::Data
                }
            }
            (State::DataReturn, b'\r') => State::DataEnd,
            (State::DataEnd, b'\n') => State::Size,
            (State::Trailer, b'\r') => State::LastEnd,
            (State::Trailer, byte) if byte != b'\n' => State::TrailerLine,
            (State::TrailerLine, b'\n') => State::Trailer,
            (State::TrailerLine, _) => State::TrailerLine,
            (State::LastEnd, b'\n') => State::Ended,
            _ => return None,
        };
        Some(())
    }
}
