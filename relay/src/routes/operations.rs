//! What operators ask for: health, numbers, metrics.

use http::StatusCode;
use serde_json::json;

use crate::log::Missed;
use crate::metrics::{Closed, Transport};
use crate::state::State;
use crate::transport::reply::{Refusal, Reply, content, json as json_reply};

/// Answers `/healthz`: whether new clients are welcome.
pub(super) fn health(state: &State) -> Reply {
    let degraded = !state.log.store().connected;
    if state.stop.is_cancelled() {
        Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "shutting_down",
            "the relay shuts down",
        )
        .reply()
    } else if degraded {
        Refusal::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "degraded",
            "the store cannot be reached: who is connected stays, publishing waits",
        )
        .reply()
    } else {
        content(StatusCode::OK, "text/plain; charset=utf-8", "ok\n")
    }
}

/// Answers `/stats` with JSON.
pub(super) fn stats(state: &State) -> Reply {
    let kept = state.log.kept();
    let subscribers: serde_json::Map<_, _> = Transport::ALL
        .map(|transport| {
            (
                transport.name().to_owned(),
                json!(state.metrics.waiting(transport)),
            )
        })
        .into_iter()
        .collect();
    let closed: serde_json::Map<_, _> = Closed::ALL
        .map(|why| {
            (
                why.name().to_owned(),
                json!(state.metrics.closed_total(why)),
            )
        })
        .into_iter()
        .collect();
    let missed: serde_json::Map<_, _> = Missed::ALL
        .map(|why| {
            (
                why.reason().to_owned(),
                json!(state.metrics.missed_total(why)),
            )
        })
        .into_iter()
        .collect();
    let store = state.log.store();
    let body = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "uptime_ms": u64::try_from(state.started.elapsed().as_millis()).unwrap_or(u64::MAX),
        "channels": kept.channels,
        "messages": { "kept": kept.messages, "kept_bytes": kept.bytes, "log_bytes": kept.weight, "trimmed": kept.trimmed },
        "store": {
            "kind": store.kind, "connected": store.connected, "reconnects": store.reconnects,
            "pending": store.pending, "lag": store.lag, "unreadable": store.unreadable,
        },
        "connections": state.metrics.open_connections(),
        "streams": state.metrics.open_streams(),
        "tickets": state.access.tickets(),
        "throttled": state.metrics.throttled_total(),
        "subscribers": subscribers,
        "closed": closed,
        "missed": missed,
        "published": state.metrics.published_total(),
        "delivered": state.metrics.delivered_total(),
    });
    json_reply(StatusCode::OK, body.to_string())
}

/// Answers `/metrics` with what Prometheus reads.
pub(super) fn metrics(state: &State) -> Reply {
    const OPEN_METRICS: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    match state
        .metrics
        .exposition(state.log.kept(), state.access.tickets(), state.log.store())
    {
        Ok(text) => content(StatusCode::OK, OPEN_METRICS, text),
        Err(error) => Refusal::new(StatusCode::INTERNAL_SERVER_ERROR, "metrics", &error).reply(),
    }
}
