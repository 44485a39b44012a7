//! `POST /tickets`: a ticket for what cannot send a token.

use http::{Method, Request, StatusCode};
use serde::Deserialize;

use super::body::json_body;
use super::{Incoming, preflight, wrong_method};
use crate::access::{Origin, Pass};
use crate::message::ChannelName;
use crate::state::State;
use crate::transport::reply::{Refusal, Reply, json};

/// What a ticket is asked for.
#[derive(Deserialize)]
struct Wish {
    channel: String,
}

/// Answers with a ticket for one channel, for who holds a token for it.
pub(super) async fn answer(
    state: &State,
    request: &Request<Incoming>,
    body: Incoming,
    pass: &Pass,
    origin: &Origin,
) -> Result<Reply, Refusal> {
    match *request.method() {
        Method::OPTIONS => return Ok(preflight()),
        Method::POST => {}
        _ => return Err(wrong_method("POST, OPTIONS")),
    }
    if !state.access.asks_for_tokens() {
        let message = "this relay asks for no tokens, so there are no tickets";
        return Err(Refusal::new(StatusCode::NOT_FOUND, "no_tickets", &message));
    }
    let raw = json_body(state, request.headers(), body).await?;
    let wish: Wish = serde_json::from_slice(&raw).map_err(|_| {
        let message = r#"a ticket is asked for by {"channel":"NAME"}"#;
        Refusal::new(StatusCode::BAD_REQUEST, "bad_json", &message)
    })?;
    let channel = ChannelName::parse(&wish.channel)?;
    let ticket = state.access.ticket(pass, channel.as_str(), origin)??;
    let life = state.settings.ticket_life.as_millis();
    Ok(json(
        StatusCode::CREATED,
        format!(r#"{{"ticket":"{ticket}","expires_in_ms":{life}}}"#),
    ))
}
