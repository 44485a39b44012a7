//! Streaming: one endless response, a line of JSON for each message.

use bytes::Bytes;

use super::endless::{Endless, Form};
use super::reply::Refusal;
use super::{Read, Waiting, encode};
use crate::log::Batch;
use crate::message;
use crate::metrics::Transport;
use crate::state::State;

static FORM: Form = Form {
    transport: Transport::Streaming,
    content_type: "application/x-ndjson",
    form: message::Form::Line,
    message: encode::line,
    missed,
    heartbeat: b"1\r\n\n\r\n",
};

/// Begins a stream.
pub(crate) fn begin(state: &State, read: Read) -> Result<Waiting, Refusal> {
    Endless::open(state, read, &FORM, |_| Bytes::new()).map(Waiting::Endless)
}

fn missed(batch: &Batch) -> Bytes {
    batch
        .missed
        .map(|missed| encode::chunk(&[encode::missed_object(missed).as_bytes(), b"\n"]))
        .unwrap_or_default()
}
