//! A real browser as a witness: the relay pages' own client code, beside the simulated clients.
//!
//! The browser follows some of a trial's channels with the very modules that the relay's pages use,
//! and notes when its code had each message. The stamps in the messages say when each was
//! due, on the host's monotonic clock, and the page's clock is tied to that one with a bound of the
//! error; so a delivery means the same on both sides, and the ledger that finds what was lost is the same code.
//! Bytes are the kernel's counters of the browser's sockets, read from outside.

mod book;
mod browser;
mod devtools;
mod driver;
mod fits;
mod page;
mod page_clock;
mod sockets;

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use thiserror::Error;

pub use browser::{Browser, BrowserError, Programs};
pub use fits::fits;

use crate::clock::Moment;
use crate::record::{Ranges, Window};
use crate::result::{TrialResult, WitnessedTrial};
use crate::scenario::{Load, Transport};
use page::{Order, Seen};
use page_clock::PageClock;
use sockets::Watch;

/// The most subscribers in one browser: it opens six connections to a host over HTTP/1.1, whatever
/// the number of its pages, and one must be free for the requests of the page itself.
pub const MOST_SUBSCRIBERS: usize = 5;
/// How often the browser's sockets are looked at.
const LOOK: Duration = Duration::from_secs(1);
/// How often the page is asked whether it has everything, after the measured phase.
const ASK: Duration = Duration::from_millis(200);
/// A message that comes again would come within this time after the last one.
const LINGER: Duration = Duration::from_millis(150);

/// Why the browser could not take part.
#[derive(Debug, Error)]
pub enum WitnessError {
    /// There is no browser.
    #[error(transparent)]
    Browser(#[from] BrowserError),
    /// It runs and the page does not do as it should.
    #[error("the browser's page failed: {0}")]
    Page(String),
    /// The page cannot follow the channels.
    #[error(
        "the browser cannot follow by {transport}: {reason}; its page is `{url}`, which a server other than the relay must serve too"
    )]
    Follow {
        /// How.
        transport: Transport,
        /// The client code of the relay's pages.
        url: String,
        /// What the browser says.
        reason: String,
    },
    /// Its clock cannot be tied to the host's.
    #[error("the page's clock cannot be tied to the host's: its readings contradict each other")]
    Clock,
}

/// Where a trial takes place.
#[derive(Debug)]
pub struct Place {
    /// Marks the trial's messages.
    pub run: u32,
    /// The server.
    pub server: SocketAddr,
    /// `host:port`, as clients write it.
    pub authority: String,
    /// The names of all channels.
    pub channels: Vec<String>,
    /// The load.
    pub load: Load,
}

/// A browser that takes part in trials, and what it saw.
#[derive(Debug)]
pub struct Witness {
    browser: Browser,
    subscribers: usize,
    visit: Option<Visit>,
    trials: Vec<WitnessedTrial>,
}

/// What is known of the trial in progress.
#[derive(Debug)]
struct Visit {
    place: Place,
    clock: PageClock,
    /// The bytes of the measured phase, while and after it is watched.
    traffic: Option<Traffic>,
    seen: Option<Seen>,
}

/// The browser's sockets, from one instant to another.
#[derive(Debug)]
struct Traffic {
    from: Moment,
    until: Moment,
    watch: io::Result<Watch>,
}

impl Witness {
    /// Takes a browser in, with so many subscribers in its page.
    #[must_use]
    pub fn new(browser: Browser, subscribers: usize) -> Self {
        Self {
            browser,
            subscribers: subscribers.clamp(1, MOST_SUBSCRIBERS),
            visit: None,
            trials: Vec::new(),
        }
    }

    /// Opens a page of the server and subscribes, one channel after another; returns when every subscriber can receive.
    ///
    /// Not cancel-safe, but whatever it leaves behind ends with the next trial's page.
    ///
    /// # Errors
    /// [`WitnessError`], within about a minute.
    pub async fn follow(&mut self, place: Place) -> Result<(), WitnessError> {
        let channels: Vec<String> = self
            .channels(&place)
            .map(|channel| place.channels[channel].clone())
            .collect();
        let order = Order {
            authority: &place.authority,
            transport: place.load.transport,
            channels: &channels,
            poll_interval: place.load.poll_interval,
        };
        let clock = page::follow(&self.browser, &order).await;
        let clock = clock.map_err(|error| self.because(error))?;
        self.visit = Some(Visit {
            place,
            clock,
            traffic: None,
            seen: None,
        });
        Ok(())
    }

    /// Deliveries that are to come when so many messages are published in each channel.
    #[must_use]
    pub fn expects(&self, published: &BTreeMap<u32, u64>) -> u64 {
        let Some(visit) = &self.visit else { return 0 };
        let of = |channel| published.get(&book::number(channel)).copied().unwrap_or(0);
        self.channels(&visit.place).map(of).sum()
    }

    /// Counts the browser's bytes in the measured phase. Never ends by itself, and may be dropped at any time.
    pub async fn attend(&mut self, window: Window) -> Infallible {
        until(window.measure).await;
        if let Some(visit) = &mut self.visit {
            let (group, server) = (self.browser.pid(), visit.place.server);
            let from = Moment::now();
            let traffic = visit.traffic.insert(Traffic {
                from,
                until: from,
                watch: Watch::begin(group, server),
            });
            while traffic.until < window.end {
                until((Moment::now() + LOOK).min(window.end)).await;
                traffic.look();
            }
        }
        std::future::pending().await
    }

    /// Waits until the page has `expected` messages, at most for `limit`, ends its subscribers and takes
    /// what they noted.
    ///
    /// # Errors
    /// [`WitnessError`].
    pub async fn leave(&mut self, expected: u64, limit: Duration) -> Result<(), WitnessError> {
        let left = self.part(expected, limit).await;
        left.map_err(|error| self.because(error))
    }

    async fn part(&mut self, expected: u64, limit: Duration) -> Result<(), WitnessError> {
        let client = &self.browser.client;
        let Some(visit) = &mut self.visit else {
            return Ok(());
        };
        let deadline = Moment::now() + limit;
        while page::count(client).await? < expected && Moment::now() < deadline {
            tokio::time::sleep(ASK).await;
        }
        tokio::time::sleep(LINGER).await;
        page::exchange(self.browser.devtools, &mut visit.clock).await?;
        visit.seen = Some(page::leave(client).await?);
        Ok(())
    }

    /// Books what the page noted, against what the server accepted: the sequence numbers by channel and publisher.
    ///
    /// Nothing is booked of a trial that the page has not seen to its end.
    ///
    /// # Errors
    /// [`WitnessError::Clock`].
    pub fn conclude(
        &mut self,
        trial: &TrialResult,
        window: Window,
        accepted: &BTreeMap<(u32, u16), Ranges>,
    ) -> Result<(), WitnessError> {
        let Some(visit) = self.visit.take() else {
            return Ok(());
        };
        let channels: Vec<u32> = self.channels(&visit.place).map(book::number).collect();
        let Visit {
            place,
            clock,
            traffic,
            seen: Some(seen),
        } = visit
        else {
            return Ok(());
        };
        let notes = book::Notes {
            run: place.run,
            channels,
            clock: &clock,
            traffic: traffic.as_ref(),
            seen: &seen,
        };
        self.trials.push(notes.conclude(trial, window, accepted)?);
        Ok(())
    }

    /// Name and version of the browser.
    #[must_use]
    pub fn version(&self) -> &str {
        &self.browser.version
    }

    /// Ends the browser; gives what it saw of each trial.
    pub async fn quit(self) -> Vec<WitnessedTrial> {
        self.browser.quit().await;
        self.trials
    }

    /// The channel of each subscriber.
    fn channels(&self, place: &Place) -> impl Iterator<Item = usize> + use<> {
        let channels = place.channels.len();
        (0..self.subscribers).map(move |subscriber| subscriber % channels)
    }

    /// A command that failed because the browser is gone says so.
    fn because(&mut self, error: WitnessError) -> WitnessError {
        match self.browser.ended() {
            Some(how) => WitnessError::Page(how),
            None => error,
        }
    }
}

impl Traffic {
    fn look(&mut self) {
        if let Ok(watch) = &mut self.watch
            && let Err(error) = watch.look()
        {
            self.watch = Err(error);
        }
        self.until = Moment::now();
    }
}

async fn until(moment: Moment) {
    let left = u64::try_from(moment.since(Moment::now())).unwrap_or(0);
    tokio::time::sleep(Duration::from_nanos(left)).await;
}
