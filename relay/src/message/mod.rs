//! A message, where it stands and what it carries.

mod account;
mod channel_name;
mod payload;
mod position;

use std::sync::{Arc, OnceLock};

use bytes::Bytes;

use account::Charged;
pub use account::{Account, Beside};
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
    charged: Charged,
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
    pub(crate) const COUNT: usize = 4;
}

impl Message {
    /// What a message takes beside its payload: itself, its place in a ring that grows by doubling,
    /// and what an allocator rounds up.
    pub const OVERHEAD: usize = size_of::<Self>() + 128;
    /// What a form takes beside its bytes.
    pub const FORM_OVERHEAD: usize = 128;

    /// Makes a message and charges its weight; nothing is encoded yet.
    #[must_use]
    pub fn new(position: Position, payload: Payload, account: &Arc<Account>) -> Self {
        Self {
            position,
            charged: Charged::new(account, Self::OVERHEAD + payload.bytes().len()),
            payload,
            encoded: Default::default(),
        }
    }

    /// Gives its weight back: no log keeps it any more.
    pub fn let_go(&self) {
        self.charged.give_back();
    }

    /// Charges the account of its channel with something that is made of it and others.
    #[must_use]
    pub fn charge_beside(&self, bytes: usize) -> Beside {
        self.charged.beside(bytes)
    }

    /// Gives the message in one form, where some reader has needed that.
    #[must_use]
    pub fn made(&self, form: Form) -> Option<Bytes> {
        self.encoded[form as usize].get().cloned()
    }

    /// Gives the message in one form, calling `encode` only when no reader did so before.
    pub fn encoded(&self, form: Form, encode: impl FnOnce(&Self) -> Bytes) -> Bytes {
        self.encoded[form as usize]
            .get_or_init(|| {
                let bytes = encode(self);
                self.charged.add(bytes.len() + Self::FORM_OVERHEAD);
                bytes
            })
            .clone()
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::Ordering;

    use super::*;

    #[test]
    fn a_message_is_encoded_once_per_form() {
        let position = Position {
            epoch: Epoch::random(),
            offset: 1,
        };
        let account = Arc::<Account>::default();
        let message = Message::new(position, Payload::parse(b"1", 10).unwrap(), &account);
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

    #[test]
    fn a_message_is_weighed_with_its_forms_until_it_is_let_go() {
        let (all, position) = (
            Arc::default(),
            Position {
                epoch: Epoch::random(),
                offset: 1,
            },
        );
        let account = Arc::new(Account::within(&all));
        let message = Message::new(position, Payload::parse(b"12", 10).unwrap(), &account);
        assert_eq!(account.weight(), Message::OVERHEAD + 2);
        message.encoded(Form::Line, |_| Bytes::from_static(b"line"));
        message.encoded(Form::Line, |_| Bytes::from_static(b"line"));
        let with_form = Message::OVERHEAD + 2 + Message::FORM_OVERHEAD + 4;
        assert_eq!(account.weight(), with_form);
        assert_eq!(all.load(Ordering::Relaxed), with_form);
        message.let_go();
        // A slow reader may make another form of it: that is not the log's.
        message.encoded(Form::Frame, |_| Bytes::from_static(b"frame"));
        message.let_go();
        assert_eq!((account.weight(), all.load(Ordering::Relaxed)), (0, 0));
    }
}
