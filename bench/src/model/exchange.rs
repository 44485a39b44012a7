//! Sizes on the wire: requests as the clients encode them, answers as the relay's interface fixes them.

use std::net::SocketAddr;
use std::rc::Rc;

use super::Situation;
use crate::client::{Client, Cursor, Profile, Subscription};
use crate::scenario::{FOREIGN_PAGE, Origin, Token, Transport};

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
}

pub(super) fn sizes(situation: &Situation<'_>) -> Sizes {
    let position = position(situation);
    let item = ITEM + position.len() + situation.load.payload;
    let page_body = PAGE_BODY + position.len() + item;
    let cross = match situation.load.origin {
        Origin::Same => 0,
        Origin::Cross => CROSS_HEAD + FOREIGN_PAGE.len(),
    };
    let page = PAGE_HEAD + digits(page_body) + cross;
    let empty = EMPTY_HEAD + position.len() + cross;
    let message = match situation.load.transport {
        // And a comma, which the last one has not.
        Transport::Polling | Transport::LongPolling => item + 1,
        Transport::Streaming => chunk(item + 1),
        Transport::Sse => chunk(EVENT + position.len() + situation.load.payload),
        Transport::Websocket => frame(item),
    };
    #[expect(clippy::cast_precision_loss, reason = "sizes of single messages")]
    let float = |size: usize| size as f64;
    Sizes {
        request: float(request(situation, &position, page)),
        request_again: float(request(situation, &position, empty)),
        empty: float(empty),
        page: float(page + PAGE_BODY + position.len() - 1),
        message: float(message),
    }
}

/// A position in the middle of the trial.
fn position(situation: &Situation<'_>) -> String {
    let offset = situation.planned / situation.load.channels.max(1) as u64 / 2;
    format!("{:x<width$}{}", "", offset.max(1), width = EPOCH)
}

/// A request, made by the client's own encoder.
fn request(situation: &Situation<'_>, position: &str, response_head: usize) -> usize {
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
    out.len()
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
