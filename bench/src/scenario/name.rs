//! The name of a server of `[targets]`.

use std::fmt;

/// The longest name, in bytes.
const LONGEST: usize = 24;

/// A short name, which is copied like a number: it stands in every row, bar and rule about a server.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TargetName {
    bytes: [u8; LONGEST],
    length: usize,
}

impl TargetName {
    /// A name of small letters, digits and hyphens; nothing when it is something else, or too long.
    #[must_use]
    pub fn new(name: &str) -> Option<Self> {
        let fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let mut bytes = [0; LONGEST];
        if name.is_empty() || !name.chars().all(fit) {
            return None;
        }
        bytes
            .get_mut(..name.len())?
            .copy_from_slice(name.as_bytes());
        Some(Self {
            bytes,
            length: name.len(),
        })
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        let name = self.bytes.get(..self.length).unwrap_or_default();
        std::str::from_utf8(name).unwrap_or_default()
    }
}

impl fmt::Display for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.as_str())
    }
}

impl fmt::Debug for TargetName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(self.as_str(), f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_short_and_plain() {
        let name = TargetName::new("nchan-1").unwrap();
        assert_eq!(
            (name.as_str(), format!("{name:>9}")),
            ("nchan-1", "  nchan-1".to_owned())
        );
        assert!(TargetName::new("nchan") < TargetName::new("relay"));
        for none in ["", "Nchan", "a b", "a/b", "abcdefghijklmnopqrstuvwxy"] {
            assert_eq!(TargetName::new(none), None, "{none}");
        }
    }
}
