//! Requests as they come and records as they are written.

use std::io::{self, Read, Write};
use std::sync::Arc;
use std::sync::atomic::Ordering::SeqCst;
use std::time::Duration;

use bench::clock::Moment;
use socket2::SockRef;

use super::log::Entry;
use super::{Cut, Plan, Shared, Stream, Tally, Written, count, written};

/// What is read from a connection.
pub(super) struct Incoming<'a> {
    pub(super) stream: &'a Stream,
    buffer: Vec<u8>,
}

/// A request's head.
pub(super) struct Request {
    text: String,
}

impl<'a> Incoming<'a> {
    pub(super) fn new(stream: &'a Stream) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    /// The next request's head.
    pub(super) fn request(&mut self) -> io::Result<Request> {
        loop {
            let end = self.buffer.windows(4).position(|part| part == b"\r\n\r\n");
            if let Some(end) = end {
                let head = self.take(end + 4)?;
                let text = String::from_utf8(head).map_err(io::Error::other)?;
                return Ok(Request { text });
            }
            self.more()?;
        }
    }

    /// The next `length` bytes.
    pub(super) fn take(&mut self, length: usize) -> io::Result<Vec<u8>> {
        while self.buffer.len() < length {
            self.more()?;
        }
        Ok(self.buffer.drain(..length).collect())
    }

    fn more(&mut self) -> io::Result<()> {
        let mut part = [0; 4096];
        match self.stream.read(&mut part)? {
            0 => Err(io::ErrorKind::UnexpectedEof.into()),
            length => {
                self.buffer.extend_from_slice(&part[..length]);
                Ok(())
            }
        }
    }
}

impl Request {
    /// One of which no more than its first line is known.
    pub(super) fn new(line: &str) -> Self {
        Self {
            text: line.to_owned(),
        }
    }

    /// Method, path without query, and query.
    pub(super) fn line(&self) -> (&str, &str, &str) {
        let mut words = self.text.split(' ');
        let method = words.next().unwrap_or_default();
        let target = words.next().unwrap_or_default();
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        (method, path, query)
    }

    pub(super) fn header(&self, name: &str) -> Option<&str> {
        self.text.lines().find_map(|line| {
            let (known, value) = line.split_once(':')?;
            known.eq_ignore_ascii_case(name).then(|| value.trim())
        })
    }

    pub(super) fn query(&self, name: &str) -> Option<&str> {
        let pairs = self.line().2.split('&');
        let mut pairs = pairs.filter_map(|pair| pair.split_once('='));
        pairs.find(|pair| pair.0 == name).map(|pair| pair.1)
    }

    /// The place that `after` names; `None` when it names none.
    pub(super) fn after(&self) -> Option<usize> {
        self.query("after")?.strip_prefix("fake-")?.parse().ok()
    }

    pub(super) fn wait(&self) -> Duration {
        // bench says milliseconds, a page seconds.
        let wait = self.query("wait").unwrap_or("0s");
        match wait.strip_suffix("ms") {
            Some(millis) => Duration::from_millis(millis.parse().unwrap()),
            None => Duration::from_secs(wait.trim_end_matches('s').parse().unwrap()),
        }
    }
}

/// What is written to a subscriber.
pub(super) struct Outgoing<'a> {
    pub(super) stream: &'a Stream,
    pub(super) shared: &'a Shared,
    tally: Arc<Tally>,
    connection: u64,
    /// Records that this connection has brought.
    records: u64,
}

impl<'a> Outgoing<'a> {
    pub(super) fn new(stream: &'a Stream, shared: &'a Shared) -> Self {
        Self {
            stream,
            shared,
            tally: Arc::default(),
            connection: count(&shared.connections),
            records: 0,
        }
    }

    /// Books what follows for the trial of a channel.
    pub(super) fn book(&mut self, channel: &str) {
        self.tally = self.shared.tally(channel);
    }

    /// Writes bytes that hold `records`; resets the connection in the middle of them when it is time.
    pub(super) fn write(&mut self, bytes: &[u8], records: usize) -> io::Result<()> {
        let Plan {
            reset_after,
            resets,
            politely,
            cut,
            ..
        } = self.shared.plan;
        let ripe = records > 0 && reset_after > 0 && self.records >= reset_after;
        let more = |done| (done < resets).then_some(done + 1);
        if ripe && self.tally.resets.fetch_update(SeqCst, SeqCst, more).is_ok() {
            if politely {
                return Err(io::ErrorKind::ConnectionAborted.into());
            }
            self.put(&bytes[..bytes.len() - bytes.len() / 3], cut)?;
            return Err(reset(self.stream));
        }
        self.records += records as u64;
        self.put(bytes, cut)
    }

    fn put(&mut self, bytes: &[u8], cut: Cut) -> io::Result<()> {
        let step = match cut {
            Cut::Bytes => 1,
            Cut::Parts => bytes.len().div_ceil(8).max(1),
            Cut::Whole | Cut::Together => bytes.len().max(1),
        };
        let mut noted: Vec<Written> = Vec::new();
        let mut stamps = written::stamps(bytes).into_iter().peekable();
        for (number, part) in bytes.chunks(step).enumerate() {
            let before = Moment::now();
            self.stream.write_all(part)?;
            let done = number * step + part.len();
            // Before its stamp is whole nobody can know a message.
            while let Some(stamp) = stamps.next_if(|stamp| stamp.end <= done) {
                noted.push(Written {
                    connection: self.connection,
                    message: stamp.message,
                    due: stamp.due,
                    before,
                    after: before,
                });
            }
        }
        let after = Moment::now();
        noted.iter_mut().for_each(|record| record.after = after);
        self.tally.written.lock().unwrap().extend(noted);
        Ok(())
    }
}

/// Ends a connection without a goodbye.
pub(super) fn reset(stream: &Stream) -> io::Error {
    let _ = SockRef::from(&stream.tcp).set_linger(Some(Duration::ZERO));
    io::ErrorKind::ConnectionReset.into()
}

/// An answer with a body.
pub(super) fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {length}\r\n\r\n{body}").into_bytes()
}

pub(super) fn chunk(body: &str) -> String {
    format!("{:x}\r\n{body}\r\n", body.len())
}

pub(super) const MISSED: &str = r#"{"missed":{"reason":"evicted"}}"#;

pub(super) fn item(entry: &Entry, place: usize) -> String {
    match entry {
        Entry::Message(payload) => {
            format!(r#"{{"position":"fake-{place}","payload":{payload}}}"#)
        }
        Entry::Missed => MISSED.to_owned(),
    }
}

pub(super) fn event(entry: &Entry, place: usize) -> String {
    match entry {
        Entry::Message(payload) => format!("id: fake-{place}\ndata: {payload}\n\n"),
        Entry::Missed => {
            format!("id: fake-{place}\nevent: missed\ndata: {{\"reason\":\"evicted\"}}\n\n")
        }
    }
}

/// The body of a poll's answer.
pub(super) fn page(entries: &[Entry], next: usize) -> String {
    let first = next - entries.len() + 1;
    let places = entries.iter().zip(first..);
    let messages: Vec<String> = places
        .filter(|(entry, _)| matches!(entry, Entry::Message(_)))
        .map(|(entry, place)| item(entry, place))
        .collect();
    let missed = if messages.len() < entries.len() {
        r#"{"reason":"evicted"}"#
    } else {
        "null"
    };
    let messages = messages.join(",");
    format!(r#"{{"next":"fake-{next}","messages":[{messages}],"missed":{missed}}}"#)
}
