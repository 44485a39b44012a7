//! Bodies in chunks, and what comes behind them.

use crate::row::Demand::{May, One, Refuse, Two};
use crate::row::{HEX, MARKER, Row, post};

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

fn chunks(body: &str) -> String {
    post(CHUNKED, body)
}

/// A body of `1` in one chunk with such a size line, and a whole request behind it.
fn size(line: &str) -> String {
    chunks(&format!("{line}1\r\n0\r\n\r\n{MARKER}"))
}

/// A whole body with such trailers, and a whole request behind them.
fn trailers(lines: &str) -> String {
    chunks(&format!("1\r\n1\r\n0\r\n{lines}\r\n{MARKER}"))
}

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = sizes();
    rows.extend(ends());
    rows.extend(behind());
    rows
}

fn sizes() -> Vec<Row> {
    let row = Row::new;
    let long = |kilobytes: usize| format!("1;{}\r\n", "x".repeat(kilobytes * 1000));
    vec![
        row("chunk", Two, "9112 7.1", size("1\r\n")),
        row("chunk size `0001`", Two, "9112 7.1", size("0001\r\n")),
        row(
            "chunk size of 20 digits, all but one 0",
            May,
            "9112 7.1",
            size("00000000000000000001\r\n"),
        ),
        row("chunk size `0x1`", Refuse, "9112 7.1", size("0x1\r\n")),
        row("chunk size `-1`", Refuse, "9112 7.1", size("-1\r\n")),
        row("chunk size `+1`", Refuse, "9112 7.1", size("+1\r\n")),
        row("chunk size `1g`", Refuse, "9112 7.1", size("1g\r\n")),
        row("chunk size empty", Refuse, "9112 7.1", size("\r\n")),
        row(
            "chunk size 2^64 + 1",
            Refuse,
            "9112 7.1",
            size("10000000000000001\r\n"),
        ),
        row(
            "chunk size 2^64 - 1",
            May,
            "9112 7.1",
            size("ffffffffffffffff\r\n"),
        ),
        row(
            "a space before a chunk size",
            Refuse,
            "9112 7.1",
            size(" 1\r\n"),
        ),
        row(
            "a space behind a chunk size",
            May,
            "9112 7.1",
            size("1 \r\n"),
        ),
        row(
            "a tab behind a chunk size",
            May,
            "9112 7.1",
            size("1\t\r\n"),
        ),
        row("a chunk extension", Two, "9112 7.1.1", size("1;a=b\r\n")),
        row(
            "a chunk extension in quotes",
            Two,
            "9112 7.1.1",
            size("1;a=\"b;c\"\r\n"),
        ),
        row(
            "a chunk extension of 10 kB",
            May,
            "9112 7.1.1",
            size(&long(10)),
        ),
        row(
            "a chunk extension of 100 kB",
            May,
            "9112 7.1.1",
            size(&long(100)),
        ),
        row(
            "a bare LF in a chunk extension",
            Refuse,
            "9112 2.2",
            chunks(&format!("1;a\n1\r\n0\r\n\r\n{MARKER}")),
        ),
        row(
            "a bare CR in a chunk extension",
            Refuse,
            "9112 2.2",
            size("1;a\rb\r\n"),
        ),
        row(
            "NUL in a chunk extension",
            Refuse,
            "9112 7.1.1",
            size("1;a\0\r\n"),
        ),
    ]
}

fn ends() -> Vec<Row> {
    let row = Row::new;
    vec![
        row(
            "bare LF behind a chunk size",
            Refuse,
            "9112 2.2",
            size("1\n"),
        ),
        row(
            "bare CR behind a chunk size",
            Refuse,
            "9112 2.2",
            size("1\r"),
        ),
        row(
            "bare LF behind a chunk",
            Refuse,
            "9112 2.2",
            chunks(&format!("1\r\n1\n0\r\n\r\n{MARKER}")),
        ),
        row(
            "nothing behind a chunk",
            Refuse,
            "9112 7.1",
            chunks(&format!("1\r\n10\r\n\r\n{MARKER}")),
        ),
        row(
            "two other bytes behind a chunk",
            Refuse,
            "9112 7.1",
            chunks(&format!("1\r\n1XX0\r\n\r\n{MARKER}")),
        ),
        row(
            "more data than the chunk size says",
            Refuse,
            "9112 7.1",
            chunks(&format!("1\r\n12\r\n0\r\n\r\n{MARKER}")),
        ),
        row(
            "bare LF behind the last chunk",
            Refuse,
            "9112 2.2",
            chunks(&format!("1\r\n1\r\n0\n\n{MARKER}")),
        ),
        row(
            "bare LF at the end of the body",
            Refuse,
            "9112 2.2",
            chunks(&format!("1\r\n1\r\n0\r\n\n{MARKER}")),
        ),
        row(
            "bare CR at the end of the body",
            Refuse,
            "9112 2.2",
            chunks(&format!("1\r\n1\r\n0\r\n\r{MARKER}")),
        ),
        row(
            "no last chunk",
            One,
            "9112 8",
            chunks(&format!("1\r\n1\r\n{HEX}\r\n{MARKER}")),
        ),
        row(
            "a last chunk of many zeros",
            Two,
            "9112 7.1",
            chunks(&format!("1\r\n1\r\n000000000000\r\n\r\n{MARKER}")),
        ),
        row(
            "a whole request as data",
            One,
            "9112 7.1",
            chunks(&format!("{HEX}\r\n{MARKER}\r\n0\r\n\r\n")),
        ),
    ]
}

fn behind() -> Vec<Row> {
    let row = Row::new;
    let many: String = (0..10_000).map(|n| format!("X{n}: y\r\n")).collect();
    vec![
        row("a trailer", Two, "9112 7.1.2", trailers("X: y\r\n")),
        row(
            "a trailer `Content-Length`",
            May,
            "9110 6.5.1",
            trailers("Content-Length: 200\r\n"),
        ),
        row(
            "a trailer `Transfer-Encoding`",
            May,
            "9110 6.5.1",
            trailers("Transfer-Encoding: chunked\r\n"),
        ),
        row(
            "a trailer `Host`",
            May,
            "9110 6.5.1",
            trailers("Host: evil.example\r\n"),
        ),
        row(
            "bare LF behind a trailer",
            Refuse,
            "9112 2.2",
            trailers("X: y\n"),
        ),
        row(
            "a trailer without a colon",
            Refuse,
            "9112 5",
            trailers("X\r\n"),
        ),
        row(
            "a space before a trailer's colon",
            Refuse,
            "9112 5.1",
            trailers("X : y\r\n"),
        ),
        row(
            "a folded trailer",
            Refuse,
            "9112 5.2",
            trailers("X: y\r\n z\r\n"),
        ),
        row(
            "NUL in a trailer",
            Refuse,
            "9110 5.5",
            trailers("X: y\0\r\n"),
        ),
        row("10,000 trailers", May, "9110 5.4", trailers(&many)),
        row(
            "a trailer of 1 MB",
            May,
            "9110 5.4",
            trailers(&format!("X: {}\r\n", "y".repeat(1 << 20))),
        ),
    ]
}
