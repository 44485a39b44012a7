//! Publishing: from bytes to a place in the log.

use crate::log::AppendError;
use crate::message::{ChannelName, Payload, PayloadError, Position};
use crate::state::State;

/// The reason nothing was published.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PublishError {
    /// The message is not one the relay forwards.
    #[error(transparent)]
    Payload(#[from] PayloadError),
    /// The log did not take it.
    #[error(transparent)]
    Append(#[from] AppendError),
}

/// Checks a message and appends it to a channel's log; its readers wake.
pub(crate) async fn publish(
    state: &State,
    channel: &ChannelName,
    raw: &[u8],
) -> Result<Position, PublishError> {
    let payload = Payload::parse(raw, state.settings.max_body)?;
    let position = state.log.append(channel, payload).await?;
    state.metrics.published();
    Ok(position)
}
