//! What a request's address says: its path and its query.

use std::borrow::Cow;

/// The query keys that the relay knows; others are ignored.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    pub(super) after: Option<String>,
    pub(super) wait: Option<String>,
    pub(super) linger: Option<String>,
    pub(super) limit: Option<String>,
    pub(super) latest: Option<String>,
    pub(super) receive: Option<String>,
    pub(super) payload: Option<String>,
    pub(super) ticket: Option<String>,
}

impl Query {
    /// Reads a query; of a key that comes twice, the first counts.
    pub(super) fn parse(query: Option<&str>) -> Self {
        let mut found = Self::default();
        for pair in query.unwrap_or_default().split('&') {
            let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
            let place = match key {
                "after" => &mut found.after,
                "wait" => &mut found.wait,
                "linger" => &mut found.linger,
                "limit" => &mut found.limit,
                "latest" => &mut found.latest,
                "receive" => &mut found.receive,
                "payload" => &mut found.payload,
                "ticket" => &mut found.ticket,
                _ => continue,
            };
            // What decodes to no text matches nothing, and is refused where it is read.
            place.get_or_insert_with(|| {
                decode(value).map_or_else(|| value.to_owned(), Cow::into_owned)
            });
        }
        found
    }
}

/// Decodes `%XX`, or gives `None` when the result is no text.
pub(super) fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains('%') {
        return Some(Cow::Borrowed(text));
    }
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        if *first == b'%' {
            let [high, low, after @ ..] = tail else {
                return None;
            };
            out.push(digit(*high)? << 4 | digit(*low)?);
            rest = after;
        } else {
            out.push(*first);
            rest = tail;
        }
    }
    String::from_utf8(out).ok().map(Cow::Owned)
}

fn digit(byte: u8) -> Option<u8> {
    char::from(byte)
        .to_digit(16)
        .and_then(|digit| u8::try_from(digit).ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_signs_are_decoded() {
        assert_eq!(decode("a%2Db").as_deref(), Some("a-b"));
        for wrong in ["%", "%2", "%zz", "%ff", "%+1"] {
            assert_eq!(decode(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn unknown_keys_are_ignored() {
        let query = Query::parse(Some("x=1&after=k3f9ab%2D17&wait=25s&after=other&flag"));
        assert_eq!(
            (query.after.as_deref(), query.wait.as_deref()),
            (Some("k3f9ab-17"), Some("25s"))
        );
        assert_eq!(Query::parse(None), Query::default());
    }
}
