//! One viewer's event stream, as the body of a response.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use hyper::body::{Body, Frame};
use tokio::sync::watch;
use tokio::time::timeout;

use super::log::{Board, Cursor};

/// A viewer hears something at least so often, and knows by that that bench is there.
const HEARTBEAT: Duration = Duration::from_secs(2);

type Step = Pin<Box<dyn Future<Output = Option<(Viewer, Bytes)>> + Send>>;

/// Reads the log for one viewer.
struct Viewer {
    board: Arc<Board>,
    more: watch::Receiver<u64>,
    cursor: Cursor,
}

impl Viewer {
    /// The next piece; `None` when everything was told.
    async fn next(mut self) -> Option<(Self, Bytes)> {
        loop {
            self.more.mark_unchanged();
            let (piece, over) = self.board.log().read(&mut self.cursor);
            if !piece.is_empty() {
                return Some((self, piece));
            }
            if over {
                return None;
            }
            match timeout(HEARTBEAT, self.more.changed()).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) => return None,
                Err(_) => {
                    return Some((self, Bytes::from_static(b"event: alive\ndata: {}\n\n")));
                }
            }
        }
    }
}

/// The events from where a viewer is. A piece is made when the connection has room for it, and not before.
pub(super) struct Stream(Step);

impl Stream {
    pub(super) fn new(board: &Arc<Board>, cursor: Cursor) -> Self {
        let viewer = Viewer {
            board: Arc::clone(board),
            more: board.watch(),
            cursor,
        };
        Self(Box::pin(viewer.next()))
    }
}

impl Body for Stream {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Infallible>>> {
        let step = ready!(self.0.as_mut().poll(context));
        Poll::Ready(step.map(|(viewer, piece)| {
            self.0 = Box::pin(viewer.next());
            Ok(Frame::data(piece))
        }))
    }
}
