//! What is to be written next: shared slices, all of them in one write where the kernel takes them.

use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;
use tokio::time::timeout_at;

use super::{Pace, Patience, Socket};

/// The most slices of one write; the kernel takes 1,024, and the array of them is on the stack.
const SLICES: usize = 64;

/// An ordered list of bytes to write. It grows by what one read of the log returns and is
/// flushed before the next: it is no queue between the log and the client.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    slices: Vec<Bytes>,
    /// How many of the slices are written in full.
    done: usize,
    /// Since when the client lets writes wait, one after another. Boxed: most clients never do.
    pace: Option<Box<Pace>>,
}

/// Why a write came to nothing.
#[derive(Debug, thiserror::Error)]
pub(crate) enum WriteError {
    /// The client read nothing for the whole write deadline, or too little for too long.
    #[error("the client reads nothing, or too slowly")]
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

    /// Writes everything, or fails when the client takes too long over it.
    ///
    /// It is not cancel-safe in the middle of a frame: what was written stays written, and the
    /// rest stays here.
    pub(crate) async fn flush(
        &mut self,
        socket: &mut Socket,
        patience: Patience,
    ) -> Result<(), WriteError> {
        let mut waited = false;
        if let Some(pace) = &mut self.pace {
            pace.resume();
        }
        loop {
            // The timer is made only when a write would block, and boxed: most clients never need it.
            let step = match poll_fn(|cx| Poll::Ready(self.poll_step(cx, socket))).await {
                Poll::Ready(step) => step,
                Poll::Pending => {
                    let begin = || Box::new(patience.begin());
                    let pace = self.pace.get_or_insert_with(begin);
                    waited = true;
                    let deadline = pace.deadline();
                    let more = poll_fn(|cx| self.poll_step(cx, socket));
                    match Box::pin(timeout_at(deadline, more)).await {
                        Ok(step) => step,
                        Err(_) => return Err(WriteError::Stalled),
                    }
                }
            };
            let Some(written) = step.map_err(WriteError::Gone)? else {
                break;
            };
            if let Some(pace) = &mut self.pace {
                pace.took(written);
            }
            self.advance(written);
        }
        if !waited {
            // It has caught up. A write that waited leaves the clock running: many small ones are not to
            // have their own grace each.
            self.pace = None;
        } else if let Some(pace) = &mut self.pace {
            // What it waited for at the last was not the relay.
            pace.took(0);
        }
        self.done = 0;
        if self.slices.capacity() > 16 {
            self.slices = Vec::new();
        } else {
            self.slices.clear();
        }
        Ok(())
    }

    /// Writes some of what is left, or says that nothing is, not below either: TLS holds what it has encrypted and
    /// the client has no room for.
    fn poll_step(
        &self,
        cx: &mut Context<'_>,
        socket: &mut Socket,
    ) -> Poll<io::Result<Option<usize>>> {
        if self.done < self.slices.len() {
            self.poll_write(cx, socket).map_ok(Some)
        } else {
            Pin::new(socket).poll_flush(cx).map_ok(|()| None)
        }
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
