//! Which channels a token is for: an exact name, or the beginning of names.

use serde::{Deserialize, Serialize};

/// The longest pattern: a channel's name of full length and its star.
const LONGEST: usize = 129;

/// A channel's name, or the beginning of names with a `*` behind it; `*` alone is every channel.
///
/// The star stands at the end and nowhere else, and stands for any characters: `user.bob*` is also
/// `user.bobby`, so whoever means a family of channels ends it with a separator, as in `user.bob.*`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Pattern {
    text: String,
    open: bool,
}

/// The text is no pattern.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a channel pattern is a channel's name, or the beginning of one and a `*` at the end")]
pub struct PatternError;

impl Pattern {
    /// Tells whether a channel's name fits.
    #[must_use]
    pub fn fits(&self, channel: &str) -> bool {
        if self.open {
            channel.starts_with(&self.text)
        } else {
            channel == self.text
        }
    }
}

impl TryFrom<String> for Pattern {
    type Error = PatternError;

    fn try_from(mut text: String) -> Result<Self, PatternError> {
        let open = text.ends_with('*');
        if open {
            text.pop();
        }
        let allowed = |b: u8| b.is_ascii_alphanumeric() || b"_.:-".contains(&b);
        let long_enough = open || !text.is_empty();
        if long_enough && text.len() < LONGEST && text.bytes().all(allowed) {
            Ok(Self { text, open })
        } else {
            Err(PatternError)
        }
    }
}

impl std::str::FromStr for Pattern {
    type Err = PatternError;

    fn from_str(text: &str) -> Result<Self, PatternError> {
        Self::try_from(text.to_owned())
    }
}

impl From<Pattern> for String {
    fn from(pattern: Pattern) -> Self {
        let star = if pattern.open { "*" } else { "" };
        pattern.text + star
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Result<Pattern, PatternError> {
        text.parse()
    }

    #[test]
    fn a_pattern_fits_a_name_or_its_beginning() {
        for (text, fits, not) in [
            ("user.bob", "user.bob", "user.bobby"),
            ("user.bob", "user.bob", "user.bo"),
            ("user.bob.*", "user.bob.inbox", "user.bob"),
            ("user.*", "user.", "User.bob"),
            ("a", "a", ""),
        ] {
            let pattern = pattern(text).unwrap();
            assert!(pattern.fits(fits), "{text} {fits}");
            assert!(!pattern.fits(not), "{text} {not}");
            assert_eq!(String::from(pattern), text);
        }
        assert!(pattern("*").unwrap().fits("anything"));
    }

    #[test]
    fn what_could_be_misread_is_no_pattern() {
        let long = "x".repeat(129);
        for wrong in ["", "a*b", "**", "*a", "a b", "a/b", "é", "a\n", &long] {
            assert!(pattern(wrong).is_err(), "{wrong}");
        }
        assert!(pattern(&"x".repeat(128)).is_ok());
    }
}
