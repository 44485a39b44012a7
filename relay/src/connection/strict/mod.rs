//! What hyper reads, read along more strictly than hyper does.
//!
//! hyper takes some of what RFC 9112 lets a server refuse, or does not show it to its user: a bare LF as the end of a
//! line, several equal lengths, a length beside chunks, any transfer coding before `chunked`. Each is harmless
//! alone; behind a proxy that reads it otherwise it is a smuggled request. So the bytes pass here first, and hyper never
//! sees the end of a line that says such a thing. The parser that the network faces is hyper's all the same: this
//! one only finds where heads and bodies end, and makes nothing of what they hold.

mod addressed;
mod check;
mod chunks;
mod head;
mod line;

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::progress::Progress;
use super::watched::Watched;
use crate::socket::Socket;

pub(super) use addressed::addressed;
use check::{Check, Place};
pub(super) use line::Violation;

/// A socket that gives hyper no more than what is well formed.
#[derive(Debug)]
pub(super) struct Strict {
    watched: Watched,
    progress: Arc<Progress>,
    check: Check,
}

impl Strict {
    pub(super) fn new(socket: Socket, progress: Arc<Progress>) -> Self {
        Self {
            watched: Watched {
                socket,
                progress: Arc::clone(&progress),
            },
            progress,
            check: Check::default(),
        }
    }

    pub(super) fn into_socket(self) -> Socket {
        self.watched.socket
    }

    /// Gives nothing more: a body ends with an error, which its reader answers. A head does not end at all,
    /// and the connection's owner answers it when all before it is answered.
    fn broken(&self) -> Option<Poll<io::Result<()>>> {
        let (place, violation) = self.check.broken()?;
        Some(match place {
            Place::Head => {
                self.progress.malformed(violation);
                Poll::Pending
            }
            Place::Body => {
                self.progress.body_broken();
                let error = io::Error::new(io::ErrorKind::InvalidData, violation);
                Poll::Ready(Err(error))
            }
        })
    }
}

impl AsyncRead for Strict {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(end) = self.broken() {
            return end;
        }
        let before = into.filled().len();
        ready!(Pin::new(&mut self.watched).poll_read(cx, into))?;
        let passed = self.check.pass(&into.filled()[before..]);
        let end = before + passed;
        if end == into.filled().len() {
            return Poll::Ready(Ok(()));
        }
        // Whoever takes the connection over gets what hyper does not: it may be no HTTP any more.
        self.watched.socket.put_back(&into.filled()[end..]);
        into.set_filled(end);
        match self.broken() {
            Some(end) if passed == 0 => end,
            _ => Poll::Ready(Ok(())),
        }
    }
}

impl AsyncWrite for Strict {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.watched).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.watched).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.watched.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.watched).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.watched).poll_shutdown(cx)
    }
}
