//! The server under test: one that bench starts, or one at an address.

mod bundled;
mod child;

use std::net::{IpAddr, Ipv4Addr, SocketAddr, ToSocketAddrs};
use std::process::Stdio;
use std::time::Duration;

use thiserror::Error;

pub use bundled::{RelayArgs, run as run_bundled_relay};
use child::Child;
pub use child::kill_all;

use crate::scenario::{Load, Target};

/// How long a server may take to answer the first request.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);
/// How long a server started by `target.command` may take to answer.
const START_LIMIT: Duration = Duration::from_secs(15);

/// A server that cannot be measured.
#[derive(Debug, Error)]
pub enum TargetError {
    /// The address in the scenario cannot be used.
    #[error("target.url `{url}`: {reason}")]
    Url {
        /// As written.
        url: String,
        /// What is wrong.
        reason: String,
    },
    /// The server's process could not be started.
    #[error("cannot start `{command}`: {source}")]
    Start {
        /// The command.
        command: String,
        /// Why.
        #[source]
        source: std::io::Error,
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
                let (address, authority) = parse(&url)?;
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
                url, pid, command, ..
            } => {
                let (address, authority) = parse(url)?;
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

/// The address and authority of a base URL.
///
/// # Errors
/// When it is not `http://host:port` or the host has no address.
fn parse(url: &str) -> Result<(SocketAddr, String), TargetError> {
    let wrong = |reason: &str| TargetError::Url {
        url: url.to_owned(),
        reason: reason.to_owned(),
    };
    let parsed: http::Uri = url
        .parse()
        .map_err(|_| wrong("is not a URL; write it like \"http://127.0.0.1:8080\""))?;
    let authority = parsed
        .authority()
        .filter(|_| parsed.scheme_str() == Some("http"))
        .ok_or_else(|| wrong("does not start with http://"))?;
    let (host, port) = (
        authority.host().trim_matches(['[', ']']),
        authority.port_u16().unwrap_or(80),
    );
    let address = match host.parse::<IpAddr>() {
        Ok(address) => SocketAddr::new(address, port),
        Err(_) if host == "localhost" => SocketAddr::from((Ipv4Addr::LOCALHOST, port)),
        Err(_) => (host, port)
            .to_socket_addrs()
            .ok()
            .and_then(|mut found| found.next())
            .ok_or_else(|| wrong("has no address"))?,
    };
    Ok((address, authority.as_str().to_owned()))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_read_from_a_url() {
        assert_eq!(
            parse("http://localhost:81").unwrap(),
            ("127.0.0.1:81".parse().unwrap(), "localhost:81".to_owned())
        );
        assert_eq!(
            parse("http://[::1]:81/").unwrap().0,
            "[::1]:81".parse().unwrap()
        );
        assert_eq!(parse("http://127.0.0.1").unwrap().0.port(), 80);
        for wrong in ["127.0.0.1:80", "https://127.0.0.1", "http://", "nonsense"] {
            assert!(parse(wrong).is_err(), "{wrong}");
        }
    }
}
