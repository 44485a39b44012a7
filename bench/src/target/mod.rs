//! The server under test: one that bench starts, or one at an address.

mod bundled;
mod child;
mod cluster;
mod command;
mod freeze;
mod health;
mod trust;

use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::Pid;
use tempfile::TempDir;
use thiserror::Error;

pub use bundled::{RelayArgs, run as run_bundled_relay};
pub(crate) use child::Child;
pub use cluster::{ClusterArgs, run as run_cluster};
pub use freeze::Frozen;
use freeze::Who;
use health::Health;

use crate::net::{Secure, SecureError};
use crate::scenario::{Dialect, Endpoint, Load, Target, Token, TokenSource};

/// Kills every server that bench started and lets go on what it has stopped, for a process that
/// ends without unwinding.
pub fn kill_all() {
    freeze::thaw_all();
    child::kill_all();
}

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
    /// Its nodes are reached in two ways, whose packets do not cost the same.
    #[error(
        "target.also `{url}` is at {at} and target.url at {address}: name nodes by the same version of IP"
    )]
    Family {
        /// The node.
        url: String,
        /// Where it is.
        at: SocketAddr,
        /// Where the first one is.
        address: SocketAddr,
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
    /// The server's process ended before it answered.
    #[error("`{command}` ended before it answered ({status}); correct target.command")]
    Ended {
        /// The command.
        command: String,
        /// How it ended.
        status: String,
    },
    /// What the command names cannot be had.
    #[error("target.command: no {place} for the server: {source}")]
    Place {
        /// What it names.
        place: &'static str,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// The bundled relay did not say where it listens.
    #[error("the bundled relay did not start: {0}")]
    Bundled(String),
    /// A certificate that is to be trusted cannot be used.
    #[error("{0}")]
    Trust(String),
    /// Connections to it cannot be encrypted as the scenario wishes.
    #[error("the server at {url}: {source}")]
    Secure {
        /// Its address.
        url: String,
        /// Why.
        #[source]
        source: SecureError,
    },
    /// The token that clients are to send is not there.
    #[error("{0}")]
    Token(String),
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
    /// More nodes of it: their hosts as the scenario names them, and where they listen, by the same version of IP.
    pub also: Vec<(String, SocketAddr)>,
    /// `host:port`, as clients write it.
    pub authority: String,
    /// The process to watch.
    pub pid: Option<u32>,
    /// What it is, for the result.
    pub name: String,
    /// What every client sends to be let in.
    pub token: Option<Token>,
    /// Whom clients trust, where connections are encrypted.
    pub secure: Option<Secure>,
    child: Option<Child>,
    /// Where it may write; gone with it.
    _scratch: Option<TempDir>,
}

impl Server {
    /// Starts the server if the target says so, and waits until it answers.
    ///
    /// Cancel-safe: dropped half-way, it kills what it started.
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
                let (child, url, certificate) = bundled::start(processors, load).await?;
                let wrong = |why| TargetError::Bundled(format!("its address `{url}` {why}"));
                let endpoint = Endpoint::read(&url).map_err(wrong)?;
                let (address, authority) = (resolve(&url, &endpoint).await?, endpoint.to_string());
                let secure = match certificate {
                    Some(file) => Some(trust::of_file(&file, &endpoint.host, load)?),
                    None => None,
                };
                let health =
                    Health::new(&url, address, &authority, secure.as_ref(), target.health())?;
                trust::confirm(health.now().await, &url, address, secure.as_ref(), load).await?;
                Ok(Self {
                    address,
                    also: Vec::new(),
                    authority,
                    secure,
                    pid: Some(child.id()),
                    name: format!("bundled relay {}", env!("CARGO_PKG_VERSION")),
                    token: None,
                    child: Some(child),
                    _scratch: None,
                })
            }
            Target::At {
                dialect,
                url,
                endpoint,
                also,
                health: path,
                pid,
                command,
                token,
                tls_ca,
                ..
            } => {
                let token = token.as_ref().map(TokenSource::read).transpose();
                let token = token.map_err(TargetError::Token)?;
                let (address, authority) = (resolve(url, endpoint).await?, endpoint.to_string());
                let secure = match load.tls {
                    true => Some(trust::of_system(tls_ca.as_deref(), &endpoint.host, load)?),
                    false => None,
                };
                let health = Health::new(url, address, &authority, secure.as_ref(), path)?;
                let mut scratch = None;
                let child = match command {
                    Some(words) => {
                        let words = command::fill(words, &mut scratch)?;
                        run(&words, processors, &health).await.map(Some)
                    }
                    None => health.now().await.map(|()| None),
                };
                let child = trust::confirm(child, url, address, secure.as_ref(), load).await?;
                let mut nodes = Vec::new();
                for node in also {
                    let (url, at) = (node.url(), resolve(&node.url(), node).await?);
                    if at.is_ipv4() != address.is_ipv4() {
                        return Err(TargetError::Family { url, at, address });
                    }
                    let health = Health::new(&url, at, &authority, secure.as_ref(), path)?;
                    match command {
                        Some(_) => health.soon().await?,
                        None => health.now().await?,
                    }
                    nodes.push((node.host.clone(), at));
                }
                let others: String = also
                    .iter()
                    .map(|one| format!(" and {}", one.url()))
                    .collect();
                Ok(Self {
                    address,
                    also: nodes,
                    authority,
                    secure,
                    pid: pid.or(child.as_ref().map(Child::id)),
                    name: match dialect {
                        Dialect::Relay => format!("relay at {url}{others}"),
                        Dialect::Nchan(_) => format!("Nchan at {url}{others}"),
                        Dialect::Template(_) => format!("server at {url}{others}"),
                    },
                    token,
                    child,
                    _scratch: scratch,
                })
            }
        }
    }

    /// Stops its process, and what it started when it was started here, until the result is dropped.
    ///
    /// # Errors
    /// When no process is known, or the kernel refuses.
    pub fn freeze(&self) -> io::Result<Frozen> {
        let named = self.pid.and_then(|pid| i32::try_from(pid).ok());
        // A wrapper standing still would not hold up the server behind it.
        let who = match &self.child {
            Some(child) if self.pid == Some(child.id()) => Some(Who::Group(child.group())),
            _ => named.and_then(Pid::from_raw).map(Who::all_of),
        };
        Frozen::new(who.ok_or(io::ErrorKind::NotFound)?)
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

/// Runs `target.command` and waits until its server answers.
async fn run(
    words: &[String],
    processors: Option<&[usize]>,
    health: &Health<'_>,
) -> Result<Child, TargetError> {
    let mut child = Child::start(words, processors, Stdio::null())?;
    // Both arms are cancel-safe.
    tokio::select! {
        biased;
        status = child.end() => Err(TargetError::Ended {
            command: words.join(" "),
            status,
        }),
        answer = health.soon() => answer.map(|()| child),
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

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[tokio::test]
    async fn a_start_that_is_given_up_leaves_no_process() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("pid");
        // A server that never listens, started by a wrapper.
        let line = format!("sleep 60 & echo $! > {}; wait", file.display());
        let endpoint = Endpoint::read("http://127.0.0.1:1").unwrap();
        let target = Target::At {
            dialect: Dialect::Relay,
            health: "/healthz".to_owned(),
            url: "http://127.0.0.1:1".to_owned(),
            endpoint,
            also: Vec::new(),
            pid: None,
            command: Some(["sh", "-c", &line].map(str::to_owned).to_vec()),
            allow_hosts: Vec::new(),
            tls_ca: None,
            token: None,
        };
        let load = Load::default();
        let start = Server::start(&target, None, &load);
        let given_up = tokio::time::timeout(Duration::from_millis(500), start).await;
        assert!(given_up.is_err());
        let pid = fs::read_to_string(&file).unwrap();
        let stat = || fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
        // Killed, it is there until somebody has waited for it.
        for _ in 0..100 {
            if stat().is_ok_and(|stat| !stat.contains(") Z ")) {
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        assert!(stat().map_or(true, |stat| stat.contains(") Z ")));
    }
}
