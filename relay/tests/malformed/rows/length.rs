//! Where a body ends: `Content-Length`, `Transfer-Encoding`, and both.

use crate::row::Demand::{Hiding, May, One, Refuse, Two};
use crate::row::{HEX, LENGTH, MARKER, Row, plus, post, posts};

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

/// A body that ends before the hidden request by its chunks, and behind it by its length.
fn by_length(coding: &str) -> String {
    let length = format!("Content-Length: {}\r\n", plus(11));
    post(&(length + coding), &early())
}

fn early() -> String {
    format!("1\r\n1\r\n0\r\n\r\n{MARKER}")
}

/// A body that ends before the hidden request by its length, and behind it by its chunks.
fn by_chunks(fields: &str) -> String {
    post(fields, &format!("{HEX}\r\n{MARKER}\r\n0\r\n\r\n"))
}

/// A `Content-Length` of some form, with a body of one byte and the hidden request behind it.
fn length(value: &str) -> String {
    post(
        &format!("Content-Length:{value}\r\n"),
        &format!("1{MARKER}"),
    )
}

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = both();
    rows.extend(codings());
    rows.extend(lengths());
    rows
}

fn both() -> Vec<Row> {
    let row = Row::new;
    vec![
        row("two whole requests", Two, "9112 9.3.2", length(" 1")),
        row("CL, then TE", Hiding, "9112 6.3", by_length(CHUNKED)),
        row(
            "TE, then CL",
            Hiding,
            "9112 6.3",
            post(
                &format!("{CHUNKED}Content-Length: {}\r\n", plus(11)),
                &early(),
            ),
        ),
        row(
            "CL, then TE; the length is the shorter",
            Hiding,
            "9112 6.3",
            by_chunks(&format!("Content-Length: 4\r\n{CHUNKED}")),
        ),
        row(
            "TE, then CL; the length is the shorter",
            Hiding,
            "9112 6.3",
            by_chunks(&format!("{CHUNKED}Content-Length: 4\r\n")),
        ),
        row(
            "CL and TE, and `Connection: content-length`",
            Hiding,
            "9112 6.3",
            by_length(&format!("{CHUNKED}Connection: content-length\r\n")),
        ),
        row(
            "CL and TE in HTTP/1.0",
            Hiding,
            "9112 6.1",
            posts(
                "HTTP/1.0",
                &format!("Content-Length: {}\r\n{CHUNKED}", plus(11)),
                &early(),
            ),
        ),
        row(
            "TE in HTTP/1.0",
            Refuse,
            "9112 6.1",
            posts("HTTP/1.0", CHUNKED, &early()),
        ),
        row("no length at all", Two, "9112 6.3", post("", MARKER)),
        row(
            "GET with a body",
            One,
            "9110 9.3.1",
            format!(
                "GET /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: {LENGTH}\r\n\r\n{MARKER}"
            ),
        ),
        row(
            "GET that polls, with a body",
            One,
            "9110 9.3.1",
            format!(
                "GET /channels/row/messages?wait=5s HTTP/1.1\r\nHost: localhost\r\n\
                 Content-Length: {LENGTH}\r\n\r\n{MARKER}"
            ),
        ),
        row(
            "HEAD with a body",
            One,
            "9110 9.3.2",
            format!(
                "HEAD /healthz HTTP/1.1\r\nHost: localhost\r\nContent-Length: {LENGTH}\r\n\r\n{MARKER}"
            ),
        ),
    ]
}

fn codings() -> Vec<Row> {
    let row = Row::new;
    let chunked = |fields: &str| post(fields, "1\r\n1\r\n0\r\n\r\n");
    let with = |line: &str| by_length(&format!("{line}\r\n"));
    vec![
        row(
            "TE `chunked` after two spaces",
            One,
            "9110 5.5",
            chunked("Transfer-Encoding:  chunked\r\n"),
        ),
        row(
            "TE `chunked` after a tab",
            One,
            "9110 5.5",
            chunked("Transfer-Encoding:\tchunked\r\n"),
        ),
        row(
            "TE `CHUNKED`",
            One,
            "9112 7",
            chunked("tRANSFER-eNCODING: CHUNKED\r\n"),
        ),
        row(
            "TE `chunked,`",
            May,
            "9110 5.6.1",
            chunked("Transfer-Encoding: chunked,\r\n"),
        ),
        row(
            "TE `chunked` twice",
            Refuse,
            "9112 6.1",
            chunked(&CHUNKED.repeat(2)),
        ),
        row(
            "TE `chunked, chunked`",
            Refuse,
            "9112 6.1",
            chunked("Transfer-Encoding: chunked, chunked\r\n"),
        ),
        row(
            "TE `gzip, chunked`",
            May,
            "9112 6.1",
            chunked("Transfer-Encoding: gzip, chunked\r\n"),
        ),
        row(
            "TE `identity, chunked`",
            May,
            "9112 6.1",
            chunked("Transfer-Encoding: identity, chunked\r\n"),
        ),
        row(
            "TE `gzip`",
            Refuse,
            "9112 6.3",
            chunked("Transfer-Encoding: gzip\r\n"),
        ),
        row(
            "TE `chunked, gzip`",
            Refuse,
            "9112 6.3",
            chunked("Transfer-Encoding: chunked, gzip\r\n"),
        ),
        row(
            "TE empty",
            Refuse,
            "9112 6.3",
            chunked("Transfer-Encoding:\r\n"),
        ),
        row(
            "TE listed in `Connection`",
            One,
            "9110 7.6.1",
            chunked(&format!("{CHUNKED}Connection: transfer-encoding\r\n")),
        ),
        row(
            "`TE: chunked` (another field), CL",
            One,
            "9110 10.1.4",
            with("TE: chunked"),
        ),
        row(
            "`Transfer_Encoding: chunked` (another field), CL",
            One,
            "9110 5.1",
            with("Transfer_Encoding: chunked"),
        ),
        row(
            "TE `xchunked`, CL",
            Hiding,
            "9112 6.3",
            with("Transfer-Encoding: xchunked"),
        ),
        row(
            "TE `identity`, CL",
            Hiding,
            "9112 6.3",
            with("Transfer-Encoding: identity"),
        ),
        row(
            "TE `chunked, identity`, CL",
            Hiding,
            "9112 6.3",
            with("Transfer-Encoding: chunked, identity"),
        ),
        row(
            "TE `\"chunked\"`, CL",
            Hiding,
            "9112 6.3",
            with("Transfer-Encoding: \"chunked\""),
        ),
        row(
            "TE `chunked;a=b`, CL",
            Hiding,
            "9112 6.3",
            with("Transfer-Encoding: chunked;a=b"),
        ),
        row(
            "TE after a vertical tab, CL",
            Hiding,
            "9110 5.5",
            with("Transfer-Encoding:\u{b}chunked"),
        ),
        row(
            "TE with NUL behind it, CL",
            Hiding,
            "9110 5.5",
            with("Transfer-Encoding: chunked\0"),
        ),
        row(
            "TE with NUL in its name, CL",
            Hiding,
            "9110 5.1",
            with("Transfer\0Encoding: chunked"),
        ),
        row(
            "TE with a space before its colon, CL",
            Hiding,
            "9112 5.1",
            with("Transfer-Encoding : chunked"),
        ),
        row(
            "TE with a space before its name, CL",
            Hiding,
            "9112 5.2",
            with(" Transfer-Encoding: chunked"),
        ),
        row(
            "TE behind a bare LF, CL",
            Hiding,
            "9112 2.2",
            with("X: y\nTransfer-Encoding: chunked"),
        ),
        row(
            "TE behind a bare CR, CL",
            Hiding,
            "9112 2.2",
            with("X: y\rTransfer-Encoding: chunked"),
        ),
        row(
            "TE `chunked`, then TE `identity`, CL",
            Hiding,
            "9112 6.3",
            with("Transfer-Encoding: chunked\r\nTransfer-Encoding: identity"),
        ),
        row(
            "TE `identity`, then TE `chunked`, CL",
            Hiding,
            "9112 6.3",
            with("Transfer-Encoding: identity\r\nTransfer-Encoding: chunked"),
        ),
    ]
}

fn lengths() -> Vec<Row> {
    let row = Row::new;
    vec![
        row(
            "CL with a tab before and spaces behind it",
            Two,
            "9110 5.5",
            length("\t1  "),
        ),
        row("CL `0001`", Two, "9110 8.6", length(" 0001")),
        row(
            "CL twice, equal",
            May,
            "9112 6.3",
            length(" 1\r\nContent-Length: 1"),
        ),
        row("CL `1, 1`", May, "9112 6.3", length(" 1, 1")),
        row(
            "CL twice, the longer first",
            Hiding,
            "9112 6.3",
            length(&format!(" {}\r\nContent-Length: 1", plus(1))),
        ),
        row(
            "CL twice, the shorter first",
            Hiding,
            "9112 6.3",
            length(&format!(" 1\r\nContent-Length: {}", plus(1))),
        ),
        row("CL `1, 200`", Hiding, "9112 6.3", length(" 1, 200")),
        row("CL empty", Refuse, "9112 6.3", length("")),
        row("CL `+1`", Refuse, "9112 6.3", length(" +1")),
        row("CL `-1`", Refuse, "9112 6.3", length(" -1")),
        row("CL `0x1`", Refuse, "9112 6.3", length(" 0x1")),
        row("CL `1.0`", Refuse, "9112 6.3", length(" 1.0")),
        row("CL `1e0`", Refuse, "9112 6.3", length(" 1e0")),
        row("CL `1 1`", Refuse, "9112 6.3", length(" 1 1")),
        row("CL `1;a=b`", Refuse, "9112 6.3", length(" 1;a=b")),
        row("CL `1_0`", Refuse, "9112 6.3", length(" 1_0")),
        row(
            "CL after a vertical tab",
            Refuse,
            "9110 5.5",
            length("\u{b}1"),
        ),
        row(
            "CL in digits that are not ASCII",
            Refuse,
            "9112 6.3",
            length(" \u{b9}"),
        ),
        row(
            "CL 2^64 + 1",
            Refuse,
            "9112 6.3",
            length(" 18446744073709551617"),
        ),
        row(
            "CL of 40 digits",
            Refuse,
            "9112 6.3",
            length(&format!(" {}", "9".repeat(40))),
        ),
        row(
            "CL 2^63 - 1",
            May,
            "9110 15.5.14",
            length(" 9223372036854775807"),
        ),
        row("CL folded", Refuse, "9112 5.2", length("\r\n 1")),
        row(
            "CL with a space before its colon",
            Refuse,
            "9112 5.1",
            post("Content-Length : 1\r\n", &format!("1{MARKER}")),
        ),
        row(
            "CL longer than what comes",
            One,
            "9112 6.3",
            post(
                &format!("Content-Length: {}\r\n", plus(2)),
                &format!("1{MARKER}"),
            ),
        ),
    ]
}
