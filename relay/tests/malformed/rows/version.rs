//! The request line: method, spaces, version.

use crate::row::Demand::{May, One, Refuse, Two};
use crate::row::{LENGTH, MARKER, Row, line};

/// Such a request line, and a whole request behind the head.
fn then(first: &str) -> String {
    line(first) + MARKER
}

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = versions();
    rows.extend(methods());
    rows
}

fn versions() -> Vec<Row> {
    let row = Row::new;
    vec![
        row(
            "HTTP/0.9",
            May,
            "9112 2.3",
            format!("GET /healthz\r\n{MARKER}"),
        ),
        row(
            "HTTP/0.9 with fields",
            Refuse,
            "9112 3",
            then("GET /healthz"),
        ),
        row(
            "HTTP/0.9 by its name",
            Refuse,
            "9110 15.6.6",
            then("GET /healthz HTTP/0.9"),
        ),
        row(
            "HTTP/1.0, and more behind it",
            One,
            "9112 9.3",
            then("GET /healthz HTTP/1.0"),
        ),
        row("HTTP/1.2", May, "9110 2.5", then("GET /healthz HTTP/1.2")),
        row(
            "HTTP/1.10",
            Refuse,
            "9112 2.3",
            then("GET /healthz HTTP/1.10"),
        ),
        row(
            "HTTP/2.0",
            Refuse,
            "9110 15.6.6",
            then("GET /healthz HTTP/2.0"),
        ),
        row(
            "HTTP/9.9",
            Refuse,
            "9110 15.6.6",
            then("GET /healthz HTTP/9.9"),
        ),
        row(
            "the preface of HTTP/2",
            Refuse,
            "9113 3.4",
            format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\u{4}\0\0\0\0\0{MARKER}"),
        ),
        row(
            "`http/1.1`",
            Refuse,
            "9112 2.3",
            then("GET /healthz http/1.1"),
        ),
        row(
            "`HTTP/1,1`",
            Refuse,
            "9112 2.3",
            then("GET /healthz HTTP/1,1"),
        ),
        row(
            "`HTTP /1.1`",
            Refuse,
            "9112 3",
            then("GET /healthz HTTP /1.1"),
        ),
        row(
            "two spaces before the target",
            May,
            "9112 3",
            then("GET  /healthz HTTP/1.1"),
        ),
        row(
            "two spaces before the version",
            May,
            "9112 3",
            then("GET /healthz  HTTP/1.1"),
        ),
        row(
            "a tab before the target",
            May,
            "9112 3",
            then("GET\t/healthz HTTP/1.1"),
        ),
        row(
            "a space behind the version",
            May,
            "9112 3",
            then("GET /healthz HTTP/1.1 "),
        ),
        row(
            "a word behind the version",
            Refuse,
            "9112 3",
            then("GET /healthz HTTP/1.1 x"),
        ),
        row(
            "a space before the method",
            Refuse,
            "9112 3",
            then(" GET /healthz HTTP/1.1"),
        ),
        row(
            "a TLS ClientHello",
            Refuse,
            "9112 3",
            "\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}\r\n\r\n".to_owned(),
        ),
    ]
}

fn methods() -> Vec<Row> {
    let row = Row::new;
    let body = |first: &str| {
        format!("{first}\r\nHost: localhost\r\nContent-Length: {LENGTH}\r\n\r\n{MARKER}")
    };
    vec![
        row(
            "`get` in lower case",
            Two,
            "9110 9.1",
            then("get /healthz HTTP/1.1"),
        ),
        row(
            "a method that nobody knows",
            Two,
            "9110 9.1",
            then("FROB /healthz HTTP/1.1"),
        ),
        row(
            "a method with a parenthesis",
            Refuse,
            "9110 9.1",
            then("GE(T /healthz HTTP/1.1"),
        ),
        row("no method", Refuse, "9112 3", then(" /healthz HTTP/1.1")),
        row("TRACE", Two, "9110 9.3.8", then("TRACE /healthz HTTP/1.1")),
        row(
            "TRACE with a body",
            May,
            "9110 9.3.8",
            body("TRACE /healthz HTTP/1.1"),
        ),
        row(
            "CONNECT",
            May,
            "9110 9.3.6",
            then("CONNECT localhost:80 HTTP/1.1"),
        ),
        row(
            "CONNECT of an origin-form target",
            Refuse,
            "9112 3.2.3",
            then("CONNECT /healthz HTTP/1.1"),
        ),
        row(
            "CONNECT with a body",
            May,
            "9110 9.3.6",
            body("CONNECT localhost:80 HTTP/1.1"),
        ),
        row(
            "a method of 10,000 bytes",
            May,
            "9112 3",
            then(&format!("{} /healthz HTTP/1.1", "X".repeat(10_000))),
        ),
    ]
}
