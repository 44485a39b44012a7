//! Channels that are made and given up, as fast as they can be.

use std::io;
use std::time::Duration;

use clap::Args;
use tokio::time::{Instant, sleep};

use crate::wire::{Relay, Wire, broken};

/// Requests that are sent before an answer is read: it is a test of channels, not of round trips.
const AT_ONCE: usize = 64;
/// How long to wait for room where there is none.
const ROOM: Duration = Duration::from_millis(20);

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
    pub(crate) async fn run(self, relay: Relay) -> bool {
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

    /// Counts the channels made and the answers that there was no room yet; those are tried again.
    async fn make(self, relay: Relay) -> io::Result<(u64, u64)> {
        let mut wire = Wire::open(relay).await?;
        let (mut numbers, mut again) = (self.from..self.from + self.channels, Vec::new());
        let (mut made, mut refused) = (0, 0);
        loop {
            let some: Vec<u64> = again.drain(..).chain(&mut numbers).take(AT_ONCE).collect();
            if some.is_empty() {
                return Ok((made, refused));
            }
            let requests: String = some.iter().map(|number| request(*number)).collect();
            wire.send(requests.as_bytes()).await?;
            for number in some {
                let head = wire.head().await?;
                wire.body(&head).await?;
                match head.status {
                    201 | 204 => made += 1,
                    503 => again.push(number),
                    status => return Err(broken(&format!("status {status}"))),
                }
            }
            if !again.is_empty() {
                refused += again.len() as u64;
                sleep(ROOM).await;
            }
        }
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
