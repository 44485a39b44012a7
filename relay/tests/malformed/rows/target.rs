//! What a request is for: its target and its `Host`.

use crate::row::Demand::{May, One, Refuse};
use crate::row::{MARKER, Row, line};

/// A request for `/healthz` with such lines of `Host`.
fn hosts(lines: &str) -> String {
    format!("GET /healthz HTTP/1.1\r\n{lines}\r\n")
}

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = targets();
    rows.extend(names());
    rows
}

fn targets() -> Vec<Row> {
    let row = Row::new;
    let get = |target: &str| line(&format!("GET {target} HTTP/1.1"));
    vec![
        row(
            "absolute target, same host",
            One,
            "9112 3.2.2",
            get("http://localhost/healthz"),
        ),
        row(
            "absolute target, scheme in upper case",
            One,
            "9112 3.2.2",
            get("HTTP://localhost/healthz"),
        ),
        row(
            "absolute target of another host",
            Refuse,
            "9112 3.2.2",
            get("http://evil.example/healthz"),
        ),
        row(
            "absolute target of a listed host, `Host` another",
            Refuse,
            "9112 3.2.2",
            hosts("Host: evil.example\r\n").replace("/healthz", "http://localhost/healthz"),
        ),
        row(
            "absolute target of another port",
            Refuse,
            "9112 3.2.2",
            get("http://localhost:1/healthz"),
        ),
        row(
            "absolute target with a user",
            Refuse,
            "9110 4.2.4",
            get("http://localhost@evil.example/healthz"),
        ),
        row(
            "absolute target with a user, same host",
            Refuse,
            "9110 4.2.4",
            get("http://evil.example@localhost/healthz"),
        ),
        row(
            "absolute target of https on plain TCP",
            May,
            "9110 7.4",
            get("https://localhost/healthz"),
        ),
        row(
            "absolute target of another scheme",
            May,
            "9110 7.4",
            get("gopher://localhost/healthz"),
        ),
        row(
            "absolute target without a host",
            Refuse,
            "9110 4.2.1",
            get("http:///healthz"),
        ),
        row(
            "authority as a target of GET",
            Refuse,
            "9112 3.2.3",
            get("localhost:80"),
        ),
        row("`*` as a target of GET", Refuse, "9112 3.2.4", get("*")),
        row(
            "`*` as a target of OPTIONS",
            One,
            "9112 3.2.4",
            line("OPTIONS * HTTP/1.1"),
        ),
        row(
            "a target without a slash",
            Refuse,
            "9112 3.2",
            get("healthz"),
        ),
        row(
            "a target of two slashes",
            May,
            "9112 3.2.1",
            get("//evil.example/healthz"),
        ),
        row("a fragment", Refuse, "9112 3.2", get("/healthz#x")),
        row("a backslash", Refuse, "9112 3.2", get("\\healthz")),
        row(
            "a backslash within",
            May,
            "9112 3.2",
            get("/x\\..\\healthz"),
        ),
        row(
            "a bare CR in the target",
            Refuse,
            "9112 2.2",
            get("/healthz\rX"),
        ),
        row(
            "CR and LF, percent-encoded",
            One,
            "9112 3.2",
            get(&format!("/healthz%0d%0aHost:%20x%0d%0a%0d%0a{}", "GET%20/")),
        ),
        row("NUL in the target", Refuse, "9112 3.2", get("/healthz\0")),
        row("NUL, percent-encoded", One, "9112 3.2", get("/healthz%00")),
        row("a tab in the target", Refuse, "9112 3.2", get("/health\tz")),
        row(
            "a target that is not ASCII",
            May,
            "9112 3.2",
            get("/health\u{e9}"),
        ),
        row("a broken percent sign", May, "9112 3.2", get("/health%zz")),
        row("a quote in the target", May, "9112 3.2", get("/health\"z")),
        row("dots up and out", One, "9112 3.2", get("/../healthz")),
        row(
            "a whole request in the query",
            Refuse,
            "9112 3.2",
            line(&format!("GET /healthz?{MARKER} HTTP/1.1")),
        ),
    ]
}

fn names() -> Vec<Row> {
    let row = Row::new;
    vec![
        row("no `Host`", Refuse, "9112 3.2", hosts("")),
        row(
            "no `Host` in HTTP/1.0",
            One,
            "9112 3.2",
            hosts("").replace("1.1", "1.0"),
        ),
        row(
            "`Host` twice, equal",
            Refuse,
            "9112 3.2",
            hosts("Host: localhost\r\nHost: localhost\r\n"),
        ),
        row(
            "`Host` twice, differing",
            Refuse,
            "9112 3.2",
            hosts("Host: localhost\r\nHost: evil.example\r\n"),
        ),
        row("`Host` empty", Refuse, "9110 7.2", hosts("Host:\r\n")),
        row(
            "`Host` with a user",
            Refuse,
            "9112 3.2",
            hosts("Host: x@localhost\r\n"),
        ),
        row(
            "`Host` with a path",
            Refuse,
            "9112 3.2",
            hosts("Host: localhost/x\r\n"),
        ),
        row(
            "`Host` of two names",
            Refuse,
            "9112 3.2",
            hosts("Host: localhost, evil.example\r\n"),
        ),
        row(
            "`Host` with a space in it",
            Refuse,
            "9112 3.2",
            hosts("Host: localhost x\r\n"),
        ),
        row(
            "`Host` with a port that is no number",
            Refuse,
            "9112 3.2",
            hosts("Host: localhost:80x\r\n"),
        ),
        row(
            "`Host` with two ports",
            Refuse,
            "9112 3.2",
            hosts("Host: localhost:80:80\r\n"),
        ),
        row(
            "`Host` that is not ASCII",
            Refuse,
            "9112 3.2",
            hosts("Host: localh\u{f6}st\r\n"),
        ),
        row(
            "`Host` folded",
            Refuse,
            "9112 5.2",
            hosts("Host:\r\n localhost\r\n"),
        ),
        row(
            "`Host` with a space before its colon",
            Refuse,
            "9112 5.1",
            hosts("Host : localhost\r\n"),
        ),
        row(
            "`Host` of another server",
            One,
            "9110 7.4",
            hosts("Host: evil.example\r\n"),
        ),
    ]
}
