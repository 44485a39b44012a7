//! A message, where it stands and what it carries.

mod channel_name;
mod payload;
mod position;

use std::sync::OnceLock;

use bytes::Bytes;

pub use channel_name::{ChannelName, NameError};
pub use payload::{Payload, PayloadError};
pub use position::{Epoch, Position, PositionError};

/// One message of a channel.
///
/// It is shared by all who read it. Each encoding is made at most once, by the first
/// reader that needs it, and lives as long as the message.
#[derive(Debug)]
pub struct Message {
    /// Where the message stands in its channel's log.
    pub position: Position,
    /// What was published.
    pub payload: Payload,
    encoded: [OnceLock<Bytes>; Form::COUNT],
}

/// The ways a message is written to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// An item of a polling reply.
    Item,
    /// An HTTP chunk that holds one line of JSON.
    Line,
    /// An HTTP chunk that holds one server-sent event.
    Event,
    /// A WebSocket text frame.
    Frame,
}

impl Form {
    const COUNT: usize = 4;
}

impl Message {
    /// Makes a message; nothing is encoded yet.
    #[must_use]
    pub fn new(position: Position, payload: Payload) -> Self {
        Self {
            position,
            payload,
            encoded: Default::default(),
        }
    }

    /// Gives the message in one form, calling `encode` only when no reader did so before.
    pub fn encoded(&self, form: Form, encode: impl FnOnce(&Self) -> Bytes) -> Bytes {
        self.encoded[form as usize]
            .get_or_init(|| encode(self))
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_encoded_once_per_form() {
        let position = Position {
            epoch: Epoch::random(),
            offset: 1,
        };
        let message = Message::new(position, Payload::parse(b"1", 10).unwrap());
        let first = message.encoded(Form::Line, |_| Bytes::from_static(b"line"));
        assert_eq!(
            first,
            message.encoded(Form::Line, |_| panic!("encoded twice"))
        );
        assert_eq!(
            message.encoded(Form::Frame, |_| Bytes::from_static(b"frame")),
            "frame"
        );
    }
}
