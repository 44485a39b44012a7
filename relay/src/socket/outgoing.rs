//! What is to be written next: shared slices, all of them in one write where the kernel takes them.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::io::AsyncWrite;
use tokio::time::timeout_at;

use super::{Pace, Patience, Socket};
use crate::log::Run;
use crate::message::Form;

/// The most slices of one write; the kernel takes 1,024, and the array of them is on the stack.
const SLICES: usize = 64;

/// An ordered list of bytes to write. It grows by what one read of the log returns and is
/// flushed before the next: it is no queue between the log and the client.
#[derive(Debug, Default)]
pub(crate) struct Outgoing {
    /// What is written next: mostly all there is, and so without room of its own.
    front: Bytes,
    #[expect(
        clippy::box_collection,
        reason = "an idle client is not to carry the room of a list, of which it has none"
    )]
    rest: Option<Box<VecDeque<Bytes>>>,
    /// Where the last of them is made of several messages: which.
    joined: Option<Box<(Run, Form)>>,
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
        if self.front.is_empty() {
            self.front = bytes;
        } else if !bytes.is_empty() {
            self.rest.get_or_insert_default().push_back(bytes);
        }
    }

    /// Adds messages that were joined in a form; nothing comes behind them before they are written.
    pub(crate) fn push_joined(&mut self, bytes: Bytes, run: Run, form: Form) {
        self.push(bytes);
        self.joined = Some(Box::new((run, form)));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.front.is_empty()
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
                    self.take_apart();
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
        self.joined = None;
        Ok(())
    }

    /// Goes on with the messages themselves where several are joined: a client that is waited for is not to keep
    /// bytes of its own.
    fn take_apart(&mut self) {
        let Some((run, form)) = self.joined.take().map(|joined| *joined) else {
            return;
        };
        let joined = match self.rest.as_mut().and_then(|rest| rest.pop_back()) {
            Some(last) => last,
            None => std::mem::take(&mut self.front),
        };
        let length: usize = run.pieces(form, 0).map(|piece| piece.len()).sum();
        for piece in run.pieces(form, length - joined.len()) {
            self.push(piece);
        }
    }

    /// Writes some of what is left, or says that nothing is, not below either: TLS holds what it has encrypted and
    /// the client has no room for.
    fn poll_step(
        &self,
        cx: &mut Context<'_>,
        socket: &mut Socket,
    ) -> Poll<io::Result<Option<usize>>> {
        if !self.is_empty() {
            self.poll_write(cx, socket).map_ok(Some)
        } else {
            Pin::new(socket).poll_flush(cx).map_ok(|()| None)
        }
    }

    fn poll_write(&self, cx: &mut Context<'_>, socket: &mut Socket) -> Poll<io::Result<usize>> {
        let written = match &self.rest {
            None => Pin::new(socket).poll_write(cx, &self.front),
            Some(rest) => {
                let mut array = [IoSlice::new(&self.front); SLICES];
                let count = (rest.len() + 1).min(SLICES);
                for (slot, bytes) in array[1..].iter_mut().zip(&**rest) {
                    *slot = IoSlice::new(bytes);
                }
                Pin::new(socket).poll_write_vectored(cx, &array[..count])
            }
        };
        match written {
            Poll::Ready(Ok(0)) => Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
            other => other,
        }
    }

    fn advance(&mut self, mut written: usize) {
        while written >= self.front.len() {
            written -= self.front.len();
            let Some(next) = self.rest.as_mut().and_then(|rest| rest.pop_front()) else {
                // All is written, and the room of a list is not kept.
                (self.front, self.rest) = (Bytes::new(), None);
                return;
            };
            self.front = next;
        }
        self.front.advance(written);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use tokio::io::AsyncReadExt;
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::access::Allowance;
    use crate::message::{Epoch, Message, Payload, Position};
    use crate::settings::Settings;

    fn line(message: &Message) -> Bytes {
        message.encoded(Form::Line, |message| {
            Bytes::copy_from_slice(message.payload.bytes())
        })
    }

    /// A client whose connection is full, so that the next write has to wait; and how much is in it.
    async fn full() -> (Socket, TcpStream, usize) {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await;
        let (server, _) = listener.accept().await.unwrap();
        let mut filled = 0;
        loop {
            server.writable().await.unwrap();
            match server.try_write(&[b'-'; 64 * 1024]) {
                Ok(written) => filled += written,
                Err(_) => {
                    let socket = Socket::new(server, Arc::new(Allowance::unlimited()));
                    return (socket, client.unwrap(), filled);
                }
            }
        }
    }

    #[tokio::test]
    async fn all_of_it_comes_in_order_and_a_client_that_is_waited_for_holds_nothing_joined() {
        let (mut socket, mut client, filled) = full().await;
        let (epoch, account) = (Epoch::random(), Arc::default());
        let message = |offset: u64| {
            let text = format!("\"{offset:05}{}\"", "x".repeat(100));
            let payload = Payload::parse(text.as_bytes(), 1000).unwrap();
            Arc::new(Message::new(Position { epoch, offset }, payload, &account))
        };
        let run: Run = (0..300).map(message).collect();
        let joined = run.joined(Form::Line, line).unwrap();
        let expected = [b"first", &joined[..]].concat();
        let mut out = Outgoing::default();
        out.push(Bytes::from_static(b"first"));
        out.push_joined(joined, run, Form::Line);
        let patience = Patience::of(&Settings::default());
        let mut flush = Box::pin(out.flush(&mut socket, patience));
        assert!(poll_once(&mut flush).await.is_pending());
        drop(flush);
        assert!(out.joined.is_none() && out.rest.as_ref().unwrap().len() == 300);
        let read = async {
            let mut all = vec![0; filled + expected.len()];
            client.read_exact(&mut all).await.unwrap();
            all.split_off(filled)
        };
        let (flushed, read) = tokio::join!(out.flush(&mut socket, patience), read);
        flushed.unwrap();
        assert_eq!(read, expected);
        assert!(out.is_empty() && out.rest.is_none());
    }

    async fn poll_once<T>(future: &mut (impl Future<Output = T> + Unpin)) -> Poll<T> {
        poll_fn(|cx| Poll::Ready(Pin::new(&mut *future).poll(cx))).await
    }
}
