//! One connection of a subscriber: its socket, what carries it over TLS, and its client.

use std::io;
use std::rc::Rc;

use crate::client::{Client, ClientError, Cursor, Sink, Step, Subscription};
use crate::net::{Carrier, Secure, SecureError, Socket};
use crate::scenario::Transport;

/// One connection, which need not have been opened as far as its client needs.
pub(super) struct Road {
    pub(super) socket: Rc<Socket>,
    /// Boxed, so that a client in the clear has no more of it than a pointer.
    carrier: Option<Box<Carrier>>,
    client: Client,
}

/// What the server said to a client that had asked nothing.
pub(super) enum Idle {
    /// Nothing that concerns it.
    Nothing,
    /// That the connection is at its end.
    Ended,
    /// Something.
    Spoke,
}

impl Road {
    pub(super) fn new(
        socket: Rc<Socket>,
        secure: Option<&Secure>,
        transport: Transport,
        subscription: &Subscription,
    ) -> Result<Self, ClientError> {
        Ok(Self {
            socket,
            carrier: secure.map(Carrier::new).transpose()?.map(Box::new),
            client: Client::of(transport, subscription),
        })
    }

    /// Writes what opens the way to the server; nothing in the clear, where there is no more to open.
    pub(super) fn hello(&mut self, out: &mut Vec<u8>) {
        if let Some(carrier) = &mut self.carrier {
            carrier.hello(out);
        }
    }

    /// Whether the client may ask.
    pub(super) fn is_ready(&self) -> Result<bool, ClientError> {
        let upgrades = self.client.upgrades();
        let ready = |carrier: &Carrier| carrier.is_ready(upgrades);
        let carrier = self.carrier.as_deref();
        Ok(carrier.map_or(Ok(true), ready)?)
    }

    /// Whether the server may end what it carries without ending it in TCP's way.
    pub(super) fn is_http2(&self) -> bool {
        let carrier = self.carrier.as_deref();
        carrier.is_some_and(|carrier| !carrier.is_left_to_server())
    }

    /// Writes the opening request, or the next poll.
    pub(super) fn request(
        &mut self,
        subscription: &Subscription,
        cursor: &Cursor,
        out: &mut Vec<u8>,
    ) -> Result<(), SecureError> {
        let Some(carrier) = &mut self.carrier else {
            self.client.request(subscription, cursor, out);
            return Ok(());
        };
        let mut plain = Vec::new();
        self.client.request(subscription, cursor, &mut plain);
        carrier.send(&plain, out)
    }

    /// Takes in all of `input` and writes what must be sent at once; gives nothing when the server ended the
    /// connection and said no more than that.
    pub(super) fn feed(
        &mut self,
        input: &[u8],
        cursor: &mut Cursor,
        out: &mut Vec<u8>,
        sink: &mut impl Sink,
    ) -> Result<Option<Step>, ClientError> {
        let Self {
            carrier, client, ..
        } = self;
        let Some(carrier) = carrier else {
            return client.feed(input, cursor, out, sink).map(Some);
        };
        let mut step = Step::More;
        let open = carrier.receive(input, out, |input, out| {
            match client.feed(input, cursor, out, sink)? {
                Step::More => {}
                more => step = more,
            }
            Ok::<(), ClientError>(())
        })?;
        Ok(match step {
            _ if open => Some(step),
            Step::More => None,
            Step::Answered { .. } => Some(Step::Answered { close: true }),
            Step::Open | Step::Ended => Some(step),
        })
    }

    /// Takes in what came while the client had asked nothing: in the clear there is nothing that a server may say then.
    pub(super) fn idle(&mut self, input: &[u8], out: &mut Vec<u8>) -> Result<Idle, ClientError> {
        let Some(carrier) = &mut self.carrier else {
            return Ok(Idle::Spoke);
        };
        let mut spoke = false;
        let open = carrier.receive(input, out, |_, _| {
            spoke = true;
            Ok::<(), ClientError>(())
        })?;
        Ok(match open {
            _ if spoke => Idle::Spoke,
            true => Idle::Nothing,
            false => Idle::Ended,
        })
    }

    /// Ends a connection after its last answer, in good order.
    pub(super) async fn part(&mut self) {
        match &mut self.carrier {
            None => self.socket.part(false).await,
            Some(carrier) if carrier.is_left_to_server() => self.socket.part(true).await,
            Some(carrier) => {
                let mut goodbye = Vec::new();
                carrier.end(&mut goodbye);
                // Nothing depends on it.
                let _ = self.socket.send_all(&goodbye).await;
                self.socket.leave().await;
            }
        }
    }

    /// Sends what the kernel takes at once; gives the rest, which is nearly always nothing.
    pub(super) fn send_now(&self, out: &[u8]) -> io::Result<Vec<u8>> {
        if out.is_empty() {
            return Ok(Vec::new());
        }
        match self.socket.try_send(out) {
            Ok(count) => Ok(out[count..].to_vec()),
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(out.to_vec()),
            Err(error) => Err(error),
        }
    }
}
