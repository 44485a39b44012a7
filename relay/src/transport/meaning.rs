//! What a message on a client's WebSocket means, and what is answered.

use bytes::Bytes;
use http::StatusCode;
use serde::Deserialize;
use serde_json::value::RawValue;
use tungstenite::Message;

use super::encode;
use super::reply::Refusal;
use crate::access::Denied;
use crate::message::ChannelName;
use crate::publish::publish;
use crate::state::State;

/// What a socket's messages are for.
#[derive(Debug)]
pub(super) enum Meaning {
    /// Each is published to a channel.
    Publish(ChannelName),
    /// Each is refused: its token does not let the client publish.
    Listen,
    /// Each comes back as it is.
    Echo,
    /// There are none: the socket ends as soon as it has begun.
    Nothing,
}

#[derive(Deserialize)]
struct Command<'a> {
    #[serde(borrow)]
    publish: &'a RawValue,
    id: Option<u64>,
}

#[derive(Deserialize)]
struct OnlyId {
    id: Option<u64>,
}

impl Meaning {
    /// Does what a message asks for and gives the frame that answers it, if one does.
    pub(super) async fn answer(&self, state: &State, message: Message) -> Option<Bytes> {
        let answer = match (self, message) {
            (Self::Echo, Message::Text(text)) => return Some(encode::frame(text.as_bytes())),
            (Self::Echo, Message::Binary(bytes)) => return Some(encode::binary_frame(&bytes)),
            (Self::Publish(channel), Message::Text(text)) => {
                command(state, Some(channel), text.as_str()).await
            }
            (Self::Listen, Message::Text(text)) => command(state, None, text.as_str()).await,
            (Self::Publish(_) | Self::Listen, Message::Binary(_)) => {
                refuse(&bad_frame("frames are text"), None)
            }
            // A pong is written by the context; a close is answered by it.
            _ => return None,
        };
        Some(encode::frame(answer.as_bytes()))
    }
}

/// Does what a text frame asks for and gives the answer's text.
async fn command(state: &State, channel: Option<&ChannelName>, text: &str) -> String {
    let command = match serde_json::from_str::<Command<'_>>(text) {
        Ok(command) => command,
        Err(error) => {
            // The id is echoed when there is one, so the client knows which frame was wrong.
            let id = serde_json::from_str::<OnlyId>(text)
                .ok()
                .and_then(|only| only.id);
            let hint = format!(r#"a frame is {{"publish":VALUE,"id":NUMBER}}: {error}"#);
            return refuse(&bad_frame(&hint), id);
        }
    };
    let Some(channel) = channel else {
        let denied = Denied::Scope("it does not publish on this channel");
        return refuse(&denied.into(), command.id);
    };
    match publish(state, channel, command.publish.get().as_bytes()).await {
        Ok(position) => match command.id {
            Some(id) => format!(r#"{{"published":"{position}","id":{id}}}"#),
            None => format!(r#"{{"published":"{position}"}}"#),
        },
        Err(error) => refuse(&error.into(), command.id),
    }
}

fn bad_frame(message: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, "bad_frame", &message)
}

fn refuse(refusal: &Refusal, id: Option<u64>) -> String {
    let mut json = refusal.json();
    if let (Some(id), Some(object)) = (id, json.as_object_mut()) {
        object.insert("id".to_owned(), id.into());
    }
    json.to_string()
}
