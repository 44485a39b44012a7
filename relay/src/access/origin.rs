//! Which web pages may use the relay: the `Origin` that browsers send, against an exact list.
//!
//! A page's own origin is always allowed. A request without `Origin` comes from no page, unless the
//! browser says that a page elsewhere made it without asking (`no-cors`: an image, a script). No
//! wildcard, no reflection, no credentials.

use http::header::{self, HeaderMap, HeaderName, HeaderValue};

static SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
static SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");

/// The list of allowed origins.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    listed: Vec<HeaderValue>,
    /// The relay's own pages are of `https` alone. Without TLS of its own it cannot know: a proxy may speak it.
    secure: bool,
}

/// What a request's `Origin` header means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// No page, or a page that the relay itself served.
    Own,
    /// A page of a listed origin.
    Listed(HeaderValue),
    /// Any other page.
    Foreign,
}

impl Origins {
    /// Makes the list. Entries that can be no header value match nothing.
    #[must_use]
    pub fn new(origins: &[String], secure: bool) -> Self {
        let listed = origins
            .iter()
            .filter_map(|origin| HeaderValue::from_str(origin).ok())
            .collect();
        Self { listed, secure }
    }

    /// Judges a request by its `Origin` and `Host`.
    #[must_use]
    pub fn judge(&self, headers: &HeaderMap) -> Origin {
        let mut origins = headers.get_all(header::ORIGIN).iter();
        match (origins.next(), origins.next()) {
            (None, _) if is_unasked(headers) => Origin::Foreign,
            (None, _) => Origin::Own,
            (Some(_), Some(_)) => Origin::Foreign,
            (Some(origin), None) if self.is_own(origin, headers.get(header::HOST)) => Origin::Own,
            // The listed value, not the request's: that is a slice of all that was read.
            (Some(origin), None) => match self.listed.iter().find(|listed| *listed == origin) {
                Some(listed) => Origin::Listed(listed.clone()),
                None => Origin::Foreign,
            },
        }
    }

    /// Tells whether an origin is the relay's own: `https://HOST`, or without TLS `http://HOST` too.
    fn is_own(&self, origin: &HeaderValue, host: Option<&HeaderValue>) -> bool {
        let origin = origin.as_bytes();
        let plain = origin.strip_prefix(b"http://").filter(|_| !self.secure);
        let authority = plain.or_else(|| origin.strip_prefix(b"https://"));
        matches!((authority, host), (Some(authority), Some(host)) if authority.eq_ignore_ascii_case(host.as_bytes()))
    }

    /// Adds what lets a listed page read the answer, and what keeps caches from mixing answers up.
    pub fn mark(&self, origin: &Origin, headers: &mut HeaderMap) {
        if self.listed.is_empty() {
            return;
        }
        headers.insert(header::VARY, HeaderValue::from_static("Origin"));
        if let Origin::Listed(origin) = origin {
            headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
            headers.insert(
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static("Relay-Next"),
            );
        }
    }
}

/// Tells whether a page elsewhere makes the browser fetch this in a way that names no origin. Browsers say so to
/// addresses that are HTTPS or of their own machine (Fetch Metadata).
fn is_unasked(headers: &HeaderMap) -> bool {
    let is = |name: &HeaderName, wanted: &[&str]| {
        let value = headers.get(name).and_then(|value| value.to_str().ok());
        value.is_some_and(|value| wanted.contains(&value))
    };
    is(&SEC_FETCH_MODE, &["no-cors"]) && is(&SEC_FETCH_SITE, &["cross-site", "same-site"])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(origins: &[&str], host: &str) -> Origin {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, host.parse().unwrap());
        for origin in origins {
            headers.append(header::ORIGIN, origin.parse().unwrap());
        }
        Origins::new(&["https://app.example".to_owned()], false).judge(&headers)
    }

    #[test]
    fn a_relay_that_speaks_tls_is_no_page_of_http() {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "a:8443".parse().unwrap());
        for (origin, judged) in [
            ("https://a:8443", Origin::Own),
            ("http://a:8443", Origin::Foreign),
            ("https://a", Origin::Foreign),
        ] {
            headers.insert(header::ORIGIN, origin.parse().unwrap());
            assert_eq!(Origins::new(&[], true).judge(&headers), judged, "{origin}");
        }
    }

    #[test]
    fn a_page_that_fetches_without_asking_is_foreign() {
        for (mode, site, origin) in [
            ("no-cors", "cross-site", Origin::Foreign),
            ("no-cors", "same-site", Origin::Foreign),
            ("no-cors", "same-origin", Origin::Own),
            ("no-cors", "none", Origin::Own),
            ("cors", "same-origin", Origin::Own),
            ("navigate", "cross-site", Origin::Own),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert("sec-fetch-mode", mode.parse().unwrap());
            headers.insert("sec-fetch-site", site.parse().unwrap());
            assert_eq!(Origins::default().judge(&headers), origin, "{mode} {site}");
        }
    }

    #[test]
    fn an_origin_is_judged_exactly() {
        assert_eq!(judge(&[], "a"), Origin::Own);
        assert_eq!(judge(&["http://a:8080"], "a:8080"), Origin::Own);
        assert_eq!(judge(&["https://a"], "A"), Origin::Own);
        let listed = "https://app.example";
        assert_eq!(
            judge(&[listed], "a"),
            Origin::Listed(listed.parse().unwrap())
        );
        for foreign in [
            "null",
            "http://app.example",
            "https://app.example.evil",
            "https://evil",
            "http://a:1",
            "a",
            "",
        ] {
            assert_eq!(judge(&[foreign], "a"), Origin::Foreign, "{foreign}");
        }
        assert_eq!(
            judge(&[listed, listed], "a"),
            Origin::Foreign,
            "two origins are none"
        );
    }
}
