//! What the relay answers to a page of another origin. A browser hides a refusal from the page, so
//! the server of the page asks in its place, with the page's origin, and shows the bytes.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use http::StatusCode;
use http::header::HeaderMap;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::browser::Browser;
use super::deliveries::failed;
use super::place::authority;
use super::tape::{self, Tape};
use crate::state::State;
use crate::transport::reply::{Refusal, Reply, json as json_reply};

const PATIENCE: Duration = Duration::from_secs(3);

/// Answers `/answers` with the relay's answers to this origin's read, question and handshake.
pub(super) async fn to_page(
    state: &State,
    relay: SocketAddr,
    asked: &HeaderMap,
) -> Result<Reply, Refusal> {
    let browser = Browser::of(asked, state.scheme());
    let origin = browser.origin();
    let browser = browser.toward(&authority(relay, asked));
    let recorded = timeout(PATIENCE, async {
        let _alone = state.recording.acquire().await.map_err(io::Error::other)?;
        ask(state, relay, &browser).await
    });
    match recorded.await {
        Ok(Ok(answers)) => {
            let body = json!({ "origin": origin, "answers": answers });
            Ok(json_reply(StatusCode::OK, body.to_string()))
        }
        Ok(Err(error)) => Err(failed(&error)),
        Err(_) => Err(failed("it takes too long")),
    }
}

async fn ask(state: &State, relay: SocketAddr, browser: &Browser) -> io::Result<Value> {
    const MESSAGES: &str = "/channels/cors/messages";
    let requests = [
        ("read", browser.get_across(MESSAGES)),
        ("preflight", browser.preflight(MESSAGES)),
        ("socket", browser.handshake("/channels/cors/socket")),
    ];
    let mut answers = serde_json::Map::new();
    for (name, request) in requests {
        let mut tape = Tape::start(relay, state.tls.as_ref()).await?;
        tape.send(name, &request).await?;
        tape.receive(name, tape::answer).await?;
        answers.insert(name.to_owned(), tape.stop().into());
    }
    Ok(answers.into())
}
