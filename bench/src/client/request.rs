//! Request heads: the same headers for every transport, so that bytes compare.

use std::fmt;
use std::io::Write;
use std::rc::Rc;

use super::{ClientError, Cursor, Subscription, browser};
use crate::net::http::Head;
use crate::scenario::{FOREIGN_PAGE, Headers, Http, Load, Origin, Token, Transport};

const PAD: &str = "X-Pad: ";
/// What a post of JSON says of itself.
pub(super) const JSON: &str = "Content-Type: application/json\r\n";
/// The subprotocol of the relay.
pub(super) const RELAY: &str = "relay.v1";

/// What a request is for; each kind has its own headers.
#[derive(Debug, Clone, Copy)]
pub(super) enum Kind<'a> {
    /// A poll, a long poll or a stream.
    Fetch,
    /// Server-sent events; `last` is the id of the last one, where it is not in the address.
    Events { last: Option<&'a str> },
    /// An upgrade to WebSocket, and the subprotocol that it asks for; empty for none.
    Socket { key: &'a str, protocol: &'a str },
    /// A message of so many bytes; `json` unless other header lines say what it is.
    Post { length: usize, json: bool },
    /// The question whether a page of another origin may post.
    Preflight,
}

/// What requests carry, and the page that they come from.
#[derive(Debug, Clone)]
pub struct Profile {
    headers: Headers,
    /// The value of `Cookie`; empty for none.
    pub(super) cookies: Rc<str>,
    /// The page is of another origin than the server's.
    pub(super) foreign: bool,
    /// Each request asks for the connection to end after its answer.
    pub(super) closes: bool,
    /// The scheme of the server's own pages.
    pub(super) scheme: &'static str,
    /// Requests say how urgent they are, which HTTP/1.1 has no use for.
    pub(super) urgent: bool,
    /// What lets the client in.
    token: Option<Token>,
}

impl Profile {
    /// Of the subscribers of a load.
    #[must_use]
    pub fn of_subscribers(load: &Load) -> Self {
        let polls = matches!(load.transport, Transport::Polling | Transport::LongPolling);
        Self {
            closes: polls && !load.keep_alive,
            ..Self::of_publishers(load)
        }
    }

    /// Of the publishers of a load, who keep their connections.
    #[must_use]
    pub fn of_publishers(load: &Load) -> Self {
        Self {
            headers: load.headers,
            cookies: load.cookies.as_str().into(),
            foreign: load.origin == Origin::Cross,
            closes: false,
            scheme: if load.tls { "https" } else { "http" },
            urgent: load.http == Http::Two,
            token: None,
        }
    }

    /// The same with a token on every request. A browser's event source and WebSocket could not send one.
    #[must_use]
    pub fn with_token(mut self, token: Option<&Token>) -> Self {
        self.token = token.cloned();
        self
    }

    /// Whether the client speaks as a browser does.
    fn is_browser(&self) -> bool {
        self.headers == Headers::Browser
    }

    /// Whether a browser asks first before this page may post JSON.
    pub(super) fn asks_first(&self) -> bool {
        self.foreign
    }

    /// What an answer must say for the page to be given it.
    pub(super) fn admission(&self) -> Admission {
        Admission {
            foreign: self.foreign,
            credentials: !self.cookies.is_empty(),
        }
    }

    /// Writes a whole request head.
    ///
    /// `response_head` is the length of the last response head, which [`Headers::PadExchangeTo`]
    /// makes up for.
    pub(super) fn write(
        &self,
        request_line: fmt::Arguments<'_>,
        authority: &str,
        kind: Kind<'_>,
        response_head: usize,
        out: &mut Vec<u8>,
    ) {
        self.write_with(request_line, authority, kind, response_head, &[], out);
    }

    /// The same with more header lines.
    pub(super) fn write_with(
        &self,
        request_line: fmt::Arguments<'_>,
        authority: &str,
        kind: Kind<'_>,
        response_head: usize,
        lines: &[u8],
        out: &mut Vec<u8>,
    ) {
        let start = out.len();
        // Writing to a Vec cannot fail.
        let _ = write!(out, "{request_line} HTTP/1.1\r\nHost: {authority}\r\n");
        if self.is_browser() {
            browser::write(self, authority, kind, out);
        } else {
            self.write_needed(kind, out);
        }
        out.extend_from_slice(lines);
        self.write_token(kind, out);
        let wanted = match self.headers {
            Headers::Minimal | Headers::Browser => 0,
            Headers::PadTo(size) => size,
            Headers::PadExchangeTo(size) => size.saturating_sub(response_head),
        };
        let bare = out.len() - start + 2;
        if let Some(pad) = wanted.checked_sub(bare + PAD.len() + 2) {
            out.extend_from_slice(PAD.as_bytes());
            out.resize(out.len() + pad, b'.');
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"\r\n");
    }

    /// Writes what lets the client in; a preflight is asked without.
    fn write_token(&self, kind: Kind<'_>, out: &mut Vec<u8>) {
        if let Some(token) = self
            .token
            .as_ref()
            .filter(|_| !matches!(kind, Kind::Preflight))
        {
            // Writing to a Vec cannot fail.
            let _ = write!(out, "Authorization: Bearer {}\r\n", token.expose());
        }
    }

    /// Writes the lines that the protocol needs.
    fn write_needed(&self, kind: Kind<'_>, out: &mut Vec<u8>) {
        // As above.
        let _ = match kind {
            Kind::Fetch => Ok(()),
            Kind::Events { .. } => write!(out, "Accept: text/event-stream\r\n"),
            Kind::Socket { key, protocol } => write!(
                out,
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n{}",
                Subprotocol(protocol)
            ),
            Kind::Post { length, json } => write!(
                out,
                "{}Content-Length: {length}\r\n",
                if json { JSON } else { "" }
            ),
            Kind::Preflight => write!(
                out,
                "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n"
            ),
        };
        if self.foreign {
            let _ = write!(out, "Origin: {FOREIGN_PAGE}\r\n");
        }
        if self.closes {
            out.extend_from_slice(b"Connection: close\r\n");
        }
        if !self.cookies.is_empty() && !matches!(kind, Kind::Preflight) {
            let _ = write!(out, "Cookie: {}\r\n", self.cookies);
        }
    }
}

/// What the head of an answer must say for a page to be given it (Fetch standard, section 4.10).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Admission {
    foreign: bool,
    credentials: bool,
}

impl Admission {
    /// Checks the head of an answer that the client is to use.
    pub(super) fn check(self, head: &Head) -> Result<(), ClientError> {
        if self.foreign && !self.is_given(head) {
            return Err(ClientError::Origin);
        }
        match &head.coding {
            Some(coding) => Err(ClientError::Coded(coding.clone())),
            None => Ok(()),
        }
    }

    fn is_given(self, head: &Head) -> bool {
        let Some(cors) = &head.cors else {
            return false;
        };
        match cors.origin.as_deref() {
            Some(FOREIGN_PAGE) => cors.credentials || !self.credentials,
            Some("*") => !self.credentials,
            _ => false,
        }
    }

    /// Whether the answer to a preflight lets the page post JSON.
    pub(super) fn lets_post(self, head: &Head) -> bool {
        let headers = head.cors.as_ref().and_then(|cors| cors.headers.as_deref());
        let json = headers.unwrap_or_default().split(',').map(str::trim);
        // With credentials the star stands for itself alone.
        let named = |name: &str| {
            name.eq_ignore_ascii_case("content-type") || (name == "*" && !self.credentials)
        };
        (200..300).contains(&head.status) && self.is_given(head) && json.into_iter().any(named)
    }

    /// What a refusal means: a server that does not know the page's origin says so by 403.
    pub(super) fn refusal(self, transport: Transport, status: u16) -> ClientError {
        if self.foreign && status == 403 {
            ClientError::Origin
        } else {
            ClientError::Status { transport, status }
        }
    }
}

/// Writes `GET /channels/{channel}/{resource}?after=…`, with the query of the subscription after it.
pub(super) fn get(
    subscription: &Subscription,
    cursor: &Cursor,
    resource: &str,
    kind: Kind<'_>,
    out: &mut Vec<u8>,
) {
    let Subscription {
        authority,
        channel,
        profile,
        query,
        ..
    } = subscription;
    let head = cursor.response_head;
    let after = cursor.position.as_str();
    let mut write = |line, kind| profile.write(line, authority, kind, head, out);
    match kind {
        _ if after.is_empty() => {
            write(format_args!("GET /channels/{channel}/{resource}"), kind);
        }
        // A browser's event source asks for the same address again.
        Kind::Events { .. } if profile.is_browser() => {
            let kind = Kind::Events { last: Some(after) };
            write(format_args!("GET /channels/{channel}/{resource}"), kind);
        }
        _ => write(
            format_args!(
                "GET /channels/{channel}/{resource}?after={}{query}",
                InQuery(after)
            ),
            kind,
        ),
    }
}

/// The line that asks for a subprotocol; nothing for none.
pub(super) struct Subprotocol<'a>(pub(super) &'a str);

impl fmt::Display for Subprotocol<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return Ok(());
        }
        write!(f, "Sec-WebSocket-Protocol: {}\r\n", self.0)
    }
}

/// A position as a query has it. A server may name it as it likes: whatever it is, the request stays one.
pub(super) struct InQuery<'a>(pub(super) &'a str);

impl fmt::Display for InQuery<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:,;@/!$'()*".contains(&byte);
        if self.0.bytes().all(plain) {
            return f.write_str(self.0);
        }
        for byte in self.0.bytes() {
            if plain(byte) {
                write!(f, "{}", char::from(byte))?;
            } else {
                write!(f, "%{byte:02X}")?;
            }
        }
        Ok(())
    }
}

/// A position as a header line has it: without what would end the line.
pub(super) struct InHeader<'a>(pub(super) &'a str);

impl fmt::Display for InHeader<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .split(|c: char| c.is_ascii_control())
            .try_for_each(|part| f.write_str(part))
    }
}

/// What a load's polls ask for behind the position; nothing for a transport that does not poll.
pub(super) fn query(load: &Load) -> String {
    let mut query = String::new();
    // Writing to a string cannot fail, here and below.
    let mut add = |text: fmt::Arguments<'_>| {
        let _ = fmt::Write::write_fmt(&mut query, text);
    };
    match load.transport {
        Transport::Polling => {}
        Transport::LongPolling => {
            add(format_args!("&wait={}ms", load.hold.as_millis()));
            if !load.linger.is_zero() {
                add(format_args!("&linger={}ms", load.linger.as_millis()));
            }
        }
        Transport::Streaming | Transport::Sse | Transport::Websocket => return query,
    }
    if let Some(batch) = load.batch {
        add(format_args!("&limit={batch}"));
    }
    if load.poll == crate::scenario::Poll::Latest {
        add(format_args!("&latest=true"));
    }
    query
}
