//! What Chrome sends with each kind of request: names, order and values as Chromium 156 was heard
//! to send them over HTTP/1.1 to a loopback address.
//!
//! Chromium differs from the branded Chrome in one place: Chrome's `sec-ch-ua` also names
//! `"Google Chrome"`, 25 bytes more. A headless one calls itself `HeadlessChrome`; here it says what
//! it says with a window. To a host that is neither loopback nor HTTPS, Chrome leaves out `sec-ch-ua*`,
//! `Sec-Fetch-*`, and `br, zstd`.

use std::io::Write;

use super::request::{InHeader, JSON, Kind, Profile, Subprotocol};
use crate::scenario::FOREIGN_PAGE;

/// A line of a head.
enum Line {
    Fixed(&'static str),
    Connection,
    /// `Content-Length` of a POST.
    Length,
    /// `Content-Type` of one.
    Json,
    /// `Sec-WebSocket-Protocol`.
    Spoken,
    /// `Origin`, on every request.
    Origin,
    /// `Origin`, on a request to another origin than the page's.
    ForeignOrigin,
    /// `Last-Event-ID` of an event source that reconnects.
    LastEvent,
    Site,
    Referer,
    Cookie,
    Key,
    /// `Priority` (RFC 9218), over HTTP/2 alone.
    Urgency,
}

use Line::{
    Connection, Cookie, Fixed, ForeignOrigin, Json, Key, LastEvent, Length, Origin, Referer, Site,
    Spoken, Urgency,
};

const PLATFORM: Line = Fixed("sec-ch-ua-platform: \"Linux\"\r\n");
const AGENT: Line = Fixed(
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/156.0.0.0 Safari/537.36\r\n",
);
const BRANDS: Line = Fixed("sec-ch-ua: \"Not:A-Brand\";v=\"8\", \"Chromium\";v=\"156\"\r\n");
const MOBILE: Line = Fixed("sec-ch-ua-mobile: ?0\r\n");
const ACCEPT: Line = Fixed("Accept: */*\r\n");
const MODE: Line = Fixed("Sec-Fetch-Mode: cors\r\n");
const DEST: Line = Fixed("Sec-Fetch-Dest: empty\r\n");
const ENCODING: Line = Fixed("Accept-Encoding: gzip, deflate, br, zstd\r\n");
const LANGUAGE: Line = Fixed("Accept-Language: en-US,en;q=0.9\r\n");
const PRAGMA: Line = Fixed("Pragma: no-cache\r\n");
const CACHE: Line = Fixed("Cache-Control: no-cache\r\n");

/// `fetch(url)`, whatever becomes of its answer: a poll, a long poll or a stream.
const FETCH: &[Line] = &[
    Connection,
    PLATFORM,
    AGENT,
    BRANDS,
    MOBILE,
    ACCEPT,
    ForeignOrigin,
    Site,
    MODE,
    DEST,
    Referer,
    ENCODING,
    LANGUAGE,
    Cookie,
    Urgency,
];

/// `new EventSource(url)`.
const EVENTS: &[Line] = &[
    Connection,
    PRAGMA,
    CACHE,
    PLATFORM,
    AGENT,
    Fixed("Accept: text/event-stream\r\n"),
    BRANDS,
    MOBILE,
    ForeignOrigin,
    LastEvent,
    Site,
    MODE,
    DEST,
    Referer,
    ENCODING,
    LANGUAGE,
    Cookie,
    Urgency,
];

/// `new WebSocket(url, "relay.v1")`.
const SOCKET: &[Line] = &[
    Fixed("Connection: Upgrade\r\n"),
    PRAGMA,
    CACHE,
    AGENT,
    Fixed("Upgrade: websocket\r\n"),
    Origin,
    Fixed("Sec-WebSocket-Version: 13\r\n"),
    ENCODING,
    LANGUAGE,
    Cookie,
    Key,
    Fixed("Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n"),
    Spoken,
];

/// `fetch(url, {method: "POST", headers: {"Content-Type": "application/json"}, body})`.
const POST: &[Line] = &[
    Connection, Length, PLATFORM, AGENT, BRANDS, Json, MOBILE, ACCEPT, Origin, Site, MODE, DEST,
    Referer, ENCODING, LANGUAGE, Cookie, Urgency,
];

/// The question before such a POST to another origin.
const PREFLIGHT: &[Line] = &[
    Connection,
    ACCEPT,
    Fixed("Access-Control-Request-Method: POST\r\n"),
    Fixed("Access-Control-Request-Headers: content-type\r\n"),
    Origin,
    AGENT,
    MODE,
    Site,
    DEST,
    Referer,
    ENCODING,
    LANGUAGE,
    Urgency,
];

/// Writes the header lines behind `Host`.
pub(super) fn write(profile: &Profile, authority: &str, kind: Kind<'_>, out: &mut Vec<u8>) {
    let lines = match kind {
        Kind::Fetch => FETCH,
        Kind::Events { .. } => EVENTS,
        Kind::Socket { .. } => SOCKET,
        Kind::Post { .. } => POST,
        Kind::Preflight => PREFLIGHT,
    };
    let origin = |end: &str, name: &str, out: &mut Vec<u8>| match profile.foreign {
        true => write!(out, "{name}: {FOREIGN_PAGE}{end}\r\n"),
        false => write!(out, "{name}: {}://{authority}{end}\r\n", profile.scheme),
    };
    for line in lines {
        // Writing to a Vec cannot fail.
        let _ = match (line, kind) {
            (Fixed(text), _) => out.write_all(text.as_bytes()),
            (Connection, _) if profile.closes => out.write_all(b"Connection: close\r\n"),
            (Connection, _) => out.write_all(b"Connection: keep-alive\r\n"),
            (Length, Kind::Post { length, .. }) => write!(out, "Content-Length: {length}\r\n"),
            (Json, Kind::Post { json: true, .. }) => out.write_all(JSON.as_bytes()),
            (Spoken, Kind::Socket { protocol, .. }) => write!(out, "{}", Subprotocol(protocol)),
            (LastEvent, Kind::Events { last: Some(id) }) => {
                write!(out, "Last-Event-ID: {}\r\n", InHeader(id))
            }
            (Key, Kind::Socket { key, .. }) => write!(out, "Sec-WebSocket-Key: {key}\r\n"),
            (Urgency, _) if profile.urgent => out.write_all(b"Priority: u=1, i\r\n"),
            (Site, _) if profile.foreign => out.write_all(b"Sec-Fetch-Site: cross-site\r\n"),
            (Site, _) => out.write_all(b"Sec-Fetch-Site: same-origin\r\n"),
            (Origin, _) => origin("", "Origin", out),
            (ForeignOrigin, _) if profile.foreign => origin("", "Origin", out),
            (Referer, _) => origin("/", "Referer", out),
            (Cookie, _) if !profile.cookies.is_empty() => {
                write!(out, "Cookie: {}\r\n", profile.cookies)
            }
            _ => Ok(()),
        };
    }
}
