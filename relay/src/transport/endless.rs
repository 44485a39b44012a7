//! A response that does not end: what streaming and server-sent events have in common.

use std::pin::pin;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderValue};
use http::{StatusCode, Version};
use tokio::time::{Instant, sleep_until};

use super::reply::{self, RELAY_NEXT, Refusal};
use super::{After, Read, earlier, encode, failed, given, is_past, is_too_slow};
use crate::log::{Batch, Reader, Wait};
use crate::message::{self, Message};
use crate::metrics::{Closed, Transport};
use crate::socket::{Outgoing, Patience, Socket, WriteError};
use crate::state::State;

/// The most bytes a client may send on a connection that only the relay speaks on.
const IGNORED: usize = 64 * 1024;

/// How one transport writes what happens. Everything is a whole HTTP chunk.
#[derive(Debug)]
pub(super) struct Form {
    pub(super) transport: Transport,
    pub(super) content_type: &'static str,
    pub(super) form: message::Form,
    pub(super) message: fn(&Message) -> Bytes,
    /// Called for a batch with a loss, before its messages.
    pub(super) missed: fn(&Batch) -> Bytes,
    pub(super) heartbeat: &'static [u8],
}

/// An endless response and its reader.
#[derive(Debug)]
pub(crate) struct Endless {
    form: &'static Form,
    reader: Reader,
    out: Outgoing,
    /// For HTTP/2, where it is not bytes of ours.
    head: Option<Box<HeaderMap>>,
    chunked: bool,
    /// When the token that it was admitted by ends.
    until: Option<Instant>,
}

impl Endless {
    /// Opens the reader and prepares the head; `first` makes what comes before any message.
    pub(super) fn open(
        state: &State,
        read: Read,
        form: &'static Form,
        first: impl FnOnce(&Reader) -> Bytes,
    ) -> Result<Self, Refusal> {
        let mut reader = state.log.open(&read.channel, read.start)?;
        reader.bound_lag();
        // A client of HTTP/1.0 knows no chunks: the end of the connection is the end of the body.
        let chunked = read.version == Version::HTTP_11;
        let framed = read.version == Version::HTTP_2;
        let mut headers = HeaderMap::new();
        let fixed = [
            (header::CONTENT_TYPE, form.content_type),
            (header::CACHE_CONTROL, "no-store"),
            (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            (header::HeaderName::from_static("x-accel-buffering"), "no"),
        ];
        headers.extend(fixed.map(|(name, value)| (name, HeaderValue::from_static(value))));
        if chunked {
            let value = HeaderValue::from_static("chunked");
            headers.insert(header::TRANSFER_ENCODING, value);
        } else if !framed {
            headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        }
        headers.insert(RELAY_NEXT, reply::position_value(reader.position()));
        headers.extend(read.headers);
        let mut endless = Self {
            form,
            reader,
            out: Outgoing::default(),
            head: None,
            chunked,
            until: read.pass.until(),
        };
        if framed {
            endless.head = Some(Box::new(headers));
        } else {
            let head = reply::head(StatusCode::OK, &headers, None);
            endless.out.push(head.into());
        }
        let first = first(&endless.reader);
        endless.push(first);
        Ok(endless)
    }

    pub(super) fn take_head(&mut self) -> Option<Box<HeaderMap>> {
        self.head.take()
    }

    /// Writes messages as they come until the client goes, its token ends or the relay stops.
    pub(super) async fn run(mut self, mut socket: Socket, state: &State) -> After {
        let _counted = state.subscribed(self.form.transport);
        let heartbeat = state.settings.heartbeat;
        let (mut written, mut ignored) = (Instant::now(), 0);
        let mut beat = pin!(sleep_until(earlier(written + heartbeat, self.until)));
        let reason = loop {
            if let Err(error) = self.flush(&mut socket, state, &mut written).await {
                return failed(&error);
            }
            if is_past(self.until) {
                break Closed::Expired;
            }
            // Each arm is cancel-safe: `next` moves only when it returns, and what `read` takes is dropped.
            tokio::select! {
                biased;
                batch = self.reader.next(Wait::Forever) => match batch {
                    Some(batch) if is_too_slow(state, &batch) => break Closed::SlowReader,
                    Some(batch) => {
                        let bytes = self.take(state, &batch);
                        given(state, socket.allowance(), bytes).await;
                    }
                    None => break Closed::Shutdown,
                },
                read = socket.read(|_| ()) => match read {
                    Ok(0) | Err(_) => return After::Gone(Closed::Client),
                    Ok(count) if ignored + count > IGNORED => return After::Gone(Closed::TooLarge),
                    Ok(count) => ignored += count,
                },
                () = &mut beat => {
                    if written.elapsed() >= heartbeat {
                        self.push(Bytes::from_static(self.form.heartbeat));
                        beat.as_mut().reset(earlier(Instant::now() + heartbeat, self.until));
                    } else {
                        beat.as_mut().reset(earlier(written + heartbeat, self.until));
                    }
                }
            }
        };
        if self.chunked {
            self.out.push(Bytes::from_static(encode::LAST_CHUNK));
        }
        match self
            .out
            .flush(&mut socket, Patience::of(&state.settings))
            .await
        {
            Ok(()) => After::Linger(socket, reason),
            Err(error) => failed(&error),
        }
    }

    async fn flush(
        &mut self,
        socket: &mut Socket,
        state: &State,
        written: &mut Instant,
    ) -> Result<(), WriteError> {
        if !self.out.is_empty() {
            self.out
                .flush(socket, Patience::of(&state.settings))
                .await?;
            *written = Instant::now();
        }
        Ok(())
    }

    /// Prepares what is to be written, and gives how many bytes of messages that is.
    fn take(&mut self, state: &State, batch: &Batch) -> usize {
        if let Some(missed) = batch.missed {
            state.metrics.missed(missed);
            self.push((self.form.missed)(batch));
        }
        let mut bytes = 0;
        if self.chunked {
            let form = (self.form.form, self.form.message);
            bytes = encode::push_all(&mut self.out, &batch.messages, form);
        } else {
            for message in batch.messages.iter() {
                let chunk = (self.form.message)(message);
                bytes += chunk.len();
                self.push(chunk);
            }
        }
        state
            .metrics
            .delivered(self.form.transport, batch.messages.len(), bytes);
        bytes
    }

    fn push(&mut self, chunk: Bytes) {
        self.out.push(if self.chunked {
            chunk
        } else {
            encode::unchunk(&chunk)
        });
    }
}
