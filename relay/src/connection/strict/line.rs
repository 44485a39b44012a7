//! A line, and what is wrong with one.

/// The longest line that is kept when it comes in pieces; hyper answers before, at the end of its buffer.
const LONGEST: usize = 64 * 1024;

/// What a client sent that it may not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(in crate::connection) enum Violation {
    /// RFC 9112, section 2.2.
    #[error("a line ends with CR and LF")]
    BareLf,
    /// RFC 9112, section 3.2.
    #[error("a target has no fragment")]
    Fragment,
    /// RFC 9112, section 6.3.
    #[error("a request says how long its body is once, by Content-Length or by Transfer-Encoding")]
    Framing,
    /// RFC 9110, section 8.6.
    #[error("Content-Length is a number")]
    Length,
    /// RFC 9112, section 6.3: nobody can tell where the body ends.
    #[error("the last transfer coding is chunked")]
    Endless,
    /// RFC 9112, section 6.1.
    #[error("the only transfer coding is chunked")]
    Coding,
    /// RFC 9112, section 7.1.
    #[error("a chunk is its size in hexadecimal digits, a line end, its data and a line end")]
    Chunk,
    /// RFC 9112, section 7.1.1.
    #[error("a chunk extension is short and of visible characters")]
    Extension,
    /// A line beyond all bounds.
    #[error("the line is too long")]
    TooLong,
}

/// A line as far as it has come, when it comes in pieces.
#[derive(Debug, Default)]
pub(super) struct Line {
    kept: Vec<u8>,
}

/// What became of bytes.
pub(super) enum Step {
    /// No line ended.
    All,
    /// One did, after so many of them.
    Upto(usize),
}

impl Line {
    /// Reads on to the end of a line, and gives it to `take` without that.
    pub(super) fn read(
        &mut self,
        bytes: &[u8],
        take: impl FnOnce(&[u8]) -> Result<(), Violation>,
    ) -> Result<Step, Violation> {
        let Some(end) = memchr::memchr(b'\n', bytes) else {
            if self.kept.len() + bytes.len() > LONGEST {
                return Err(Violation::TooLong);
            }
            self.kept.extend_from_slice(bytes);
            return Ok(Step::All);
        };
        let ended = |line: &[u8]| match line {
            [line @ .., b'\r'] => take(line),
            _ => Err(Violation::BareLf),
        };
        if self.kept.is_empty() {
            ended(&bytes[..end])?;
        } else {
            let mut line = std::mem::take(&mut self.kept);
            line.extend_from_slice(&bytes[..end]);
            ended(&line)?;
        }
        Ok(Step::Upto(end + 1))
    }

    /// How much of a line has come.
    pub(super) fn len(&self) -> usize {
        self.kept.len()
    }
}
