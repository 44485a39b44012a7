//! The one deadline of an HTTP/2 connection: which it is depends on what it is busy with.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep};

use crate::metrics::Closed;
use crate::settings::Settings;
use crate::socket::{self, Patience};

/// Longer than anything is waited for.
const FAR: Duration = Duration::from_secs(24 * 60 * 60);

/// What a connection is busy with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Busy {
    /// The client is to take what was written; the number is of all bytes that were, and grows as it takes them.
    pub(super) writing: Option<u64>,
    /// Requests are being answered, or wait: they have deadlines of their own.
    pub(super) streams: bool,
    /// The client was told that the connection ends.
    pub(super) ending: bool,
    /// How many requests have come.
    pub(super) requests: u64,
}

/// Watches that a connection moves on.
pub(super) struct Pace {
    header: Duration,
    keep_alive: Duration,
    write: Duration,
    patience: Patience,
    /// While the client is to take what was written: how many bytes were when last seen, and what time it has left. What
    /// it asks for meanwhile buys it none.
    writing: Option<(u64, socket::Pace)>,
    busy: Option<Busy>,
    at: Instant,
    /// The end of what has begun to come while there was nothing to do.
    whole: Option<Instant>,
    /// Set anew only when it fires early: most changes move only `at`.
    timer: Pin<Box<Sleep>>,
}

impl Pace {
    pub(super) fn new(settings: &Settings) -> Self {
        Self {
            header: settings.header_deadline,
            keep_alive: settings.keep_alive,
            write: settings.write_deadline,
            patience: Patience::of(settings),
            writing: None,
            busy: None,
            at: Instant::now() + FAR,
            whole: None,
            timer: Box::pin(sleep(FAR)),
        }
    }

    /// Is ready with the reason when the connection has been busy with the same for too long, or when a head, or any frame,
    /// is `unfinished` for too long.
    pub(super) fn poll(
        &mut self,
        busy: Busy,
        unfinished: bool,
        cx: &mut Context<'_>,
    ) -> Poll<Closed> {
        let (allowed, reason) = self.allowed(busy);
        if let Some(written) = busy.writing {
            self.at = self.taken_by(written);
        } else if self.busy != Some(busy) {
            self.writing = None;
            self.at = Instant::now() + allowed;
        }
        self.busy = Some(busy);
        let (at, reason) = match self.whole_by(busy, unfinished) {
            Some(at) if at < self.at => (at, Closed::HeaderDeadline),
            _ => (self.at, reason),
        };
        if at < self.timer.deadline() {
            self.timer.as_mut().reset(at);
        }
        while self.timer.as_mut().poll(cx).is_ready() {
            if Instant::now() >= at {
                return Poll::Ready(reason);
            }
            self.timer.as_mut().reset(at);
        }
        Poll::Pending
    }

    /// Gives the instant by which the client must take more of what was written.
    fn taken_by(&mut self, written: u64) -> Instant {
        let begin = || (written, self.patience.begin());
        let (seen, pace) = self.writing.get_or_insert_with(begin);
        if written > *seen {
            pace.took(usize::try_from(written - *seen).unwrap_or(usize::MAX));
            *seen = written;
        }
        pace.deadline()
    }

    /// Gives the instant by which what has begun must be whole. While requests are open it may take as long as they do.
    fn whole_by(&mut self, busy: Busy, unfinished: bool) -> Option<Instant> {
        let alone = busy.writing.is_none() && !busy.streams && !busy.ending;
        if !unfinished || !alone {
            self.whole = None;
        } else if self.whole.is_none() {
            self.whole = Some(Instant::now() + self.header);
        }
        self.whole
    }

    fn allowed(&self, busy: Busy) -> (Duration, Closed) {
        match busy {
            Busy {
                writing: Some(_), ..
            } => (self.write, Closed::WriteDeadline),
            Busy { streams: true, .. } => (FAR, Closed::Finished),
            // It has nothing to do but to go.
            Busy { ending: true, .. } => (self.write, Closed::Finished),
            Busy { requests: 0, .. } => (self.header, Closed::HeaderDeadline),
            _ => (self.keep_alive, Closed::Finished),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const QUIET: Busy = Busy {
        writing: None,
        streams: false,
        ending: false,
        requests: 1,
    };

    async fn late(pace: &mut Pace, busy: Busy, within: Duration) -> Option<Closed> {
        let poll = std::future::poll_fn(|cx| pace.poll(busy, false, cx));
        tokio::time::timeout(within, poll).await.ok()
    }

    #[tokio::test(start_paused = true)]
    async fn what_moves_is_not_late() {
        let settings = Settings::default();
        let mut pace = Pace::new(&settings);
        let almost = settings.write_deadline - Duration::from_millis(1);
        let writing = |written: u64| Busy {
            writing: Some(written),
            ..QUIET
        };
        let rate = 64 * 1024;
        for step in 0..5 {
            let busy = writing(step * rate);
            assert_eq!(late(&mut pace, busy, almost).await, None, "step {step}");
        }
        // Requests that come meanwhile buy no time.
        let asking = |requests| Busy {
            requests,
            ..writing(5 * rate)
        };
        for requests in 1..3 {
            assert_eq!(late(&mut pace, asking(requests), almost / 3).await, None);
        }
        let end = late(&mut pace, asking(3), almost).await;
        assert_eq!(end, Some(Closed::WriteDeadline));
    }

    #[tokio::test(start_paused = true)]
    async fn a_dribble_is_late_too() {
        let settings = Settings::default();
        let mut pace = Pace::new(&settings);
        let mut end = None;
        for written in 0..10 {
            let busy = Busy {
                writing: Some(written),
                ..QUIET
            };
            end = end.or(late(&mut pace, busy, settings.write_deadline / 2).await);
        }
        assert_eq!(end, Some(Closed::WriteDeadline));
    }

    #[tokio::test(start_paused = true)]
    async fn silence_has_its_time_and_a_wait_has_none() {
        let settings = Settings::default();
        let mut pace = Pace::new(&settings);
        let waiting = Busy {
            streams: true,
            ..QUIET
        };
        let hours = Duration::from_secs(10 * 60 * 60);
        assert_eq!(late(&mut pace, waiting, hours).await, None);
        let end = late(&mut pace, QUIET, settings.keep_alive * 2).await;
        assert_eq!(end, Some(Closed::Finished));
        let new = Busy {
            requests: 0,
            ..QUIET
        };
        let end = late(&mut pace, new, settings.header_deadline * 2).await;
        assert_eq!(end, Some(Closed::HeaderDeadline));
    }

    #[tokio::test(start_paused = true)]
    async fn a_head_that_has_begun_has_the_time_of_a_head() {
        let settings = Settings::default();
        let mut pace = Pace::new(&settings);
        let mut end = None;
        // What comes of it buys no time.
        for _ in 0..4 {
            let poll = std::future::poll_fn(|cx| pace.poll(QUIET, true, cx));
            let within = settings.header_deadline / 3;
            end = end.or(tokio::time::timeout(within, poll).await.ok());
        }
        assert_eq!(end, Some(Closed::HeaderDeadline));
    }
}
