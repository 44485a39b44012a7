//! What keeps a connection of HTTP/2 from being read for a while: backpressure by TCP.
//!
//! Its streams wait for their turns each for itself, and the connection goes on meanwhile. It is held back when more of them wait than
//! may be open, which only resets can bring about, and for bytes that come beside requests: bodies, pings, settings.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Instant, Sleep, sleep_until};

use super::block::Block;

/// What is read before turns are taken for it: h2 alone would read on for as long as there is something.
const AT_ONCE: u64 = 32 * 1024;

/// The brake of one connection.
#[derive(Debug, Default)]
pub(super) struct Brake {
    wheel: Arc<Wheel>,
    until: Option<Pin<Box<Sleep>>>,
}

#[derive(Debug, Default)]
struct Wheel {
    held: AtomicBool,
    /// Bytes read since the connection was last looked after.
    read: AtomicU64,
    /// A frame or a header block has begun and not ended.
    unfinished: AtomicBool,
}

/// A socket that gives nothing while it is held.
#[derive(Debug)]
pub(super) struct Braked<S> {
    inner: S,
    wheel: Arc<Wheel>,
    block: Block,
}

impl Brake {
    pub(super) fn fit<S>(&self, inner: S) -> Braked<S> {
        Braked {
            inner,
            wheel: Arc::clone(&self.wheel),
            block: Block::default(),
        }
    }

    /// Holds the socket from now on.
    pub(super) fn pull(&self) {
        self.wheel.held.store(true, Ordering::Relaxed);
    }

    /// Tells whether the client is in the middle of a frame or of a head.
    pub(super) fn is_unfinished(&self) -> bool {
        self.wheel.unfinished.load(Ordering::Relaxed)
    }

    /// Holds it until an instant, if there is one.
    pub(super) fn until(&mut self, until: Option<Instant>, cx: &mut Context<'_>) {
        if let Some(until) = until {
            let mut timer = Box::pin(sleep_until(until));
            if timer.as_mut().poll(cx).is_pending() {
                self.until = Some(timer);
                self.pull();
            }
        }
    }

    /// Lets go when the time has come, unless it is crowded; the caller reads next.
    pub(super) fn release(&mut self, crowded: bool, cx: &mut Context<'_>) {
        if let Some(timer) = &mut self.until
            && timer.as_mut().poll(cx).is_ready()
        {
            self.until = None;
        }
        let held = crowded || self.until.is_some();
        self.wheel.held.store(held, Ordering::Relaxed);
        self.wheel.read.store(0, Ordering::Relaxed);
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Braked<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        // Whoever lets go reads then: there is nobody to wake.
        if self.wheel.held.load(Ordering::Relaxed) {
            return Poll::Pending;
        }
        if self.wheel.read.load(Ordering::Relaxed) >= AT_ONCE {
            cx.waker().wake_by_ref();
            return Poll::Pending;
        }
        let before = into.filled().len();
        ready!(Pin::new(&mut self.inner).poll_read(cx, into))?;
        let count = into.filled().len() - before;
        self.block.pass(&into.filled()[before..]);
        let unfinished = self.block.is_unfinished();
        self.wheel.unfinished.store(unfinished, Ordering::Relaxed);
        self.wheel.read.fetch_add(count as u64, Ordering::Relaxed);
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Braked<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.inner).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
