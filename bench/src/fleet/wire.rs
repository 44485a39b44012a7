//! What the coordinator of a run and its workers say to each other, and how it is written.
//!
//! Messages are JSON, each behind its length: a person can read them off the wire, and what is binary in
//! nature (histograms) travels in its own well-known encoding. A hello names the version before anything else is said.

use std::io;
use std::net::SocketAddr;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use crate::record::{Ledger, Window};
use crate::swarm::{Assignment, Outage, PublishReport, Report, ShardReport, Standing, SwarmError};

/// The version of these messages; both sides must speak the same.
pub(super) const VERSION: u32 = 3;

/// The longest message, in bytes. Reports that could be longer are sent in pieces.
const LONGEST: usize = 64 << 20;

/// Ranges of ledgers, or outages, that go into one message.
const PIECE: usize = 8_000;

/// What a worker is to do.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Order {
    /// Prepare for a trial, and say so.
    Assign(Box<Duty>),
    /// Connect, spread over the ramp.
    Connect,
    /// The phases begin; the instants are on the fleet's clock.
    Run(Window),
    /// Close every connection and report.
    Finish,
}

/// A worker's part of a trial.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Duty {
    pub(super) assignment: Assignment,
    /// Hosts that may be loaded although they are not loopback.
    pub(super) allow_hosts: Vec<String>,
}

impl Duty {
    /// Leaves of the hosts that may be loaded those that `hosts` has, too; without any, all.
    pub(super) fn narrow(&mut self, hosts: &[String]) {
        if !hosts.is_empty() {
            self.allow_hosts.retain(|host| hosts.contains(host));
        }
    }
}

/// What a worker says.
#[derive(Debug, Serialize, Deserialize)]
pub(super) enum Said {
    /// Who it is, before anything else.
    Hello(Hello),
    /// It can do what it is assigned.
    Ready,
    /// It cannot, or will not.
    Refused(String),
    /// It lives; and how far it is.
    Beat(Beat),
    /// The order to run came so many nanoseconds after the start.
    Late(u64),
    /// A second of one of its threads.
    Second(Report),
    /// What a shard has to say at its end, without its ledgers and outages, which follow.
    Shard(Box<ShardReport>),
    /// More ledgers of the last shard.
    Ledgers(Vec<Ledger>),
    /// More outages of the last shard.
    Outages(Vec<Outage>),
    /// What the publisher has to say at its end.
    Published(Box<PublishReport>),
    /// All is said of this trial.
    Done,
    /// Its swarm could not work: all is said of this trial.
    Failed(Failure),
}

/// Who a worker is.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Hello {
    /// Of these messages. The only field that every version has.
    pub(super) version: u32,
    /// Of the program.
    #[serde(default)]
    pub(super) program: String,
    #[serde(default)]
    pub(super) pid: u32,
    /// Processors that it may use.
    #[serde(default)]
    pub(super) processors: usize,
    /// Files that it may open.
    #[serde(default)]
    pub(super) descriptors: u64,
    /// Ports that connections from one address to another may have; 0 when its kernel does not tell.
    #[serde(default)]
    pub(super) ports: u64,
    /// The same text for processes that share a loopback.
    #[serde(default)]
    pub(super) place: String,
}

impl Hello {
    /// Why it cannot be worked with, as the rest of a sentence about it.
    pub(super) fn unlike_ours(&self) -> Option<String> {
        (self.version != VERSION).then(|| {
            format!(
                "speaks version {} of the workers' messages (bench {}), and this bench {} speaks version {VERSION}: run the same bench on both sides",
                self.version,
                self.program,
                env!("CARGO_PKG_VERSION")
            )
        })
    }
}

/// A sign of life.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Beat {
    pub(super) standing: Standing,
    /// CPU time of its process so far, in nanoseconds.
    pub(super) cpu_ns: Option<u64>,
    /// The largest resident memory of its process, in bytes.
    pub(super) peak: Option<u64>,
}

/// Why a swarm could not work: a [`SwarmError`] that has travelled.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Failure {
    Thread(String),
    Publisher { server: SocketAddr, why: String },
    Panicked,
}

impl From<SwarmError> for Failure {
    fn from(error: SwarmError) -> Self {
        match error {
            SwarmError::Thread(source) => Self::Thread(source.to_string()),
            SwarmError::Publisher { server, source } => Self::Publisher {
                server,
                why: source.to_string(),
            },
            SwarmError::Panicked => Self::Panicked,
        }
    }
}

impl From<Failure> for SwarmError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Thread(why) => Self::Thread(io::Error::other(why)),
            Failure::Publisher { server, why } => Self::Publisher {
                server,
                source: io::Error::other(why),
            },
            Failure::Panicked => Self::Panicked,
        }
    }
}

/// A shard's report as messages, none of which is long.
pub(super) fn pieces(mut shard: ShardReport) -> Vec<Said> {
    let ledgers = std::mem::take(&mut shard.ledgers);
    let outages = std::mem::take(&mut shard.outages);
    let mut said = vec![Said::Shard(Box::new(shard))];
    let (mut piece, mut size) = (Vec::new(), 0);
    for ledger in ledgers {
        size += 1 + ledger.ranges();
        piece.push(ledger);
        if size >= PIECE {
            said.push(Said::Ledgers(std::mem::take(&mut piece)));
            size = 0;
        }
    }
    said.push(Said::Ledgers(piece));
    let pieces = outages.chunks(PIECE);
    said.extend(pieces.map(|piece| Said::Outages(piece.to_vec())));
    said
}

/// Why a message could not be read or written.
#[derive(Debug, Error)]
pub(super) enum WireError {
    #[error(transparent)]
    Io(#[from] io::Error),
    #[error("a message of {0} bytes, longer than {LONGEST}")]
    Long(usize),
    #[error("a message that is none: {0}")]
    Json(#[from] serde_json::Error),
}

/// Writes a message as it travels in a pipe.
pub(super) async fn write(
    to: &mut (impl AsyncWrite + Unpin),
    message: &impl Serialize,
) -> Result<(), WireError> {
    let mut bytes = vec![0; 4];
    serde_json::to_writer(&mut bytes, message)?;
    let length = bytes.len() - 4;
    let head = u32::try_from(length).ok().filter(|_| length <= LONGEST);
    bytes[..4].copy_from_slice(&head.ok_or(WireError::Long(length))?.to_le_bytes());
    Ok(to.write_all(&bytes).await?)
}

/// Reads the next message; `None` at the end of the pipe.
pub(super) async fn read<T: DeserializeOwned>(
    from: &mut (impl AsyncRead + Unpin),
) -> Result<Option<T>, WireError> {
    let mut head = [0; 4];
    match from.read_exact(&mut head).await {
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => return Ok(None),
        read => read?,
    };
    let length = u32::from_le_bytes(head) as usize;
    if length > LONGEST {
        return Err(WireError::Long(length));
    }
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes).await?;
    Ok(Some(serde_json::from_slice(&bytes)?))
}
