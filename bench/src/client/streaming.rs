//! HTTP streaming: one response that never ends, a JSON line for each message.

use super::lines::Lines;
use super::request::{self, Admission, Kind};
use super::{ClientError, Cursor, Sink, Step, Subscription, take_record};
use crate::net::Input;
use crate::net::http::{Piece, Reader};
use crate::scenario::Transport;

/// The state of one streaming connection.
#[derive(Debug, Default)]
pub struct Streaming {
    response: Response,
    lines: Lines,
}

impl Streaming {
    pub(super) fn request(
        &mut self,
        subscription: &Subscription,
        cursor: &Cursor,
        out: &mut Vec<u8>,
    ) {
        self.response.admission = subscription.profile.admission();
        request::get(subscription, cursor, "stream", Kind::Fetch, out);
    }

    pub(super) fn feed(
        &mut self,
        input: Input<'_>,
        cursor: &mut Cursor,
        sink: &mut impl Sink,
    ) -> Result<Step, ClientError> {
        let lines = &mut self.lines;
        let read = |body: &[u8], cursor: &mut Cursor| {
            // An empty line is a heartbeat.
            lines.feed(body, |line| {
                if !line.is_empty() {
                    take_record(line, cursor, sink);
                }
            })
        };
        self.response
            .read(input, Transport::Streaming, cursor, read)
    }
}

/// A response that does not end, for streaming and SSE alike.
#[derive(Debug, Default)]
pub(super) struct Response {
    reader: Reader,
    /// What its head must say.
    pub(super) admission: Admission,
}

impl Response {
    /// Reads all of `input`; gives the body to `take`.
    pub(super) fn read(
        &mut self,
        mut input: Input<'_>,
        transport: Transport,
        cursor: &mut Cursor,
        mut take: impl FnMut(&[u8], &mut Cursor) -> Result<(), ClientError>,
    ) -> Result<Step, ClientError> {
        let mut step = Step::More;
        loop {
            match input.next(&mut self.reader)?.1 {
                Piece::Head(head) if head.status == 200 => {
                    self.admission.check(&head)?;
                    if let Some(next) = head.next.filter(|_| cursor.position.is_empty()) {
                        cursor.advance(&next);
                    }
                    step = Step::Open;
                }
                Piece::Head(head) => return Err(self.admission.refusal(transport, head.status)),
                Piece::Body(bytes) => take(bytes, cursor)?,
                Piece::End => return Ok(Step::Ended),
                Piece::More => return Ok(step),
            }
        }
    }
}
