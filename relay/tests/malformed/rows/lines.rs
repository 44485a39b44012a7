//! How lines end and what fields are made of.

use crate::row::Demand::{May, One, Refuse, Two};
use crate::row::{MARKER, Row, field};

/// Such a field, and a whole request behind it.
fn then(line: &str) -> String {
    field(line) + MARKER
}

pub(crate) fn rows() -> Vec<Row> {
    let mut rows = ends();
    rows.extend(fields());
    rows.extend(many());
    rows
}

fn ends() -> Vec<Row> {
    let row = Row::new;
    let get = "GET /healthz HTTP/1.1";
    let host = "Host: localhost";
    let hidden = |line: &str| format!("{get}\r\n{host}\r\n{line}{MARKER}");
    vec![
        row(
            "an empty line first",
            Two,
            "9112 2.2",
            format!("\r\n{}", then("X: y")),
        ),
        row(
            "bare LF first",
            Refuse,
            "9112 2.2",
            format!("\n{}", then("X: y")),
        ),
        row(
            "bare LF behind the request line",
            Refuse,
            "9112 2.2",
            format!("{get}\n{host}\r\n\r\n{MARKER}"),
        ),
        row(
            "bare LF behind a field",
            Refuse,
            "9112 2.2",
            format!("{get}\r\n{host}\nX: y\r\n\r\n{MARKER}"),
        ),
        row(
            "bare LF everywhere",
            Refuse,
            "9112 2.2",
            format!("{get}\n{host}\n\n{MARKER}"),
        ),
        row(
            "bare LF at the end of the head",
            Refuse,
            "9112 2.2",
            hidden("X: y\r\n\n"),
        ),
        row(
            "LF, CR, LF at the end of the head",
            Refuse,
            "9112 2.2",
            hidden("X: y\n\r\n"),
        ),
        row(
            "bare CR behind the request line",
            Refuse,
            "9112 2.2",
            format!("{get}\r{host}\r\n\r\n{MARKER}"),
        ),
        row(
            "bare CR everywhere",
            Refuse,
            "9112 2.2",
            format!("{get}\r{host}\r\r{MARKER}"),
        ),
        row(
            "CR, CR, LF at the end of the head",
            Refuse,
            "9112 2.2",
            hidden("X: y\r\n\r\r\n"),
        ),
        row(
            "bare CR in a value, and a request",
            Refuse,
            "9112 2.2",
            hidden("X: y\r\r"),
        ),
        row(
            "a field folded with a space",
            Refuse,
            "9112 5.2",
            then("X: y\r\n z"),
        ),
        row(
            "a field folded with a tab",
            Refuse,
            "9112 5.2",
            then("X: y\r\n\tz"),
        ),
        row(
            "a line of one space",
            Refuse,
            "9112 5.2",
            hidden("X: y\r\n \r\n\r\n"),
        ),
        row(
            "a space before the first field",
            Refuse,
            "9112 2.2",
            format!("{get}\r\n {host}\r\nX: y\r\n\r\n{MARKER}"),
        ),
        row(
            "a tab before the first field",
            Refuse,
            "9112 2.2",
            format!("{get}\r\n\t{host}\r\nX: y\r\n\r\n{MARKER}"),
        ),
    ]
}

fn fields() -> Vec<Row> {
    let row = Row::new;
    vec![
        row("a space before a colon", Refuse, "9112 5.1", then("X : y")),
        row("a tab before a colon", Refuse, "9112 5.1", then("X\t: y")),
        row("a space in a name", Refuse, "9110 5.1", then("X Y: z")),
        row("no name", Refuse, "9110 5.1", then(": y")),
        row("no colon", Refuse, "9112 5", then("X")),
        row("NUL in a name", Refuse, "9110 5.1", then("X\0: y")),
        row(
            "a control byte in a name",
            Refuse,
            "9110 5.1",
            then("X\u{1}: y"),
        ),
        row("a parenthesis in a name", Refuse, "9110 5.1", then("X(: y")),
        row(
            "a name that is not ASCII",
            Refuse,
            "9110 5.1",
            then("X\u{e9}: y"),
        ),
        row("NUL in a value", Refuse, "9110 5.5", then("X: y\0z")),
        row(
            "a control byte in a value",
            May,
            "9110 5.5",
            then("X: y\u{1}z"),
        ),
        row(
            "a vertical tab in a value",
            May,
            "9110 5.5",
            then("X: y\u{b}z"),
        ),
        row("DEL in a value", May, "9110 5.5", then("X: y\u{7f}z")),
        row(
            "a value that is not ASCII",
            Two,
            "9110 5.5",
            then("X: \u{e9}"),
        ),
        row("an empty value", Two, "9110 5.5", then("X:")),
        row(
            "a name of 10,000 bytes",
            Two,
            "9110 5.4",
            then(&format!("{}: y", "x".repeat(10_000))),
        ),
    ]
}

fn many() -> Vec<Row> {
    let row = Row::new;
    let many = |count| {
        (0..count)
            .map(|n| format!("X{n}: y\r\n"))
            .collect::<String>()
            + "Y: z"
    };
    vec![
        row("90 fields", Two, "9110 5.4", then(&many(88))),
        row("10,000 fields", May, "9110 5.4", then(&many(10_000))),
        row(
            "a field of 15 kB",
            Two,
            "9110 5.4",
            then(&format!("X: {}", "y".repeat(15_000))),
        ),
        row(
            "a field of 1 MB",
            May,
            "9110 5.4",
            then(&format!("X: {}", "y".repeat(1 << 20))),
        ),
        row(
            "a request line of 40 kB",
            May,
            "9112 3",
            format!(
                "GET /{} HTTP/1.1\r\nHost: localhost\r\n\r\n{MARKER}",
                "x".repeat(40_000)
            ),
        ),
        row(
            "1,000 empty lines first",
            One,
            "9112 2.2",
            "\r\n".repeat(1_000) + &field("X: y"),
        ),
    ]
}
