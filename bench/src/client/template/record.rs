//! What is read of a record: messages by their stamps, and the position where the template says it stands.

use serde_json::Value;

use super::Asked;
use crate::client::{Cursor, Sink};
use crate::scenario::Cursor as Source;
use crate::stamp::Stamp;

/// Books the messages of a record and goes on to its position; gives whether there was a message.
pub(super) fn take(
    asked: &Asked,
    record: &[u8],
    cursor: &mut Cursor,
    sink: &mut impl Sink,
) -> bool {
    let mut found = false;
    for stamp in Stamp::find_all(record) {
        found = true;
        sink.message(stamp);
    }
    match &asked.way.cursor {
        Source::Json(pointer) => {
            if let Some(position) = json(record, pointer) {
                cursor.advance(&position);
            }
        }
        Source::Field(name) => {
            if let Some(position) = field(record, name) {
                cursor.advance(position);
            }
        }
        Source::None | Source::Headers(_) | Source::EventId => {}
    }
    found
}

/// The text or number at a JSON pointer (RFC 6901); `-` is the last item of a list.
fn json(record: &[u8], pointer: &str) -> Option<String> {
    let document: Value = serde_json::from_slice(record).ok()?;
    let mut place = &document;
    for token in pointer.split('/').skip(1) {
        let token = token.replace("~1", "/").replace("~0", "~");
        place = match place {
            Value::Array(list) if token == "-" => list.last()?,
            Value::Array(list) => list.get(token.parse::<usize>().ok()?)?,
            Value::Object(map) => map.get(&token)?,
            _ => return None,
        };
    }
    match place {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// The value of a line `NAME: VALUE` above the first empty line.
pub(super) fn field<'a>(record: &'a [u8], name: &str) -> Option<&'a str> {
    let lines = record.split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii);
    let mut head = lines.take_while(|line| !line.is_empty());
    head.find_map(|line| {
        let (field, value) = std::str::from_utf8(line).ok()?.split_once(':')?;
        let value = value.trim();
        (field.eq_ignore_ascii_case(name) && !value.is_empty()).then_some(value)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_read_where_it_stands() {
        let body = br#"{"a/b":[{"id":3},{"id":"x-4"}],"next":5,"none":null}"#;
        for (pointer, position) in [
            ("/next", Some("5")),
            ("/a~1b/-/id", Some("x-4")),
            ("/a~1b/0/id", Some("3")),
            ("/none", None),
            ("/a~1b/7/id", None),
            ("", None),
        ] {
            assert_eq!(json(body, pointer).as_deref(), position, "{pointer}");
        }
        assert_eq!(json(b"17", "").as_deref(), Some("17"));
        assert_eq!(json(b"{", "/next"), None);
        let meta = b"id: 1795425352:0\ncontent-type: text/plain\n\nid: no";
        assert_eq!(field(meta, "ID"), Some("1795425352:0"));
        assert_eq!(field(b"\nid: 5", "id"), None);
        assert_eq!(field(b"Etag: 1\r\n\r\nx", "etag"), Some("1"));
    }
}
