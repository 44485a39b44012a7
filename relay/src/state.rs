//! What every part of one running relay shares.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::Semaphore;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::access::{Access, Allowance};
use crate::log::{Limit, Log, LogLimits, RingLimits};
use crate::metrics::{Metrics, Transport};
use crate::settings::Settings;
use crate::store::StartError;
use crate::tls::Tls;

/// What a server of this program is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// The relay; a copy of its chat page may stand at another address.
    Relay { copy: Option<SocketAddr> },
    /// The copy, which has no channels of its own.
    Copy { relay: SocketAddr },
    /// Every address is a WebSocket that gives each message back; there are no channels.
    Echo,
}

/// One relay's log, limits, counters and stop signal.
#[derive(Debug)]
pub(crate) struct State {
    pub(crate) log: Arc<Log>,
    pub(crate) access: Access,
    pub(crate) settings: Settings,
    pub(crate) metrics: Metrics,
    /// Cancelled when the relay begins to shut down: everything open ends in its proper way.
    pub(crate) stop: CancellationToken,
    pub(crate) started: Instant,
    /// Where it listens.
    pub(crate) address: SocketAddr,
    pub(crate) role: Role,
    /// None on a relay that speaks no TLS.
    pub(crate) tls: Option<Tls>,
    /// Taken by whoever makes the relay ask itself, for a page that shows the bytes.
    pub(crate) recording: Semaphore,
}

impl State {
    pub(crate) fn new(
        settings: Settings,
        address: SocketAddr,
        role: Role,
        log: Arc<Log>,
        tls: Option<Tls>,
    ) -> Self {
        Self {
            log,
            access: Access::new(settings.terms()),
            settings,
            metrics: Metrics::default(),
            stop: CancellationToken::new(),
            started: Instant::now(),
            address,
            role,
            tls,
            recording: Semaphore::new(1),
        }
    }

    /// Gives the scheme of the relay's URLs.
    pub(crate) fn scheme(&self) -> &'static str {
        if self.tls.is_some() { "https" } else { "http" }
    }

    /// Takes turns of an address. One that has used them up is to wait until the instant, which is counted, and said
    /// in the log once a minute.
    pub(crate) fn spend(&self, allowance: &Allowance, turns: u64) -> Option<Instant> {
        let until = allowance.spend(turns)?;
        self.metrics.throttled();
        if allowance.is_to_be_named() {
            let (address, rate) = (allowance.address(), allowance.rate());
            tracing::warn!(%address, rate, "asks for more than --request-rate-per-address: it is served at that rate");
        }
        Some(until)
    }

    /// Waits until an instant, but not when the relay stops.
    pub(crate) async fn wait(&self, until: Option<Instant>) {
        if let Some(until) = until {
            // Boxed: most never wait.
            let _ = Box::pin(self.stop.run_until_cancelled(sleep_until(until))).await;
        }
    }

    /// Counts a waiting client for as long as the guard lives.
    pub(crate) fn subscribed(&self, transport: Transport) -> Subscribed<'_> {
        self.metrics.subscribers(transport, 1);
        Subscribed {
            metrics: &self.metrics,
            transport,
        }
    }
}

/// Takes the log that the settings name: an empty one, or the one in the store with all that is kept there.
pub(crate) async fn open_log(settings: &Settings) -> Result<Arc<Log>, StartError> {
    let log = new_log(settings);
    let log = log.in_store(&settings.store, settings.max_body).await?;
    Ok(Arc::new(log))
}

/// Makes an empty log in memory within the limits.
pub(crate) fn empty_log(settings: &Settings) -> Arc<Log> {
    Arc::new(new_log(settings))
}

fn new_log(settings: &Settings) -> Log {
    let logs = LogLimits {
        channels: settings.max_channels,
        bytes: settings.log_bytes,
        behind: settings.slow_reader_bytes,
    };
    let ring = RingLimits {
        messages: settings.ring_messages,
        bytes: settings.ring_bytes,
        age: settings.ring_age,
    };
    let limit = Limit {
        messages: settings.reply_messages,
        bytes: settings.reply_bytes,
    };
    Log::new(logs, ring, limit)
}

/// One waiting client in the count of its transport.
#[derive(Debug)]
pub(crate) struct Subscribed<'a> {
    metrics: &'a Metrics,
    transport: Transport,
}

impl Drop for Subscribed<'_> {
    fn drop(&mut self) {
        self.metrics.subscribers(self.transport, -1);
    }
}
