//! Requests as clients write them, in HTTP/1.1, made into those of HTTP/2.
//!
//! One encoder knows what a request carries, and its order: what HTTP/2 writes otherwise is changed here. Names are
//! in lower case; method, path and `Host` become pseudo headers; what concerns the connection is left out (RFC
//! 9113, section 8.2.2), and the key of a WebSocket with it (RFC 8441, section 5); cookies are split, as browsers do.

use bytes::Bytes;
use h2::ext::Protocol;
use http::header::{CONTENT_LENGTH, COOKIE, HeaderName, HeaderValue};
use http::{Method, Request, Uri};

use super::SecureError;

const MAX_HEADERS: usize = 64;
/// What HTTP/2 has no use for.
const CONNECTION: [&str; 4] = ["host", "connection", "upgrade", "sec-websocket-key"];

/// A request that has been read.
#[derive(Debug)]
pub(super) struct Read {
    pub(super) request: Request<()>,
    pub(super) body: Bytes,
    /// It opens a WebSocket: what follows is no request.
    pub(super) upgrades: bool,
    /// Bytes of head and body.
    pub(super) length: usize,
}

/// Reads the request that `text` begins with, which is whole.
pub(super) fn read(text: &[u8]) -> Result<Read, SecureError> {
    let wrong = SecureError::Request;
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut head = httparse::Request::new(&mut headers);
    let Ok(httparse::Status::Complete(length)) = head.parse(text) else {
        return Err(wrong("its head is not whole"));
    };
    let find = |name: &str| {
        let mut headers = head.headers.iter();
        let found = headers.find(|header| header.name.eq_ignore_ascii_case(name));
        found.map(|header| header.value)
    };
    let upgrades = find("upgrade").is_some_and(|value| value.eq_ignore_ascii_case(b"websocket"));
    let uri = Uri::builder()
        .scheme("https")
        .authority(find("host").unwrap_or_default())
        .path_and_query(head.path.unwrap_or("/"))
        .build()
        .map_err(|_| wrong("its address"))?;
    let method = if upgrades {
        Method::CONNECT
    } else {
        let method = head.method.unwrap_or_default().parse();
        method.map_err(|_| wrong("its method"))?
    };
    let mut request = Request::builder().method(method).uri(uri);
    if upgrades {
        request = request.extension(Protocol::from_static("websocket"));
    }
    let mut body = 0;
    for header in head.headers.iter() {
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| wrong("a name"))?;
        if CONNECTION.contains(&name.as_str()) {
            continue;
        }
        if name == CONTENT_LENGTH {
            let text = std::str::from_utf8(header.value).unwrap_or_default();
            body = text.parse().map_err(|_| wrong("its length"))?;
        }
        let crumbs = header.value.split(|byte| *byte == b';' && name == COOKIE);
        for crumb in crumbs {
            let value = HeaderValue::from_bytes(crumb.trim_ascii());
            request = request.header(&name, value.map_err(|_| wrong("a value"))?);
        }
    }
    let body = text.get(length..length + body);
    let body = body.ok_or(wrong("its body is not whole"))?;
    Ok(Read {
        request: request.body(()).map_err(|_| wrong("its head"))?,
        length: length + body.len(),
        body: Bytes::copy_from_slice(body),
        upgrades,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_concerns_the_connection_is_left_out_and_the_rest_keeps_its_order() {
        let text = b"POST /channels/c/messages HTTP/1.1\r\nHost: there:1\r\nConnection: keep-alive\r\nContent-Length: 2\r\nUser-Agent: x\r\nCookie: a=1; b=2\r\nX-Last: 3\r\n\r\n{}GET";
        let read = read(text).unwrap();
        assert_eq!(read.request.uri(), "https://there:1/channels/c/messages");
        let headers: Vec<String> = read
            .request
            .headers()
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        let wanted = [
            "content-length: 2",
            "user-agent: x",
            "cookie: a=1",
            "cookie: b=2",
            "x-last: 3",
        ];
        assert_eq!(headers, wanted);
        assert_eq!((&read.body[..], read.length), (&b"{}"[..], text.len() - 3));
        assert!(!read.upgrades);
    }

    #[test]
    fn a_websocket_is_asked_for_by_extended_connect() {
        let read = read(b"GET /channels/c/socket HTTP/1.1\r\nHost: there\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: k\r\n\r\n").unwrap();
        assert!(read.upgrades);
        assert_eq!(read.request.method(), Method::CONNECT);
        let protocol = read.request.extensions().get::<Protocol>().unwrap();
        assert_eq!(protocol.as_str(), "websocket");
        let names: Vec<&str> = read
            .request
            .headers()
            .keys()
            .map(HeaderName::as_str)
            .collect();
        assert_eq!(names, ["sec-websocket-version"]);
    }

    #[test]
    fn half_a_request_is_an_error() {
        for text in [
            "",
            "GET / HTTP/1.1\r\n",
            "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\n{}",
        ] {
            assert!(read(text.as_bytes()).is_err(), "{text}");
        }
    }
}
