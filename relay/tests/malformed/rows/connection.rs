//! What goes on after a request, or instead of it: connections, expectations, upgrades, content codings.

use crate::row::Demand::{May, One, Two};
use crate::row::{LENGTH, MARKER, Row, field, post, posts};

const HANDSHAKE: &str = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

fn socket(fields: &str, body: &str) -> String {
    format!("GET /channels/row/socket HTTP/1.1\r\nHost: localhost\r\n{HANDSHAKE}{fields}\r\n{body}")
}

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = connections();
    rows.extend(upgrades());
    rows.extend(codings());
    rows
}

fn connections() -> Vec<Row> {
    let row = Row::new;
    let one = |fields: &str| {
        post(
            &format!("Content-Length: 1\r\n{fields}\r\n"),
            &format!("1{MARKER}"),
        )
    };
    let hidden = |fields: &str| post(&format!("Content-Length: {LENGTH}\r\n{fields}\r\n"), MARKER);
    vec![
        row(
            "`Connection: close`, and more behind it",
            One,
            "9112 9.6",
            one("Connection: close"),
        ),
        row(
            "`Connection: close, keep-alive`",
            One,
            "9112 9.6",
            one("Connection: close, keep-alive"),
        ),
        row(
            "`Connection: keep-alive`, then `close`",
            One,
            "9112 9.6",
            one("Connection: keep-alive\r\nConnection: close"),
        ),
        row(
            "`Connection: host`",
            May,
            "9110 7.6.1",
            one("Connection: host"),
        ),
        row(
            "`Expect: 100-continue`, body sent at once",
            Two,
            "9110 10.1.1",
            one("Expect: 100-continue"),
        ),
        row(
            "`Expect: 100-continue`, a request as body",
            One,
            "9110 10.1.1",
            hidden("Expect: 100-continue"),
        ),
        row(
            "`Expect: 100-continue` at an address that takes no body",
            One,
            "9110 10.1.1",
            format!(
                "GET /healthz HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: {LENGTH}\r\n\r\n{MARKER}"
            ),
        ),
        row(
            "`Expect: 100-continue` in HTTP/1.0",
            One,
            "9110 10.1.1",
            posts(
                "HTTP/1.0",
                "Content-Length: 1\r\nExpect: 100-continue\r\n",
                "1",
            ),
        ),
        row(
            "an expectation that nobody knows",
            May,
            "9110 10.1.1",
            one("Expect: miracles"),
        ),
        row(
            "`Expect: 100-continue` twice",
            May,
            "9110 10.1.1",
            one("Expect: 100-continue\r\nExpect: 100-continue"),
        ),
        row(
            "`Max-Forwards: 0`",
            Two,
            "9110 7.6.2",
            field("Max-Forwards: 0") + MARKER,
        ),
    ]
}

fn upgrades() -> Vec<Row> {
    let row = Row::new;
    vec![
        row(
            "a WebSocket",
            One,
            "6455 4.2",
            socket("Connection: Upgrade\r\n", ""),
        ),
        row(
            "a WebSocket, and a request instead of frames",
            May,
            "6455 4.2",
            socket("Connection: Upgrade\r\n", MARKER),
        ),
        row(
            "a WebSocket with a body",
            One,
            "6455 4.1",
            socket(
                &format!("Connection: Upgrade\r\nContent-Length: {LENGTH}\r\n"),
                MARKER,
            ),
        ),
        row(
            "a WebSocket with an empty body in chunks",
            Two,
            "6455 4.1",
            socket(
                "Connection: Upgrade\r\nTransfer-Encoding: chunked\r\n",
                &format!("0\r\n\r\n{MARKER}"),
            ),
        ),
        row(
            "a WebSocket of version 12, and a request behind it",
            Two,
            "6455 4.4",
            socket("Connection: Upgrade\r\n", MARKER).replace("13", "12"),
        ),
        row(
            "`Upgrade` that `Connection` does not list",
            Two,
            "9110 7.8",
            socket("", MARKER),
        ),
        row(
            "`Upgrade: h2c`",
            Two,
            "9113 3.1",
            field(
                "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk",
            ) + MARKER,
        ),
        row(
            "`Upgrade` in HTTP/1.0",
            One,
            "9110 7.8",
            socket("Connection: Upgrade\r\n", MARKER).replacen("HTTP/1.1", "HTTP/1.0", 1),
        ),
    ]
}

fn codings() -> Vec<Row> {
    let row = Row::new;
    // `1` in gzip.
    let gzip = "\u{1f}\u{8b}\u{8}\0\0\0\0\0\0\u{3}\u{33}\u{4}\0\u{b7}\u{ef}\u{dc}\u{83}\u{1}\0\0\0";
    let coded = |coding: &str, body: &str| {
        let fields = format!(
            "Content-Encoding: {coding}\r\nContent-Length: {}\r\n",
            body.chars().count()
        );
        post(&fields, &format!("{body}{MARKER}"))
    };
    vec![
        row("a body in gzip", Two, "9110 15.5.16", coded("gzip", gzip)),
        row(
            "`Content-Encoding: gzip`, a body that is not",
            Two,
            "9110 15.5.16",
            coded("gzip", "1"),
        ),
        row(
            "`Content-Encoding: br`",
            Two,
            "9110 15.5.16",
            coded("br", "1"),
        ),
        row(
            "`Content-Encoding: deflate, gzip`",
            Two,
            "9110 15.5.16",
            coded("deflate, gzip", "1"),
        ),
        row(
            "`Content-Encoding: chunked`",
            Two,
            "9110 15.5.16",
            coded("chunked", "1"),
        ),
        row(
            "`Content-Encoding: identity`",
            Two,
            "9110 8.4.1",
            coded("identity", "1"),
        ),
    ]
}
