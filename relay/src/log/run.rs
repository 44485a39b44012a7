//! Messages that follow each other, as one read gives them: shared by all who read the same.

use std::ops::Deref;
use std::sync::{Arc, LazyLock, OnceLock};

use bytes::Bytes;

use crate::message::{Beside, Form, Message};

/// The most bytes that are joined. Beyond, a write of many slices costs little more for each message.
const JOINED: usize = 64 * 1024;

static NONE: LazyLock<Run> = LazyLock::new(|| Run::from_iter([]));

/// Messages of one channel, oldest first.
///
/// Cloning it is cheap. Readers that stand at the same place get the same run, and so what is made of it is made once.
#[derive(Debug, Clone)]
pub struct Run(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    messages: Vec<Arc<Message>>,
    joined: [OnceLock<Joined>; Form::COUNT],
}

/// All of a run's messages in one form, behind each other.
#[derive(Debug)]
struct Joined {
    bytes: Bytes,
    _weight: Beside,
}

impl Run {
    /// Gives all messages in one form as one piece, made by `encode` where it was not made before; `None` when there
    /// are not several, or they are too long for it to pay.
    pub fn joined(&self, form: Form, encode: fn(&Message) -> Bytes) -> Option<Bytes> {
        let [first, _, ..] = self.0.messages.as_slice() else {
            return None;
        };
        if let Some(joined) = self.0.joined[form as usize].get() {
            return Some(joined.bytes.clone());
        }
        let length = self.iter().map(|message| encode(message).len()).sum();
        if length > JOINED {
            return None;
        }
        let joined = self.0.joined[form as usize].get_or_init(|| {
            let mut bytes = Vec::with_capacity(length);
            for message in self.iter() {
                bytes.extend_from_slice(&encode(message));
            }
            Joined {
                bytes: bytes.into(),
                _weight: first.charge_beside(length),
            }
        });
        Some(joined.bytes.clone())
    }

    /// Gives what was joined as the pieces that it was made of, without its first `skip` bytes.
    pub(crate) fn pieces(&self, form: Form, mut skip: usize) -> impl Iterator<Item = Bytes> {
        let made = self.iter().filter_map(move |message| message.made(form));
        made.filter_map(move |bytes| {
            let cut = skip.min(bytes.len());
            skip -= cut;
            (cut < bytes.len()).then(|| bytes.slice(cut..))
        })
    }
}

impl Default for Run {
    fn default() -> Self {
        NONE.clone()
    }
}

impl FromIterator<Arc<Message>> for Run {
    fn from_iter<I: IntoIterator<Item = Arc<Message>>>(messages: I) -> Self {
        Self(Arc::new(Shared {
            messages: messages.into_iter().collect(),
            joined: Default::default(),
        }))
    }
}

impl Deref for Run {
    type Target = [Arc<Message>];

    fn deref(&self) -> &Self::Target {
        &self.0.messages
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::message::{Account, Epoch, Payload, Position};

    fn run(payloads: &[&str], account: &Arc<Account>) -> Run {
        let epoch = Epoch::random();
        let messages = payloads.iter().zip(1..).map(|(payload, offset)| {
            let payload = Payload::parse(payload.as_bytes(), 100_000).unwrap();
            Arc::new(Message::new(Position { epoch, offset }, payload, account))
        });
        messages.collect()
    }

    fn line(message: &Message) -> Bytes {
        message.encoded(Form::Line, |message| {
            [&message.payload.bytes()[..], b"\n"].concat().into()
        })
    }

    #[test]
    fn several_are_joined_once_and_weigh_as_long_as_they_are_held() {
        let account = Arc::default();
        let run = run(&["1", "23", "4"], &account);
        let joined = run.joined(Form::Line, line).unwrap();
        assert_eq!(joined, "1\n23\n4\n");
        let again = run.joined(Form::Line, |_| Bytes::new()).unwrap();
        assert_eq!(joined.as_ptr(), again.as_ptr());
        let forms: usize = run
            .iter()
            .map(|one| Message::FORM_OVERHEAD + line(one).len())
            .sum();
        let messages: usize = run
            .iter()
            .map(|one| Message::OVERHEAD + one.payload.bytes().len())
            .sum();
        assert_eq!(account.weight(), messages + forms + joined.len());
        drop(run);
        assert_eq!(
            account.weight(),
            messages + forms,
            "the messages were not let go"
        );
    }

    #[test]
    fn one_or_too_much_is_not_joined() {
        let account = Arc::default();
        assert_eq!(run(&["1"], &account).joined(Form::Line, line), None);
        assert_eq!(Run::default().joined(Form::Line, line), None);
        let long = format!("\"{}\"", "x".repeat(40_000));
        assert_eq!(
            run(&[&long, &long], &account).joined(Form::Line, line),
            None
        );
    }

    #[test]
    fn pieces_go_on_where_a_write_ended() {
        let account = Arc::default();
        let run = run(&["1", "23", "4"], &account);
        let joined = run.joined(Form::Line, line).unwrap();
        for skip in 0..=joined.len() {
            let pieces: Vec<u8> = run.pieces(Form::Line, skip).flatten().collect();
            assert_eq!(pieces, joined[skip..]);
        }
    }
}
