//! A response that does not end: lines, chunks, parts or events.

use super::parts::Parts;
use super::{Asked, record};
use crate::client::lines::Lines;
use crate::client::request::Admission;
use crate::client::sse::Event;
use crate::client::{ClientError, Cursor, MAX_RECORD, Sink, Step};
use crate::net::Input;
use crate::net::http::{Head, Piece, Reader};
use crate::scenario::{Cursor as Source, Framing};

#[derive(Debug, Default)]
pub(super) struct Stream {
    reader: Reader,
    /// What its head must say.
    pub(super) admission: Admission,
    records: Records,
}

/// What has come of a record that has not ended.
#[derive(Debug, Default)]
enum Records {
    /// Before the head.
    #[default]
    Nothing,
    Lines(Lines),
    Chunk(Vec<u8>),
    Parts(Box<Parts>),
    Events(Box<(Lines, Event)>),
}

impl Stream {
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
                Piece::Head(head) if head.status == 200 => {
                    self.admission.check(&head)?;
                    self.records = Records::of(asked, &head)?;
                    if let Some(position) = asked.position(&head.wanted) {
                        cursor.advance(&position);
                    }
                    // It receives from now on, whether the server says more or not.
                    step = Step::Open;
                }
                Piece::Head(head) => {
                    return Err(self.admission.refusal(asked.transport, head.status));
                }
                Piece::Body(bytes) => {
                    let ended = self.reader.ended_chunk();
                    self.records.take(asked, bytes, ended, cursor, sink)?;
                }
                Piece::End => return Ok(Step::Ended),
                Piece::More => return Ok(step),
            }
        }
    }
}

impl Records {
    fn of(asked: &Asked, head: &Head) -> Result<Self, ClientError> {
        Ok(match asked.way.framing {
            Framing::Chunk => Self::Chunk(Vec::new()),
            Framing::Multipart => {
                Self::Parts(Box::new(Parts::of(asked.content_type(&head.wanted))?))
            }
            Framing::Event => Self::Events(Box::default()),
            Framing::Body | Framing::Line | Framing::Frame => Self::Lines(Lines::default()),
        })
    }

    /// Takes in a piece of the body; `ended` says whether it ended a chunk.
    fn take(
        &mut self,
        asked: &Asked,
        bytes: &[u8],
        ended: Option<bool>,
        cursor: &mut Cursor,
        sink: &mut impl Sink,
    ) -> Result<(), ClientError> {
        match self {
            Self::Nothing => Ok(()),
            Self::Lines(lines) => lines.feed(bytes, |line| {
                if !line.is_empty() {
                    record::take(asked, line, cursor, sink);
                }
            }),
            Self::Parts(parts) => parts.feed(bytes, |part| {
                record::take(asked, part, cursor, sink);
                Parts::position(asked, part, cursor);
            }),
            Self::Events(events) => {
                let (lines, event) = &mut **events;
                lines.feed(bytes, |line| {
                    event.line(line, |event| {
                        record::take(asked, event.data, cursor, sink);
                        if let (Some(id), Source::EventId) = (event.id, &asked.way.cursor) {
                            cursor.advance(id);
                        }
                    });
                })?;
                event.check()
            }
            Self::Chunk(chunk) => {
                let ended = ended.ok_or(ClientError::NoChunks)?;
                if ended && chunk.is_empty() {
                    // The common case: no copy.
                    record::take(asked, bytes, cursor, sink);
                    return Ok(());
                }
                chunk.extend_from_slice(bytes);
                if ended {
                    record::take(asked, chunk, cursor, sink);
                    *chunk = Vec::new();
                }
                if chunk.len() > MAX_RECORD {
                    return Err(ClientError::TooLong);
                }
                Ok(())
            }
        }
    }
}
