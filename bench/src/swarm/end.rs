//! How a subscriber's connection ends, and how soon it dials again.

use std::io;
use std::time::Duration;

use thiserror::Error;

use crate::client::ClientError;
use crate::clock::Moment;

/// How long an answer may take beyond what was asked for.
pub(super) const ANSWER_LIMIT: Duration = Duration::from_secs(30);

/// The first wait before dialling again; doubles up to [`LONGEST_WAIT`].
pub(super) const FIRST_WAIT: Duration = Duration::from_millis(50);
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(2);

/// Why a connection came to its end.
#[derive(Debug, Error)]
pub(super) enum End {
    /// In good order: the server said so.
    #[error("the server ended the connection")]
    Asked,
    /// Without a word.
    #[error("the server closed the connection")]
    Closed,
    #[error("cannot connect: {0}")]
    Dial(#[source] io::Error),
    #[error("connection lost: {0}")]
    Lost(#[from] io::Error),
    #[error("no answer within {} s", ANSWER_LIMIT.as_secs())]
    Silent,
    #[error("cut by an event of the plan")]
    Cut(Moment),
    #[error("the server answered what was not asked")]
    Unasked,
    #[error(transparent)]
    Client(#[from] ClientError),
}
