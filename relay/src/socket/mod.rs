//! A client's connection, whatever carries it, and what waits to be written to it.

mod carrier;
mod outgoing;
mod pace;
mod stream;

use std::io::{self, IoSlice};
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use h2::{RecvStream, SendStream};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use crate::access::Allowance;
use carrier::Carrier;
pub(crate) use outgoing::{Outgoing, WriteError};
pub(crate) use pace::{Pace, Patience};
use stream::Stream;

/// As many bytes that a client sends cost a turn, beside what they are: making sense of them is dear.
pub(crate) const SENT_PER_TURN: u64 = 4 * 1024;
/// As many bytes that a client is given at once cost a turn. Most messages are less, and cost none: a subscriber has not
/// asked for them.
pub(crate) const GIVEN_PER_TURN: u64 = 16 * 1024;
/// How much is read at once.
const READ: usize = 4096;
/// What TLS, or a stream of HTTP/2, may hold that the client has not taken: a record, or a frame.
pub(crate) const UNSENT: usize = 16 * 1024;

/// A client's connection, and bytes of it that were read too early.
///
/// Everything above knows only this type, whatever carries the bytes.
#[derive(Debug)]
pub(crate) struct Socket {
    carrier: Carrier,
    /// Read before `carrier` is; empty most of the time.
    early: Bytes,
    /// What its address may still ask for.
    allowance: Arc<Allowance>,
}

impl Socket {
    pub(crate) fn new(stream: TcpStream, allowance: Arc<Allowance>) -> Self {
        Self::of(Carrier::Plain(stream), allowance)
    }

    /// Takes a connection whose handshake is done.
    pub(crate) fn tls(mut stream: TlsStream<TcpStream>, allowance: Arc<Allowance>) -> Self {
        stream.get_mut().1.set_buffer_limit(Some(UNSENT));
        Self::of(Carrier::Tls(Box::new(stream)), allowance)
    }

    /// Takes a stream whose answer has begun, and its request's body where that goes on.
    pub(crate) fn stream(
        send: SendStream<Bytes>,
        receive: Option<RecvStream>,
        allowance: Arc<Allowance>,
    ) -> Self {
        Self::of(
            Carrier::Stream(Box::new(Stream::new(send, receive))),
            allowance,
        )
    }

    /// Takes a stream whose answer is `length` bytes long, and ends with them.
    pub(crate) fn answer(
        send: SendStream<Bytes>,
        length: usize,
        allowance: Arc<Allowance>,
    ) -> Self {
        let stream = Stream::new(send, None).of_length(length);
        Self::of(Carrier::Stream(Box::new(stream)), allowance)
    }

    /// Tells whether the client has chosen HTTP/2 in its handshake.
    pub(crate) fn is_http2(&self) -> bool {
        matches!(&self.carrier, Carrier::Tls(stream) if stream.get_ref().1.alpn_protocol() == Some(b"h2"))
    }

    fn of(carrier: Carrier, allowance: Arc<Allowance>) -> Self {
        Self {
            carrier,
            early: Bytes::new(),
            allowance,
        }
    }

    /// Gives what its address may still ask for.
    pub(crate) fn allowance(&self) -> &Arc<Allowance> {
        &self.allowance
    }

    /// Puts bytes back that were read beyond what was asked for.
    pub(crate) fn put_back(&mut self, bytes: &[u8]) {
        if !bytes.is_empty() {
            // Copied, so that a slice of a few bytes does not keep a whole read buffer alive.
            self.early = [bytes, self.early.as_ref()].concat().into();
        }
    }

    /// Waits for bytes and hands them to `take`; 0 of them mean the end of the stream.
    ///
    /// It is cancel-safe. The buffer lives on the stack, and only for the call: an idle
    /// connection has none.
    pub(crate) async fn read(&mut self, mut take: impl FnMut(&[u8])) -> io::Result<usize> {
        std::future::poll_fn(|cx| {
            let mut space = [MaybeUninit::uninit(); READ];
            let mut buffer = ReadBuf::uninit(&mut space);
            ready!(Pin::new(&mut *self).poll_read(cx, &mut buffer))?;
            take(buffer.filled());
            Poll::Ready(Ok(buffer.filled().len()))
        })
        .await
    }

    /// Waits until there is something to read, or the end of the stream. It is cancel-safe.
    pub(crate) async fn readable(&mut self) -> io::Result<()> {
        std::future::poll_fn(|cx| {
            if !self.early.is_empty() {
                return Poll::Ready(Ok(()));
            }
            if let Carrier::Plain(stream) = &self.carrier {
                return stream.poll_read_ready(cx);
            }
            // Bytes below say nothing of bytes above, which may have come already: only a read tells.
            let mut space = [MaybeUninit::uninit(); READ];
            let mut buffer = ReadBuf::uninit(&mut space);
            ready!(Pin::new(&mut self.carrier).poll_read(cx, &mut buffer))?;
            self.early = Bytes::copy_from_slice(buffer.filled());
            Poll::Ready(Ok(()))
        })
        .await
    }

    /// Reads what is there without waiting.
    pub(crate) fn try_read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.early.is_empty() {
            return match &mut self.carrier {
                Carrier::Plain(stream) => stream.try_read(into),
                other => {
                    // Who wants to be woken asks `readable`, which leaves its own waker.
                    let mut cx = Context::from_waker(Waker::noop());
                    let mut buffer = ReadBuf::new(into);
                    match Pin::new(other).poll_read(&mut cx, &mut buffer) {
                        Poll::Ready(read) => read.map(|()| buffer.filled().len()),
                        Poll::Pending => Err(io::ErrorKind::WouldBlock.into()),
                    }
                }
            };
        }
        let len = self.early.len().min(into.len());
        self.early.copy_to_slice(&mut into[..len]);
        Ok(len)
    }

    /// Ends the writing side and reads on for a short while.
    ///
    /// A connection closed with bytes unread is reset, and a reset can take an answer from
    /// the client before it has read it.
    pub(crate) async fn linger(mut self) {
        const MOST: usize = 256 * 1024;
        let drained = async {
            if std::future::poll_fn(|cx| Pin::new(&mut self.carrier).poll_shutdown(cx))
                .await
                .is_err()
            {
                return;
            }
            if matches!(&self.carrier, Carrier::Stream(stream) if !stream.receives()) {
                return;
            }
            let mut total = 0;
            while total < MOST {
                match self.read(|_| ()).await {
                    Ok(0) | Err(_) => break,
                    Ok(read) => total += read,
                }
            }
        };
        // Running out of time is as good an end as the client's own.
        let _ = tokio::time::timeout(Duration::from_secs(1), drained).await;
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.early.is_empty() {
            return Pin::new(&mut self.carrier).poll_read(cx, into);
        }
        let len = self.early.len().min(into.remaining());
        into.put_slice(&self.early.split_to(len));
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.carrier).poll_write(cx, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.carrier).poll_write_vectored(cx, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.carrier.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.carrier).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.carrier).poll_shutdown(cx)
    }
}
