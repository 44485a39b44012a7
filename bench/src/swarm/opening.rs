//! What it takes in bytes to open a connection.

use serde::{Deserialize, Serialize};

use crate::net::{Socket, WireTotals};

use super::add;

/// Bytes of the first connections of clients, from dialling until each could receive, all together:
/// handshakes, the opening request, and its answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Opening {
    /// At the sockets, both directions; `None` once the kernel gave no counters.
    pub socket: Option<u64>,
    /// On the wire; `None` likewise.
    pub wire: Option<WireTotals>,
}

impl Default for Opening {
    fn default() -> Self {
        Self {
            socket: Some(0),
            wire: Some(WireTotals::default()),
        }
    }
}

impl Opening {
    /// With one more connection, over which a client can receive from now on.
    pub(super) fn with(self, socket: Option<&Socket>) -> Self {
        let passed = socket.and_then(|socket| socket.passed().ok());
        let (bytes, wire) = passed.unzip();
        Self {
            socket: self.socket.zip(bytes).map(|(all, one)| all + one),
            wire: add(self.wire, wire),
        }
    }

    /// Those of two threads.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self {
            socket: self.socket.zip(other.socket).map(|(one, two)| one + two),
            wire: add(self.wire, other.wire),
        }
    }
}
