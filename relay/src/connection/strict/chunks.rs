//! A body in chunks, as far as it says where it ends.

use super::line::{Line, Step, Violation};

/// The longest line of a chunk's size, with its extensions, which nobody has a use for.
const LONGEST: usize = 256;

/// A body in chunks as far as it has come.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    line: Line,
    next: Next,
}

/// What comes next.
#[derive(Debug, Default, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// The line of a chunk's size.
    #[default]
    Size,
    /// So many bytes of data.
    Data(u64),
    /// The line end behind data.
    DataEnd,
    /// A trailer, or the empty line.
    Trailer,
    /// What is no more of this body.
    Nothing,
}

impl Chunks {
    /// Reads on, and gives how many bytes are of the body, and whether it is over.
    pub(super) fn read(&mut self, bytes: &[u8]) -> Result<(usize, bool), (usize, Violation)> {
        let mut at = 0;
        while at < bytes.len() && self.next != Next::Nothing {
            let rest = &bytes[at..];
            at += self.step(rest).map_err(|violation| (at, violation))?;
        }
        Ok((at, self.next == Next::Nothing))
    }

    fn step(&mut self, bytes: &[u8]) -> Result<usize, Violation> {
        let most = match self.next {
            Next::Data(left) => {
                let len = usize::try_from(left).map_or(bytes.len(), |left| left.min(bytes.len()));
                self.next = match left - len as u64 {
                    0 => Next::DataEnd,
                    left => Next::Data(left),
                };
                return Ok(len);
            }
            // One byte more than its longest shows that a line is too long.
            Next::Size | Next::DataEnd => LONGEST + 3 - self.line.len(),
            Next::Trailer | Next::Nothing => usize::MAX,
        };
        let bytes = &bytes[..bytes.len().min(most)];
        let next = &mut self.next;
        let step = self.line.read(bytes, |line| {
            *next = next.after(line)?;
            Ok(())
        })?;
        match step {
            Step::Upto(end) => Ok(end),
            Step::All if self.next == Next::DataEnd && self.line.len() > 1 => Err(Violation::Chunk),
            Step::All if self.next == Next::Size && self.line.len() > LONGEST + 2 => {
                Err(Violation::Extension)
            }
            Step::All => Ok(bytes.len()),
        }
    }
}

impl Next {
    /// Gives what comes after a line.
    fn after(self, line: &[u8]) -> Result<Self, Violation> {
        match self {
            Self::Size => match size(line)? {
                0 => Ok(Self::Trailer),
                size => Ok(Self::Data(size)),
            },
            Self::DataEnd if line.is_empty() => Ok(Self::Size),
            // hyper reads the fields. The relay makes nothing of them.
            Self::Trailer if !line.is_empty() => Ok(Self::Trailer),
            Self::Trailer => Ok(Self::Nothing),
            Self::DataEnd | Self::Data(_) | Self::Nothing => Err(Violation::Chunk),
        }
    }
}

/// Reads the line of a chunk's size.
fn size(line: &[u8]) -> Result<u64, Violation> {
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit());
    let digits = digits.count();
    let (digits, extension) = line.split_at(digits);
    let after = extension.trim_ascii_start();
    if digits.is_empty() || !extension.is_empty() && after.first() != Some(&b';') {
        return Err(Violation::Chunk);
    }
    let visible = |byte: &u8| !byte.is_ascii_control() || *byte == b'\t';
    if line.len() > LONGEST || !extension.iter().all(visible) {
        return Err(Violation::Extension);
    }
    digits.iter().try_fold(0_u64, |sum, digit| {
        let digit = char::from(*digit).to_digit(16).map(u64::from);
        let sum = sum.checked_mul(16).zip(digit);
        sum.map(|(sum, digit)| sum + digit).ok_or(Violation::Chunk)
    })
}
