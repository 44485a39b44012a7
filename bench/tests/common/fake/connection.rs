//! One connection of the fake, request after request.

use std::fs;
use std::io::{self, ErrorKind, Write};
use std::net::Shutdown;
use std::path::Path;
use std::sync::atomic::Ordering;
use std::time::Duration;

use super::log::{Batch, Entry};
use super::wire::{self, Incoming, Outgoing, Request};
use super::{Shared, Silent, Stream, count, socket};

/// How often an endless answer looks whether the fake is to end.
pub(super) const LOOK: Duration = Duration::from_millis(50);

/// Where the pages' client code is served.
const CLIENTS: &str = "/assets/clients/";

/// An answer that does not end.
pub(super) struct Form {
    /// Its content type.
    pub(super) kind: &'static str,
    /// How a record is written, by its entry and its place.
    pub(super) encode: fn(&Entry, usize) -> Vec<u8>,
    /// What ends it in good order.
    pub(super) goodbye: &'static [u8],
}

const STREAM: Form = Form {
    kind: "application/x-ndjson",
    encode: |entry, place| wire::chunk(&(wire::item(entry, place) + "\n")).into_bytes(),
    goodbye: b"0\r\n\r\n",
};

const EVENTS: Form = Form {
    kind: "text/event-stream",
    encode: |entry, place| wire::chunk(&wire::event(entry, place)).into_bytes(),
    goodbye: b"0\r\n\r\n",
};

pub(super) fn serve(stream: &Stream, shared: &Shared) -> io::Result<()> {
    let mut incoming = Incoming::new(stream);
    let mut outgoing = Outgoing::new(stream, shared);
    loop {
        let request = incoming.request()?;
        let (method, path, _) = request.line();
        let channel = path.strip_prefix("/channels/");
        let silent = match shared.plan.silent {
            Silent::Nothing => false,
            Silent::Channels => channel.is_some(),
            Silent::Everything => true,
        };
        let (name, leaf) = channel
            .and_then(|rest| rest.split_once('/'))
            .unwrap_or(("", path));
        if channel.is_some() {
            outgoing.book(name);
        }
        match (method, leaf) {
            // Read on, so that the client's going is noticed.
            _ if silent => {}
            ("GET", "/healthz") if !shared.plan.unhealthy => {
                outgoing.write(&wire::answer("200 OK", "", "ok"), 0)?
            }
            ("GET", leaf) if shared.plan.pages && leaf.starts_with(CLIENTS) => {
                outgoing.write(&client(leaf), 0)?
            }
            ("POST", "messages") => {
                let length = request.header("content-length").unwrap_or("0");
                let body = incoming.take(length.parse().map_err(io::Error::other)?)?;
                publish(stream, shared, name, body)?;
            }
            ("GET", "messages") => poll(&mut outgoing, name, &request)?,
            ("GET", "stream") => return endless(&mut outgoing, name, &request, &STREAM),
            ("GET", "events") => return endless(&mut outgoing, name, &request, &EVENTS),
            ("GET", "socket") => {
                return socket::serve(&mut incoming, &mut outgoing, name, &request);
            }
            _ => outgoing.write(&wire::answer("404 Not Found", "", "nothing here"), 0)?,
        }
    }
}

/// A transport's client code, as the relay has it in its folder.
fn client(path: &str) -> Vec<u8> {
    let name = path.trim_start_matches(CLIENTS);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../relay/src/demo/clients");
    match fs::read_to_string(folder.join(name)) {
        Ok(code) => wire::answer("200 OK", "Content-Type: text/javascript\r\n", &code),
        Err(_) => wire::answer("404 Not Found", "", "nothing here"),
    }
}

/// Takes a message in; gives whether it was taken.
pub(super) fn take(
    stream: &Stream,
    shared: &Shared,
    name: &str,
    body: Vec<u8>,
) -> io::Result<bool> {
    let tally = shared.tally(name);
    if count(&tally.asked) == shared.plan.reset_publish {
        return Err(wire::reset(stream));
    }
    if shared.plan.refuse {
        return Ok(false);
    }
    let payload = String::from_utf8(body).map_err(io::Error::other)?;
    shared.log.append(name, payload, &shared.plan, &tally);
    count(&tally.published);
    Ok(true)
}

fn publish(mut stream: &Stream, shared: &Shared, name: &str, body: Vec<u8>) -> io::Result<()> {
    let answer = if take(stream, shared, name, body)? {
        wire::answer("201 Created", "", r#"{"position":"fake-0"}"#)
    } else {
        wire::answer("503 Service Unavailable", "", "{}")
    };
    stream.write_all(&answer)
}

fn poll(outgoing: &mut Outgoing<'_>, name: &str, request: &Request) -> io::Result<()> {
    let shared = outgoing.shared;
    count(&shared.tally(name).polls);
    let Batch { entries, next } = match request.after() {
        Some(after) => shared.log.read(name, after, request.wait()),
        None => Batch {
            entries: Vec::new(),
            next: shared.log.head(name),
        },
    };
    // The header tells the place also beside a body: a client may not go by it before it has the body.
    let close = if shared.plan.close_polls {
        "Connection: close\r\n"
    } else {
        ""
    };
    let headers = format!("Relay-Next: fake-{next}\r\n{close}");
    let answer = if entries.is_empty() {
        format!("HTTP/1.1 204 No Content\r\n{headers}\r\n").into_bytes()
    } else {
        wire::answer("200 OK", &headers, &wire::page(&entries, next))
    };
    outgoing.write(&answer, entries.len())?;
    if shared.plan.close_polls {
        outgoing.stream.tcp.shutdown(Shutdown::Write)?;
    }
    Ok(())
}

/// Begins an answer that does not end, and writes each record as it comes.
fn endless(
    outgoing: &mut Outgoing<'_>,
    name: &str,
    request: &Request,
    form: &Form,
) -> io::Result<()> {
    let head = outgoing.shared.log.head(name);
    let kind = form.kind;
    let text = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nTransfer-Encoding: chunked\r\nRelay-Next: fake-{head}\r\n\r\n"
    );
    outgoing.write(text.as_bytes(), 0)?;
    follow(outgoing, name, request.after().unwrap_or(head), form)
}

/// Writes each record after a place; what can be seen together is written together.
pub(super) fn follow(
    outgoing: &mut Outgoing<'_>,
    name: &str,
    mut place: usize,
    form: &Form,
) -> io::Result<()> {
    let shared = outgoing.shared;
    while !shared.stop.load(Ordering::SeqCst) {
        let batch = shared.log.read(name, place, LOOK);
        let entries = batch.entries.iter().zip(place + 1..);
        let bytes: Vec<u8> = entries
            .flat_map(|(entry, place)| (form.encode)(entry, place))
            .collect();
        match outgoing.write(&bytes, batch.entries.len()) {
            Err(error) if error.kind() == ErrorKind::ConnectionAborted => {
                return (&mut &*outgoing.stream).write_all(form.goodbye);
            }
            written => written?,
        }
        place = batch.next;
    }
    Ok(())
}
