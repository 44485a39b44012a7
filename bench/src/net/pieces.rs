//! What a client is fed: bytes of HTTP/1.1, or what HTTP/2 made of its frames.

use bytes::Bytes;

use super::http::{Head, HttpError, Piece, Reader};

/// What a client is fed. It reads pieces from either, and need not know which it is.
#[derive(Debug)]
pub enum Input<'a> {
    /// Bytes as they came.
    Bytes(&'a [u8]),
    /// Pieces of answers.
    Parts(std::slice::IterMut<'a, Part>),
}

/// A piece of an answer that came over HTTP/2.
#[derive(Debug)]
pub struct Part {
    /// The request that it answers: the how manieth of its connection, from 0.
    pub request: u64,
    /// What it is.
    pub content: Content,
}

/// What came on a stream.
#[derive(Debug)]
pub enum Content {
    /// The head of an answer.
    Head(Head),
    /// Bytes of a body.
    Body(Bytes),
    /// The answer is complete.
    End,
}

impl<'a> Input<'a> {
    /// The next piece, read by `reader` where it comes as bytes, and the request that it answers where answers
    /// come in any order.
    ///
    /// # Errors
    /// [`HttpError`]; the connection is of no more use.
    pub fn next(&mut self, reader: &mut Reader) -> Result<(Option<u64>, Piece<'a>), HttpError> {
        self.next_wanting(reader, &[])
    }

    /// The same, keeping the headers of these names where the answer came as bytes.
    ///
    /// # Errors
    /// As above.
    pub fn next_wanting(
        &mut self,
        reader: &mut Reader,
        names: &[Box<str>],
    ) -> Result<(Option<u64>, Piece<'a>), HttpError> {
        match self {
            Self::Bytes(bytes) => {
                let (taken, piece) = reader.read_wanting(bytes, names)?;
                *bytes = &bytes[taken..];
                Ok((None, piece))
            }
            Self::Parts(parts) => Ok(match parts.next() {
                None => (None, Piece::More),
                Some(Part { request, content }) => (
                    Some(*request),
                    match content {
                        Content::Head(head) => Piece::Head(std::mem::take(head)),
                        Content::Body(bytes) => Piece::Body(bytes),
                        Content::End => Piece::End,
                    },
                ),
            }),
        }
    }

    /// Whether it came over HTTP/2, where a WebSocket is opened otherwise (RFC 8441).
    #[must_use]
    pub fn is_parts(&self) -> bool {
        matches!(self, Self::Parts(_))
    }

    /// The next bytes of a connection that is no longer HTTP; nothing when they are all taken or the server has
    /// ended its side.
    pub fn next_bytes(&mut self) -> Upgraded<'a> {
        match self {
            Self::Bytes([]) => Upgraded::More,
            Self::Bytes(bytes) => Upgraded::Bytes(std::mem::take(bytes)),
            Self::Parts(parts) => match parts.next() {
                Some(Part {
                    content: Content::Body(bytes),
                    ..
                }) => Upgraded::Bytes(bytes),
                Some(_) => Upgraded::Ended,
                None => Upgraded::More,
            },
        }
    }
}

/// What comes over a connection that is no longer HTTP.
#[derive(Debug, PartialEq, Eq)]
pub enum Upgraded<'a> {
    /// Bytes.
    Bytes(&'a [u8]),
    /// The server has ended its side.
    Ended,
    /// All bytes were taken.
    More,
}

impl<'a> From<&'a [u8]> for Input<'a> {
    fn from(bytes: &'a [u8]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a, const N: usize> From<&'a [u8; N]> for Input<'a> {
    fn from(bytes: &'a [u8; N]) -> Self {
        Self::Bytes(bytes)
    }
}

impl<'a> From<&'a mut [Part]> for Input<'a> {
    fn from(parts: &'a mut [Part]) -> Self {
        Self::Parts(parts.iter_mut())
    }
}
