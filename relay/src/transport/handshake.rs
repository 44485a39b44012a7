//! The opening handshake of a WebSocket: RFC 6455, section 4.2, and over HTTP/2 RFC 8441.

use h2::ext::Protocol;
use http::header::{self, HeaderName, HeaderValue};
use http::{HeaderMap, Method, Request, StatusCode, Version};
use tungstenite::error::ProtocolError;
use tungstenite::handshake::server::create_response;

use super::reply::Refusal;

/// Gives the headers that agree to a handshake.
pub(super) fn agreed<B>(request: &Request<B>) -> Result<HeaderMap, Refusal> {
    if request.version() == Version::HTTP_2 {
        return extended(request).map(|()| HeaderMap::new());
    }
    let plain = plain(request).map_err(|once| {
        let message = format!("a handshake has `{once}` once");
        Refusal::new(StatusCode::BAD_REQUEST, "bad_handshake", &message)
    })?;
    let response = create_response(&plain).map_err(|error| refused(&error))?;
    Ok(response.into_parts().0.headers)
}

/// Checks the handshake of HTTP/2: the method and a pseudo-header field say what `Connection`, `Upgrade` and the key
/// say in HTTP/1.1, and the answer has nothing to prove.
fn extended<B>(request: &Request<B>) -> Result<(), Refusal> {
    let refuse = |message| {
        let refusal = Refusal::new(StatusCode::BAD_REQUEST, "bad_handshake", message);
        Err(refusal.with(header::SEC_WEBSOCKET_VERSION, "13"))
    };
    if request.method() != Method::CONNECT || request.extensions().get::<Protocol>().is_none() {
        return refuse(
            "over HTTP/2 a WebSocket is opened by CONNECT with `:protocol` websocket (RFC 8441)",
        );
    }
    let versions = request.headers().get_all(header::SEC_WEBSOCKET_VERSION);
    let mut versions = versions.iter();
    match (versions.next(), versions.next()) {
        (Some(version), None) if version == "13" => Ok(()),
        _ => refuse("the WebSocket version is 13"),
    }
}

/// Gives the handshake in the words that tungstenite knows, or the field that is not there once.
///
/// `Connection` and `Upgrade` are lists, on as many lines as the client or a proxy likes.
fn plain<B>(request: &Request<B>) -> Result<Request<()>, HeaderName> {
    let mut plain = Request::new(());
    *plain.method_mut() = request.method().clone();
    *plain.version_mut() = request.version();
    let headers = plain.headers_mut();
    for (name, word) in [
        (header::CONNECTION, "upgrade"),
        (header::UPGRADE, "websocket"),
    ] {
        if lists(request.headers(), &name, |listed| {
            listed.eq_ignore_ascii_case(word)
        }) {
            headers.insert(name, HeaderValue::from_static(word));
        }
    }
    for (name, needed) in [
        (header::HOST, request.version() >= Version::HTTP_11),
        (header::SEC_WEBSOCKET_VERSION, false),
        (header::SEC_WEBSOCKET_KEY, false),
    ] {
        let mut values = request.headers().get_all(&name).iter();
        match (values.next(), values.next()) {
            (Some(value), None) => {
                headers.insert(name, value.clone());
            }
            (None, _) if !needed => {}
            _ => return Err(name),
        }
    }
    Ok(plain)
}

/// Tells whether a header, all its lines together, lists such a word.
pub(super) fn lists(headers: &HeaderMap, name: &HeaderName, is: impl Fn(&str) -> bool) -> bool {
    let lines = headers.get_all(name).iter();
    lines
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|word| is(word.trim()))
}

fn refused(error: &tungstenite::Error) -> Refusal {
    let upgrade = |message, name: HeaderName, value| {
        Refusal::new(StatusCode::UPGRADE_REQUIRED, "upgrade_required", &message).with(name, value)
    };
    match error {
        tungstenite::Error::Protocol(ProtocolError::MissingSecWebSocketVersionHeader) => upgrade(
            "the WebSocket version is 13",
            header::SEC_WEBSOCKET_VERSION,
            "13",
        ),
        tungstenite::Error::Protocol(
            ProtocolError::MissingConnectionUpgradeHeader
            | ProtocolError::MissingUpgradeWebSocketHeader
            | ProtocolError::WrongHttpVersion,
        ) => upgrade(
            "this address speaks WebSocket, over HTTP/1.1",
            header::UPGRADE,
            "websocket",
        ),
        other => Refusal::new(StatusCode::BAD_REQUEST, "bad_handshake", &other),
    }
}
