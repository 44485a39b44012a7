//! The body of a request, whichever version of HTTP brings it.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::RecvStream;
use hyper::body::{Body, Frame, SizeHint};
use tokio::sync::OwnedSemaphorePermit;

/// A body that still has to come, or none.
#[derive(Debug)]
pub(crate) enum Incoming {
    Http1(hyper::body::Incoming),
    /// With a turn that it may hold until its end.
    Http2(RecvStream, Option<OwnedSemaphorePermit>),
    /// The handshake of a WebSocket: what follows it is no body.
    None,
}

impl Incoming {
    /// Gives it a turn to hold until it has come; gives the turn back where it holds none.
    pub(crate) fn hold(&mut self, turn: OwnedSemaphorePermit) -> Option<OwnedSemaphorePermit> {
        match self {
            Self::Http2(_, held) => {
                *held = Some(turn);
                None
            }
            Self::Http1(_) | Self::None => Some(turn),
        }
    }
}

impl Body for Incoming {
    type Data = Bytes;
    type Error = Box<dyn Error + Send + Sync>;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        match self.get_mut() {
            Self::Http1(body) => Pin::new(body)
                .poll_frame(cx)
                .map(|frame| frame.map(|frame| frame.map_err(Into::into))),
            Self::Http2(body, turn) => {
                let data = ready!(body.poll_data(cx));
                if data.is_none() {
                    drop(turn.take());
                }
                // Trailers mean nothing here, and are left unread.
                let data = data.map(|data| {
                    let data = data?;
                    body.flow_control().release_capacity(data.len())?;
                    Ok(Frame::data(data))
                });
                Poll::Ready(data)
            }
            Self::None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Self::Http1(body) => body.is_end_stream(),
            Self::Http2(body, _) => body.is_end_stream(),
            Self::None => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Http1(body) => body.size_hint(),
            Self::Http2(..) => SizeHint::default(),
            Self::None => SizeHint::with_exact(0),
        }
    }
}
