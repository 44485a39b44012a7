//! HTTP/2 as bytes in and bytes out, by the `h2` crate driven by hand over a pipe in memory.
//!
//! Nothing here is woken: whoever gives it bytes or a request calls [`Http2::go_on`], which polls the connection
//! and its streams until nothing moves.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::pin::pin;
use std::rc::Rc;
use std::task::{Context, Poll, Waker};

use bytes::{Bytes, BytesMut};
use h2::client::{Builder, Connection, ResponseFuture, SendRequest};
use h2::{RecvStream, SendStream};

use super::SecureError;
use super::pipe::{End, Pipe};
use super::request::{self, Read};
use crate::net::http::Head;
use crate::net::pieces::{Content, Part};

/// What Chrome says of itself when it opens a connection: the window of a stream, that of the connection, the
/// table of headers that it keeps, and the longest list of them that it takes.
const STREAM_WINDOW: u32 = 6 << 20;
const WINDOW: u32 = 15 << 20;
const HEADER_TABLE: u32 = 1 << 16;
const HEADER_LIST: u32 = 1 << 18;
/// A frame's head and its type of settings (RFC 9113, section 4.1 and 6.5).
const FRAME_HEAD: usize = 9;

/// One HTTP/2 connection of a client.
pub struct Http2 {
    pipe: Rc<RefCell<Pipe>>,
    connection: Connection<End, Bytes>,
    requests: SendRequest<Bytes>,
    streams: Vec<Stream>,
    /// Requests that the server has no room for yet, with their numbers.
    waiting: VecDeque<(u64, Read)>,
    /// Requests so far.
    count: u64,
    /// The request that opened a WebSocket: what is sent from then on goes there.
    tunnel: Option<u64>,
    /// What the server sent first: until its settings are here nobody knows what it can.
    first: First,
    parts: Vec<Part>,
    ended: bool,
}

impl std::fmt::Debug for Http2 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Http2")
            .field("streams", &self.streams.len())
            .field("count", &self.count)
            .finish_non_exhaustive()
    }
}

/// A request and its answer.
struct Stream {
    request: u64,
    /// Until the head of the answer is here.
    head: Option<ResponseFuture>,
    body: Option<RecvStream>,
    send: SendStream<Bytes>,
    /// What the server has granted no room for yet, and whether more will follow.
    unsent: BytesMut,
    endless: bool,
}

/// How far the server's first frame has come, its SETTINGS (RFC 9113, section 3.4).
#[derive(Debug)]
enum First {
    Coming(Vec<u8>),
    Here,
}

impl Http2 {
    /// A client that has not sent anything; its preface is in the output.
    ///
    /// # Errors
    /// [`SecureError`], which nobody has seen: memory takes all that is written.
    pub fn new() -> Result<Self, SecureError> {
        let pipe = Rc::<RefCell<Pipe>>::default();
        let mut builder = Builder::new();
        builder
            .initial_window_size(STREAM_WINDOW)
            .initial_connection_window_size(WINDOW)
            .header_table_size(HEADER_TABLE)
            .max_header_list_size(HEADER_LIST)
            .enable_push(false);
        let opened = pin!(builder.handshake(End(Rc::clone(&pipe)))).poll(&mut context());
        let Poll::Ready(opened) = opened else {
            return Err(SecureError::Request("memory is never full"));
        };
        let (requests, connection) = opened?;
        Ok(Self {
            pipe,
            connection,
            requests,
            streams: Vec::new(),
            waiting: VecDeque::new(),
            count: 0,
            tunnel: None,
            first: First::Coming(Vec::new()),
            parts: Vec::new(),
            ended: false,
        })
    }

    /// Whether a WebSocket may be asked for; not yet while the server's settings have not come.
    pub(super) fn may_connect(&self) -> Result<bool, SecureError> {
        match self.first {
            First::Coming(_) => Ok(false),
            First::Here if self.requests.is_extended_connect_protocol_enabled() => Ok(true),
            First::Here => Err(SecureError::NoConnect),
        }
    }

    /// Takes in what arrived.
    pub fn receive(&mut self, plain: &[u8]) {
        if let First::Coming(start) = &mut self.first {
            start.extend_from_slice(plain);
            if start.len() >= FRAME_HEAD {
                let length = u32::from_be_bytes([0, start[0], start[1], start[2]]) as usize;
                if start.len() >= FRAME_HEAD + length {
                    self.first = First::Here;
                }
            }
        }
        self.pipe.borrow_mut().input.extend_from_slice(plain);
    }

    /// Takes what a client wrote: whole requests in HTTP/1.1, or what follows the one that opened a WebSocket.
    ///
    /// # Errors
    /// [`SecureError::Request`].
    pub fn send(&mut self, mut plain: &[u8]) -> Result<(), SecureError> {
        while !plain.is_empty() {
            if let Some(tunnel) = self.tunnel {
                let mut streams = self.streams.iter_mut();
                if let Some(stream) = streams.find(|stream| stream.request == tunnel) {
                    stream.unsent.extend_from_slice(plain);
                }
                return Ok(());
            }
            let read = request::read(plain)?;
            plain = &plain[read.length..];
            if read.upgrades {
                self.tunnel = Some(self.count);
            }
            self.waiting.push_back((self.count, read));
            self.count += 1;
        }
        Ok(())
    }

    /// Bytes of bodies and frames that wait for room at the server.
    #[must_use]
    pub fn held(&self) -> usize {
        let unsent = self.streams.iter().map(|stream| stream.unsent.len());
        let waiting = self.waiting.iter().map(|(_, read)| read.length);
        unsent.sum::<usize>() + waiting.sum::<usize>()
    }

    /// Whether the server has ended the connection or a stream of it, in whatever way: nothing more comes of it.
    #[must_use]
    pub fn has_ended(&self) -> bool {
        self.ended
    }

    /// What has come of answers since the last time.
    pub fn take_parts(&mut self) -> Vec<Part> {
        std::mem::take(&mut self.parts)
    }

    /// Gives what is to be sent.
    pub fn take_output(&mut self, take: impl FnOnce(&[u8])) {
        let output = std::mem::take(&mut self.pipe.borrow_mut().output);
        if !output.is_empty() {
            take(&output);
        }
    }

    /// Lets the protocol do what it can with what it has.
    ///
    /// # Errors
    /// [`SecureError::Http2`], when the server breaks the protocol.
    pub fn go_on(&mut self) -> Result<(), SecureError> {
        loop {
            self.poll()?;
            let mut moved = self.open();
            for stream in &mut self.streams {
                moved |= stream.send_on();
                let went_on = stream.receive_on(&mut self.parts);
                moved |= went_on == Ok(true);
                self.ended |= went_on.is_err();
            }
            self.streams.retain(|stream| !stream.is_over());
            if !moved || self.ended {
                return Ok(());
            }
        }
    }

    /// Ends the connection with a word to the server; gives what is to be sent.
    pub(super) fn end(self) -> Vec<u8> {
        let Self {
            pipe,
            mut connection,
            requests,
            streams,
            ..
        } = self;
        // Without anybody who could ask for more, the connection says goodbye.
        drop((requests, streams));
        let _ = pin!(&mut connection).poll(&mut context());
        std::mem::take(&mut pipe.borrow_mut().output)
    }

    fn poll(&mut self) -> Result<(), SecureError> {
        if self.ended {
            return Ok(());
        }
        match pin!(&mut self.connection).poll(&mut context()) {
            Poll::Pending => Ok(()),
            Poll::Ready(Err(error)) if error.is_library() => Err(error.into()),
            // A GOAWAY whatever its reason.
            Poll::Ready(_) => {
                self.ended = true;
                Ok(())
            }
        }
    }

    /// Sends the requests that the server has room for; gives whether there were any.
    fn open(&mut self) -> bool {
        let before = self.waiting.len();
        while !self.waiting.is_empty() && !self.ended {
            match self.requests.poll_ready(&mut context()) {
                Poll::Pending => break,
                Poll::Ready(Err(_)) => self.ended = true,
                Poll::Ready(Ok(())) => self.open_next(),
            }
        }
        self.waiting.len() < before
    }

    fn open_next(&mut self) {
        let Some((request, read)) = self.waiting.pop_front() else {
            return;
        };
        let ends = read.body.is_empty() && !read.upgrades;
        match self.requests.send_request(read.request, ends) {
            Ok((head, send)) => self.streams.push(Stream {
                request,
                head: Some(head),
                body: None,
                send,
                unsent: read.body.into(),
                endless: read.upgrades,
            }),
            Err(_) => self.ended = true,
        }
    }
}

impl Stream {
    /// Sends what the server has room for; gives whether that was anything.
    fn send_on(&mut self) -> bool {
        if self.unsent.is_empty() {
            return false;
        }
        self.send.reserve_capacity(self.unsent.len());
        let room = self.send.capacity().min(self.unsent.len());
        if room == 0 {
            return false;
        }
        let bytes = self.unsent.split_to(room).freeze();
        let ends = self.unsent.is_empty() && !self.endless;
        self.send.send_data(bytes, ends).is_ok()
    }

    /// Gives what has come of the answer; an error when the server has given it up.
    fn receive_on(&mut self, parts: &mut Vec<Part>) -> Result<bool, ()> {
        let request = self.request;
        let mut put = |content| parts.push(Part { request, content });
        let mut moved = false;
        if let Some(head) = &mut self.head {
            let Poll::Ready(answer) = pin!(head).poll(&mut context()) else {
                return Ok(false);
            };
            let (head, body) = answer.map_err(|_| ())?.into_parts();
            put(Content::Head(Head::of(head.status, &head.headers)));
            (self.head, self.body) = (None, Some(body));
            moved = true;
        }
        while let Some(body) = &mut self.body {
            match body.poll_data(&mut context()) {
                Poll::Pending => break,
                Poll::Ready(Some(Ok(bytes))) => {
                    // What is read is read: the server may send as much again.
                    let _ = body.flow_control().release_capacity(bytes.len());
                    if !bytes.is_empty() {
                        put(Content::Body(bytes));
                    }
                }
                Poll::Ready(Some(Err(_))) => return Err(()),
                Poll::Ready(None) => {
                    put(Content::End);
                    self.body = None;
                }
            }
            moved = true;
        }
        Ok(moved)
    }

    /// Whether the answer is complete; what the server did not care to read of the request goes with it.
    fn is_over(&self) -> bool {
        self.head.is_none() && self.body.is_none()
    }
}

/// Whoever polls does so until nothing moves, and again when there is something new.
fn context() -> Context<'static> {
    Context::from_waker(Waker::noop())
}
