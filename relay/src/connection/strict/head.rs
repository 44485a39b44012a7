//! A request's head, as far as it says where its body ends.

use super::line::{Line, Step, Violation};

/// A head as far as it has come.
#[derive(Debug, Default)]
pub(super) struct Head {
    line: Line,
    read: Read,
}

#[derive(Debug, Default)]
struct Read {
    /// The request line has come.
    begun: bool,
    /// The line that ends the head has come.
    ended: bool,
    framing: Option<Framing>,
}

/// How long a body is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Length(u64),
    Chunks,
}

impl Head {
    /// Reads on, and gives how many bytes are of the head; when it is over, also its framing.
    pub(super) fn read(
        &mut self,
        bytes: &[u8],
    ) -> Result<(usize, Option<Framing>), (usize, Violation)> {
        let mut at = 0;
        while at < bytes.len() {
            let read = &mut self.read;
            let step = self.line.read(&bytes[at..], |line| read.line(line));
            match step.map_err(|violation| (at, violation))? {
                Step::All => at = bytes.len(),
                Step::Upto(end) => at += end,
            }
            if self.read.ended {
                let framing = self.read.framing.unwrap_or(Framing::Length(0));
                return Ok((at, Some(framing)));
            }
        }
        Ok((at, None))
    }
}

impl Read {
    fn line(&mut self, line: &[u8]) -> Result<(), Violation> {
        match line {
            // Empty lines may come before a request.
            [] => self.ended = self.begun,
            _ if !self.begun => {
                self.begun = true;
                // hyper takes the target without it, as if it were another.
                if line.contains(&b'#') {
                    return Err(Violation::Fragment);
                }
            }
            [b'C' | b'c', ..] => {
                if let Some(value) = value(line, b"content-length") {
                    self.frame(Framing::Length(number(value)?))?;
                }
            }
            [b'T' | b't', ..] => {
                if let Some(value) = value(line, b"transfer-encoding") {
                    chunked(value)?;
                    self.frame(Framing::Chunks)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// Of two that say the same only one would be needed: who sends both has something in mind.
    fn frame(&mut self, framing: Framing) -> Result<(), Violation> {
        match self.framing.replace(framing) {
            None => Ok(()),
            Some(_) => Err(Violation::Framing),
        }
    }
}

/// Gives a field's value, if that is its name. hyper takes no space before the colon.
fn value<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let (first, rest) = line.split_at_checked(name.len())?;
    match rest {
        [b':', value @ ..] if first.eq_ignore_ascii_case(name) => Some(trim(value)),
        _ => None,
    }
}

/// Takes white space away, which is spaces and tabs alone.
fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

fn number(digits: &[u8]) -> Result<u64, Violation> {
    if digits.is_empty() {
        return Err(Violation::Length);
    }
    digits.iter().try_fold(0_u64, |sum, digit| {
        let digit = digit.is_ascii_digit().then(|| u64::from(digit - b'0'));
        let sum = sum.checked_mul(10).zip(digit);
        sum.and_then(|(sum, digit)| sum.checked_add(digit))
            .ok_or(Violation::Length)
    })
}

fn chunked(codings: &[u8]) -> Result<(), Violation> {
    if codings.eq_ignore_ascii_case(b"chunked") {
        return Ok(());
    }
    let last = codings.rsplit(|byte| *byte == b',').next();
    if last.is_some_and(|last| trim(last).eq_ignore_ascii_case(b"chunked")) {
        Err(Violation::Coding)
    } else {
        Err(Violation::Endless)
    }
}
