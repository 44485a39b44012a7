//! Reading HTTP/1.1 responses as they arrive, in pieces of any size.
//!
//! Heads are parsed by httparse. Between responses a reader holds no buffer.

use std::mem::MaybeUninit;

use http::{HeaderMap, StatusCode};
use thiserror::Error;

use super::chunked::Chunked;

/// Longest response head that is read, in bytes.
pub const MAX_HEAD: usize = 16 * 1024;
const MAX_HEADERS: usize = 64;

/// A response that cannot be read.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum HttpError {
    /// The head is not HTTP/1.
    #[error("the answer is not HTTP/1.1: {0}")]
    Head(#[from] httparse::Error),
    /// The head does not end.
    #[error("the answer's head is longer than {MAX_HEAD} bytes")]
    LongHead,
    /// The length cannot be believed.
    #[error("the answer's Content-Length is not a number, or there are two that differ")]
    Length,
    /// The chunks cannot be read.
    #[error("the answer's chunks are malformed")]
    Chunk,
}

/// The head of a response: what clients need of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Head {
    /// The status code.
    pub status: u16,
    /// Bytes of the head, blank line included.
    pub length: usize,
    /// `Relay-Next`: the position to go on from.
    pub next: Option<Box<str>>,
    /// Whether the server ends the connection after this answer.
    pub close: bool,
    /// `Sec-WebSocket-Accept`, on a 101.
    pub accept: Option<Box<str>>,
    /// What the body was coded with (`Content-Encoding`), or the frames will be
    /// (`Sec-WebSocket-Extensions`).
    pub coding: Option<Box<str>>,
    /// What a page of another origin is told.
    pub cors: Option<Box<Cors>>,
    /// The headers that were asked for by name, in that order; empty where there is none.
    pub wanted: Vec<Box<str>>,
}

impl Head {
    /// That of an answer over HTTP/2. Its length is what it would have as text: what the table of headers made of
    /// it depends on all that came before.
    #[must_use]
    pub fn of(status: StatusCode, headers: &HeaderMap) -> Self {
        let mut head = Self {
            status: status.as_u16(),
            length: "HTTP/1.1 200 OK\r\n\r\n".len(),
            ..Self::default()
        };
        for (name, value) in headers {
            head.length += name.as_str().len() + value.len() + ": \r\n".len();
            head.read(name.as_str(), value.as_bytes().trim_ascii());
        }
        head
    }

    /// Reads one header, if it is one of those that clients need.
    fn read(&mut self, name: &str, value: &[u8]) {
        match name.len() {
            10 if name.eq_ignore_ascii_case("relay-next") => self.next = text(value),
            20 if name.eq_ignore_ascii_case("sec-websocket-accept") => self.accept = text(value),
            16 if name.eq_ignore_ascii_case("content-encoding")
                && !value.eq_ignore_ascii_case(b"identity") =>
            {
                self.coding = text(value)
            }
            24 if name.eq_ignore_ascii_case("sec-websocket-extensions") => {
                self.coding = text(value)
            }
            22.. if name.as_bytes()[..15].eq_ignore_ascii_case(b"access-control-") => {
                self.cors.get_or_insert_default().read(&name[15..], value)
            }
            _ => {}
        }
    }
}

/// The `Access-Control-*` headers of a response.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Cors {
    /// `Access-Control-Allow-Origin`.
    pub origin: Option<Box<str>>,
    /// `Access-Control-Allow-Headers`.
    pub headers: Option<Box<str>>,
    /// `Access-Control-Allow-Credentials` is `true`.
    pub credentials: bool,
    /// `Access-Control-Max-Age` in seconds.
    pub max_age: Option<u64>,
}

/// What the next bytes of a response are.
#[derive(Debug, PartialEq, Eq)]
pub enum Piece<'a> {
    /// A whole head has been read.
    Head(Head),
    /// Bytes of the body, chunk framing taken off.
    Body(&'a [u8]),
    /// The response is complete.
    End,
    /// All bytes were taken and more are needed.
    More,
}

#[derive(Debug, Default)]
enum State {
    #[default]
    Head,
    Length(u64),
    Chunked(Chunked),
    UntilClose,
    End,
    /// After a 101 the bytes are no longer HTTP.
    Upgraded,
}

/// Reads one response after another from one connection.
#[derive(Debug, Default)]
pub struct Reader {
    state: State,
    /// A head that has not arrived whole.
    partial: Vec<u8>,
}

impl Reader {
    /// Reads on in `input`: gives how many bytes it took and what they are.
    ///
    /// Call it again with the rest until it gives [`Piece::More`]; on [`Piece::End`]
    /// nothing may be left, unless answers to pipelined requests follow.
    ///
    /// # Errors
    /// [`HttpError`]; the connection is of no more use.
    pub fn read<'a>(&mut self, input: &'a [u8]) -> Result<(usize, Piece<'a>), HttpError> {
        self.read_wanting(input, &[])
    }

    /// The same, keeping the headers of these names.
    ///
    /// # Errors
    /// As above.
    pub fn read_wanting<'a>(
        &mut self,
        input: &'a [u8],
        names: &[Box<str>],
    ) -> Result<(usize, Piece<'a>), HttpError> {
        match &mut self.state {
            State::Head => self.read_head(input, names),
            State::End => {
                self.state = State::Head;
                Ok((0, Piece::End))
            }
            _ if input.is_empty() => Ok((0, Piece::More)),
            State::Length(left) => {
                let take = usize::try_from(*left)
                    .unwrap_or(usize::MAX)
                    .min(input.len());
                *left -= take as u64;
                if *left == 0 {
                    self.state = State::End;
                }
                Ok((take, Piece::Body(&input[..take])))
            }
            State::Chunked(chunked) => {
                let (taken, body) = chunked.read(input).ok_or(HttpError::Chunk)?;
                if chunked.ended() {
                    self.state = State::End;
                }
                Ok((taken, Piece::Body(body)))
            }
            State::UntilClose | State::Upgraded => Ok((input.len(), Piece::Body(input))),
        }
    }

    /// Says whether the server's closing of the connection now is the proper end of a body.
    #[must_use]
    pub fn ends_with_close(&self) -> bool {
        matches!(self.state, State::UntilClose)
    }

    /// Whether the last piece of the body ended a chunk; `None` when the body is not in chunks.
    #[must_use]
    pub fn ended_chunk(&self) -> Option<bool> {
        match &self.state {
            State::Chunked(chunked) => Some(!chunked.is_within()),
            // The last chunk, with what ends them all, came in one piece.
            State::End => Some(true),
            _ => None,
        }
    }

    fn read_head<'a>(
        &mut self,
        input: &'a [u8],
        names: &[Box<str>],
    ) -> Result<(usize, Piece<'a>), HttpError> {
        if input.is_empty() {
            return Ok((0, Piece::More));
        }
        if self.partial.is_empty() {
            if let Some((head, state)) = parse(input, names)? {
                return Ok((head.length, self.enter(head, state)));
            }
            self.partial.extend_from_slice(input);
            return self.more(input.len());
        }
        let before = self.partial.len();
        self.partial.extend_from_slice(input);
        match parse(&self.partial, names)? {
            Some((head, state)) => {
                self.partial = Vec::new();
                Ok((head.length - before, self.enter(head, state)))
            }
            None => self.more(input.len()),
        }
    }

    fn more<'a>(&self, taken: usize) -> Result<(usize, Piece<'a>), HttpError> {
        if self.partial.len() > MAX_HEAD {
            Err(HttpError::LongHead)
        } else {
            Ok((taken, Piece::More))
        }
    }

    fn enter<'a>(&mut self, head: Head, state: State) -> Piece<'a> {
        self.state = state;
        Piece::Head(head)
    }
}

fn parse(input: &[u8], names: &[Box<str>]) -> Result<Option<(Head, State)>, HttpError> {
    // Two kilobytes that need not be cleared for each answer.
    let mut headers = [const { MaybeUninit::uninit() }; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut []);
    let parsed = httparse::ParserConfig::default().parse_response_with_uninit_headers(
        &mut response,
        input,
        &mut headers,
    )?;
    let httparse::Status::Complete(length) = parsed else {
        return Ok(None);
    };
    let status = response.code.unwrap_or_default();
    let mut head = Head {
        status,
        length,
        close: response.version == Some(0),
        wanted: vec![Box::default(); names.len()],
        ..Head::default()
    };
    let mut body_length = None;
    let mut chunked = false;
    for header in response.headers.iter() {
        let value = header.value.trim_ascii();
        let place = names
            .iter()
            .position(|name| name.eq_ignore_ascii_case(header.name));
        if let Some(place) = place {
            head.wanted[place] = text(value).unwrap_or_default();
        }
        match header.name.len() {
            14 if header.name.eq_ignore_ascii_case("content-length") => {
                let value = std::str::from_utf8(value)
                    .ok()
                    .and_then(|text| text.parse::<u64>().ok())
                    .ok_or(HttpError::Length)?;
                if body_length.is_some_and(|other| other != value) {
                    return Err(HttpError::Length);
                }
                body_length = Some(value);
            }
            17 if header.name.eq_ignore_ascii_case("transfer-encoding") => {
                chunked = value.to_ascii_lowercase().ends_with(b"chunked")
            }
            10 if header.name.eq_ignore_ascii_case("connection") => {
                let value = value.to_ascii_lowercase();
                head.close = value.starts_with(b"close")
                    || (head.close && !value.starts_with(b"keep-alive"));
            }
            _ => head.read(header.name, value),
        }
    }
    // RFC 9112, section 6.3: these have no body whatever their headers say.
    let state = match status {
        101 => State::Upgraded,
        100..200 => State::Head,
        204 | 304 => State::End,
        _ if chunked => State::Chunked(Chunked::default()),
        _ => match body_length {
            Some(0) => State::End,
            Some(length) => State::Length(length),
            None => State::UntilClose,
        },
    };
    Ok(Some((head, state)))
}

impl Cors {
    /// Reads one header; `name` is what follows `Access-Control-`.
    fn read(&mut self, name: &str, value: &[u8]) {
        match name.to_ascii_lowercase().as_str() {
            "allow-origin" => self.origin = text(value),
            "allow-headers" => self.headers = text(value),
            "allow-credentials" => self.credentials = value == b"true",
            "max-age" => self.max_age = text(value).and_then(|seconds| seconds.parse().ok()),
            _ => {}
        }
    }
}

fn text(value: &[u8]) -> Option<Box<str>> {
    std::str::from_utf8(value).ok().map(Into::into)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Reads `wire` cut at `cuts`; gives heads, bodies and the number of complete responses.
    fn read_all(wire: &[u8], cuts: &[usize]) -> Result<(Vec<u16>, Vec<u8>, usize), HttpError> {
        let mut reader = Reader::default();
        let (mut statuses, mut body, mut ends) = (Vec::new(), Vec::new(), 0);
        let mut edges: Vec<usize> = cuts.iter().map(|cut| cut % (wire.len() + 1)).collect();
        edges.extend([0, wire.len()]);
        edges.sort_unstable();
        for edge in edges.windows(2) {
            let mut input = &wire[edge[0]..edge[1]];
            loop {
                let (taken, piece) = reader.read(input)?;
                input = &input[taken..];
                match piece {
                    Piece::Head(head) => statuses.push(head.status),
                    Piece::Body(bytes) => body.extend_from_slice(bytes),
                    Piece::End => ends += 1,
                    Piece::More => break,
                }
            }
        }
        Ok((statuses, body, ends))
    }

    const PIPELINED: &[u8] = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhelloHTTP/1.1 204 No Content\r\nRelay-Next: a-1\r\n\r\n\
        HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n1a;x=y\r\nabcdefghijklmnopqrstuvwxyz\r\n0\r\nTrailer: 1\r\n\r\n\
        HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 201 Created\r\nContent-Length: 0\r\n\r\n";

    proptest! {
        #[test]
        fn responses_are_read_alike_however_they_are_cut(cuts in prop::collection::vec(any::<usize>(), 0..12)) {
            let (statuses, body, ends) = read_all(PIPELINED, &cuts).unwrap();
            prop_assert_eq!(statuses, vec![200, 204, 304, 200, 100, 201]);
            prop_assert_eq!(body, b"helloabcabcdefghijklmnopqrstuvwxyz".to_vec());
            prop_assert_eq!(ends, 5);
        }

        #[test]
        fn any_bytes_are_read_without_panic(wire in prop::collection::vec(any::<u8>(), 0..300), cuts in prop::collection::vec(any::<usize>(), 0..4)) {
            let mut wire = wire;
            let _ = read_all(&wire, &cuts);
            wire.splice(0..0, *b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n");
            let _ = read_all(&wire, &cuts);
        }
    }

    #[test]
    fn a_body_without_length_ends_with_the_connection() {
        let mut reader = Reader::default();
        let (taken, _) = reader.read(b"HTTP/1.1 200 OK\r\n\r\n: hi\n\n").unwrap();
        assert_eq!(
            reader
                .read(&b"HTTP/1.1 200 OK\r\n\r\n: hi\n\n"[taken..])
                .unwrap(),
            (6, Piece::Body(b": hi\n\n"))
        );
        assert!(reader.ends_with_close());
    }

    #[test]
    fn lengths_that_cannot_be_believed_are_refused() {
        for wire in [
            "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        ] {
            assert_eq!(
                Reader::default().read(wire.as_bytes()),
                Err(HttpError::Length)
            );
        }
        let endless = [b"HTTP/1.1 200 OK\r\nX: ".as_slice(), &[b'a'; MAX_HEAD]].concat();
        assert_eq!(Reader::default().read(&endless), Err(HttpError::LongHead));
    }
}
