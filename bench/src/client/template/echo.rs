//! Publishing over a WebSocket to a server that gives no answers: its echo is one.

use std::collections::VecDeque;
use std::rc::Rc;

use tungstenite::protocol::frame::coding::{Data, OpCode};

use super::Asked;
use super::asked::fill_posting;
use super::socket::Conversation;
use crate::client::publisher::{Answer, Site};
use crate::client::{ClientError, Cursor, Sink, Step, Subscription, frames};
use crate::net::Input;
use crate::scenario::{Load, Pattern, Template, Transport};
use crate::stamp::Stamp;

/// A socket that publishes and subscribes: a message is taken when it comes back.
#[derive(Debug)]
pub(in crate::client) struct Echo {
    asked: Rc<Asked>,
    publish: Pattern,
    conversation: Conversation,
    cursor: Cursor,
    /// Messages that have not come back, in order.
    waiting: VecDeque<Stamp>,
}

impl Echo {
    /// Nothing when the template publishes by POST alone.
    pub(in crate::client) fn new(template: &Template) -> Option<Self> {
        let load = Load {
            transport: Transport::Websocket,
            ..Load::default()
        };
        let asked = Rc::new(Asked::new(template, &load)?);
        let publish = asked.way.socket.as_ref()?.publish.clone();
        (!publish.is_empty()).then(|| Self {
            asked,
            publish,
            conversation: Conversation::default(),
            cursor: Cursor::default(),
            waiting: VecDeque::new(),
        })
    }

    /// Writes what opens the socket.
    pub(in crate::client) fn open(&mut self, site: &Site, channel: &str, out: &mut Vec<u8>) {
        let subscription = Subscription {
            authority: Rc::clone(&site.authority),
            channel: channel.into(),
            profile: Rc::clone(&site.profile),
            query: "".into(),
            asked: Some(Rc::clone(&self.asked)),
        };
        let key = self
            .conversation
            .begin(&self.asked, &subscription, &self.cursor);
        self.asked
            .write(&subscription, &self.cursor, Some(&key), out);
    }

    /// Writes one message.
    pub(in crate::client) fn publish(&mut self, channel: &str, payload: &[u8], out: &mut Vec<u8>) {
        let mut text = Vec::with_capacity(payload.len() + 40);
        fill_posting(&self.publish, channel, payload, &mut text);
        frames::write(OpCode::Data(Data::Text), &text, out);
        self.waiting.extend(Stamp::find_all(payload));
    }

    pub(in crate::client) fn feed(
        &mut self,
        input: Input<'_>,
        out: &mut Vec<u8>,
        take: &mut impl FnMut(Answer),
    ) -> Result<(), ClientError> {
        let mut heard = Heard {
            waiting: &mut self.waiting,
            take,
        };
        let step = self
            .conversation
            .feed(&self.asked, input, &mut self.cursor, out, &mut heard)?;
        match step {
            Step::Open => take(Answer::Open),
            Step::Ended => take(Answer::Ended),
            Step::More | Step::Answered { .. } => {}
        }
        Ok(())
    }
}

struct Heard<'a, T> {
    waiting: &'a mut VecDeque<Stamp>,
    take: &'a mut T,
}

impl<T: FnMut(Answer)> Sink for Heard<'_, T> {
    fn message(&mut self, stamp: Stamp) {
        // What others publish comes, too.
        if let Some(place) = self.waiting.iter().position(|one| *one == stamp) {
            self.waiting.remove(place);
            (self.take)(Answer::Accepted(place));
        }
    }

    fn missed(&mut self) {}

    fn answered(&mut self, _: bool) {}
}
