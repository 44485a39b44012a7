//! A request of HTTP/2 in the words that the rest of the relay knows.

use h2::ext::Protocol;
use http::header::{self, HeaderValue};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Method, StatusCode};

use crate::transport::reply::Refusal;

/// Makes the pseudo-header fields of RFC 9113 (section 8.3.1) and RFC 8441 (section 4) what they are in HTTP/1.1.
pub(super) fn known(parts: &mut Parts) -> Result<(), Refusal> {
    if let Some(authority) = parts.uri.authority() {
        let bad = || {
            let message =
                "`:authority` is a host and a port, and `host` the same where it is there";
            Refusal::new(StatusCode::BAD_REQUEST, "bad_authority", message)
        };
        // A name before the host means nothing to a server and has fooled people.
        if authority.as_str().contains('@') {
            return Err(bad());
        }
        let mut hosts = parts.headers.get_all(header::HOST).iter();
        let is_same = |host: &HeaderValue| {
            host.as_bytes()
                .eq_ignore_ascii_case(authority.as_str().as_bytes())
        };
        if hosts.any(|host| !is_same(host)) {
            return Err(bad());
        }
        let host = HeaderValue::from_str(authority.as_str()).map_err(|_| bad())?;
        parts.headers.insert(header::HOST, host);
    }
    // `Uri` makes a root of a path that begins with a query.
    let path = parts.uri.path_and_query().map(PathAndQuery::as_str);
    if path.is_some_and(|path| !path.starts_with('/') && path != "*") {
        let message = "`:path` begins with a slash";
        return Err(Refusal::new(StatusCode::BAD_REQUEST, "bad_path", message));
    }
    match parts.extensions.get::<Protocol>() {
        Some(protocol) if parts.method == Method::CONNECT && protocol.as_str() != "websocket" => {
            // RFC 9220, section 3.
            let message = "the relay knows one protocol for CONNECT: websocket";
            let status = StatusCode::NOT_IMPLEMENTED;
            Err(Refusal::new(status, "unknown_protocol", message))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn host(uri: &str, hosts: &[&str]) -> Result<String, StatusCode> {
        let mut request = http::Request::get(uri);
        for host in hosts {
            request = request.header(header::HOST, *host);
        }
        let (mut parts, ()) = request.body(()).unwrap().into_parts();
        known(&mut parts).map_err(|refusal| refusal.status)?;
        assert_eq!(parts.headers.get_all(header::HOST).iter().count(), 1);
        Ok(parts.headers[header::HOST].to_str().unwrap().to_owned())
    }

    #[test]
    fn the_authority_is_the_host() {
        let bad = Err(StatusCode::BAD_REQUEST);
        assert_eq!(host("https://a:8443/", &[]).as_deref(), Ok("a:8443"));
        assert_eq!(host("https://a/", &["A"]).as_deref(), Ok("a"));
        assert_eq!(host("https://a/", &["b"]), bad);
        assert_eq!(host("https://a/", &["a", "b"]), bad);
        assert_eq!(host("https://x@a/", &[]), bad);
    }

    #[test]
    fn a_path_begins_with_a_slash() {
        let asked = |path: &str| {
            let uri = http::Uri::builder().scheme("https").authority("a");
            let uri = uri.path_and_query(path).build().unwrap();
            let (mut parts, ()) = http::Request::get(uri).body(()).unwrap().into_parts();
            known(&mut parts).map_err(|refusal| refusal.code)
        };
        assert_eq!(asked("/?x"), Ok(()));
        assert_eq!(asked("?x"), Err("bad_path"));
    }
}
