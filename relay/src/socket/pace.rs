//! How long a client may take for what is written to it.

use std::time::Duration;

use tokio::time::Instant;

use crate::settings::Settings;

/// What a client that reads slowly is given.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Patience {
    /// The longest pause in which it takes nothing, and a grace for its rate.
    pause: Duration,
    /// Bytes a second that it must take in the long run.
    rate: usize,
}

/// One write that could not be done at once, from then on.
///
/// A pause alone bounds nothing: a client that takes a few bytes whenever it is about to end holds its
/// connection for ever. So each byte taken buys time, and only as much as the least rate is worth.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pace {
    patience: Patience,
    begun: Instant,
    moved: Instant,
    taken: u64,
}

impl Patience {
    pub(crate) fn of(settings: &Settings) -> Self {
        Self {
            pause: settings.write_deadline,
            rate: settings.min_rate,
        }
    }

    pub(crate) fn begin(self) -> Pace {
        let now = Instant::now();
        Pace {
            patience: self,
            begun: now,
            moved: now,
            taken: 0,
        }
    }
}

impl Pace {
    /// Goes on after a time in which there was nothing to take, which does not count.
    pub(crate) fn resume(&mut self) {
        let now = Instant::now();
        self.begun += now.duration_since(self.moved);
        self.moved = now;
    }

    /// Notes that the client has taken bytes.
    pub(crate) fn took(&mut self, bytes: usize) {
        self.taken += bytes as u64;
        self.moved = Instant::now();
    }

    /// Gives the instant by which it must take more.
    pub(crate) fn deadline(&self) -> Instant {
        let pause = self.moved + self.patience.pause;
        match self.patience.rate as u64 {
            0 => pause,
            rate => {
                let worth = Duration::from_secs(self.taken / rate)
                    + Duration::from_secs(1).mul_f64((self.taken % rate) as f64 / rate as f64);
                pause.min(self.begun + self.patience.pause + worth)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::advance;

    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn patience() -> Patience {
        Patience {
            pause: 10 * SECOND,
            rate: 1000,
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_dribble_buys_no_time() {
        let (begun, mut pace) = (Instant::now(), patience().begin());
        for _ in 0..9 {
            advance(SECOND).await;
            pace.took(10);
        }
        assert_eq!(pace.deadline() - begun, 10 * SECOND + SECOND.mul_f64(0.09));
    }

    #[tokio::test(start_paused = true)]
    async fn a_slow_line_is_waited_for_but_no_long_pause() {
        let (begun, mut pace) = (Instant::now(), patience().begin());
        for second in 1..100 {
            advance(SECOND).await;
            pace.took(1200);
            assert_eq!(pace.deadline() - begun, (second + 10) * SECOND);
        }
        advance(11 * SECOND).await;
        assert!(pace.deadline() < Instant::now());
    }

    #[tokio::test(start_paused = true)]
    async fn the_time_between_two_writes_is_not_the_clients() {
        let mut pace = patience().begin();
        advance(9 * SECOND).await;
        pace.took(10);
        advance(100 * SECOND).await;
        pace.resume();
        let left = pace.deadline() - Instant::now();
        assert_eq!(left, SECOND + SECOND.mul_f64(0.01));
    }
}
