//! Polling: the client asks, and is answered at once with what there is.

use super::Read;
use super::batch;
use super::reply::{Refusal, Reply};
use crate::log::Wait;
use crate::metrics::Transport;
use crate::state::State;

/// Answers one poll.
pub(crate) async fn answer(state: &State, read: &Read) -> Result<Reply, Refusal> {
    let mut reader = state.log.open(&read.channel, read.start)?;
    reader.pick(read.pick);
    // A relay that shuts down answers once more, with nothing.
    let batch = reader
        .next(Wait::No)
        .await
        .unwrap_or_else(|| reader.nothing());
    Ok(batch::reply(&state.metrics, Transport::Polling, &batch))
}
