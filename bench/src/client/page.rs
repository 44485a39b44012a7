//! Answers to polls, and the envelope that the relay puts around a message.

use std::borrow::Cow;

use serde::Deserialize;

use super::request::Admission;
use super::{ClientError, Cursor, MAX_RECORD, Sink, Step};
use crate::net::Input;
use crate::net::http::{Piece, Reader};
use crate::scenario::Transport;
use crate::stamp::Stamp;

/// Reads the answers to polls, one after another.
#[derive(Debug, Default)]
pub(super) struct Pages {
    reader: Reader,
    /// What its answers must say.
    pub(super) admission: Admission,
    status: u16,
    close: bool,
    /// Where its head says to go on from: true only once its body is here.
    next: Option<Box<str>>,
    /// A body that came in several pieces.
    partial: Vec<u8>,
}

#[derive(Deserialize)]
struct Page<'a> {
    #[serde(borrow)]
    next: Option<Cow<'a, str>>,
    missed: Option<serde::de::IgnoredAny>,
}

impl Pages {
    /// Takes in all of `input`.
    pub(super) fn feed(
        &mut self,
        mut input: Input<'_>,
        transport: Transport,
        cursor: &mut Cursor,
        sink: &mut impl Sink,
    ) -> Result<Step, ClientError> {
        let mut step = Step::More;
        // The body when it came whole in this input, which is the common case: no copy.
        let mut whole: &[u8] = &[];
        loop {
            match input.next(&mut self.reader)?.1 {
                // An interim answer: the real one follows.
                Piece::Head(head) if head.status < 200 => {}
                Piece::Head(head) => {
                    if !matches!(head.status, 200 | 204) {
                        return Err(self.admission.refusal(transport, head.status));
                    }
                    self.admission.check(&head)?;
                    (self.status, self.close, cursor.response_head) =
                        (head.status, head.close, head.length);
                    self.next = head.next;
                    if self.reader.ends_with_close() {
                        return Err(ClientError::NoLength);
                    }
                }
                Piece::Body(bytes) if self.partial.is_empty() && whole.is_empty() => whole = bytes,
                Piece::Body(bytes) => self.keep(&mut whole, bytes)?,
                Piece::End => {
                    let body = if self.partial.is_empty() {
                        whole
                    } else {
                        &self.partial
                    };
                    if let Some(next) = self.next.take() {
                        cursor.advance(&next);
                    }
                    let found = take(self.status, body, transport, cursor, sink)?;
                    (whole, self.partial) = (&[], Vec::new());
                    sink.answered(!found);
                    step = Step::Answered { close: self.close };
                }
                Piece::More => break,
            }
        }
        self.keep(&mut whole, &[])?;
        Ok(step)
    }

    fn keep(&mut self, whole: &mut &[u8], bytes: &[u8]) -> Result<(), ClientError> {
        self.partial.extend_from_slice(std::mem::take(whole));
        self.partial.extend_from_slice(bytes);
        if self.partial.len() > MAX_RECORD {
            Err(ClientError::TooLong)
        } else {
            Ok(())
        }
    }
}

/// Books what an answer brought; gives whether it brought a message.
fn take(
    status: u16,
    body: &[u8],
    transport: Transport,
    cursor: &mut Cursor,
    sink: &mut impl Sink,
) -> Result<bool, ClientError> {
    match status {
        204 => Ok(false),
        200 => {
            let page: Page<'_> = serde_json::from_slice(body)?;
            let mut found = false;
            for stamp in Stamp::find_all(body) {
                found = true;
                sink.message(stamp);
            }
            if page.missed.is_some() {
                sink.missed();
            }
            if let Some(next) = page.next {
                cursor.advance(&next);
            }
            Ok(found)
        }
        status => Err(ClientError::Status { transport, status }),
    }
}

/// What surrounds a payload.
#[derive(Default, Deserialize)]
pub(super) struct Envelope<'a> {
    /// The message's position.
    #[serde(borrow)]
    pub(super) position: Option<Cow<'a, str>>,
    /// Whether this is a report of missed messages.
    #[serde(default, deserialize_with = "is_present")]
    pub(super) missed: bool,
}

fn is_present<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    Ok(Option::<serde::de::IgnoredAny>::deserialize(deserializer)?.is_some())
}

/// Reads the envelope of one record. A record without one gives an empty envelope: it may be a server's own dialect.
pub(super) fn envelope(record: &[u8]) -> Envelope<'_> {
    const USUAL: &[u8] = b"{\"position\":\"";
    // The relay's own spelling is read without a JSON parser; any other spelling of the same JSON is read with one.
    if let Some(rest) = record.strip_prefix(USUAL)
        && let Some(end) = memchr::memchr2(b'"', b'\\', rest)
        && rest[end] == b'"'
        && let Ok(position) = std::str::from_utf8(&rest[..end])
    {
        return Envelope {
            position: Some(Cow::Borrowed(position)),
            missed: false,
        };
    }
    serde_json::from_slice(record).unwrap_or_default()
}
