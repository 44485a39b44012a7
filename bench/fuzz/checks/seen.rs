//! What a client made of what it was fed.

use std::rc::Rc;

use bench::client::{Client, ClientError, Cursor, Profile, Sink, Step, Subscription};
use bench::clock::Moment;
use bench::net::Input;
use bench::scenario::{Headers, Load, Transport};
use bench::stamp::Stamp;

use super::pieces::Pieces;

/// Where the text of a stamp is put, so that a fuzzer need not find a checksum.
const PLACE: u8 = b'@';

/// One thing that a client found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Found {
    Message(Stamp),
    Missed,
    Answered { empty: bool },
}

/// All that a client found, and what it would ask next.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) found: Vec<Found>,
    /// The head of its next request, which tells its position.
    pub(crate) next: String,
    /// Whether the server ended the stream in good order.
    pub(crate) ended: bool,
    /// The error that the connection ended with.
    pub(crate) error: Option<String>,
}

#[derive(Default)]
struct Notes(Vec<Found>);

impl Sink for Notes {
    fn message(&mut self, stamp: Stamp) {
        self.0.push(Found::Message(stamp));
    }
    fn missed(&mut self) {
        self.0.push(Found::Missed);
    }
    fn answered(&mut self, empty: bool) {
        self.0.push(Found::Answered { empty });
    }
}

/// The stamp of the message of that number.
pub(crate) fn stamp(sequence: u32) -> Stamp {
    Stamp {
        run: 7,
        channel: 1,
        publisher: 0,
        sequence,
        due: Moment(1_000),
    }
}

/// Puts a stamp in each place for one.
pub(crate) fn stamped(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let mut count = 0;
    for byte in bytes {
        if *byte == PLACE {
            let start = out.len();
            stamp(count).write_payload(0, &mut out);
            out.pop();
            out.remove(start);
            count += 1;
        } else {
            out.push(*byte);
        }
    }
    out
}

fn subscription(transport: Transport, headers: Headers) -> Subscription {
    let load = Load {
        transport,
        headers,
        ..Load::default()
    };
    let profile = Rc::new(Profile::of_subscribers(&load));
    Subscription::new(&load, "127.0.0.1:80".into(), "c".into(), profile)
}

/// Writes what a client of that transport asks at its beginning.
pub(crate) fn open(transport: Transport, client: &mut Client) -> Vec<u8> {
    let mut out = Vec::new();
    client.request(
        &subscription(transport, Headers::Minimal),
        &Cursor::default(),
        &mut out,
    );
    out
}

/// Feeds a client, which has asked, with bytes in pieces until they end or it does.
pub(crate) fn feed(transport: Transport, client: Client, wire: &[u8], pieces: Pieces) -> Seen {
    let mut feeding = Feeding::new(transport, client);
    for piece in pieces.cut(wire) {
        if !feeding.take(piece) {
            break;
        }
    }
    feeding.seen()
}

/// A client that is being fed.
pub(crate) struct Feeding {
    transport: Transport,
    client: Client,
    cursor: Cursor,
    notes: Notes,
    ended: bool,
    error: Option<String>,
}

impl Feeding {
    pub(crate) fn new(transport: Transport, client: Client) -> Self {
        Self {
            transport,
            client,
            cursor: Cursor::default(),
            notes: Notes::default(),
            ended: false,
            error: None,
        }
    }

    /// Feeds it with some more; tells whether it goes on.
    pub(crate) fn take<'a>(&mut self, input: impl Into<Input<'a>>) -> bool {
        let (cursor, notes) = (&mut self.cursor, &mut self.notes);
        match self.client.feed(input, cursor, &mut Vec::new(), notes) {
            Ok(Step::Ended) => self.ended = true,
            Ok(Step::More | Step::Open | Step::Answered { .. }) => {}
            // What is wrong with a JSON text depends on how much of it has come.
            Err(ClientError::Json(_)) => self.error = Some("JSON".to_owned()),
            Err(other) => self.error = Some(other.to_string()),
        }
        !self.ended && self.error.is_none()
    }

    pub(crate) fn seen(self) -> Seen {
        Seen {
            found: self.notes.0,
            next: next_request(self.transport, &self.cursor),
            ended: self.ended,
            error: self.error,
        }
    }
}

/// Writes the request that goes on from where the cursor stands, and checks that it is one request
/// with its own headers, whatever a server has said.
fn next_request(transport: Transport, cursor: &Cursor) -> String {
    // A socket draws a key for each request.
    let transport = match transport {
        Transport::Websocket => Transport::Streaming,
        other => other,
    };
    let named = if cursor.has_position() { "x" } else { "" };
    for headers in [Headers::Minimal, Headers::Browser] {
        let names = |cursor| header_names(&asked(transport, headers, cursor));
        assert_eq!(
            names(cursor),
            names(&Cursor::at(named, 0)),
            "a position adds a header"
        );
    }
    String::from_utf8(asked(transport, Headers::Minimal, cursor)).expect("a request is text")
}

fn asked(transport: Transport, headers: Headers, cursor: &Cursor) -> Vec<u8> {
    let mut out = Vec::new();
    Client::new(transport).request(&subscription(transport, headers), cursor, &mut out);
    out
}

/// The names of the headers of a request that ends where the bytes end.
fn header_names(asked: &[u8]) -> Vec<String> {
    let mut headers = [httparse::EMPTY_HEADER; 32];
    let mut request = httparse::Request::new(&mut headers);
    assert_eq!(
        request.parse(asked),
        Ok(httparse::Status::Complete(asked.len())),
        "a position makes another request: {}",
        asked.escape_ascii()
    );
    let names = request.headers.iter();
    names.map(|header| header.name.to_owned()).collect()
}
