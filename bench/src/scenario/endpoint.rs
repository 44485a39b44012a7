//! The address of a server: what of a URL bench can dial.

use std::fmt;
use std::net::IpAddr;

use http::Uri;
use serde::{Deserialize, Serialize};

/// The ports of a URL that names none.
const HTTP: u16 = 80;
const HTTPS: u16 = 443;

/// The host and the port that a base URL names.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Endpoint {
    /// A name or an address, without brackets.
    pub host: String,
    /// Never 0.
    pub port: u16,
    /// Whether it is reached over TLS: the scheme is `https`.
    #[serde(default)]
    pub tls: bool,
}

impl Endpoint {
    /// Reads a base URL.
    ///
    /// # Errors
    /// What is wrong with it, as the rest of a sentence about it.
    pub fn read(url: &str) -> Result<Self, &'static str> {
        let uri: Uri = url.parse().map_err(|_| "is not an address")?;
        let (Some(scheme), Some(authority)) = (uri.scheme_str(), uri.authority()) else {
            return Err("has no http:// or https://, or no host");
        };
        let tls = match scheme {
            "http" => false,
            "https" => true,
            _ => return Err("does not begin with http:// or https://"),
        };
        if authority.as_str().contains('@') {
            return Err("holds a user name");
        }
        if !matches!(uri.path(), "" | "/") || uri.query().is_some() || url.contains('#') {
            return Err("has a path, which the interface of the server fixes");
        }
        let host = authority.host();
        let rest = authority.as_str().get(host.len()..).unwrap_or_default();
        let port = match rest.strip_prefix(':') {
            None => rest.is_empty().then_some(understood(tls)),
            Some(port) => port.parse().ok().filter(|port| *port > 0),
        };
        let host = host.trim_start_matches('[').trim_end_matches(']');
        match port {
            Some(port) if !host.is_empty() => Ok(Self {
                host: host.to_owned(),
                port,
                tls,
            }),
            _ => Err("has no good port"),
        }
    }

    /// Whether it is this machine by its name alone; names are never resolved.
    pub(super) fn is_loopback(&self) -> bool {
        self.is_localhost()
            || self
                .host
                .parse()
                .is_ok_and(|address: IpAddr| address.is_loopback())
    }

    /// Its base URL.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{self}", if self.tls { "https" } else { "http" })
    }

    /// Whether its host is the name that every machine has for itself.
    #[must_use]
    pub fn is_localhost(&self) -> bool {
        self.host.eq_ignore_ascii_case("localhost")
    }
}

impl fmt::Display for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.host.contains(':') {
            write!(f, "[{}]", self.host)?;
        } else {
            f.write_str(&self.host)?;
        }
        if self.port == understood(self.tls) {
            return Ok(());
        }
        write!(f, ":{}", self.port)
    }
}

/// As browsers write it in `Host`: without the port that is understood.
/// The port of a scheme.
fn understood(tls: bool) -> u16 {
    if tls { HTTPS } else { HTTP }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_endpoint_is_read_from_a_url_and_written_as_browsers_do() {
        for (url, host, port, written) in [
            ("http://localhost:81", "localhost", 81, "localhost:81"),
            ("http://127.0.0.1", "127.0.0.1", 80, "127.0.0.1"),
            ("http://[::1]:81/", "::1", 81, "[::1]:81"),
            ("https://127.0.0.1", "127.0.0.1", 443, "127.0.0.1"),
            ("https://localhost:80", "localhost", 80, "localhost:80"),
        ] {
            let endpoint = Endpoint::read(url).unwrap();
            assert_eq!((endpoint.host.as_str(), endpoint.port), (host, port));
            assert_eq!(endpoint.tls, url.starts_with("https"));
            assert_eq!(endpoint.to_string(), written);
        }
    }

    #[test]
    fn what_bench_cannot_dial_is_no_endpoint() {
        for (url, why) in [
            ("nonsense", "has no http://"),
            ("127.0.0.1:80", "has no http://"),
            ("http://", "is not an address"),
            ("ftp://127.0.0.1", "does not begin with http:// or https://"),
            ("http://me@127.0.0.1", "holds a user name"),
            ("http://127.0.0.1/below", "has a path"),
            ("http://127.0.0.1:0", "has no good port"),
            ("http://127.0.0.1:70000", "has no good port"),
        ] {
            let told = Endpoint::read(url).unwrap_err();
            assert!(told.starts_with(why), "{url}: {told}");
        }
    }
}
