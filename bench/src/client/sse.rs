//! Server-sent events, as the WHATWG HTML standard (section 9.2.6) wants them read.

use super::lines::Lines;
use super::request::{self, Kind};
use super::streaming::Response;
use super::{ClientError, Cursor, MAX_RECORD, Sink, Step, Subscription, take_record};
use crate::net::Input;
use crate::scenario::Transport;

/// The state of one SSE connection.
#[derive(Debug, Default)]
pub struct Sse {
    response: Response,
    lines: Lines,
    event: Event,
}

impl Sse {
    pub(super) fn request(
        &mut self,
        subscription: &Subscription,
        cursor: &Cursor,
        out: &mut Vec<u8>,
    ) {
        self.response.admission = subscription.profile.admission();
        let kind = Kind::Events { last: None };
        request::get(subscription, cursor, "events", kind, out);
    }

    pub(super) fn feed(
        &mut self,
        input: Input<'_>,
        cursor: &mut Cursor,
        sink: &mut impl Sink,
    ) -> Result<Step, ClientError> {
        let Self {
            response,
            lines,
            event,
        } = self;
        response.read(input, Transport::Sse, cursor, |body, cursor| {
            lines.feed(body, |line| {
                event.line(line, |event| take(&event, cursor, sink))
            })?;
            event.check()
        })
    }
}

/// An event that is complete.
pub(super) struct Dispatched<'a> {
    /// Its data, each line with its end.
    pub(super) data: &'a [u8],
    /// The newest id so far.
    pub(super) id: Option<&'a str>,
    missed: bool,
}

/// Books an event of the relay.
fn take(event: &Dispatched<'_>, cursor: &mut Cursor, sink: &mut impl Sink) {
    if event.missed {
        sink.missed();
    } else if !event.data.is_empty() {
        take_record(event.data, cursor, sink);
    }
    // The id counts even when there is no data: it is how a stream says where it begins.
    if let Some(id) = event.id {
        cursor.advance(id);
    }
}

/// An event as far as its lines have come.
#[derive(Debug, Default)]
pub(super) struct Event {
    started: bool,
    data: Vec<u8>,
    id: Option<String>,
    missed: bool,
}

impl Event {
    /// Whether it has not grown beyond all bounds.
    pub(super) fn check(&self) -> Result<(), ClientError> {
        if self.data.len() > MAX_RECORD {
            Err(ClientError::TooLong)
        } else {
            Ok(())
        }
    }

    /// Takes in a line; gives the event to `take` when it is complete.
    pub(super) fn line(&mut self, mut line: &[u8], take: impl FnOnce(Dispatched<'_>)) {
        if !std::mem::replace(&mut self.started, true) {
            line = line.strip_prefix(b"\xef\xbb\xbf").unwrap_or(line);
        }
        if line.is_empty() {
            return self.dispatch(take);
        }
        let (field, value) = match memchr::memchr(b':', line) {
            Some(colon) => (&line[..colon], &line[colon + 1..]),
            None => (line, &[][..]),
        };
        let value = value.strip_prefix(b" ").unwrap_or(value);
        match field {
            b"data" => {
                // With the line feed, or that would double the room.
                self.data.reserve(value.len() + 1);
                self.data.extend_from_slice(value);
                self.data.push(b'\n');
            }
            b"event" => self.missed = value == b"missed",
            b"id" if !value.contains(&0) => {
                let id = self.id.get_or_insert_default();
                id.clear();
                id.push_str(&String::from_utf8_lossy(value));
            }
            // A comment, `retry`, or a field that the standard says to ignore.
            _ => {}
        }
    }

    fn dispatch(&mut self, take: impl FnOnce(Dispatched<'_>)) {
        take(Dispatched {
            data: &self.data,
            id: self.id.as_deref(),
            missed: self.missed,
        });
        // Given back: an event source waits for most of its time.
        self.data = Vec::new();
        self.missed = false;
    }
}
