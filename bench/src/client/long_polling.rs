//! Long polling: a request that the server holds until there is a message.

use super::page::Pages;
use super::{ClientError, Cursor, Sink, Step, Subscription, request};
use crate::scenario::Transport;

/// The state of one long-polling connection.
#[derive(Debug, Default)]
pub struct LongPolling {
    pages: Pages,
}

impl LongPolling {
    /// The first request of all has no position, so it does not wait: its answer says where the log stands.
    pub(super) fn request(subscription: &Subscription, cursor: &Cursor, out: &mut Vec<u8>) {
        let hold = subscription.hold.as_millis();
        request::get(
            subscription,
            cursor,
            "messages",
            format_args!("&wait={hold}ms"),
            "",
            out,
        );
    }

    pub(super) fn feed(
        &mut self,
        input: &[u8],
        cursor: &mut Cursor,
        sink: &mut impl Sink,
    ) -> Result<Step, ClientError> {
        self.pages.feed(input, Transport::LongPolling, cursor, sink)
    }
}
