//! Answers: the one place where HTTP responses and the text of errors are made.

use std::fmt::Display;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Response, StatusCode};

use crate::access::{Denied, Full, TokenError, TooManyTickets};
use crate::log::{AppendError, OpenError, TooManyChannels};
use crate::message::{NameError, PayloadError, Position, PositionError};
use crate::publish::PublishError;
use crate::store::StoreError;
use crate::units::UnitError;

/// A whole answer.
pub(crate) type Reply = Response<Bytes>;

/// The header that carries a position where there is no body for it.
pub(crate) const RELAY_NEXT: HeaderName = HeaderName::from_static("relay-next");

/// An error as a client sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) code: &'static str,
    pub(crate) message: String,
    /// A header that the status asks for, such as `Allow`.
    pub(crate) header: Option<(HeaderName, HeaderValue)>,
}

impl Refusal {
    pub(crate) fn new(
        status: StatusCode,
        code: &'static str,
        message: &(impl Display + ?Sized),
    ) -> Self {
        Self {
            status,
            code,
            message: message.to_string(),
            header: None,
        }
    }

    /// The address stands for nothing.
    pub(crate) fn nothing_here() -> Self {
        Self::new(
            StatusCode::NOT_FOUND,
            "not_found",
            "there is nothing at this address",
        )
    }

    pub(crate) fn with(self, name: HeaderName, value: &'static str) -> Self {
        Self {
            header: Some((name, HeaderValue::from_static(value))),
            ..self
        }
    }

    /// Gives `{"error":{"code","message"}}`.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::json!({ "error": { "code": self.code, "message": self.message } })
    }

    pub(crate) fn reply(self) -> Reply {
        let mut reply = json(self.status, self.json().to_string());
        if let Some((name, value)) = self.header {
            reply.headers_mut().insert(name, value);
        }
        reply
    }
}

impl From<NameError> for Refusal {
    fn from(error: NameError) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_channel", &error)
    }
}

impl From<PositionError> for Refusal {
    fn from(error: PositionError) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_position", &error)
    }
}

impl From<Denied> for Refusal {
    fn from(denied: Denied) -> Self {
        let refuse = |status, code| Self::new(status, code, &denied);
        // The challenges of RFC 6750, section 3.
        match denied {
            Denied::Host => refuse(StatusCode::MISDIRECTED_REQUEST, "wrong_host"),
            Denied::Origin => refuse(StatusCode::FORBIDDEN, "origin_not_allowed"),
            Denied::Scope(_) => refuse(StatusCode::FORBIDDEN, "token_scope").with(
                header::WWW_AUTHENTICATE,
                r#"Bearer error="insufficient_scope""#,
            ),
            Denied::Token(TokenError::Missing) => {
                let refusal = refuse(StatusCode::UNAUTHORIZED, "token_missing");
                refusal.with(header::WWW_AUTHENTICATE, "Bearer")
            }
            Denied::Token(error) => {
                let code = match error {
                    TokenError::Expired => "token_expired",
                    TokenError::Ticket => "bad_ticket",
                    _ => "bad_token",
                };
                let challenge = r#"Bearer error="invalid_token""#;
                refuse(StatusCode::UNAUTHORIZED, code).with(header::WWW_AUTHENTICATE, challenge)
            }
        }
    }
}

impl From<TooManyTickets> for Refusal {
    fn from(error: TooManyTickets) -> Self {
        let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_tickets", &error);
        refusal.with(header::RETRY_AFTER, "5")
    }
}

impl From<Full> for Refusal {
    fn from(full: Full) -> Self {
        let (status, code) = match full {
            Full::Relay => (StatusCode::SERVICE_UNAVAILABLE, "too_many_connections"),
            Full::Address => (
                StatusCode::TOO_MANY_REQUESTS,
                "too_many_connections_of_address",
            ),
        };
        Self::new(status, code, &full).with(header::RETRY_AFTER, "5")
    }
}

impl From<UnitError> for Refusal {
    fn from(error: UnitError) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "bad_wait", &error)
    }
}

impl From<OpenError> for Refusal {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::TooManyChannels(error) => error.into(),
            OpenError::InFuture(error) => {
                Self::new(StatusCode::BAD_REQUEST, "position_in_future", &error)
            }
        }
    }
}

impl From<PublishError> for Refusal {
    fn from(error: PublishError) -> Self {
        match error {
            PublishError::Payload(PayloadError::TooLarge { .. }) => {
                Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", &error)
            }
            PublishError::Payload(_) => Self::new(StatusCode::BAD_REQUEST, "bad_json", &error),
            PublishError::Append(AppendError::TooManyChannels(error)) => error.into(),
            PublishError::Append(AppendError::Store(error)) => error.into(),
        }
    }
}

impl From<TooManyChannels> for Refusal {
    fn from(error: TooManyChannels) -> Self {
        let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, "too_many_channels", &error);
        refusal.with(header::RETRY_AFTER, "5")
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let code = match error {
            StoreError::Unavailable => "store_unavailable",
            StoreError::Unconfirmed => "store_unconfirmed",
            StoreError::Busy => "store_busy",
        };
        let refusal = Self::new(StatusCode::SERVICE_UNAVAILABLE, code, &error);
        refusal.with(header::RETRY_AFTER, "1")
    }
}

/// Makes an answer of JSON.
pub(crate) fn json(status: StatusCode, body: impl Into<Bytes>) -> Reply {
    content(status, "application/json", body)
}

/// Makes an answer of any type. Nothing the relay says may be cached or guessed at.
pub(crate) fn content(status: StatusCode, kind: &'static str, body: impl Into<Bytes>) -> Reply {
    let mut reply = Response::new(body.into());
    *reply.status_mut() = status;
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(
        header::X_CONTENT_TYPE_OPTIONS,
        HeaderValue::from_static("nosniff"),
    );
    reply
}

/// Makes an answer without a body. It is short on purpose: empty polls are counted in bytes.
pub(crate) fn no_content() -> Reply {
    let mut reply = Response::new(Bytes::new());
    *reply.status_mut() = StatusCode::NO_CONTENT;
    reply
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

/// Writes a position as the value of a header.
pub(crate) fn position_value(position: Position) -> HeaderValue {
    position
        .written(HeaderValue::from_bytes)
        .expect("invariant: a position is plain ASCII")
}

/// Writes the head of a response as hyper does, for a connection that has left hyper.
///
/// `length` is the body's, where it is known and the status has one.
pub(crate) fn head(status: StatusCode, headers: &HeaderMap, length: Option<usize>) -> Vec<u8> {
    let reason = status.canonical_reason().unwrap_or("");
    let mut head = format!("HTTP/1.1 {} {reason}\r\n", status.as_str()).into_bytes();
    let mut field = |name: &str, value: &[u8]| {
        for part in [name.as_bytes(), b": ", value, b"\r\n"] {
            head.extend_from_slice(part);
        }
    };
    for (name, value) in headers {
        field(name.as_str(), value.as_bytes());
    }
    if let Some(length) = length {
        field("content-length", length.to_string().as_bytes());
    }
    if status != StatusCode::SWITCHING_PROTOCOLS {
        field("date", date().as_bytes());
    }
    head.extend_from_slice(b"\r\n");
    head
}

/// Writes the value of the Date header.
#[expect(
    clippy::disallowed_methods,
    reason = "the Date header is the time of day, and nothing waits for it"
)]
pub(crate) fn date() -> String {
    httpdate::fmt_http_date(std::time::SystemTime::now())
}
