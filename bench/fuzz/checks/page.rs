//! Answers to polls.

use bench::client::Client;
use bench::scenario::Transport;
use bench::stamp::Stamp;

use super::pieces::{Pieces, chunked};
use super::seen::{Found, Seen, feed, open, stamped};

/// The answer to a poll reads alike however it is cut and framed, and as JSON reads as a whole; and
/// what a server says in place of answers reads alike however it is cut.
pub(crate) fn check(data: &[u8]) {
    let Some((pieces, bytes)) = Pieces::of(data) else {
        return;
    };
    let body = stamped(bytes);
    assert_eq!(read(&body, pieces), read(&body, Pieces::WHOLE));

    let length = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n", body.len());
    let plain = [length.as_bytes(), &body].concat();
    let whole = read(&plain, Pieces::WHOLE);
    assert_eq!(read(&plain, pieces), whole);
    let head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let framed = [&head[..], &chunked(pieces, &body, true)].concat();
    assert_eq!(read(&framed, pieces), whole);
    compare(&body, &whole);
}

fn read(wire: &[u8], pieces: Pieces) -> Seen {
    let mut client = Client::new(Transport::Polling);
    open(Transport::Polling, &mut client);
    feed(Transport::Polling, client, wire, pieces)
}

/// What a page says.
#[derive(serde::Deserialize)]
struct Page {
    next: Option<String>,
    missed: Option<serde::de::IgnoredAny>,
}

fn compare(body: &[u8], seen: &Seen) {
    let Ok(page) = serde_json::from_slice::<Page>(body) else {
        assert_eq!(
            (&*seen.found, seen.error.as_deref()),
            (&[][..], Some("JSON"))
        );
        return;
    };
    let mut found: Vec<Found> = (0..body.len())
        .filter_map(|at| Stamp::read(&body[at..]))
        .map(Found::Message)
        .collect();
    let empty = found.is_empty();
    found.extend(page.missed.map(|_| Found::Missed));
    found.push(Found::Answered { empty });
    assert_eq!((&seen.found, seen.error.as_deref()), (&found, None));
    let position = page.next.filter(|next| !next.is_empty());
    assert_eq!(seen.next.contains("?after="), position.is_some());
}
