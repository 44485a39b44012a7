//! The clocks of a WebSocket: when it is silent for too long, and who is to blame.

use tokio::time::Instant;

use super::earlier;
use crate::settings::Settings;

/// When what happened last on one socket.
#[derive(Debug)]
pub(super) struct Pulse {
    written: Instant,
    /// When the first ping was sent that nothing has come after.
    pinged: Option<Instant>,
    /// When a message began whose end has not come.
    begun: Option<Instant>,
    /// When the token that it was admitted by ends.
    until: Option<Instant>,
}

/// How much of a message came in a turn.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Heard {
    /// Nothing is left unfinished.
    Whole,
    /// A message is unfinished; `anew` when others ended in the same turn, so that it is not the one before.
    Part { anew: bool },
}

/// What it is time for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    /// Nothing yet.
    Nothing,
    /// A heartbeat.
    Ping,
    /// To end: no ping was answered.
    NoPong,
    /// To end: a message did not arrive in time.
    Unfinished,
}

impl Pulse {
    pub(super) fn new(until: Option<Instant>) -> Self {
        Self {
            written: Instant::now(),
            pinged: None,
            begun: None,
            until,
        }
    }

    /// Notes that something was written.
    pub(super) fn wrote(&mut self) {
        self.written = Instant::now();
    }

    /// Notes that a ping is sent.
    pub(super) fn ping(&mut self) {
        self.written = Instant::now();
        self.pinged.get_or_insert(self.written);
    }

    /// Notes that the client has sent something. Whatever it was, the client is there.
    pub(super) fn heard(&mut self, heard: Heard) {
        self.pinged = None;
        self.begun = match heard {
            Heard::Whole => None,
            Heard::Part { anew: true } => Some(Instant::now()),
            Heard::Part { anew: false } => self.begun.or_else(|| Some(Instant::now())),
        };
    }

    /// Notes that it could not be heard, as nothing was read.
    pub(super) fn excuse(&mut self) {
        let anew = |since: Option<Instant>| since.map(|_| Instant::now());
        (self.pinged, self.begun) = (anew(self.pinged), anew(self.begun));
    }

    /// Gives the instant at which to ask what is due.
    pub(super) fn next(&self, settings: &Settings) -> Instant {
        let beat = earlier(self.written + settings.heartbeat, self.until);
        let pong = self.pinged.map(|at| at + settings.pong_deadline);
        let message = self.begun.map(|at| at + settings.body_deadline);
        earlier(earlier(beat, pong), message)
    }

    pub(super) fn due(&self, settings: &Settings) -> Due {
        let over = |since: Option<Instant>, limit| since.is_some_and(|at| at.elapsed() >= limit);
        if over(self.pinged, settings.pong_deadline) {
            Due::NoPong
        } else if over(self.begun, settings.body_deadline) {
            Due::Unfinished
        } else if self.written.elapsed() >= settings.heartbeat {
            Due::Ping
        } else {
            Due::Nothing
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn settings() -> Settings {
        Settings {
            heartbeat: 10 * SECOND,
            pong_deadline: 15 * SECOND,
            body_deadline: 12 * SECOND,
            ..Settings::default()
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_silent_client_is_asked_and_given_up_and_one_that_answers_is_not() {
        let (settings, mut pulse) = (settings(), Pulse::new(None));
        assert_eq!(pulse.due(&settings), Due::Nothing);
        advance(10 * SECOND).await;
        assert_eq!(pulse.due(&settings), Due::Ping);
        pulse.ping();
        advance(10 * SECOND).await;
        assert_eq!(pulse.due(&settings), Due::Ping, "heartbeats go on");
        pulse.ping();
        assert_eq!(pulse.next(&settings), Instant::now() + 5 * SECOND);
        advance(5 * SECOND).await;
        assert_eq!(pulse.due(&settings), Due::NoPong, "from the first ping");
        pulse.heard(Heard::Whole);
        assert_eq!(pulse.due(&settings), Due::Nothing);
    }

    #[tokio::test(start_paused = true)]
    async fn a_message_in_pieces_has_its_time_and_the_next_one_too() {
        let (settings, mut pulse) = (settings(), Pulse::new(None));
        for second in 0..12 {
            assert_eq!(pulse.due(&settings), Due::Nothing, "{second}");
            pulse.heard(Heard::Part { anew: false });
            advance(SECOND).await;
            pulse.wrote();
        }
        assert_eq!(pulse.due(&settings), Due::Unfinished);
        pulse.heard(Heard::Part { anew: true });
        assert_eq!(pulse.due(&settings), Due::Nothing);
        advance(12 * SECOND).await;
        assert_eq!(pulse.due(&settings), Due::Unfinished);
    }
}
