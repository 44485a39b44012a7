//! The name of a channel.

use std::borrow::Borrow;
use std::sync::Arc;

/// A channel's name: 1 to 128 characters of `[A-Za-z0-9_.:-]`.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct ChannelName(Arc<str>);

/// The text is no channel name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("a channel name is 1 to 128 characters of A-Z a-z 0-9 _ . : -")]
pub struct NameError;

impl ChannelName {
    /// Checks a name.
    ///
    /// # Errors
    /// [`NameError`] when it is empty, too long or holds another character.
    pub fn parse(text: &str) -> Result<Self, NameError> {
        let allowed = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':' | b'-');
        if (1..=128).contains(&text.len()) && text.bytes().all(allowed) {
            Ok(Self(text.into()))
        } else {
            Err(NameError)
        }
    }

    /// Gives the name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for ChannelName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_short_and_plain() {
        for right in ["a", "user.bob", "room:7", "A_b-c", &"x".repeat(128)] {
            assert!(ChannelName::parse(right).is_ok(), "{right}");
        }
        for wrong in ["", "a b", "a/b", "é", "a\n", "*", &"x".repeat(129)] {
            assert!(ChannelName::parse(wrong).is_err(), "{wrong}");
        }
    }
}
