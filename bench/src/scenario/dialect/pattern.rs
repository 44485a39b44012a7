//! Texts with places to be filled in, such as `/sub/{channel}?since={position}`.

use serde::{Deserialize, Serialize};

/// A place to be filled in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// The channel's name.
    Channel,
    /// Marks the trial: eight hexadecimal digits.
    Run,
    /// The channel's number.
    Number,
    /// The whole position, or the part of it with this number, from 1.
    Position(Option<usize>),
    /// How long a long poll asks to wait, in seconds.
    Hold,
    /// The same in milliseconds.
    HoldMs,
    /// The message: a JSON string with its quotes.
    Payload,
    /// The same without its quotes: letters, digits, `~` and `.`, which nothing has to quote.
    Text,
}

/// Every place by its name. A position may be made of several headers.
pub(super) const SLOTS: [(&str, Slot); 12] = [
    ("channel", Slot::Channel),
    ("run", Slot::Run),
    ("number", Slot::Number),
    ("position", Slot::Position(None)),
    ("position.1", Slot::Position(Some(1))),
    ("position.2", Slot::Position(Some(2))),
    ("position.3", Slot::Position(Some(3))),
    ("position.4", Slot::Position(Some(4))),
    ("hold", Slot::Hold),
    ("hold_ms", Slot::HoldMs),
    ("payload", Slot::Payload),
    ("text", Slot::Text),
];

/// A text with places in braces. Braces around anything but the name of a place are braces, as in JSON.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Pattern(String);

/// A piece of a pattern.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part<'a> {
    /// Text as it stands.
    Text(&'a str),
    /// A place.
    Slot(Slot),
    /// What looks like a place and has no known name.
    Unknown(&'a str),
}

impl Pattern {
    /// A pattern of this text.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.to_owned())
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether there is nothing in it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Its pieces in order.
    pub fn parts(&self) -> impl Iterator<Item = Part<'_>> {
        let mut rest = self.0.as_str();
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let (part, length) = next(rest);
            rest = &rest[length..];
            Some(part)
        })
    }

    /// The text with each place filled in.
    #[must_use]
    pub fn fill(&self, value: impl Fn(Slot) -> String) -> String {
        let text = |part| match part {
            Part::Text(text) => text.to_owned(),
            Part::Slot(slot) => value(slot),
            Part::Unknown(name) => format!("{{{name}}}"),
        };
        self.parts().map(text).collect()
    }
}

/// The piece that a text begins with, and its length there.
fn next(text: &str) -> (Part<'_>, usize) {
    if let Some(name) = place(text) {
        let known = SLOTS.iter().find(|(known, _)| *known == name);
        let part = known.map_or(Part::Unknown(name), |(_, slot)| Part::Slot(*slot));
        return (part, name.len() + 2);
    }
    let mut at = text.chars().next().map_or(0, char::len_utf8);
    while let Some(brace) = text[at..].find('{') {
        at += brace;
        if place(&text[at..]).is_some() {
            return (Part::Text(&text[..at]), at);
        }
        at += 1;
    }
    (Part::Text(text), text.len())
}

/// The name between the braces that a text begins with, if it may be one of a place.
fn place(text: &str) -> Option<&str> {
    let (name, _) = text.strip_prefix('{')?.split_once('}')?;
    let fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '.';
    let named = name.starts_with(|c: char| c.is_ascii_lowercase());
    (named && name.chars().all(fit)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_found_among_other_braces() {
        let pattern = Pattern::new("{\"channel\":\"{channel}\",\"data\":{payload}}{}{ {chanel}");
        let parts: Vec<Part<'_>> = pattern.parts().collect();
        assert_eq!(
            parts,
            [
                Part::Text("{\"channel\":\""),
                Part::Slot(Slot::Channel),
                Part::Text("\",\"data\":"),
                Part::Slot(Slot::Payload),
                Part::Text("}{}{ "),
                Part::Unknown("chanel"),
            ]
        );
        let filled = pattern.fill(|slot| format!("<{slot:?}>"));
        assert_eq!(
            filled,
            "{\"channel\":\"<Channel>\",\"data\":<Payload>}{}{ {chanel}"
        );
    }
}
