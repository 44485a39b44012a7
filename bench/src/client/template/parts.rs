//! The parts of a body of `multipart/mixed` (RFC 2046, section 5.1), in pieces of any size.

use memchr::memmem;

use super::{Asked, record};
use crate::client::{ClientError, Cursor, MAX_RECORD};
use crate::scenario::Cursor as Source;

/// A body as far as it has been read.
#[derive(Debug)]
pub(super) struct Parts {
    /// `--` and the boundary.
    delimiter: Box<[u8]>,
    /// What has come since the last delimiter.
    partial: Vec<u8>,
    /// Bytes of it that hold no delimiter.
    searched: usize,
}

impl Parts {
    /// Of the boundary that a `Content-Type` names.
    pub(super) fn of(content_type: &str) -> Result<Self, ClientError> {
        let boundary = content_type.split(';').find_map(|parameter| {
            let (name, value) = parameter.split_once('=')?;
            let value = value.trim().trim_matches('"');
            (name.trim().eq_ignore_ascii_case("boundary") && !value.is_empty()).then_some(value)
        });
        let boundary = boundary.ok_or(ClientError::Boundary)?;
        Ok(Self {
            delimiter: format!("--{boundary}").into_bytes().into(),
            partial: Vec::new(),
            searched: 0,
        })
    }

    /// Gives each part that ends in `input`, its head included, to `take`.
    ///
    /// A part has ended with the delimiter behind it: Nchan sends that at once, before it knows of a next part.
    pub(super) fn feed(
        &mut self,
        input: &[u8],
        mut take: impl FnMut(&[u8]),
    ) -> Result<(), ClientError> {
        self.partial.extend_from_slice(input);
        while let Some(at) = memmem::find(&self.partial[self.searched..], &self.delimiter) {
            let end = self.searched + at;
            // Behind the delimiter the line ends, and before the next one it does.
            take(self.partial[..end].trim_ascii());
            self.partial.drain(..end + self.delimiter.len());
            self.searched = 0;
        }
        self.searched = (self.partial.len() + 1).saturating_sub(self.delimiter.len());
        if self.partial.len() > MAX_RECORD {
            return Err(ClientError::TooLong);
        }
        Ok(())
    }

    /// Goes on to the position that the head of a part names.
    pub(super) fn position(asked: &Asked, part: &[u8], cursor: &mut Cursor) {
        let Source::Headers(names) = &asked.way.cursor else {
            return;
        };
        let values: Option<Vec<&str>> =
            names.iter().map(|name| record::field(part, name)).collect();
        if let Some(values) = values {
            cursor.advance(&values.join("\n"));
        }
    }
}
