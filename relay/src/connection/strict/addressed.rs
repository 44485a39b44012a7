//! Whom a request is for: its target and its `Host`, which have to agree.

use http::header;
use http::{Method, Request, StatusCode, Version};

use crate::transport::reply::Refusal;

/// Checks the form of what a request is for (RFC 9112, sections 3.2 and 3.3).
///
/// Which hosts the relay answers to is decided elsewhere; here it is made sure that there is one answer.
pub(in crate::connection) fn addressed<B>(request: &Request<B>) -> Result<(), Refusal> {
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = match (hosts.next(), hosts.next()) {
        (Some(host), None) => Some(host.as_bytes()),
        (None, _) if request.version() < Version::HTTP_11 => None,
        _ => return Err(bad("bad_host", "a request has one `Host`")),
    };
    if host.is_some_and(|host| !is_host(host)) {
        return Err(bad(
            "bad_host",
            "`Host` is a name or an address, and a port",
        ));
    }
    let uri = request.uri();
    // What has no path is an address of everything, and of that only the options can be asked.
    let is_path =
        uri.path().starts_with('/') || uri.path() == "*" && request.method() == Method::OPTIONS;
    let form = match (uri.scheme_str(), uri.authority()) {
        (None, None) => is_path && request.method() != Method::CONNECT,
        // https where a proxy in front ends TLS.
        (Some("http" | "https"), Some(named)) => {
            let same = |host: &[u8]| host.eq_ignore_ascii_case(named.as_str().as_bytes());
            is_path && host.is_none_or(same) && is_host(named.as_str().as_bytes())
        }
        // A tunnel, or nothing that there is.
        _ => false,
    };
    let message = "the target is a path, or an address of the host that `Host` names";
    form.then_some(()).ok_or_else(|| bad("bad_target", message))
}

/// Tells whether this is a name or an address, with a port or without.
fn is_host(host: &[u8]) -> bool {
    let (name, port) = match host {
        [b'[', rest @ ..] => match rest.iter().position(|byte| *byte == b']') {
            Some(end) => (&rest[..end], &rest[end + 1..]),
            None => return false,
        },
        _ => {
            let end = host.iter().position(|byte| *byte == b':');
            host.split_at(end.unwrap_or(host.len()))
        }
    };
    let address = host.first() == Some(&b'[');
    let plain = |byte: &u8| {
        byte.is_ascii_alphanumeric()
            || matches!(byte, b'-' | b'.' | b'_' | b'~' | b'%')
            || address && *byte == b':'
    };
    let port = match port {
        [] => true,
        [b':', digits @ ..] => digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    !name.is_empty() && name.iter().all(plain) && port
}

fn bad(code: &'static str, message: &'static str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, code, message).with(header::CONNECTION, "close")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ask(method: &str, target: &str, hosts: &[&str]) -> Result<(), &'static str> {
        let mut request = Request::builder().method(method).uri(target);
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        addressed(&request.body(()).unwrap()).map_err(|refusal| refusal.code)
    }

    #[test]
    fn hosts_have_a_form() {
        for host in [
            "r",
            "r.example:80",
            "127.0.0.1",
            "[::1]:8080",
            "[::1]",
            "a_b-c.d.",
            "r:",
        ] {
            assert_eq!(ask("GET", "/", &[host]), Ok(()), "{host}");
        }
        for host in [
            "", ":80", "x@r", "r/x", "r, s", "r s", "r:80x", "r:80:80", "[::1", "[]", "[::1]x",
            "::1", "r?",
        ] {
            assert_eq!(ask("GET", "/", &[host]), Err("bad_host"), "{host}");
        }
        assert_eq!(ask("GET", "/", &[]), Err("bad_host"));
        assert_eq!(ask("GET", "/", &["r", "r"]), Err("bad_host"));
    }

    #[test]
    fn a_target_agrees_with_the_host() {
        for target in ["/", "/x?y", "http://R:80/x", "https://r:80", "//s/x"] {
            assert_eq!(ask("GET", target, &["r:80"]), Ok(()), "{target}");
        }
        assert_eq!(ask("OPTIONS", "*", &["r:80"]), Ok(()));
        for (method, target) in [
            ("GET", "*"),
            ("GET", "r:80"),
            ("CONNECT", "r:80"),
            ("CONNECT", "/"),
            ("GET", "http://r/x"),
            ("GET", "http://s:80/x"),
            ("GET", "http://x@r:80/x"),
            ("GET", "gopher://r:80/x"),
        ] {
            let answer = ask(method, target, &["r:80"]);
            assert_eq!(answer, Err("bad_target"), "{method} {target}");
        }
    }
}
