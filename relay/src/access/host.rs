//! Which names the relay answers to: the `Host` that a browser sends.
//!
//! A page of `evil.example` may let its name point to 127.0.0.1, or to another machine of an inner
//! network, once it is loaded (DNS rebinding). It then speaks to the relay as a page of the relay's
//! own origin, and its `Host` gives it away. An address cannot be bent so, a name can.

use std::net::IpAddr;

use http::header::{self, HeaderMap, HeaderValue};

/// The names that a request may be for.
#[derive(Debug, Clone)]
pub struct Hosts {
    /// Lower case, without a port.
    listed: Vec<String>,
    /// Any name will do: tokens stand in between.
    any: bool,
}

impl Hosts {
    /// Makes the list: the names in `listed`, and addresses and `localhost` beside them. With
    /// `guarded`, by tokens, an empty list is any name: a page that comes by a bent name has none.
    #[must_use]
    pub fn new(listed: &[String], guarded: bool) -> Self {
        let listed: Vec<_> = listed
            .iter()
            .map(|name| name.to_ascii_lowercase())
            .collect();
        Self {
            any: guarded && listed.is_empty(),
            listed,
        }
    }

    /// Tells whether a request is for this relay. One without `Host` comes from no browser.
    #[must_use]
    pub fn know(&self, headers: &HeaderMap) -> bool {
        let mut hosts = headers.get_all(header::HOST).iter();
        match (hosts.next(), hosts.next()) {
            (None, _) => true,
            (Some(host), None) => self.any || host.to_str().is_ok_and(|host| self.knows(host)),
            (Some(_), Some(_)) => false,
        }
    }

    fn knows(&self, host: &str) -> bool {
        let name = name(host).trim_end_matches('.');
        let bare = name.trim_start_matches('[').trim_end_matches(']');
        if bare.parse::<IpAddr>().is_ok() {
            return true;
        }
        // Only now: most clients that ask often ask an address.
        let name = name.to_ascii_lowercase();
        name == "localhost" || name.ends_with(".localhost") || self.listed.contains(&name)
    }
}

/// A host without its port.
fn name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Reads a name for the list, as a flag gives it.
///
/// # Errors
/// What is wrong with it, for a person.
pub fn host_name(text: &str) -> Result<String, String> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._".contains(&b);
    let is_name = !text.is_empty() && text.bytes().all(plain);
    if is_name && HeaderValue::from_str(text).is_ok() {
        Ok(text.to_ascii_lowercase())
    } else {
        Err(
            "a host is a name without scheme, port or wildcard, such as push.example.com"
                .to_owned(),
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn know(listed: &[&str], guarded: bool, hosts: &[&str]) -> bool {
        let mut headers = HeaderMap::new();
        for host in hosts {
            headers.append(header::HOST, host.parse().unwrap());
        }
        let listed: Vec<_> = listed.iter().map(|name| (*name).to_owned()).collect();
        Hosts::new(&listed, guarded).know(&headers)
    }

    #[test]
    fn addresses_and_listed_names_are_known() {
        for host in [
            "127.0.0.1:8080",
            "192.168.1.5",
            "[::1]:8080",
            "[::1]",
            "localhost:1",
            "LocalHost",
            "app.localhost:8080",
            "Push.Example:443",
            "push.example.",
        ] {
            assert!(know(&["push.example"], false, &[host]), "{host}");
        }
        assert!(know(&[], false, &[]), "a browser always sends one");
    }

    #[test]
    fn a_name_that_may_be_bent_is_not() {
        for host in [
            "evil.example:8080",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "notlocalhost",
            "push.example.evil",
            "sub.push.example",
            "",
            "127.0.0.1@evil.example",
        ] {
            assert!(!know(&["push.example"], false, &[host]), "{host}");
            assert!(know(&[], true, &[host]), "with tokens: {host}");
        }
        assert!(!know(&["push.example"], true, &["evil.example"]));
        assert!(
            !know(&[], true, &["127.0.0.1", "127.0.0.1"]),
            "two are none"
        );
    }

    #[test]
    fn a_listed_name_is_only_a_name() {
        assert!(host_name("push.example.com").is_ok());
        for wrong in ["", "*", "a:80", "http://a", "a b", "*.a"] {
            assert!(host_name(wrong).is_err(), "{wrong}");
        }
    }
}
