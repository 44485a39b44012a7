//! One message on its way into the stream: sent again until the server confirms it, under one name, so that it is there once.

use std::time::Duration;

use async_nats::header::{HeaderMap, NATS_EXPECTED_STREAM, NATS_MESSAGE_ID};
use async_nats::{Request, RequestErrorKind};
use serde::Deserialize;
use tokio::time::{Instant, sleep, timeout_at};

use super::link::Link;
use crate::message::{ChannelName, Payload};
use crate::store::{StoreError, subject};

/// How long an answer may take before the message is sent again.
const ANSWER: Duration = Duration::from_secs(1);
/// How long between two attempts when the server answers that it cannot.
const AGAIN: Duration = Duration::from_millis(50);

/// What the server answers.
#[derive(Deserialize)]
struct Answer {
    seq: Option<u64>,
    error: Option<Refused>,
}

/// Why it took nothing.
#[derive(Debug, Deserialize)]
struct Refused {
    err_code: Option<u64>,
    description: Option<String>,
}

/// What became of one attempt.
enum Attempt {
    /// It is in the stream, with this number.
    Kept(u64),
    /// It is not, and there may be another attempt.
    NotYet,
    /// It is not, and the server says why.
    Refused,
    /// Nobody knows.
    Unknown,
}

/// Publishes, and returns when the message is kept and was followed, or when the time is up.
pub(super) async fn publish(
    link: &Link,
    channel: &ChannelName,
    payload: &Payload,
) -> Result<u64, StoreError> {
    let _permit = link.permits.try_acquire().map_err(|_| StoreError::Busy)?;
    let deadline = Instant::now() + link.args.store_timeout;
    let subject = subject::subject(&link.args.store_name, channel);
    let mut headers = HeaderMap::new();
    headers.insert(NATS_MESSAGE_ID, link.message_id());
    headers.insert(NATS_EXPECTED_STREAM, link.args.store_name.as_str());
    let mut attached = link.attached.subscribe();
    let mut perhaps = false;
    let failed = |perhaps| {
        if perhaps {
            StoreError::Unconfirmed
        } else {
            StoreError::Unavailable
        }
    };
    loop {
        // Not sent while nobody takes it: it would wait in the client, and be published when its publisher has long given up.
        let there = timeout_at(deadline, attached.wait_for(|attached| *attached)).await;
        if !there.is_ok_and(|there| there.is_ok()) {
            return Err(failed(perhaps));
        }
        let left = deadline
            .saturating_duration_since(Instant::now())
            .min(ANSWER);
        let request = Request::new()
            .payload(payload.bytes().clone())
            .headers(headers.clone())
            .timeout(Some(left));
        match attempt(link, subject.clone(), request).await {
            Attempt::Kept(offset) => {
                // It is published, also when this relay itself has not come to it by then.
                let _ = timeout_at(deadline, link.applied.wait_for(offset)).await;
                return Ok(offset);
            }
            Attempt::Refused => return Err(failed(perhaps)),
            Attempt::NotYet => {}
            Attempt::Unknown => perhaps = true,
        }
        if Instant::now() + AGAIN >= deadline {
            return Err(failed(perhaps));
        }
        sleep(AGAIN).await;
    }
}

async fn attempt(link: &Link, subject: String, request: Request) -> Attempt {
    let answer = match link.client.send_request(subject, request).await {
        Ok(message) => message.payload,
        Err(error) => {
            return match error.kind() {
                // There is no stream now: it is made anew.
                RequestErrorKind::NoResponders => Attempt::NotYet,
                RequestErrorKind::InvalidSubject | RequestErrorKind::MaxPayloadExceeded => {
                    Attempt::Refused
                }
                RequestErrorKind::TimedOut | RequestErrorKind::Other => Attempt::Unknown,
            };
        }
    };
    match serde_json::from_slice(&answer) {
        Ok(Answer {
            seq: Some(seq),
            error: None,
        }) if seq > 0 => Attempt::Kept(seq),
        Ok(Answer {
            error: Some(refused),
            ..
        }) => {
            if link.may_complain() {
                let code = refused.err_code.unwrap_or_default();
                let why = refused.description.as_deref().unwrap_or_default();
                tracing::warn!(code, why, "the store refuses messages");
            }
            Attempt::Refused
        }
        Ok(_) | Err(_) => Attempt::Unknown,
    }
}
