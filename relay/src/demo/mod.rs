//! The demo page: the five transports side by side, in one page without anything from elsewhere.

use bytes::Bytes;
use http::StatusCode;
use http::header::{self, HeaderValue};

use crate::transport::reply::{Reply, content};

/// The page: the frame, then a script for each transport, then the one that uses them.
const PAGE: &str = concat!(
    include_str!("page.html"),
    "<style>\n",
    include_str!("page.css"),
    "</style>\n<script>\n'use strict';\n",
    include_str!("polling.js"),
    include_str!("long_polling.js"),
    include_str!("streaming.js"),
    include_str!("events.js"),
    include_str!("socket.js"),
    include_str!("page.js"),
    "</script>\n</body>\n</html>\n",
);

/// Nothing is loaded and nothing is reached but the relay itself.
const POLICY: &str = "default-src 'none'; connect-src 'self'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; \
                      img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Gives the page.
pub(crate) fn page() -> Reply {
    let mut reply = content(
        StatusCode::OK,
        "text/html; charset=utf-8",
        Bytes::from_static(PAGE.as_bytes()),
    );
    reply.headers_mut().insert(
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(POLICY),
    );
    reply
}
