//! What is to be written next: shared slices, all of them in one write where the kernel takes them.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;
use tokio::time::timeout;

use super::Socket;

/// The most slices of one write; the kernel takes 1,024, and the array of them is on the stack.
const SLICES: usize = 64;

/// An ordered list of bytes to write. It grows by what one read of the log returns and is
/// flushed before the next: it is no queue between the log and the client.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    slices: Vec<Bytes>,
    /// How many of the slices are written in full.
    done: usize,
}

/// Why a write came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// The client read nothing for the whole write deadline.
    #[error("the client reads nothing")]
    Stalled,
    /// The connection is gone.
    #[error("the connection is gone")]
    Gone(#[source] io::Error),
}

impl Outgoing {
    pub(crate) fn push(&mut self, bytes: Bytes) {
        if !bytes.is_empty() {
            self.slices.push(bytes);
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.slices.is_empty()
    }

    /// Writes everything, or fails when the client takes nothing for `deadline`.
    ///
    /// It is not cancel-safe in the middle of a frame: what was written stays written, and the
    /// rest stays here.
    pub(crate) async fn flush(
        &mut self,
        socket: &mut Socket,
        deadline: Duration,
    ) -> Result<(), WriteError> {
        while self.done < self.slices.len() {
            // The timer is made only when a write would block, and boxed: most clients never need it.
            let written = match poll_fn(|cx| Poll::Ready(self.poll_write(cx, socket))).await {
                Poll::Ready(written) => written,
                Poll::Pending => {
                    let more = poll_fn(|cx| self.poll_write(cx, socket));
                    match Box::pin(timeout(deadline, more)).await {
                        Ok(written) => written,
                        Err(_) => return Err(WriteError::Stalled),
                    }
                }
            };
            self.advance(written.map_err(WriteError::Gone)?);
        }
        self.flushed(socket, deadline).await?;
        self.done = 0;
        if self.slices.capacity() > 16 {
            self.slices = Vec::new();
        } else {
            self.slices.clear();
        }
        Ok(())
    }

    /// Waits until nothing is held below, as TLS does with what it has encrypted and the client has no room for.
    async fn flushed(&self, socket: &mut Socket, deadline: Duration) -> Result<(), WriteError> {
        let mut poll = |cx: &mut Context<'_>| Pin::new(&mut *socket).poll_flush(cx);
        let flushed = match poll_fn(|cx| Poll::Ready(poll(cx))).await {
            Poll::Ready(flushed) => flushed,
            Poll::Pending => match Box::pin(timeout(deadline, poll_fn(poll))).await {
                Ok(flushed) => flushed,
                Err(_) => return Err(WriteError::Stalled),
            },
        };
        flushed.map_err(WriteError::Gone)
    }

    fn poll_write(&self, cx: &mut Context<'_>, socket: &mut Socket) -> Poll<io::Result<usize>> {
        let left = &self.slices[self.done..];
        let written = if let [only] = left {
            Pin::new(socket).poll_write(cx, only)
        } else {
            let mut array = [IoSlice::new(&[]); SLICES];
            let count = left.len().min(SLICES);
            for (slot, bytes) in array.iter_mut().zip(left) {
                *slot = IoSlice::new(bytes);
            }
            Pin::new(socket).poll_write_vectored(cx, &array[..count])
        };
        match written {
            Poll::Ready(Ok(0)) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            other => other,
        }
    }

    fn advance(&mut self, mut written: usize) {
        while let Some(first) = self.slices.get_mut(self.done) {
            if written < first.len() {
                first.advance(written);
                return;
            }
            written -= first.len();
            *first = Bytes::new();
            self.done += 1;
        }
    }
}
