//! The server under test: one that bench starts, or one at an address.

mod bundled;
mod child;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::time::Duration;

use thiserror::Error;

pub use bundled::{RelayArgs, run as run_bundled_relay};
use child::Child;
pub use child::kill_all;

use crate::scenario::{Endpoint, Load, Target};

/// How long a server may take to answer the first request.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);
/// How long a server started by `target.command` may take to answer.
const START_LIMIT: Duration = Duration::from_secs(15);

/// A server that cannot be measured.
#[derive(Debug, Error)]
pub enum TargetError {
    /// The host in the scenario is not known.
    #[error("target.url `{url}`: its host has no address")]
    Url {
        /// As written.
        url: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The server's process could not be started.
    #[error("cannot start `{command}`: {source}")]
    Start {
        /// The command.
        command: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The bundled relay did not say where it listens.
    #[error("the bundled relay did not start: {0}")]
    Bundled(String),
    /// Nobody listens.
    #[error("no server answers at {url}: {reason}; start it, or correct target.url")]
    Refused {
        /// Its address.
        url: String,
        /// Why.
        reason: String,
    },
    /// Somebody listens and says nothing.
    #[error("the server at {url} accepts connections but does not answer within {} s", limit.as_secs())]
    Silent {
        /// Its address.
        url: String,
        /// How long it was waited for.
        limit: Duration,
    },
}

/// A server that answers.
#[derive(Debug)]
pub struct Server {
    /// Where it listens.
    pub address: SocketAddr,
    /// `host:port`, as clients write it.
    pub authority: String,
    /// The process to watch.
    pub pid: Option<u32>,
    /// What it is, for the result.
    pub name: String,
    child: Option<Child>,
}

impl Server {
    /// Starts the server if the target says so, and waits until it answers.
    ///
    /// # Errors
    /// [`TargetError`], within seconds.
    pub async fn start(
        target: &Target,
        processors: Option<&[usize]>,
        load: &Load,
    ) -> Result<Self, TargetError> {
        match target {
            Target::Bundled => {
                let (child, url) = bundled::start(processors, load).await?;
                let wrong = |why| TargetError::Bundled(format!("its address `{url}` {why}"));
                let endpoint = Endpoint::read(&url).map_err(wrong)?;
                let (address, authority) = (resolve(&url, &endpoint).await?, endpoint.to_string());
                wait_for_answer(&url, ANSWER_LIMIT).await?;
                let name = format!("bundled relay {}", env!("CARGO_PKG_VERSION"));
                Ok(Self {
                    address,
                    authority,
                    pid: Some(child.id()),
                    name,
                    child: Some(child),
                })
            }
            Target::Relay {
                url,
                endpoint,
                pid,
                command,
                ..
            } => {
                let (address, authority) = (resolve(url, endpoint).await?, endpoint.to_string());
                let child = command
                    .as_deref()
                    .map(|words| Child::start(words, processors, Stdio::null()))
                    .transpose()?;
                wait_for_answer(
                    url,
                    if child.is_some() {
                        START_LIMIT
                    } else {
                        ANSWER_LIMIT
                    },
                )
                .await?;
                let pid = pid.or(child.as_ref().map(Child::id));
                Ok(Self {
                    address,
                    authority,
                    pid,
                    name: format!("relay at {url}"),
                    child,
                })
            }
        }
    }

    /// Whether a server that was started here has ended by itself, and how.
    pub fn ended(&mut self) -> Option<String> {
        self.child.as_mut().and_then(Child::ended)
    }

    /// Ends a server that was started here; one at an address is left alone.
    pub async fn stop(mut self) {
        if let Some(child) = self.child.take() {
            child.stop().await;
        }
    }
}

/// The address to dial.
async fn resolve(url: &str, endpoint: &Endpoint) -> Result<SocketAddr, TargetError> {
    let (host, port) = (endpoint.host.as_str(), endpoint.port);
    if let Ok(address) = host.parse::<IpAddr>() {
        return Ok(SocketAddr::new(address, port));
    }
    if endpoint.is_localhost() {
        return Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, port)));
    }
    let unknown = |source| TargetError::Url {
        url: url.to_owned(),
        source,
    };
    let mut found = tokio::net::lookup_host((host, port))
        .await
        .map_err(unknown)?;
    found
        .next()
        .ok_or_else(|| unknown(io::ErrorKind::NotFound.into()))
}

/// Waits for any answer: a server without `/healthz` is a server all the same.
async fn wait_for_answer(url: &str, limit: Duration) -> Result<(), TargetError> {
    let refused = |reason: String| TargetError::Refused {
        url: url.to_owned(),
        reason,
    };
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .map_err(|error| refused(error.to_string()))?;
    let health = format!("{}/healthz", url.trim_end_matches('/'));
    let deadline = tokio::time::Instant::now() + limit;
    loop {
        let error = match tokio::time::timeout_at(deadline, client.get(&health).send()).await {
            Ok(Ok(_)) => return Ok(()),
            Ok(Err(error)) => error,
            Err(_) => {
                return Err(TargetError::Silent {
                    url: url.to_owned(),
                    limit,
                });
            }
        };
        // A server that is starting refuses at first; one that is not there refuses for good.
        if limit <= ANSWER_LIMIT || tokio::time::Instant::now() >= deadline {
            return Err(refused(innermost(&error)));
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn innermost(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), innermost)
}
