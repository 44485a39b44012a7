//! Request heads: the same headers for every transport, so that bytes compare.

use std::io::Write;

use super::{Cursor, Subscription};
use crate::scenario::Headers;

/// What a desktop Chrome sends with a `fetch` to its own origin, beyond `Host`.
const BROWSER: &str = "Connection: keep-alive\r\n\
    sec-ch-ua-platform: \"Linux\"\r\n\
    User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36\r\n\
    sec-ch-ua: \"Chromium\";v=\"140\", \"Not=A?Brand\";v=\"24\", \"Google Chrome\";v=\"140\"\r\n\
    sec-ch-ua-mobile: ?0\r\n\
    Accept: */*\r\n\
    Sec-Fetch-Site: same-origin\r\n\
    Sec-Fetch-Mode: cors\r\n\
    Sec-Fetch-Dest: empty\r\n\
    Accept-Encoding: identity\r\n\
    Accept-Language: en-US,en;q=0.9\r\n";

const PAD: &str = "X-Pad: ";

/// The headers that requests carry.
#[derive(Debug, Clone, Copy)]
pub struct Profile(pub Headers);

impl Profile {
    /// Writes a whole request head.
    ///
    /// `extra` are header lines that the protocol needs, each ending in CRLF; `response_head` is
    /// the length of the last response head, which [`Headers::PadExchangeTo`] makes up for.
    pub(super) fn write(
        &self,
        request_line: std::fmt::Arguments<'_>,
        authority: &str,
        extra: &str,
        response_head: usize,
        out: &mut Vec<u8>,
    ) {
        let start = out.len();
        // Writing to a Vec cannot fail.
        let _ = write!(
            out,
            "{request_line} HTTP/1.1\r\nHost: {authority}\r\n{extra}"
        );
        let wanted = match self.0 {
            Headers::Minimal => 0,
            Headers::Browser => {
                out.extend_from_slice(BROWSER.as_bytes());
                0
            }
            Headers::PadTo(size) => size,
            Headers::PadExchangeTo(size) => size.saturating_sub(response_head),
        };
        let bare = out.len() - start + 2;
        if let Some(pad) = wanted.checked_sub(bare + PAD.len() + 2) {
            out.extend_from_slice(PAD.as_bytes());
            out.resize(out.len() + pad, b'.');
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(b"\r\n");
    }
}

/// Writes `GET /channels/{channel}/{resource}?after=…`, with `query` after it.
pub(super) fn get(
    subscription: &Subscription,
    cursor: &Cursor,
    resource: &str,
    query: std::fmt::Arguments<'_>,
    extra: &str,
    out: &mut Vec<u8>,
) {
    let Subscription {
        authority,
        channel,
        profile,
        ..
    } = subscription;
    let head = cursor.response_head;
    if cursor.position.is_empty() {
        profile.write(
            format_args!("GET /channels/{channel}/{resource}"),
            authority,
            extra,
            head,
            out,
        );
    } else {
        let after = &cursor.position;
        profile.write(
            format_args!("GET /channels/{channel}/{resource}?after={after}{query}"),
            authority,
            extra,
            head,
            out,
        );
    }
}
