//! A batch as one whole answer, for the two transports that poll.

use http::StatusCode;

use super::encode;
use super::reply::{self, RELAY_NEXT, Reply};
use crate::log::Batch;
use crate::metrics::{Metrics, Transport};

/// Makes the answer and counts it: `200` with what there is, `204` when there is nothing.
pub(super) fn reply(metrics: &Metrics, transport: Transport, batch: &Batch) -> Reply {
    if let Some(missed) = batch.missed {
        metrics.missed(missed);
    }
    if batch.is_empty() {
        metrics.empty_poll();
        let mut reply = reply::no_content();
        reply
            .headers_mut()
            .insert(RELAY_NEXT, reply::position_value(batch.next));
        return reply;
    }
    let body = encode::poll_body(batch);
    metrics.delivered(transport, batch.messages.len(), body.len());
    reply::json(StatusCode::OK, body)
}
