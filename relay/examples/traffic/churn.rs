//! Channels that are made and given up, as fast as they can be.

use std::io;
use std::net::SocketAddr;

use clap::Args;
use tokio::time::Instant;

use crate::wire::{Wire, broken};

/// Requests that are sent before an answer is read: it is a test of channels, not of round trips.
const AT_ONCE: u64 = 64;

/// Makes channels.
#[derive(Debug, Args)]
pub(crate) struct Churn {
    /// How many, each with a name of its own: one half by a message, the other by a reader
    #[arg(long, value_name = "COUNT", default_value = "20000")]
    channels: u64,
    /// The number of the first one's name
    #[arg(long, value_name = "NUMBER", default_value = "0")]
    from: u64,
}

impl Churn {
    pub(crate) async fn run(self, relay: SocketAddr) -> bool {
        let begun = Instant::now();
        match self.make(relay).await {
            Ok((made, refused)) => {
                let took = begun.elapsed().as_millis();
                println!("TOTAL made={made} refused={refused} took_ms={took}");
                true
            }
            Err(error) => {
                println!("TOTAL failed: {error}");
                false
            }
        }
    }

    /// Counts the channels made and those for which there was no room yet, which are tried again.
    async fn make(self, relay: SocketAddr) -> io::Result<(u64, u64)> {
        let mut wire = Wire::open(relay).await?;
        let (mut next, end, mut refused) = (self.from, self.from + self.channels, 0);
        while next < end {
            let some = AT_ONCE.min(end - next);
            let requests: String = (next..next + some).map(request).collect();
            wire.send(requests.as_bytes()).await?;
            for _ in 0..some {
                let head = wire.head().await?;
                wire.body(&head).await?;
                match head.status {
                    201 | 204 => next += 1,
                    503 => refused += 1,
                    status => return Err(broken(&format!("status {status}"))),
                }
            }
        }
        Ok((self.channels, refused))
    }
}

fn request(number: u64) -> String {
    if number.is_multiple_of(2) {
        format!(
            "POST /channels/churn.{number}/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n\
             Content-Length: 1\r\n\r\n1"
        )
    } else {
        format!("GET /channels/churn.{number}/messages HTTP/1.1\r\nHost: localhost\r\n\r\n")
    }
}
