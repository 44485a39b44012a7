//! The first request to a server. Any answer will do: a server that has nothing there is one all the same.

use std::net::SocketAddr;
use std::time::Duration;

use reqwest::header::HOST;
use rustls::RootCertStore;
use tokio::time::{Instant, sleep, timeout_at};

use super::TargetError;
use crate::net::{Secure, trusting};

/// How long a server that runs may take to answer.
const ANSWER_LIMIT: Duration = Duration::from_secs(3);
/// How long a server that starts may take to answer.
const START_LIMIT: Duration = Duration::from_secs(15);
/// How often a server that starts is asked.
const PAUSE: Duration = Duration::from_millis(50);
/// A request that is cut off when it is younger than this says nothing about the server.
const FAIR: Duration = Duration::from_secs(1);

/// Asks a server whether it is there.
pub(super) struct Health<'a> {
    /// The server's base URL, for people.
    url: &'a str,
    client: reqwest::Client,
    /// By address, so that it is the server that clients will dial.
    request: String,
    /// What the request calls the server, when its address says nothing of that.
    authority: Option<&'a str>,
}

impl<'a> Health<'a> {
    pub(super) fn new(
        url: &'a str,
        address: SocketAddr,
        authority: &'a str,
        secure: Option<&Secure>,
        path: &str,
    ) -> Result<Self, TargetError> {
        let refused = |reason| TargetError::Refused {
            url: url.to_owned(),
            reason,
        };
        // In the clear nobody needs to be trusted.
        let config = match secure {
            Some(secure) => secure.for_control_calls(),
            None => trusting(RootCertStore::empty()).map_err(|error| refused(error.to_string()))?,
        };
        let client = reqwest::Client::builder().no_proxy();
        // By the name, which the certificate is for, and yet to this address: its port stands in the request.
        let host = match authority.rsplit_once(':') {
            Some((host, port)) if !port.ends_with(']') => host,
            _ => authority,
        };
        let client = client
            .tls_backend_preconfigured(config)
            .resolve(host, address);
        Ok(Self {
            url,
            client: client.build().map_err(|error| refused(innermost(&error)))?,
            request: match secure {
                Some(_) => format!("https://{host}:{}{path}", address.port()),
                None => format!("http://{address}{path}"),
            },
            authority: secure.is_none().then_some(authority),
        })
    }

    /// Asks a server that should run already: a refusal is final. Cancel-safe.
    pub(super) async fn now(&self) -> Result<(), TargetError> {
        match timeout_at(Instant::now() + ANSWER_LIMIT, self.ask()).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(reason)) => Err(self.refused(reason)),
            Err(_) => Err(self.silent(ANSWER_LIMIT)),
        }
    }

    /// Asks a server that starts, which refuses at first. Cancel-safe.
    pub(super) async fn soon(&self) -> Result<(), TargetError> {
        self.within(START_LIMIT).await
    }

    async fn within(&self, limit: Duration) -> Result<(), TargetError> {
        let deadline = Instant::now() + limit;
        let mut refusal = None;
        loop {
            let began = Instant::now();
            match (timeout_at(deadline, self.ask()).await, refusal) {
                (Ok(Ok(())), _) => return Ok(()),
                (Ok(Err(reason)), _) => refusal = Some(reason),
                (Err(_), Some(reason)) if began.elapsed() < FAIR => {
                    let still = format!("{reason}, still so after {} s", limit.as_secs());
                    return Err(self.refused(still));
                }
                (Err(_), _) => return Err(self.silent(limit)),
            }
            sleep(PAUSE).await;
        }
    }

    async fn ask(&self) -> Result<(), String> {
        let mut request = self.client.get(&self.request);
        if let Some(authority) = self.authority {
            request = request.header(HOST, authority);
        }
        match request.send().await {
            Ok(_) => Ok(()),
            Err(error) => Err(innermost(&error)),
        }
    }

    fn refused(&self, reason: String) -> TargetError {
        TargetError::Refused {
            url: self.url.to_owned(),
            reason,
        }
    }

    fn silent(&self, limit: Duration) -> TargetError {
        TargetError::Silent {
            url: self.url.to_owned(),
            limit,
        }
    }
}

fn innermost(error: &dyn std::error::Error) -> String {
    error.source().map_or_else(|| error.to_string(), innermost)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;
    use crate::scenario::Http;

    const SHORT: Duration = Duration::from_millis(1300);

    #[tokio::test]
    async fn with_tls_the_node_at_the_address_is_asked_and_not_the_one_that_is_named() {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let secure = Secure::new(RootCertStore::empty(), "there", Http::One).unwrap();
        for authority in ["there:1", "there", "127.0.0.1:1"] {
            let health =
                Health::new("https://here", address, authority, Some(&secure), "/").unwrap();
            let came = async { listener.accept().await.map(drop) };
            let came = tokio::time::timeout(SHORT, came);
            let (asked, came) = tokio::join!(health.now(), came);
            assert!(asked.is_err(), "{authority}");
            assert!(came.is_ok(), "{authority}");
        }
    }

    #[tokio::test]
    async fn who_refuses_to_the_end_is_not_called_silent_and_who_is_silent_is() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let health = Health::new("http://there", address, "there", None, "/healthz").unwrap();
        let silent = health.within(SHORT).await.unwrap_err();
        assert!(matches!(silent, TargetError::Silent { .. }), "{silent}");
        drop(listener);
        let refused = health.within(SHORT).await.unwrap_err();
        assert!(matches!(refused, TargetError::Refused { .. }), "{refused}");
        assert!(refused.to_string().contains("refused"), "{refused}");
    }
}
