//! Answers to polls and long polls, one after another.

use super::parts::Parts;
use super::{Asked, record};
use crate::client::lines::Lines;
use crate::client::request::Admission;
use crate::client::{ClientError, Cursor, MAX_RECORD, Sink, Step};
use crate::net::Input;
use crate::net::http::{Head, Piece, Reader};
use crate::scenario::Framing;

#[derive(Debug, Default)]
pub(super) struct Answers {
    reader: Reader,
    /// What its answers must say.
    pub(super) admission: Admission,
    /// The head of the answer under way.
    head: Option<Box<Head>>,
    body: Vec<u8>,
}

impl Answers {
    /// Takes in all of `input`.
    pub(super) fn feed(
        &mut self,
        asked: &Asked,
        mut input: Input<'_>,
        cursor: &mut Cursor,
        sink: &mut impl Sink,
    ) -> Result<Step, ClientError> {
        let mut step = Step::More;
        loop {
            match input.next_wanting(&mut self.reader, &asked.names)?.1 {
                // An interim answer: the real one follows.
                Piece::Head(head) if head.status < 200 => {}
                Piece::Head(head) => {
                    let nothing = asked.way.nothing.contains(&head.status);
                    if !nothing && !(200..300).contains(&head.status) {
                        return Err(self.admission.refusal(asked.transport, head.status));
                    }
                    self.admission.check(&head)?;
                    cursor.response_head = head.length;
                    if self.reader.ends_with_close() {
                        return Err(ClientError::NoLength);
                    }
                    self.head = Some(Box::new(head));
                }
                Piece::Body(bytes) => {
                    self.body.extend_from_slice(bytes);
                    if self.body.len() > MAX_RECORD {
                        return Err(ClientError::TooLong);
                    }
                }
                Piece::End => {
                    let head = self.head.take().unwrap_or_default();
                    let body = std::mem::take(&mut self.body);
                    // True only now that the body is here.
                    if let Some(position) = asked.position(&head.wanted) {
                        cursor.advance(&position);
                    }
                    let nothing = asked.way.nothing.contains(&head.status);
                    let found = !nothing && take(asked, &head, &body, cursor, sink)?;
                    sink.answered(!found);
                    step = Step::Answered { close: head.close };
                }
                Piece::More => return Ok(step),
            }
        }
    }
}

/// Books what an answer brought; gives whether it brought a message.
fn take(
    asked: &Asked,
    head: &Head,
    body: &[u8],
    cursor: &mut Cursor,
    sink: &mut impl Sink,
) -> Result<bool, ClientError> {
    let mut found = false;
    match asked.way.framing {
        Framing::Line => {
            let mut lines = Lines::default();
            let mut line = |line: &[u8]| found |= record::take(asked, line, cursor, sink);
            lines.feed(body, &mut line)?;
            // The last line need not end.
            lines.feed(b"\n", &mut line)?;
        }
        Framing::Multipart => {
            let mut parts = Parts::of(asked.content_type(&head.wanted))?;
            parts.feed(body, |part| {
                found |= record::take(asked, part, cursor, sink);
                Parts::position(asked, part, cursor);
            })?;
        }
        _ => found = record::take(asked, body, cursor, sink),
    }
    Ok(found)
}
