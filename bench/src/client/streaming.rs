//! HTTP streaming: one response that never ends, a JSON line for each message.

use super::lines::Lines;
use super::{ClientError, Cursor, Sink, Step, Subscription, request, take_record};
use crate::net::http::{Head, Piece, Reader};
use crate::scenario::Transport;

/// The state of one streaming connection.
#[derive(Debug, Default)]
pub struct Streaming {
    reader: Reader,
    lines: Lines,
}

impl Streaming {
    pub(super) fn request(subscription: &Subscription, cursor: &Cursor, out: &mut Vec<u8>) {
        request::get(subscription, cursor, "stream", format_args!(""), "", out);
    }

    pub(super) fn feed(
        &mut self,
        input: &[u8],
        cursor: &mut Cursor,
        sink: &mut impl Sink,
    ) -> Result<Step, ClientError> {
        let lines = &mut self.lines;
        read_stream(
            &mut self.reader,
            input,
            Transport::Streaming,
            cursor,
            |body, cursor| {
                // An empty line is a heartbeat.
                lines.feed(body, |line| {
                    if !line.is_empty() {
                        take_record(line, cursor, sink);
                    }
                })
            },
        )
    }
}

/// Reads a response that does not end, for streaming and SSE alike; gives the body to `take`.
pub(super) fn read_stream(
    reader: &mut Reader,
    mut input: &[u8],
    transport: Transport,
    cursor: &mut Cursor,
    mut take: impl FnMut(&[u8], &mut Cursor) -> Result<(), ClientError>,
) -> Result<Step, ClientError> {
    let mut step = Step::More;
    loop {
        let (taken, piece) = reader.read(input)?;
        input = &input[taken..];
        match piece {
            Piece::Head(Head {
                status: 200, next, ..
            }) => {
                if let Some(next) = next.filter(|_| cursor.position.is_empty()) {
                    cursor.advance(&next);
                }
                step = Step::Open;
            }
            Piece::Head(head) => {
                return Err(ClientError::Status {
                    transport,
                    status: head.status,
                });
            }
            Piece::Body(bytes) => take(bytes, cursor)?,
            Piece::End => return Ok(Step::Ended),
            Piece::More => return Ok(step),
        }
    }
}
