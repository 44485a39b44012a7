//! Sizes on the wire: requests as the clients encode them, answers as the relay's interface fixes them.

use std::net::SocketAddr;
use std::rc::Rc;

use super::{Situation, hpack};
use crate::client::{Client, Cursor, Profile, Subscription};
use crate::scenario::{FOREIGN_PAGE, Http, Load, Origin, Token, Transport};

/// Bytes of an answer's head before its variable parts, as the bundled relay sends it. Another
/// server's may be longer; then the deviation says by how much.
const EMPTY_HEAD: usize = 103;
const PAGE_HEAD: usize = 164;
/// `{"next":"","messages":[],"missed":null}`.
const PAGE_BODY: usize = 39;
/// `{"position":"","payload":}`.
const ITEM: usize = 26;
/// `id: `, `data: ` and three line ends.
const EVENT: usize = 13;
/// What lets a page of another origin read an answer, as the bundled relay says it, less the origin.
const CROSS_HEAD: usize = "vary: Origin\r\naccess-control-allow-origin: \r\n\
    access-control-expose-headers: Relay-Next\r\n"
    .len();
/// The same over HTTP/2: a line each.
const CROSS_LINES: usize = 3;
/// A record of TLS 1.3: its header, the kind of its content, the tag of its cipher (RFC 8446, section 5.2).
const RECORD: usize = 5 + 1 + 16;
/// The most that a record holds, and a frame of HTTP/2 unless somebody allows more.
const WHOLE: usize = 16_384;
/// The header of a frame of HTTP/2 (RFC 9113, section 4.1).
const FRAME: usize = 9;
/// A date as servers write it, and where the header line of a position comes to stand in the table: behind a date.
const DATE: &str = "Mon, 23 Nov 2026 06:34:58 GMT";
const NEXT: usize = 63;
/// The epoch of a position and its dash.
const EPOCH: usize = 7;

/// The names that stand in a client's requests.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// `host:port` of the server.
    pub authority: &'a str,
    /// A channel.
    pub channel: &'a str,
    /// What every client sends to be let in.
    pub token: Option<&'a Token>,
}

/// The way between clients and server.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Network {
    /// Bytes of TCP and IP header, timestamps included, of each segment.
    pub header: usize,
    /// The largest segment's data.
    pub segment: usize,
}

impl Network {
    /// The way to a server: loopback carries 64 KiB in a segment, also under an emulated link, other networks an
    /// Ethernet frame's.
    #[must_use]
    pub fn to(server: SocketAddr) -> Self {
        let header = if server.is_ipv4() { 52 } else { 72 };
        let frame = if server.ip().is_loopback() {
            65_535
        } else {
            1_500
        };
        Self {
            header,
            segment: frame - header,
        }
    }
}

/// The sizes of one trial, in bytes without TCP/IP.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Sizes {
    /// A request after an answer with messages; for an endless transport the one that opens it.
    pub(super) request: f64,
    /// A request after an answer without: a padded exchange makes up for the shorter head.
    pub(super) request_again: f64,
    /// An answer without messages.
    pub(super) empty: f64,
    /// An answer with messages, less those.
    pub(super) page: f64,
    /// What each message adds to an answer or to an endless response.
    pub(super) message: f64,
    /// The most that goes in one piece, whatever a segment has room for.
    pub(super) whole: usize,
}

/// `None` where header lines do not fit into the tables of HTTP/2.
pub(super) fn sizes(situation: &Situation<'_>) -> Option<Sizes> {
    let load = situation.load;
    let record = if load.tls { RECORD } else { 0 };
    let position = position(situation);
    let item = ITEM + position.len() + situation.load.payload;
    let page_body = PAGE_BODY + position.len() + item;
    let cross = match situation.load.origin {
        Origin::Same => 0,
        Origin::Cross => CROSS_HEAD + FOREIGN_PAGE.len(),
    };
    let (page_head, empty_head) = (
        PAGE_HEAD + digits(page_body) + cross,
        EMPTY_HEAD + position.len() + cross,
    );
    let (page, empty) = match load.http {
        Http::One => (float(page_head), float(empty_head)),
        Http::Two => answers(situation, &position, page_body),
    };
    let message = match situation.load.transport {
        // And a comma, which the last one has not.
        Transport::Polling | Transport::LongPolling => item + 1,
        Transport::Streaming => record + body(load, item + 1),
        Transport::Sse => record + body(load, EVENT + position.len() + load.payload),
        Transport::Websocket => match load.http {
            Http::One => record + frame(item),
            Http::Two => record + FRAME + frame(item),
        },
    };
    let again = request(situation, &position, empty_head)?;
    let request = request(situation, &position, page_head)?;
    Some(Sizes {
        request: float(record + request),
        request_again: float(record + again),
        empty: float(record) + empty,
        page: float(record + PAGE_BODY + position.len() - 1) + page,
        message: float(message),
        whole: if load.tls { WHOLE } else { usize::MAX },
    })
}

/// The heads of an answer with messages and of one without, over HTTP/2: as the bundled relay's lines of
/// [`PAGE_HEAD`] and [`EMPTY_HEAD`] are said again, the former with the frame that its body comes in.
fn answers(situation: &Situation<'_>, position: &str, page_body: usize) -> (f64, f64) {
    let cross = match situation.load.origin {
        Origin::Same => 0,
        Origin::Cross => CROSS_LINES * hpack::AGAIN,
    };
    let date = float(hpack::changed(33, DATE)) * another_second(situation)
        + float(hpack::AGAIN) * (1.0 - another_second(situation));
    let length = hpack::spelt(28, &page_body.to_string());
    // The status, the type, no-store and nosniff.
    let page = FRAME + 4 * hpack::AGAIN + length + cross + FRAME;
    // The status and no-store; the position is a new one after every answer with messages.
    let empty = FRAME + 2 * hpack::AGAIN + hpack::changed(NEXT, position) + cross;
    (float(page) + date, float(empty) + date)
}

/// The share of answers that come in another second than the one before, so that their date is a new one.
fn another_second(situation: &Situation<'_>) -> f64 {
    let between = match situation.load.transport {
        Transport::Polling => situation.load.poll_interval.as_secs_f64(),
        _ => situation.rate().map_or(1.0, f64::recip),
    };
    between.min(1.0)
}

#[expect(clippy::cast_precision_loss, reason = "sizes of single messages")]
fn float(size: usize) -> f64 {
    size as f64
}

/// A piece of an endless body: a chunk, or the data of a stream.
fn body(load: &Load, length: usize) -> usize {
    match load.http {
        Http::One => chunk(length),
        Http::Two => FRAME + length,
    }
}

/// A position in the middle of the trial.
fn position(situation: &Situation<'_>) -> String {
    let offset = situation.planned / situation.load.channels.max(1) as u64 / 2;
    format!("{:x<width$}{}", "", offset.max(1), width = EPOCH)
}

/// A request, made by the client's own encoder.
fn request(situation: &Situation<'_>, position: &str, response_head: usize) -> Option<usize> {
    let load = situation.load;
    let subscription = Subscription::new(
        load,
        Rc::from(situation.names.authority),
        Rc::from(situation.names.channel),
        Rc::new(Profile::of_subscribers(load).with_token(situation.names.token)),
    );
    let mut out = Vec::new();
    let cursor = Cursor::at(position, response_head);
    Client::new(load.transport).request(&subscription, &cursor, &mut out);
    match load.http {
        Http::One => Some(out.len()),
        Http::Two => Some(FRAME + hpack::request(std::str::from_utf8(&out).ok()?)?),
    }
}

/// A chunk of an HTTP response: its length in hexadecimal, and two line ends.
fn chunk(length: usize) -> usize {
    length + format!("{length:x}").len() + 4
}

/// An unmasked WebSocket frame (RFC 6455, section 5.2).
fn frame(length: usize) -> usize {
    length
        + match length {
            0..=125 => 2,
            126..=0xffff => 4,
            _ => 10,
        }
}

fn digits(number: usize) -> usize {
    number.to_string().len()
}
