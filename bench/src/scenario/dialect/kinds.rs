//! The values of `[target.template]`, each with its bounds and an example.

use super::pattern::{Part, SLOTS, Slot};
use super::{Cursor, Framing, Line, Pattern};
use crate::scenario::Transport;
use crate::scenario::error::Fault;
use crate::scenario::keys::{brief, nearest};
use crate::scenario::tree::{Entry, Node, Value};
use crate::scenario::value::Wanted;

/// What bench writes into every head by itself.
const OWN: [&str; 6] = [
    "host",
    "content-length",
    "transfer-encoding",
    "sec-websocket-key",
    "sec-websocket-version",
    "sec-websocket-protocol",
];

const IN_NAMES: &[Slot] = &[Slot::Run, Slot::Number];
pub(super) const IN_POSTS: &[Slot] = &[Slot::Channel, Slot::Payload, Slot::Text];
pub(super) const IN_REQUESTS: &[Slot] = &[
    Slot::Channel,
    Slot::Hold,
    Slot::HoldMs,
    Slot::Position(None),
    Slot::Position(Some(1)),
    Slot::Position(Some(2)),
    Slot::Position(Some(3)),
    Slot::Position(Some(4)),
];
/// The places that a known position fills in.
pub(super) const POSITIONS: &[Slot] = IN_REQUESTS.split_at(3).1;

pub(super) fn wanted<'a>(node: &'a Node, path: &'a str) -> Wanted<'a> {
    let key = path.rsplit('.').next().unwrap_or(path);
    let example = match key {
        "channel" => "channel = \"bench-{run}-{number}\"",
        "method" => "method = \"GET\"",
        "body" | "publish" => "body = \"{payload}\"",
        "headers" | "resume_headers" => "headers = { Accept = \"application/json\" }",
        "cursor" => "cursor = { json = \"/next\" }",
        "nothing" => "nothing = [204, 304]",
        "framing" => "framing = \"line\"",
        "messages" => "messages = \"one\"",
        "subprotocol" => "subprotocol = \"chat.v1\"",
        "hello" => "hello = [\"{\\\"subscribe\\\":\\\"{channel}\\\"}\"]",
        "ready" => "ready = \"subscribed\"",
        "replies" => "replies = { ping = \"pong\" }",
        _ => "url = \"/sub/{channel}\"",
    };
    Wanted {
        path,
        example,
        node,
    }
}

pub(super) fn channel(wanted: &Wanted<'_>) -> Result<Pattern, Fault> {
    let pattern = pattern(wanted, IN_NAMES)?;
    let slots: Vec<Part<'_>> = pattern.parts().collect();
    let fit = |c: char| c.is_ascii_alphanumeric() || "_.:-{}".contains(c);
    let told_apart = IN_NAMES
        .iter()
        .all(|slot| slots.contains(&Part::Slot(*slot)));
    if told_apart && pattern.as_str().chars().all(fit) && pattern.as_str().len() <= 80 {
        return Ok(pattern);
    }
    Err(wanted.fault(format!(
        "\"{}\" must hold {{run}} and {{number}}, so that no two channels are the same, and beside them at most letters, digits and _.:-, such as {}",
        wanted.path, wanted.example
    )))
}

/// How a transport may tell its messages apart.
pub(super) fn framings(transport: Transport) -> &'static [(&'static str, Framing)] {
    match transport {
        Transport::Streaming => &[
            ("line", Framing::Line),
            ("chunk", Framing::Chunk),
            ("multipart", Framing::Multipart),
        ],
        _ => &[
            ("body", Framing::Body),
            ("line", Framing::Line),
            ("multipart", Framing::Multipart),
        ],
    }
}

pub(super) fn has(pattern: &Pattern, slots: &[Slot]) -> bool {
    pattern
        .parts()
        .any(|part| matches!(part, Part::Slot(slot) if slots.contains(&slot)))
}

/// Text that may be empty and may have lines.
pub(super) fn any_text<'a>(wanted: &'a Wanted<'_>) -> Result<&'a str, Fault> {
    match &wanted.node.value {
        Value::Text(text) => Ok(text),
        _ => Err(wanted.wrong_kind("text in quotes")),
    }
}

pub(super) fn pattern(wanted: &Wanted<'_>, slots: &[Slot]) -> Result<Pattern, Fault> {
    let pattern = Pattern::new(any_text(wanted)?);
    let here = SLOTS.iter().filter(|(_, slot)| slots.contains(slot));
    let names: Vec<&str> = here.map(|(name, _)| *name).collect();
    for part in pattern.parts() {
        let name = match part {
            Part::Slot(slot) if !slots.contains(&slot) => {
                let known = SLOTS.iter().find(|(_, known)| *known == slot);
                known.map_or("", |(name, _)| *name)
            }
            Part::Unknown(name) => name,
            Part::Text(_) | Part::Slot(_) => continue,
        };
        let near = nearest(name, &names)
            .map_or_else(String::new, |near| format!("did you mean {{{near}}}? "));
        return Err(wanted.fault(format!(
            "\"{}\": {{{}}} cannot be filled in here; {near}There are {{{}}}",
            wanted.path,
            brief(name),
            names.join("}, {")
        )));
    }
    Ok(pattern)
}

pub(super) fn url(wanted: &Wanted<'_>, slots: &[Slot]) -> Result<Pattern, Fault> {
    let pattern = pattern(wanted, slots)?;
    let text = pattern.as_str();
    if text.starts_with('/') && text.chars().all(|c| c.is_ascii_graphic()) {
        return Ok(pattern);
    }
    Err(wanted.fault(format!(
        "\"{}\" is a path with its query: it begins with / and holds visible ASCII alone, such as {}",
        wanted.path, wanted.example
    )))
}

pub(super) fn method(wanted: &Wanted<'_>) -> Result<String, Fault> {
    let text = wanted.text()?;
    if text.len() <= 16 && text.chars().all(|c| c.is_ascii_uppercase()) {
        return Ok(text.to_owned());
    }
    Err(wanted.fault(format!(
        "\"{}\" is no method; write one such as GET, POST or PUT",
        wanted.path
    )))
}

fn is_token(text: &str) -> bool {
    let fit = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    !text.is_empty() && text.len() <= 200 && text.chars().all(fit)
}

/// A list of subprotocols, or nothing.
pub(super) fn token(wanted: &Wanted<'_>) -> Result<String, Fault> {
    let text = any_text(wanted)?;
    if text.is_empty() || text.split(',').all(|one| is_token(one.trim())) {
        return Ok(text.to_owned());
    }
    Err(wanted.fault(format!(
        "\"{}\" is no subprotocol; write one such as {}",
        wanted.path, wanted.example
    )))
}

fn table<'a>(wanted: &'a Wanted<'_>) -> Result<&'a [Entry], Fault> {
    match &wanted.node.value {
        Value::Table(table) => Ok(table),
        _ => Err(wanted.wrong_kind("a table")),
    }
}

pub(super) fn headers(wanted: &Wanted<'_>, slots: &[Slot]) -> Result<Vec<Line>, Fault> {
    let mut lines = Vec::new();
    for entry in table(wanted)? {
        let path = format!("{}.{}", wanted.path, brief(&entry.key));
        let value = Wanted {
            path: &path,
            example: wanted.example,
            node: &entry.node,
        };
        if !is_token(&entry.key) {
            return Err(Fault::new(
                &entry.place,
                format!("\"{path}\": no header has such a name"),
            ));
        }
        if OWN.iter().any(|own| entry.key.eq_ignore_ascii_case(own)) {
            return Err(Fault::new(
                &entry.place,
                format!("\"{path}\": bench writes this header by itself; remove it"),
            ));
        }
        value.text()?;
        lines.push((entry.key.clone(), pattern(&value, slots)?));
    }
    Ok(lines)
}

pub(super) fn patterns(wanted: &Wanted<'_>) -> Result<Vec<Pattern>, Fault> {
    let Value::List(list) = &wanted.node.value else {
        return Err(wanted.wrong_kind("a list"));
    };
    list.iter()
        .map(|node| pattern(&Wanted { node, ..*wanted }, IN_REQUESTS))
        .collect()
}

pub(super) fn replies(wanted: &Wanted<'_>) -> Result<Vec<(String, String)>, Fault> {
    let reply = |entry: &Entry| match &entry.node.value {
        Value::Text(text) => Ok((entry.key.clone(), text.clone())),
        _ => Err(wanted.wrong_kind("a table of texts")),
    };
    table(wanted)?.iter().map(reply).collect()
}

pub(super) fn statuses(wanted: &Wanted<'_>) -> Result<Vec<u16>, Fault> {
    let Value::List(list) = &wanted.node.value else {
        return Err(wanted.wrong_kind("a list"));
    };
    let status = |node| {
        let status = Wanted { node, ..*wanted }.whole(200..=599)?;
        Ok(u16::try_from(status).unwrap_or_default())
    };
    list.iter().map(status).collect()
}

pub(super) fn cursor(wanted: &Wanted<'_>, transport: Transport) -> Result<Cursor, Fault> {
    let words: &[(&str, bool)] = match transport {
        Transport::Sse => &[("none", false), ("event-id", true)],
        _ => &[("none", false)],
    };
    let entry = match &wanted.node.value {
        Value::Text(_) => {
            let id = wanted.word(words)?;
            return Ok(if id { Cursor::EventId } else { Cursor::None });
        }
        Value::Table(table) => match table.as_slice() {
            [entry] => entry,
            _ => return Err(wanted.fault(kinds_of_cursor(wanted.path))),
        },
        _ => return Err(wanted.wrong_kind("\"none\" or a table")),
    };
    let inner = Wanted {
        node: &entry.node,
        ..*wanted
    };
    let heads = !matches!(transport, Transport::Sse | Transport::Websocket);
    match entry.key.as_str() {
        "headers" if heads => {
            let names: Result<Vec<String>, Fault> = inner
                .list()?
                .iter()
                .map(|node| Ok(Wanted { node, ..inner }.text()?.to_owned()))
                .collect();
            let names = names?;
            if names.len() <= 4 && names.iter().all(|name| is_token(name)) {
                return Ok(Cursor::Headers(names));
            }
            Err(inner.fault(format!(
                "\"{}\" takes up to four names of headers, such as headers = [\"Last-Modified\", \"ETag\"]",
                wanted.path
            )))
        }
        "json" => match any_text(&inner)? {
            pointer if pointer.is_empty() || pointer.starts_with('/') => {
                Ok(Cursor::Json(pointer.to_owned()))
            }
            _ => Err(inner.fault(format!(
                "\"{}\" is no JSON pointer; write one such as json = \"/messages/-/id\", where - is the last of a list",
                wanted.path
            ))),
        },
        "field" if transport == Transport::Websocket => {
            Ok(Cursor::Field(inner.text()?.to_owned()))
        }
        _ => Err(wanted.fault(kinds_of_cursor(wanted.path))),
    }
}

fn kinds_of_cursor(path: &str) -> String {
    format!(
        "\"{path}\" is \"none\" or one of {{ json = \"/next\" }}, {{ headers = [\"ETag\"] }} (an HTTP answer), {{ field = \"id\" }} (a WebSocket) and \"event-id\" (sse)"
    )
}
