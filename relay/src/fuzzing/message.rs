//! Positions, names of channels and payloads.

use serde_json::Value;
use serde_json::value::RawValue;

use crate::access::Pattern;
use crate::message::{ChannelName, Payload, PayloadError, Position};

/// What is read is written as it stood.
pub(super) fn position(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    if let Ok(position) = text.parse::<Position>() {
        assert_eq!(position.to_string(), text);
    }
    let name = ChannelName::parse(text);
    if let Ok(name) = &name {
        assert_eq!(name.as_str(), text);
        assert!(text.is_ascii() && !text.contains(['/', '%', '?', '*', '"', '\\', ' ']));
    }
    // A name is a pattern that fits itself alone; with a star behind it, whatever begins so.
    match text.parse::<Pattern>() {
        Ok(pattern) => {
            let open = text.strip_suffix('*');
            assert_eq!(name.is_ok(), open.is_none());
            assert!(pattern.fits(open.unwrap_or(text)));
            assert_eq!(
                pattern.fits(&format!("{}x", open.unwrap_or(text))),
                open.is_some()
            );
            assert_eq!(String::from(pattern), text);
        }
        Err(_) => assert!(name.is_err()),
    }
}

/// A payload is the JSON that it was, and minified.
pub(super) fn payload(data: &[u8]) {
    let parsed = Payload::parse(data, 1500);
    let Ok(payload) = parsed else {
        // What serde_json takes is refused for its length or depth only.
        let taken = serde_json::from_slice::<Value>(data).is_ok();
        assert!(
            !taken
                || matches!(
                    parsed,
                    Err(PayloadError::TooLarge { .. } | PayloadError::TooDeep)
                )
        );
        return;
    };
    let bytes = payload.bytes();
    assert!(data.len() <= 1500 && bytes.len() <= data.len());
    let again = Payload::parse(bytes, 1500).expect("what is minified is JSON");
    assert_eq!(&again, &payload);
    let raw: &RawValue = serde_json::from_slice(bytes).expect("it is one value");
    assert_eq!(raw.get().as_bytes(), bytes);
    assert!(
        bytes.iter().all(|byte| *byte >= b' '),
        "an event would be cut"
    );
    // A number may be beyond what `Value` holds.
    if let Ok(value) = serde_json::from_slice::<Value>(data) {
        assert_eq!(serde_json::from_slice::<Value>(bytes).ok(), Some(value));
    }
}
