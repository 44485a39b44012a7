//! The place of a store, as a flag or an environment variable names it.

use std::fmt;
use std::str::FromStr;

use async_nats::ServerAddr;
use percent_encoding::percent_decode_str;

/// Where logs live.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Place {
    /// In this process, and nowhere else.
    Memory,
    /// In the JetStream of these NATS servers.
    Nats(Servers),
}

/// Servers of one NATS cluster; any of them will do. What is written of them has neither user nor password.
#[derive(Clone, PartialEq, Eq)]
pub struct Servers(Vec<ServerAddr>);

/// What a relay shows to the servers. It is never written.
#[derive(PartialEq, Eq)]
pub(super) enum Login {
    User { name: String, password: String },
    Token(String),
}

/// The text names no store. It is not repeated: it may hold a password.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error(
    "a store is `memory`, `nats://HOST:PORT` or `tls://HOST:PORT`, several servers of a cluster separated by commas"
)]
pub struct PlaceError;

impl Servers {
    /// Gives what is to be connected to, with user and password.
    pub(super) fn addresses(&self) -> Vec<ServerAddr> {
        self.0.clone()
    }

    /// Gives what to show to all of them: the first that is named with something. The client reads nothing of it by itself.
    pub(super) fn login(&self) -> Option<Login> {
        let plain = |text: &str| percent_decode_str(text).decode_utf8_lossy().into_owned();
        self.0.iter().find_map(|server| {
            let name = plain(server.username()?);
            Some(match server.password() {
                Some(password) => Login::User {
                    name,
                    password: plain(password),
                },
                None => Login::Token(name),
            })
        })
    }
}

impl FromStr for Place {
    type Err = PlaceError;

    fn from_str(text: &str) -> Result<Self, PlaceError> {
        if text == "memory" {
            return Ok(Self::Memory);
        }
        let server = |text: &str| {
            let address = text.strip_prefix("nats://").or(text.strip_prefix("tls://"));
            let whole =
                address.is_some_and(|rest| !rest.is_empty() && !rest.contains(['/', '?', '#']));
            let server = whole.then(|| text.parse::<ServerAddr>().ok());
            server.flatten().ok_or(PlaceError)
        };
        let servers: Result<Vec<_>, _> = text.split(',').map(server).collect();
        servers.map(|servers| Self::Nats(Servers(servers)))
    }
}

impl fmt::Display for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (at, server) in self.0.iter().enumerate() {
            let comma = if at > 0 { "," } else { "" };
            let (scheme, host, port) = (server.scheme(), server.host(), server.port());
            if host.contains(':') {
                write!(f, "{comma}{scheme}://[{host}]:{port}")?;
            } else {
                write!(f, "{comma}{scheme}://{host}:{port}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for Servers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_asks_stands_in_the_first_place_that_says_so() {
        let login = |text: &str| match text.parse() {
            Ok(Place::Nats(servers)) => servers.login(),
            _ => panic!("{text}"),
        };
        let user = Login::User {
            name: "u".to_owned(),
            password: "p@+".to_owned(),
        };
        assert!(login("nats://a,nats://u:p%40+@b,nats://x:y@c") == Some(user));
        assert!(login("nats://to%2Fken@a") == Some(Login::Token("to/ken".to_owned())));
        assert!(login("nats://a").is_none());
    }

    #[test]
    fn a_place_is_memory_or_servers_and_shows_no_password() {
        assert_eq!("memory".parse(), Ok(Place::Memory));
        for (text, shown) in [
            ("nats://127.0.0.1:4222", "nats://127.0.0.1:4222"),
            ("nats://h", "nats://h:4222"),
            ("nats://u:s3cret@h:1", "nats://h:1"),
            (
                "tls://token@h:1,nats://u:s3cret@[::1]:2",
                "tls://h:1,nats://[::1]:2",
            ),
        ] {
            let Ok(Place::Nats(servers)) = text.parse::<Place>() else {
                panic!("{text}");
            };
            assert_eq!(servers.to_string(), shown);
            assert_eq!(format!("{servers:?}"), shown);
        }
        for wrong in [
            "",
            "Memory",
            "h:4222",
            "http://h",
            "ws://h",
            "nats://",
            "nats://h/x",
            "nats://a,,nats://b",
        ] {
            assert_eq!(wrong.parse::<Place>(), Err(PlaceError), "{wrong}");
        }
    }
}
