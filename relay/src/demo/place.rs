//! Where a page finds the relay, and the copy of the chat page beside it.

use std::net::SocketAddr;

use http::StatusCode;
use http::header::{self, HeaderMap};
use serde_json::json;

use crate::state::{Role, State};
use crate::transport::reply::{Reply, json as json_reply};

/// Answers `/demo.json`: the relay's origin, where that is not the page's own, and the copy's.
pub(crate) fn place(state: &State, asked: &HeaderMap) -> Reply {
    let origin = |address| format!("{}://{}", state.scheme(), authority(address, asked));
    let (relay, copy) = match state.role {
        Role::Relay { copy } => (None, copy.map(origin)),
        Role::Echo => (None, None),
        Role::Copy { relay } => (Some(origin(relay)), None),
    };
    json_reply(
        StatusCode::OK,
        json!({ "relay": relay, "copy": copy }).to_string(),
    )
}

/// Writes an address as a browser can reach it: one that stands for all of a machine's addresses
/// becomes the name that the browser asked for.
pub(super) fn authority(address: SocketAddr, asked: &HeaderMap) -> String {
    if !address.ip().is_unspecified() {
        return address.to_string();
    }
    let host = asked
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .map(name)
        .filter(|name| is_plain(name));
    format!("{}:{}", host.unwrap_or("127.0.0.1"), address.port())
}

/// Takes the port off a host.
fn name(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}

/// Tells whether a name can stand in a policy: what is none there could add to it.
fn is_plain(name: &str) -> bool {
    !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b".-[]:".contains(&byte))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_written_as_the_browser_can_reach_it() {
        let written = |address: &str, host: &str| {
            let mut asked = HeaderMap::new();
            asked.insert(header::HOST, host.parse().unwrap());
            authority(address.parse().unwrap(), &asked)
        };
        assert_eq!(
            written("127.0.0.1:80", "localhost:8081"),
            "127.0.0.1:80",
            "an address of its own stays"
        );
        assert_eq!(
            written("0.0.0.0:80", "relay.example:8081"),
            "relay.example:80"
        );
        assert_eq!(written("[::]:80", "[::1]:8081"), "[::1]:80");
        assert_eq!(written("[::]:80", "[::1]"), "[::1]:80");
        for wrong in ["a b", "a;script-src *", "", "a,b"] {
            assert_eq!(written("0.0.0.0:80", wrong), "127.0.0.1:80", "{wrong}");
        }
    }
}
