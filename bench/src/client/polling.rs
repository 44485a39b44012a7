//! Polling: a request at a fixed interval, answered at once.

use super::page::Pages;
use super::request::{self, Kind};
use super::{ClientError, Cursor, Sink, Step, Subscription};
use crate::net::Input;
use crate::scenario::Transport;

/// The state of one polling connection.
#[derive(Debug, Default)]
pub struct Polling {
    pages: Pages,
}

impl Polling {
    pub(super) fn request(
        &mut self,
        subscription: &Subscription,
        cursor: &Cursor,
        out: &mut Vec<u8>,
    ) {
        self.pages.admission = subscription.profile.admission();
        request::get(subscription, cursor, "messages", Kind::Fetch, out);
    }

    pub(super) fn feed(
        &mut self,
        input: Input<'_>,
        cursor: &mut Cursor,
        sink: &mut impl Sink,
    ) -> Result<Step, ClientError> {
        self.pages.feed(input, Transport::Polling, cursor, sink)
    }
}
