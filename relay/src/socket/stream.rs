//! One stream of HTTP/2 as bytes both ways, under the flow control of the protocol.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{BufMut, Bytes, BytesMut};
use h2::{Reason, RecvStream, SendStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// A stream whose answer has begun.
///
/// What is written is handed to the connection only as far as the client's windows reach, so nothing
/// gathers here for a client that takes nothing. Dropped before its end, the stream is reset.
#[derive(Debug)]
pub(super) struct Stream {
    send: SendStream<Bytes>,
    /// None when the client's side has ended with its request.
    receive: Option<RecvStream>,
    /// Received, but not read yet: what is left of one frame.
    rest: Bytes,
    /// How much is still to be written, where that is known: the last frame ends the stream.
    left: Option<usize>,
    ended: bool,
}

impl Stream {
    pub(super) fn new(send: SendStream<Bytes>, receive: Option<RecvStream>) -> Self {
        Self {
            send,
            receive,
            rest: Bytes::new(),
            left: None,
            ended: false,
        }
    }

    /// Says how much will be written in all.
    pub(super) fn of_length(mut self, length: usize) -> Self {
        self.left = Some(length);
        self
    }

    /// Tells whether the client may still send.
    pub(super) fn receives(&self) -> bool {
        self.receive.is_some()
    }

    /// Waits until the client has room for some of `wanted` bytes, and says for how many.
    fn poll_room(&mut self, cx: &mut Context<'_>, wanted: usize) -> Poll<io::Result<usize>> {
        self.send.reserve_capacity(wanted);
        loop {
            let room = self.send.capacity().min(wanted);
            if room > 0 {
                return Poll::Ready(Ok(room));
            }
            match ready!(self.send.poll_capacity(cx)) {
                Some(Ok(_)) => {}
                Some(Err(error)) => return Poll::Ready(Err(broken(error))),
                None => return Poll::Ready(Err(io::ErrorKind::BrokenPipe.into())),
            }
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let Some(receive) = &mut this.receive else {
            // Nothing comes any more but the news that the client has left.
            let gone = ready!(this.send.poll_reset(cx));
            let error = gone.map_or_else(broken, |reason| broken(reason.into()));
            return Poll::Ready(Err(error));
        };
        // A frame without data is no end.
        while this.rest.is_empty() {
            match ready!(receive.poll_data(cx)) {
                Some(Ok(bytes)) => {
                    receive
                        .flow_control()
                        .release_capacity(bytes.len())
                        .map_err(broken)?;
                    this.rest = bytes;
                }
                Some(Err(error)) => return Poll::Ready(Err(broken(error))),
                None => return Poll::Ready(Ok(())),
            }
        }
        let count = this.rest.len().min(into.remaining());
        into.put_slice(&this.rest.split_to(count));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Stream {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_vectored(cx, &[IoSlice::new(bytes)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let total: usize = slices.iter().map(|slice| slice.len()).sum();
        let mut left = ready!(self.poll_room(cx, total.min(super::UNSENT)))?;
        let count = left;
        // Copied, so that many small messages go out in one frame.
        let mut frame = BytesMut::with_capacity(count);
        for slice in slices {
            let part = slice.len().min(left);
            frame.put_slice(&slice[..part]);
            left -= part;
        }
        self.left = self.left.map(|left| left.saturating_sub(count));
        self.ended = self.left == Some(0);
        let ended = self.ended;
        self.send.send_data(frame.freeze(), ended).map_err(broken)?;
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        // The connection has it, and writes it by itself.
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        if !self.ended {
            self.ended = true;
            self.send.send_data(Bytes::new(), true).map_err(broken)?;
        }
        Poll::Ready(Ok(()))
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        if !self.ended {
            self.send.send_reset(Reason::CANCEL);
        }
    }
}

fn broken(error: h2::Error) -> io::Error {
    io::Error::new(io::ErrorKind::ConnectionReset, error)
}
