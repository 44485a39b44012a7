//! Requests as the browser that asks would send them.

use http::header::{self, HeaderMap, HeaderName};
use tungstenite::handshake::client::generate_key;

/// What a browser sends with each request, as it sent it with this one.
///
/// For the transports that send other fields than a script's `fetch`, they are those that Chromium
/// sends; a test holds them to it.
#[derive(Debug)]
pub(super) struct Browser {
    fields: Vec<(HeaderName, Vec<u8>)>,
    scheme: &'static str,
    host: String,
}

/// Fields that belong to one request, or to nobody else.
const OMITTED: [HeaderName; 9] = [
    header::CONNECTION,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::COOKIE,
    header::AUTHORIZATION,
    header::UPGRADE,
    header::TRANSFER_ENCODING,
    header::EXPECT,
    header::ORIGIN,
];

impl Browser {
    pub(super) fn of(asked: &HeaderMap, scheme: &'static str) -> Self {
        let host = asked
            .get(header::HOST)
            .and_then(|host| host.to_str().ok())
            .unwrap_or("relay");
        let mut fields = vec![(header::HOST, host.as_bytes().to_vec())];
        if asked
            .get(header::CONNECTION)
            .is_some_and(|value| value == "keep-alive")
        {
            fields.push((header::CONNECTION, b"keep-alive".to_vec()));
        }
        for (name, value) in asked {
            if *name != header::HOST && !OMITTED.contains(name) {
                fields.push((name.clone(), value.as_bytes().to_vec()));
            }
        }
        Self {
            scheme,
            host: host.to_owned(),
            fields,
        }
    }

    /// A request by `fetch`.
    pub(super) fn get(&self, path: &str) -> Vec<u8> {
        self.request("GET", path, |_| true, &[])
    }

    /// A request by an `EventSource`.
    pub(super) fn events(&self, path: &str) -> Vec<u8> {
        let own = [
            ("accept", "text/event-stream"),
            ("cache-control", "no-cache"),
            ("pragma", "no-cache"),
        ];
        self.request(
            "GET",
            path,
            |name| own.iter().all(|(own, _)| name != own),
            &own,
        )
    }

    /// The handshake of a `WebSocket`.
    pub(super) fn handshake(&self, path: &str) -> Vec<u8> {
        const KEPT: [HeaderName; 4] = [
            header::HOST,
            header::USER_AGENT,
            header::ACCEPT_ENCODING,
            header::ACCEPT_LANGUAGE,
        ];
        let (origin, key) = (self.origin(), generate_key());
        let own = [
            ("connection", "Upgrade"),
            ("pragma", "no-cache"),
            ("cache-control", "no-cache"),
            ("upgrade", "websocket"),
            ("origin", &origin),
            ("sec-websocket-version", "13"),
            ("sec-websocket-key", &key),
            (
                "sec-websocket-extensions",
                "permessage-deflate; client_max_window_bits",
            ),
            ("sec-websocket-protocol", "relay.v1"),
        ];
        self.request("GET", path, |name| KEPT.contains(name), &own)
    }

    /// A request that publishes.
    pub(super) fn post(&self, path: &str, body: &[u8]) -> Vec<u8> {
        let (origin, length) = (self.origin(), body.len().to_string());
        let own = [
            ("content-length", length.as_str()),
            ("content-type", "application/json"),
            ("origin", &origin),
        ];
        let mut request = self.request("POST", path, |_| true, &own);
        request.extend_from_slice(body);
        request
    }

    /// The question that comes before another origin's `POST`.
    pub(super) fn preflight(&self, path: &str) -> Vec<u8> {
        let origin = self.origin();
        let own = [
            ("access-control-request-method", "POST"),
            ("access-control-request-headers", "content-type"),
            ("origin", &origin),
        ];
        self.request("OPTIONS", path, |_| true, &own)
    }

    /// The same browser with a page of this origin, asking another host.
    pub(super) fn toward(mut self, host: &str) -> Self {
        for (name, value) in &mut self.fields {
            if *name == header::HOST {
                *value = host.as_bytes().to_vec();
            }
        }
        self
    }

    /// A request by `fetch` to another origin.
    pub(super) fn get_across(&self, path: &str) -> Vec<u8> {
        let origin = self.origin();
        self.request("GET", path, |_| true, &[("origin", &origin)])
    }

    /// The origin of the page.
    pub(super) fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.host)
    }

    fn request(
        &self,
        method: &str,
        path: &str,
        keep: impl Fn(&HeaderName) -> bool,
        own: &[(&str, &str)],
    ) -> Vec<u8> {
        let mut request = format!("{method} {path} HTTP/1.1\r\n").into_bytes();
        let mut field = |name: &str, value: &[u8]| {
            for part in [name.as_bytes(), b": ", value, b"\r\n"] {
                request.extend_from_slice(part);
            }
        };
        for (name, value) in self.fields.iter().filter(|(name, _)| keep(name)) {
            field(name.as_str(), value);
        }
        for (name, value) in own {
            field(name, value.as_bytes());
        }
        request.extend_from_slice(b"\r\n");
        request
    }
}
