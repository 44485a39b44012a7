//! Server-sent events: one endless response that browsers read, and resume, by themselves.

use bytes::Bytes;

use super::endless::{Endless, Form};
use super::reply::Refusal;
use super::{Read, Waiting, encode};
use crate::log::{Batch, Start};
use crate::message;
use crate::metrics::Transport;
use crate::state::State;

static FORM: Form = Form {
    transport: Transport::Sse,
    content_type: "text/event-stream",
    form: message::Form::Event,
    message: encode::event,
    missed,
    heartbeat: b"3\r\n:\n\n\r\n",
};

/// Begins an event stream.
pub(crate) fn begin(state: &State, read: Read) -> Result<Waiting, Refusal> {
    let from_now = read.start == Start::Latest;
    let first = |reader: &crate::log::Reader| {
        // An id without data sets the position that a browser resumes from, and makes no event.
        let id = if from_now {
            format!("id: {}\n", reader.position())
        } else {
            String::new()
        };
        encode::chunk(&[b"retry: 1000\n", id.as_bytes(), b"\n"])
    };
    Endless::open(state, read, &FORM, first).map(Waiting::Endless)
}

fn missed(batch: &Batch) -> Bytes {
    let Some(missed) = batch.missed else {
        return Bytes::new();
    };
    let event = format!(
        "event: missed\ndata: {{\"reason\":\"{}\"}}\n\n",
        missed.reason()
    );
    // Without a message to follow, the browser must still learn where to resume from.
    let id = if batch.messages.is_empty() {
        format!("id: {}\n\n", batch.next)
    } else {
        String::new()
    };
    encode::chunk(&[event.as_bytes(), id.as_bytes()])
}
