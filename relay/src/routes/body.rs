//! The body of a request: JSON, of bounded size, in bounded time.

use std::error::Error;

use bytes::Bytes;
use http::StatusCode;
use http::header::{self, HeaderMap};
use http_body_util::{BodyExt, LengthLimitError, Limited};
use hyper::body::Body;
use tokio::time::timeout;

use super::Incoming;
use crate::message::PayloadError;
use crate::publish::PublishError;
use crate::state::State;
use crate::transport::reply::Refusal;

/// Reads a body that is declared as JSON, within the limits of size and time.
///
/// A form of any page can send every other type without asking (a "simple request" of CORS); JSON it
/// cannot, and when its browser asks first, the list of origins answers.
pub(super) async fn json_body(
    state: &State,
    headers: &HeaderMap,
    body: Incoming,
) -> Result<Bytes, Refusal> {
    if !is_json(headers) {
        let message = "a body is sent with Content-Type: application/json";
        return Err(Refusal::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "not_json",
            &message,
        ));
    }
    plain(headers)?;
    whole(state, body).await
}

/// Refuses a body that would have to be inflated, which a few bytes can make as large as one likes, and a
/// condition that nobody knows of (RFC 9110, sections 15.5.16 and 15.5.18).
fn plain(headers: &HeaderMap) -> Result<(), Refusal> {
    let all = |name, word: &str| {
        let mut values = headers.get_all(name).iter();
        values.all(|value| value.as_bytes().eq_ignore_ascii_case(word.as_bytes()))
    };
    if !all(header::CONTENT_ENCODING, "identity") {
        let message = "a body is sent as it is, not compressed";
        let refusal = Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "encoded", &message);
        return Err(refusal.with(header::ACCEPT_ENCODING, "identity"));
    }
    if !all(header::EXPECT, "100-continue") {
        let message = "the relay meets no expectation but 100-continue";
        let status = StatusCode::EXPECTATION_FAILED;
        return Err(Refusal::new(status, "bad_expectation", &message));
    }
    Ok(())
}

async fn whole(state: &State, body: Incoming) -> Result<Bytes, Refusal> {
    let limit = state.settings.max_body;
    // Whoever sends more has nothing to say to the rest of the connection either.
    let too_large = || {
        Refusal::from(PublishError::from(PayloadError::TooLarge { limit }))
            .with(header::CONNECTION, "close")
    };
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    match timeout(
        state.settings.body_deadline,
        Limited::new(body, limit).collect(),
    )
    .await
    {
        Ok(Ok(collected)) => Ok(collected.to_bytes()),
        Ok(Err(error)) if error.is::<LengthLimitError>() => Err(too_large()),
        Ok(Err(error)) => {
            let refusal = Refusal::new(StatusCode::BAD_REQUEST, "bad_body", cause(&*error));
            Err(refusal.with(header::CONNECTION, "close"))
        }
        Err(_) => {
            let refusal = Refusal::new(
                StatusCode::REQUEST_TIMEOUT,
                "body_deadline",
                "the body did not arrive in time",
            );
            Err(refusal.with(header::CONNECTION, "close"))
        }
    }
}

/// Gives what lies at the root of an error: hyper says only that there was one.
fn cause<'a>(mut error: &'a (dyn Error + 'static)) -> &'a (dyn Error + 'static) {
    while let Some(source) = error.source() {
        error = source;
    }
    error
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    kind.split(';')
        .next()
        .unwrap_or_default()
        .trim()
        .eq_ignore_ascii_case("application/json")
}
