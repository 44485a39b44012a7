//! Emulated links: in process, for each connection, without root.
//!
//! `pipe` computes, `line` holds back, `wheel` tells the time. A connection over a link costs memory
//! and a timer; one without pays nothing for them.

mod line;
mod pipe;
#[cfg(test)]
mod tests;
mod wheel;

use std::io;
use std::net::TcpStream;
use std::rc::Rc;

pub(super) use line::Line;
use pipe::Pipe;
pub use wheel::Wheel;

use crate::clock::Moment;
use crate::reactor::Watched;
use crate::scenario::Link;

/// What a connection over a link needs.
#[derive(Debug, Clone)]
pub struct Over {
    /// The link.
    pub link: Link,
    /// Draws jitter and loss: the same seed gives the same fate to the same bytes.
    pub seed: u64,
    /// The clockwork of the thread.
    pub wheel: Rc<Wheel>,
}

/// A connection that is being opened over a link.
pub(super) struct Opening {
    wheel: Rc<Wheel>,
    down: Pipe,
    up: Pipe,
}

impl Opening {
    pub(super) fn new(over: Over) -> Self {
        let (down, up) = Pipe::pair(&over.link, over.seed);
        Self {
            wheel: over.wheel,
            down,
            up,
        }
    }

    /// Waits until the SYN, sent now, is at the server.
    pub(super) async fn ask(&mut self) -> io::Result<()> {
        let at = self.up.handshake(Moment::now());
        self.wheel.until(at).await
    }

    /// Waits until the server's answer, sent now, is at the client.
    pub(super) async fn hear(&mut self) -> io::Result<()> {
        let at = self.down.handshake(Moment::now());
        self.wheel.until(at).await
    }

    pub(super) fn open(self, io: Watched<TcpStream>) -> Rc<Line> {
        Line::new(io, self.wheel, self.down, self.up)
    }
}
