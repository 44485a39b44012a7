//! Polling: a request at a fixed interval, answered at once.

use super::page::Pages;
use super::{ClientError, Cursor, Sink, Step, Subscription, request};
use crate::scenario::Transport;

/// The state of one polling connection.
#[derive(Debug, Default)]
pub struct Polling {
    pages: Pages,
}

impl Polling {
    pub(super) fn request(subscription: &Subscription, cursor: &Cursor, out: &mut Vec<u8>) {
        request::get(subscription, cursor, "messages", format_args!(""), "", out);
    }

    pub(super) fn feed(
        &mut self,
        input: &[u8],
        cursor: &mut Cursor,
        sink: &mut impl Sink,
    ) -> Result<Step, ClientError> {
        self.pages.feed(input, Transport::Polling, cursor, sink)
    }
}
