//! Cutting a stream of bytes into lines, in pieces of any size.

use super::{ClientError, MAX_RECORD};

/// Gives whole lines; keeps a line that has not ended. A line ends in LF, CRLF or CR.
#[derive(Debug, Default)]
pub(super) struct Lines {
    partial: Vec<u8>,
    /// The last line ended in CR: an LF that follows belongs to it.
    after_return: bool,
}

impl Lines {
    /// Gives each line that ends in `input`, without its end, to `take`.
    pub(super) fn feed(
        &mut self,
        mut input: &[u8],
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), ClientError> {
        while !input.is_empty() {
            if std::mem::take(&mut self.after_return) && input[0] == b'\n' {
                input = &input[1..];
                continue;
            }
            let Some(end) = memchr::memchr2(b'\n', b'\r', input) else {
                self.partial.extend_from_slice(input);
                return if self.partial.len() > MAX_RECORD {
                    Err(ClientError::TooLong)
                } else {
                    Ok(())
                };
            };
            if self.partial.is_empty() {
                take(&input[..end]);
            } else {
                self.partial.extend_from_slice(&input[..end]);
                take(&self.partial);
                self.partial = Vec::new();
            }
            self.after_return = input[end] == b'\r';
            input = &input[end + 1..];
        }
        Ok(())
    }
}
