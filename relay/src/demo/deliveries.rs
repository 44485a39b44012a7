//! One delivery by each transport, as it passes over a socket: the relay asks itself and keeps the bytes.

use std::fmt::Display;
use std::io;
use std::time::Duration;

use http::StatusCode;
use http::header::HeaderMap;
use rand::RngExt;
use serde_json::{Value, json};
use tokio::time::timeout;

use super::browser::Browser;
use super::tape::{self, Tape};
use crate::log::Start;
use crate::message::{ChannelName, Payload};
use crate::publish::PublishError;
use crate::state::State;
use crate::transport::reply::{Refusal, Reply, json as json_reply};

/// The channel that is asked.
const CHANNEL: &str = "explain";
/// The largest message that is explained: it is to fit on a page.
const MOST: usize = 1024;
const PATIENCE: Duration = Duration::from_secs(3);

/// Answers `/explain/deliveries?payload=JSON` with the bytes of one delivery by each transport.
pub(crate) async fn deliveries(
    state: &State,
    asked: &HeaderMap,
    payload: Option<&str>,
) -> Result<Reply, Refusal> {
    let payload = payload.unwrap_or(r#"{"text":"hello"}"#);
    let payload = Payload::parse(payload.as_bytes(), MOST).map_err(PublishError::from)?;
    let recorded = timeout(PATIENCE, async {
        // One at a time: all recordings share a channel.
        let _alone = state.recording.acquire().await.map_err(io::Error::other)?;
        record(state, &Browser::of(asked, state.scheme()), payload.bytes()).await
    });
    match recorded.await {
        Ok(Ok(transports)) => {
            let text = String::from_utf8_lossy(payload.bytes());
            let body = json!({ "payload": text, "transports": transports });
            Ok(json_reply(StatusCode::OK, body.to_string()))
        }
        Ok(Err(error)) => Err(failed(&error)),
        Err(_) => Err(failed("it takes too long")),
    }
}

/// Tells that the relay could not ask itself.
pub(super) fn failed(why: &(impl Display + ?Sized)) -> Refusal {
    let message = format!("the relay could not ask itself: {why}; try again");
    Refusal::new(StatusCode::SERVICE_UNAVAILABLE, "not_recorded", &message)
}

async fn record(state: &State, browser: &Browser, payload: &[u8]) -> io::Result<Value> {
    // First, so that the readers have one message before them whenever their requests are sent again.
    let mut post = Tape::start(state.address, state.tls.as_ref()).await?;
    let request = browser.post(&format!("/channels/{CHANNEL}/messages"), payload);
    post.send("publish", &request).await?;
    post.receive("publish", tape::answer).await?;
    let channel = ChannelName::parse(CHANNEL).map_err(io::Error::other)?;
    // Held to the end, so that the channel lives as long.
    let held = state
        .log
        .open(&channel, Start::Latest)
        .map_err(io::Error::other)?;
    let head = held.position();
    let path = |leaf: &str| format!("/channels/{CHANNEL}/{leaf}?after={head}");
    let mut readers = Readers::connect(state, browser, path).await?;

    // Published by the socket, so that a client's frame is seen too.
    let command = [br#"{"publish":"#, payload, br#","id":1}"#].concat();
    readers.websocket.send("publish", &masked(&command)).await?;
    receive_both(&mut readers.websocket).await?;
    let poll = browser.get(&path("messages"));
    readers.polling.send("deliver", &poll).await?;
    for (tape, ends) in [
        (&mut readers.polling, tape::answer as tape::Ends),
        (&mut readers.long_polling, tape::answer),
        (&mut readers.streaming, tape::chunk),
        (&mut readers.sse, tape::chunk),
    ] {
        let piece = tape.receive("deliver", ends).await?;
        if !piece.windows(payload.len()).any(|part| part == payload) {
            return Err(io::Error::other("another message came first"));
        }
    }
    Ok(json!({
        "polling": readers.polling.stop(),
        "long-polling": readers.long_polling.stop(),
        "streaming": readers.streaming.stop(),
        "sse": readers.sse.stop(),
        "websocket": readers.websocket.stop(),
        "post": post.stop(),
    }))
}

/// A client of each transport.
struct Readers {
    polling: Tape,
    long_polling: Tape,
    streaming: Tape,
    sse: Tape,
    websocket: Tape,
}

impl Readers {
    /// Connects them all, up to where they wait for a message.
    async fn connect(
        state: &State,
        browser: &Browser,
        path: impl Fn(&str) -> String,
    ) -> io::Result<Self> {
        let mut polling = Tape::start(state.address, state.tls.as_ref()).await?;
        let poll = browser.get(&path("messages"));
        polling.send("empty", &poll).await?;
        polling.receive("empty", tape::answer).await?;
        let mut long_polling = Tape::start(state.address, state.tls.as_ref()).await?;
        let waiting = browser.get(&(path("messages") + "&wait=25s"));
        long_polling.send("deliver", &waiting).await?;
        let mut streaming = Tape::start(state.address, state.tls.as_ref()).await?;
        let stream = browser.get(&path("stream"));
        streaming.send("connect", &stream).await?;
        streaming.receive("connect", tape::head).await?;
        let mut sse = Tape::start(state.address, state.tls.as_ref()).await?;
        let events = browser.events(&path("events"));
        sse.send("connect", &events).await?;
        sse.receive("connect", tape::head).await?;
        sse.receive("connect", tape::chunk).await?;
        let mut websocket = Tape::start(state.address, state.tls.as_ref()).await?;
        let handshake = browser.handshake(&path("socket"));
        websocket.send("connect", &handshake).await?;
        websocket.receive("connect", tape::head).await?;
        Ok(Self {
            polling,
            long_polling,
            streaming,
            sse,
            websocket,
        })
    }
}

/// Receives the message and the answer to its publisher, which come in either order.
async fn receive_both(websocket: &mut Tape) -> io::Result<()> {
    for _ in 0..2 {
        let frame = websocket.next(tape::frame).await?;
        let answer = frame
            .get(2..)
            .is_some_and(|text| text.starts_with(br#"{"published""#));
        websocket.keep(
            if answer { "publish" } else { "deliver" },
            tape::From::Relay,
            &frame,
        );
    }
    Ok(())
}

/// Makes a client's text frame: it is masked, with a key that no page can foresee.
fn masked(text: &[u8]) -> Vec<u8> {
    const FIN_TEXT: u8 = 0x81;
    const MASKED: u8 = 0x80;
    let key: [u8; 4] = rand::rng().random();
    let mut frame = vec![FIN_TEXT];
    match u8::try_from(text.len()) {
        Ok(short @ 0..=125) => frame.push(MASKED | short),
        _ => {
            // A message to explain is shorter than what two bytes can say.
            frame.push(MASKED | 126);
            frame.extend_from_slice(&(text.len() as u16).to_be_bytes());
        }
    }
    frame.extend_from_slice(&key);
    frame.extend(
        text.iter()
            .zip(key.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    frame
}
