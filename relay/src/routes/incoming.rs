//! The body of a request, whichever version of HTTP brings it.

use std::error::Error;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::RecvStream;
use hyper::body::{Body, Frame, SizeHint};

/// A body that still has to come, or none.
#[derive(Debug)]
pub(crate) enum Incoming {
    Http1(hyper::body::Incoming),
    Http2(RecvStream),
    /// The handshake of a WebSocket: what follows it is no body.
    None,
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
            Self::Http2(body) => {
                // Trailers mean nothing here, and are left unread.
                let data = ready!(body.poll_data(cx)).map(|data| {
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
            Self::Http2(body) => body.is_end_stream(),
            Self::None => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Http1(body) => body.size_hint(),
            Self::Http2(_) => SizeHint::default(),
            Self::None => SizeHint::with_exact(0),
        }
    }
}
