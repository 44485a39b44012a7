//! A template as TOML, every default spelled out.

use super::{Cursor, Framing, Line, Pattern, Template, Way};
use crate::scenario::Transport;

/// The tables of a template below `[target]`, each with its keys and their values.
pub(in crate::scenario) fn write(
    template: &Template,
) -> Vec<(String, Vec<(&'static str, String)>)> {
    let publish = &template.publish;
    let mut tables = vec![
        (
            "template".to_owned(),
            vec![("channel", text(template.channel.as_str()))],
        ),
        (
            "template.publish".to_owned(),
            vec![
                ("method", text(&publish.method)),
                ("url", text(publish.url.as_str())),
                ("headers", lines(&publish.headers)),
                ("body", text(publish.body.as_str())),
            ],
        ),
    ];
    for (transport, way) in &template.ways {
        let polls = matches!(transport, Transport::Polling | Transport::LongPolling);
        tables.push((format!("template.{transport}"), keys(way, polls)));
    }
    tables
}

fn keys(way: &Way, polls: bool) -> Vec<(&'static str, String)> {
    let mut keys = vec![
        ("url", text(way.url.as_str())),
        ("resume_url", text(way.resume_url.as_str())),
        ("headers", lines(&way.headers)),
        ("resume_headers", lines(&way.resume_headers)),
        ("cursor", cursor(&way.cursor)),
    ];
    if let Some(socket) = &way.socket {
        let hello = socket.hello.iter().map(Pattern::as_str).map(text);
        let replies = socket.replies.iter();
        let replies = replies.map(|(heard, said)| (heard.as_str(), said.as_str()));
        keys.extend([
            ("subprotocol", text(&socket.subprotocol)),
            ("hello", list(hello)),
            ("ready", text(&socket.ready)),
            ("replies", table(replies)),
            ("publish", text(socket.publish.as_str())),
        ]);
        return keys;
    }
    keys.extend([
        ("method", text(&way.method)),
        ("body", text(way.body.as_str())),
    ]);
    let framing = match way.framing {
        Framing::Body => "body",
        Framing::Line => "line",
        Framing::Chunk => "chunk",
        Framing::Multipart => "multipart",
        Framing::Event | Framing::Frame => return keys,
    };
    keys.push(("framing", text(framing)));
    if polls {
        let statuses = way.nothing.iter().map(ToString::to_string);
        keys.push(("nothing", list(statuses)));
        keys.push(("messages", text(if way.one { "one" } else { "many" })));
    }
    keys
}

fn cursor(cursor: &Cursor) -> String {
    match cursor {
        Cursor::None => text("none"),
        Cursor::EventId => text("event-id"),
        Cursor::Headers(names) => {
            let names = names.iter().map(|name| text(name));
            format!("{{ headers = {} }}", list(names))
        }
        Cursor::Json(pointer) => format!("{{ json = {} }}", text(pointer)),
        Cursor::Field(name) => format!("{{ field = {} }}", text(name)),
    }
}

fn lines(lines: &[Line]) -> String {
    table(
        lines
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str())),
    )
}

fn table<'a>(entries: impl Iterator<Item = (&'a str, &'a str)>) -> String {
    let entries: Vec<String> = entries
        .map(|(key, value)| format!("{} = {}", text(key), text(value)))
        .collect();
    if entries.is_empty() {
        return "{}".to_owned();
    }
    format!("{{ {} }}", entries.join(", "))
}

fn list(items: impl Iterator<Item = String>) -> String {
    let items: Vec<String> = items.collect();
    format!("[{}]", items.join(", "))
}

fn text(text: &str) -> String {
    // On one line, whatever is in it: inline tables have no room for more.
    let escaped = text.chars().map(|c| match c {
        '"' => "\\\"".to_owned(),
        '\\' => "\\\\".to_owned(),
        c if c.is_control() => format!("\\u{:04X}", u32::from(c)),
        c => c.to_string(),
    });
    format!("\"{}\"", escaped.collect::<String>())
}
