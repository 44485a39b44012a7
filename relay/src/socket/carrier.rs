//! What carries a client's bytes: a TCP connection, TLS on one, or a stream of HTTP/2.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::server::TlsStream;

use super::stream::Stream;

/// As many bytes are put together before they are written.
const GATHERED: usize = 512;

/// A connection, or as good as one.
#[derive(Debug)]
pub(super) enum Carrier {
    Plain(TcpStream),
    /// Boxed: a client without TLS is not to carry its room.
    Tls(Box<TlsStream<TcpStream>>),
    /// Boxed too.
    Stream(Box<Stream>),
}

/// Does the same with whatever it is.
macro_rules! each {
    ($carrier:expr, $stream:ident => $done:expr) => {
        match $carrier {
            Carrier::Plain($stream) => {
                let $stream = Pin::new($stream);
                $done
            }
            Carrier::Tls($stream) => {
                let $stream = Pin::new(&mut **$stream);
                $done
            }
            Carrier::Stream($stream) => {
                let $stream = Pin::new(&mut **$stream);
                $done
            }
        }
    };
}

impl AsyncRead for Carrier {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        each!(self.get_mut(), stream => stream.poll_read(cx, into))
    }
}

impl AsyncWrite for Carrier {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        each!(self.get_mut(), stream => stream.poll_write(cx, bytes))
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let carrier = self.get_mut();
        if let Carrier::Plain(stream) = carrier {
            let mut stream = Pin::new(stream);
            // The kernel takes one piece for less than several, and an answer is mostly a short head and a short body.
            let total: usize = slices.iter().map(|slice| slice.len()).sum();
            return match slices {
                [one] => stream.poll_write(cx, one),
                _ if total <= GATHERED => {
                    let mut whole = [0; GATHERED];
                    let mut end = 0;
                    for slice in slices {
                        whole[end..][..slice.len()].copy_from_slice(slice);
                        end += slice.len();
                    }
                    stream.as_mut().poll_write(cx, &whole[..end])
                }
                _ => stream.poll_write_vectored(cx, slices),
            };
        }
        each!(carrier, stream => stream.poll_write_vectored(cx, slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), stream => stream.poll_flush(cx))
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        each!(self.get_mut(), stream => stream.poll_shutdown(cx))
    }
}
