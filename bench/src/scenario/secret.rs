//! The token that `[target]` says every client is to send. It goes to the server and nowhere else: no result, no
//! message and no `Debug` shows it.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

/// The most bytes of a token: servers take no longer header lines.
const LONGEST: usize = 8192;

/// A bearer token.
#[derive(Clone, PartialEq, Eq)]
pub struct Token(Arc<str>);

/// Where the token comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenSource {
    /// The scenario holds it.
    Here(Token),
    /// A file holds it, as the only thing in it.
    File(PathBuf),
    /// An environment variable holds it.
    Env(String),
}

impl Token {
    /// Takes a token that can stand in a header line.
    ///
    /// # Errors
    /// What is wrong with it, without showing it, as the rest of a sentence.
    pub fn new(text: &str) -> Result<Self, &'static str> {
        let text = text.trim();
        if text.is_empty() {
            Err("is empty")
        } else if text.len() > LONGEST {
            Err("is longer than 8192 bytes")
        } else if !text.bytes().all(|byte| byte.is_ascii_graphic()) {
            Err("holds what cannot stand in a header, such as a space")
        } else {
            Ok(Self(text.into()))
        }
    }

    /// Gives the token, to be sent.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Token(hidden)")
    }
}

impl TokenSource {
    /// Gets the token; a file is read anew each time, so it may be renewed between two trials.
    ///
    /// # Errors
    /// Which key is to be corrected and why.
    pub fn read(&self) -> Result<Token, String> {
        let (name, text) = match self {
            Self::Here(token) => return Ok(token.clone()),
            Self::File(path) => (
                format!("target.token_file {}", path.display()),
                std::fs::read_to_string(path).map_err(|error| error.to_string()),
            ),
            Self::Env(name) => (
                format!("target.token_env {name}"),
                std::env::var(name).map_err(|error| error.to_string()),
            ),
        };
        let text = text.map_err(|why| format!("{name}: {why}"))?;
        Token::new(&text).map_err(|why| format!("{name}: the token {why}"))
    }
}

/// Tells whether a line of a scenario, or a `--set`, may hold a token, so that it is not to be shown.
pub(super) fn may_hold_token(line: &str) -> bool {
    line.split("token").skip(1).any(|rest| {
        rest.trim_start_matches(['"', '\'', ' ', '\t'])
            .starts_with('=')
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_one_that_can_be_sent_and_is_not_shown() {
        let token = Token::new(" abc.def \n").unwrap();
        assert_eq!(token.expose(), "abc.def");
        assert_eq!(
            format!("{:?}", TokenSource::Here(token)),
            "Here(Token(hidden))"
        );
        for wrong in ["", " ", "a b", "a\r\nX: y", "é", &"x".repeat(8193)] {
            assert!(Token::new(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_line_with_a_token_is_known() {
        for line in [
            "token = \"a\"",
            "target = { token=\"a\" }",
            "target.token=abc",
            "\"token\" = 1",
        ] {
            assert!(may_hold_token(line), "{line}");
        }
        for line in ["token_file = \"a\"", "target.token_env=A", "clients = 3"] {
            assert!(!may_hold_token(line), "{line}");
        }
    }
}
