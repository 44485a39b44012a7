//! What a message carries: any JSON value, kept as the bytes it came in, minified.

use bytes::Bytes;
use serde::de::IgnoredAny;

/// A JSON value as text without white space around its tokens.
///
/// Numbers, escapes and the order of keys are as they were published.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Payload(Bytes);

/// The reason a payload was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PayloadError {
    /// The bytes are more than the limit.
    #[error("a message has at most {limit} bytes")]
    TooLarge {
        /// The limit in bytes.
        limit: usize,
    },
    /// The bytes are no JSON value.
    #[error("the body is not one JSON value: {0}")]
    NotJson(String),
    /// The value is nested too deep.
    #[error("the body is nested deeper than {MAX_DEPTH} levels")]
    TooDeep,
}

/// Arrays and objects within each other. JSON sets no bound, but common parsers stop at 128
/// levels: one deeper message would make a whole reply unreadable to them.
const MAX_DEPTH: usize = 100;

impl Payload {
    /// Checks and minifies a payload. The limit holds for the bytes as they came.
    ///
    /// # Errors
    /// [`PayloadError`] when it is too large, no UTF-8 or not exactly one JSON value.
    pub fn parse(raw: &[u8], limit: usize) -> Result<Self, PayloadError> {
        if raw.len() > limit {
            return Err(PayloadError::TooLarge { limit });
        }
        let text =
            std::str::from_utf8(raw).map_err(|error| PayloadError::NotJson(error.to_string()))?;
        serde_json::from_str::<IgnoredAny>(text)
            .map_err(|error| PayloadError::NotJson(error.to_string()))?;
        let (minified, depth) = minify(raw);
        if depth > MAX_DEPTH {
            Err(PayloadError::TooDeep)
        } else {
            Ok(Self(minified))
        }
    }

    /// Gives the JSON text.
    #[must_use]
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }
}

/// Strips the white space between the tokens of valid JSON and finds how deep it nests.
fn minify(json: &[u8]) -> (Bytes, usize) {
    let mut out = Vec::with_capacity(json.len());
    let (mut inside, mut escaped) = (false, false);
    let (mut depth, mut deepest) = (0_usize, 0);
    for &byte in json {
        if inside {
            inside = escaped || byte != b'"';
            escaped = !escaped && byte == b'\\';
            out.push(byte);
            continue;
        }
        match byte {
            b' ' | b'\t' | b'\n' | b'\r' => continue,
            b'"' => inside = true,
            b'[' | b'{' => depth += 1,
            b']' | b'}' => depth = depth.saturating_sub(1),
            _ => {}
        }
        deepest = deepest.max(depth);
        out.push(byte);
    }
    // Room that white space has left would be kept as long as the message, and be on nobody's account.
    out.shrink_to_fit();
    (out.into(), deepest)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::Value;

    use super::*;

    fn value() -> impl Strategy<Value = Value> {
        let leaf = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::from),
            any::<i64>().prop_map(Value::from),
            "\\PC{0,8}|[ \t\n\"\\\\]{0,6}".prop_map(Value::from),
        ];
        leaf.prop_recursive(3, 24, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
                prop::collection::btree_map("[ a\"\\\\]{0,4}", inner, 0..4)
                    .prop_map(|map| map.into_iter().collect()),
            ]
        })
    }

    proptest! {
        #[test]
        fn minifying_keeps_the_value_and_is_idempotent(value in value()) {
            let pretty = serde_json::to_vec_pretty(&value).unwrap();
            let once = Payload::parse(&pretty, usize::MAX).unwrap();
            prop_assert_eq!(once.bytes(), &serde_json::to_vec(&value).unwrap());
            prop_assert_eq!(&minify(once.bytes()).0, once.bytes());
        }

        #[test]
        fn no_bytes_panic(raw in prop::collection::vec(any::<u8>(), 0..64)) {
            let _ = Payload::parse(&raw, 32);
        }
    }

    #[test]
    fn numbers_escapes_and_order_stay() {
        let raw = b" { \"b\" : 1.00e2 , \"a\" : \"\\u0041 \\\" x\" } ";
        let payload = Payload::parse(raw, 100).unwrap();
        assert_eq!(payload.bytes(), &br#"{"b":1.00e2,"a":"\u0041 \" x"}"#[..]);
    }

    #[test]
    fn what_is_no_json_value_is_refused() {
        let deep = "[".repeat(100_000);
        for wrong in [
            "", " ", "{", "1 2", "{} x", "'a'", "{a:1}", "[1,]", "nul", "01", "\"\t\"", "NaN",
            &deep,
        ] {
            assert!(
                matches!(
                    Payload::parse(wrong.as_bytes(), 1 << 20),
                    Err(PayloadError::NotJson(_))
                ),
                "{wrong:.20}"
            );
        }
        assert!(matches!(
            Payload::parse(b"\"\xff\"", 100),
            Err(PayloadError::NotJson(_))
        ));
        let nested = |levels| "[".repeat(levels) + &"]".repeat(levels);
        assert!(Payload::parse(nested(100).as_bytes(), 1 << 20).is_ok());
        assert_eq!(
            Payload::parse(nested(101).as_bytes(), 1 << 20),
            Err(PayloadError::TooDeep)
        );
        assert_eq!(
            Payload::parse(b"123", 2),
            Err(PayloadError::TooLarge { limit: 2 })
        );
    }

    #[test]
    fn white_space_leaves_no_room_behind() {
        let text = [b"1".to_vec(), vec![b' '; 60_000]].concat();
        let payload = Payload::parse(&text, text.len()).unwrap();
        let room = Vec::from(payload.bytes().clone()).capacity();
        assert!(room < 1000, "{room}");
    }
}
