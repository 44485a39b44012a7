//! A publisher of one channel: one message after the other, each with its number.

use std::io;
use std::time::Duration;

use tokio::time::{Instant, MissedTickBehavior, interval, sleep};

use crate::ledger::{Fate, Published};
use crate::relays::Relays;
use crate::wire::{Wire, broken};

/// How long to wait before dialling again.
const AGAIN: Duration = Duration::from_millis(20);

/// How a publisher speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum By {
    Post,
    Socket,
}

/// What it needs to know.
pub(crate) struct Publisher<'a> {
    pub(crate) relays: Relays,
    pub(crate) channel: String,
    pub(crate) by: By,
    pub(crate) pause: Duration,
    pub(crate) book: &'a std::cell::RefCell<Published>,
    /// The longest time from one answer to the next.
    pub(crate) longest: &'a std::cell::Cell<Duration>,
}

impl Publisher<'_> {
    /// Publishes for a while; what it has begun it ends.
    pub(crate) async fn run(&self, time: Duration) {
        let end = Instant::now() + time;
        let mut ticks = interval(self.pause);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut wire = None;
        let mut answered = Instant::now();
        loop {
            ticks.tick().await;
            if Instant::now() >= end {
                return;
            }
            // Nothing is sent before there is a connection, so this much may be tried as often as one likes.
            wire = wire.take().and_then(Wire::if_open);
            let mut open = match wire.take() {
                Some(open) => open,
                None => loop {
                    match self.open().await {
                        Ok(open) => break open,
                        Err(_) if Instant::now() >= end => return,
                        Err(_) => sleep(AGAIN).await,
                    }
                },
            };
            let number = self.book.borrow_mut().begin();
            // Without an answer nobody knows: the number is not used again.
            let Ok(fate) = self.publish(&mut open, number).await else {
                continue;
            };
            self.book.borrow_mut().end(number, fate);
            self.longest.set(self.longest.get().max(answered.elapsed()));
            answered = Instant::now();
            wire = Some(open);
        }
    }

    async fn open(&self) -> io::Result<Wire> {
        let mut wire = Wire::open(self.relays.next()).await?;
        if self.by == By::Socket {
            let path = format!("/channels/{}/socket?receive=false", self.channel);
            let head = wire.get(&path, super::follower::HANDSHAKE).await?;
            if head.status != 101 {
                return Err(broken("no socket"));
            }
        }
        Ok(wire)
    }

    async fn publish(&self, wire: &mut Wire, number: u64) -> io::Result<Fate> {
        let value = format!("{{\"n\":{number}}}");
        if self.by == By::Socket {
            let text = format!("{{\"publish\":{value},\"id\":{number}}}");
            wire.send_frame(1, text.as_bytes()).await?;
            loop {
                match wire.frame().await? {
                    (1, answer) if answer.starts_with(b"{\"published\"") => {
                        return Ok(Fate::Acknowledged);
                    }
                    (1, _) => return Ok(Fate::Refused),
                    (9, ping) => wire.send_frame(10, &ping).await?,
                    _ => return Err(broken("the socket closes")),
                }
            }
        }
        let request = format!(
            "POST /channels/{}/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{value}",
            self.channel,
            value.len()
        );
        wire.send(request.as_bytes()).await?;
        let head = wire.head().await?;
        wire.body(&head).await?;
        Ok(match head.status {
            201 => Fate::Acknowledged,
            _ => Fate::Refused,
        })
    }
}
