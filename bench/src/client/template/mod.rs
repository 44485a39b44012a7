//! Subscribers of a server whose interface a template describes ([`crate::scenario::Template`]).
//!
//! One client for all of them: what differs is data. It finds the same messages as the clients of the relay, by
//! their stamps, and reads nothing else of an answer than where to go on from.

mod answers;
mod asked;
mod echo;
mod parts;
mod record;
mod socket;
mod stream;

use std::rc::Rc;

pub use asked::Asked;
pub(super) use asked::posting_url;
pub(super) use echo::Echo;

use self::answers::Answers;
use self::socket::Conversation;
use self::stream::Stream;
use super::{ClientError, Cursor, Sink, Step, Subscription};
use crate::net::Input;
use crate::scenario::Framing;

/// The state of one connection.
#[derive(Debug)]
pub struct Templated {
    asked: Rc<Asked>,
    state: State,
}

#[derive(Debug)]
enum State {
    Answers(Answers),
    Stream(Stream),
    Socket(Box<Conversation>),
}

impl Templated {
    pub(super) fn new(asked: &Rc<Asked>) -> Self {
        let state = match asked.way.framing {
            Framing::Frame => State::Socket(Box::default()),
            _ if asked.polls => State::Answers(Answers::default()),
            _ => State::Stream(Stream::default()),
        };
        Self {
            asked: Rc::clone(asked),
            state,
        }
    }

    pub(super) fn is_socket(&self) -> bool {
        matches!(self.state, State::Socket(_))
    }

    pub(super) fn request(
        &mut self,
        subscription: &Subscription,
        cursor: &Cursor,
        out: &mut Vec<u8>,
    ) {
        let admission = subscription.profile.admission();
        match &mut self.state {
            State::Answers(answers) => answers.admission = admission,
            State::Stream(stream) => stream.admission = admission,
            State::Socket(socket) => {
                let key = socket.begin(&self.asked, subscription, cursor);
                return self.asked.write(subscription, cursor, Some(&key), out);
            }
        }
        self.asked.write(subscription, cursor, None, out);
    }

    pub(super) fn feed(
        &mut self,
        input: Input<'_>,
        cursor: &mut Cursor,
        out: &mut Vec<u8>,
        sink: &mut impl Sink,
    ) -> Result<Step, ClientError> {
        let asked = &self.asked;
        match &mut self.state {
            State::Answers(answers) => answers.feed(asked, input, cursor, sink),
            State::Stream(stream) => stream.feed(asked, input, cursor, sink),
            State::Socket(socket) => socket.feed(asked, input, cursor, out, sink),
        }
    }
}

#[cfg(test)]
mod tests;
