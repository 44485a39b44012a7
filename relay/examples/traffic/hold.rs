//! Connections that only listen.

use std::io;
use std::time::Duration;

use clap::Args;
use tokio::time::{Instant, sleep_until, timeout};

use crate::follower::HANDSHAKE;
use crate::time;
use crate::wire::{Relay, Wire};

/// How long an answer may take before it counts as none.
const PATIENCE: Duration = Duration::from_secs(3);

/// Opens connections and holds them.
#[derive(Debug, Args)]
pub(crate) struct Hold {
    /// The transport, or `idle` for connections that have asked once
    #[arg(long, value_name = "NAME", default_value = "sse", value_parser = ["idle", "long-polling", "streaming", "sse", "websocket"])]
    by: String,
    /// How many
    #[arg(long, value_name = "COUNT", default_value = "100")]
    connections: usize,
    /// For how long, counted from the start
    #[arg(long, value_name = "TIME", default_value = "5s", value_parser = time)]
    time: Duration,
}

impl Hold {
    pub(crate) async fn run(self, relay: Relay) -> bool {
        let end = Instant::now() + self.time;
        let (mut held, mut refused, mut silent, mut cut) = (Vec::new(), 0, Vec::new(), 0);
        for _ in 0..self.connections {
            match listen(relay, &self.by).await {
                Ok((wire, Some(101 | 200 | 204))) => held.push(wire),
                Ok((_, Some(_))) => refused += 1,
                // It may be answered yet: nobody has taken it.
                Ok((wire, None)) => silent.push(wire),
                Err(_) => cut += 1,
            }
            if silent.len() > 20 {
                break;
            }
        }
        println!(
            "TOTAL held={} refused={refused} silent={} cut={cut}",
            held.len(),
            silent.len()
        );
        sleep_until(end).await;
        true
    }
}

/// Opens a connection and gives the status of its answer, or none within the patience.
async fn listen(relay: Relay, by: &str) -> io::Result<(Wire, Option<u16>)> {
    let mut wire = Wire::open(relay).await?;
    let (path, fields) = match by {
        "idle" => ("messages", ""),
        "streaming" => ("stream", ""),
        "sse" => ("events", ""),
        "websocket" => ("socket", HANDSHAKE),
        _ => {
            // Its answer is what it waits for.
            wire.ask("/channels/held/messages?wait=5s", "").await?;
            return Ok((wire, Some(200)));
        }
    };
    let path = format!("/channels/held/{path}");
    let status = match timeout(PATIENCE, wire.get(&path, fields)).await {
        Ok(head) => Some(head?.status),
        Err(_) => None,
    };
    Ok((wire, status))
}
