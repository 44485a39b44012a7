//! Requests by a template: what a subscriber asks for, and what a publisher posts.

use std::io::Write;

use super::super::publisher::Site;
use super::super::request::{InHeader, InQuery, Kind};
use super::super::{Cursor, Subscription};
use crate::scenario::{
    Cursor as Source, Framing, Line, Load, Part, Pattern, Slot, Template, Transport, Way,
};

/// What the subscribers of a trial ask for.
#[derive(Debug)]
pub struct Asked {
    pub(super) transport: Transport,
    pub(super) way: Way,
    /// Each answer is to a request of its own.
    pub(super) polls: bool,
    /// The headers of an answer that are read: those of the position first.
    pub(super) names: Box<[Box<str>]>,
    hold_ms: u128,
}

impl Asked {
    /// What a load asks a server for; nothing when the template does not tell of its transport.
    #[must_use]
    pub fn new(template: &Template, load: &Load) -> Option<Self> {
        let way = template.ways.get(&load.transport)?.clone();
        let mut names: Vec<Box<str>> = match &way.cursor {
            Source::Headers(names) => names.iter().map(|name| name.as_str().into()).collect(),
            _ => Vec::new(),
        };
        if way.framing == Framing::Multipart {
            names.push("Content-Type".into());
        }
        Some(Self {
            transport: load.transport,
            polls: matches!(load.transport, Transport::Polling | Transport::LongPolling),
            names: names.into(),
            hold_ms: load.hold.as_millis(),
            way,
        })
    }

    /// What the headers of an answer say of the position; nothing unless they are all there.
    pub(super) fn position(&self, wanted: &[Box<str>]) -> Option<String> {
        let Source::Headers(names) = &self.way.cursor else {
            return None;
        };
        let values = wanted.get(..names.len())?;
        let all = values.iter().all(|value| !value.is_empty());
        all.then(|| values.join("\n"))
    }

    /// The `Content-Type` of an answer, where it was asked for.
    pub(super) fn content_type<'a>(&self, wanted: &'a [Box<str>]) -> &'a str {
        let multipart = self.way.framing == Framing::Multipart;
        wanted
            .last()
            .filter(|_| multipart)
            .map_or("", |value| value)
    }

    /// Writes the request of a subscriber; `key` is that of a WebSocket.
    pub(super) fn write(
        &self,
        subscription: &Subscription,
        cursor: &Cursor,
        key: Option<&str>,
        out: &mut Vec<u8>,
    ) {
        let way = &self.way;
        let resumes = cursor.has_position();
        let url = if resumes { &way.resume_url } else { &way.url };
        let url = self.filled(url, subscription, cursor, |value| {
            InQuery(value).to_string()
        });
        let body = self.body(&way.body, subscription, cursor);
        let kind = match (self.transport, key) {
            (_, Some(key)) => Kind::Socket {
                key,
                protocol: way.socket.as_ref().map_or("", |socket| &socket.subprotocol),
            },
            (Transport::Sse, None) => Kind::Events { last: None },
            _ if way.method != "GET" || !body.is_empty() => Kind::Post {
                length: body.len(),
                json: false,
            },
            _ => Kind::Fetch,
        };
        let mut lines = Vec::new();
        let more = if resumes {
            &way.resume_headers[..]
        } else {
            &[]
        };
        for (name, value) in way.headers.iter().chain(more) {
            let value = self.filled(value, subscription, cursor, |value| {
                InHeader(value).to_string()
            });
            // Writing to a Vec cannot fail.
            let _ = write!(lines, "{name}: {value}\r\n");
        }
        let profile = &subscription.profile;
        let line = format_args!("{} {url}", way.method);
        let head = cursor.response_head;
        profile.write_with(line, &subscription.authority, kind, head, &lines, out);
        out.extend_from_slice(body.as_bytes());
    }

    /// A text that is sent as it is.
    pub(super) fn body(
        &self,
        pattern: &Pattern,
        subscription: &Subscription,
        cursor: &Cursor,
    ) -> String {
        self.filled(pattern, subscription, cursor, str::to_owned)
    }

    fn filled(
        &self,
        pattern: &Pattern,
        subscription: &Subscription,
        cursor: &Cursor,
        position: impl Fn(&str) -> String,
    ) -> String {
        pattern.fill(|slot| match slot {
            Slot::Channel => subscription.channel.to_string(),
            Slot::Hold => self.hold_ms.div_ceil(1000).to_string(),
            Slot::HoldMs => self.hold_ms.to_string(),
            Slot::Position(None) => position(&cursor.position),
            Slot::Position(Some(number)) => {
                let part = cursor.position.split('\n').nth(number.saturating_sub(1));
                position(part.unwrap_or_default())
            }
            // Not in requests of subscribers: the scenario would have been refused.
            Slot::Run | Slot::Number | Slot::Payload | Slot::Text => String::new(),
        })
    }
}

/// The address that a message is posted to.
pub(in crate::client) fn posting_url(site: &Site, channel: &str, payload: &[u8]) -> String {
    match &site.template {
        Some(template) => {
            let mut url = Vec::new();
            fill_posting(&template.publish.url, channel, payload, &mut url);
            String::from_utf8_lossy(&url).into_owned()
        }
        None => format!("/channels/{channel}/messages"),
    }
}

/// Writes a text with a message in it.
pub(in crate::client) fn fill_posting(
    pattern: &Pattern,
    channel: &str,
    payload: &[u8],
    out: &mut Vec<u8>,
) {
    for part in pattern.parts() {
        match part {
            Part::Text(text) => out.extend_from_slice(text.as_bytes()),
            Part::Slot(Slot::Channel) => out.extend_from_slice(channel.as_bytes()),
            Part::Slot(Slot::Payload) => out.extend_from_slice(payload),
            Part::Slot(Slot::Text) => out.extend_from_slice(bare(payload)),
            // As above.
            Part::Slot(_) | Part::Unknown(_) => {}
        }
    }
}

/// A payload without its quotes.
fn bare(payload: &[u8]) -> &[u8] {
    let inner = payload.strip_prefix(b"\"").unwrap_or(payload);
    inner.strip_suffix(b"\"").unwrap_or(inner)
}

/// The header lines of a post.
pub(super) fn lines(headers: &[Line], channel: &str, payload: &[u8]) -> Vec<u8> {
    let mut lines = Vec::new();
    for (name, value) in headers {
        // Writing to a Vec cannot fail.
        let _ = write!(lines, "{name}: ");
        fill_posting(value, channel, payload, &mut lines);
        lines.extend_from_slice(b"\r\n");
    }
    lines
}

impl Site {
    /// Writes a post in the words of its template.
    pub(in crate::client) fn post(
        &self,
        template: &Template,
        channel: &str,
        payload: &[u8],
        out: &mut Vec<u8>,
    ) {
        let posting = &template.publish;
        let url = posting_url(self, channel, payload);
        let lines = lines(&posting.headers, channel, payload);
        let mut body = Vec::new();
        fill_posting(&posting.body, channel, payload, &mut body);
        let kind = Kind::Post {
            length: body.len(),
            json: false,
        };
        let line = format_args!("{} {url}", posting.method);
        self.profile
            .write_with(line, &self.authority, kind, 0, &lines, out);
        out.extend_from_slice(&body);
    }
}
