//! TLS as bytes in and bytes out: it has no socket and waits for nothing.

use std::io::{BufRead, Write};
use std::sync::Arc;

use rustls::client::Resumption;
use rustls::crypto::ring;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection, RootCertStore};

use super::SecureError;
use crate::scenario::Http;

/// Whom clients trust, what they call the server, and the HTTP that they ask it for.
#[derive(Debug, Clone)]
pub struct Secure {
    config: Arc<ClientConfig>,
    pub(super) name: ServerName<'static>,
    pub(super) http: Http,
    /// What `config` was made from.
    pub(super) roots: Arc<RootCertStore>,
}

impl Secure {
    /// Certificates are checked in full, against these roots and this name.
    ///
    /// No session is ever resumed: one client of a swarm must not inherit what another one agreed on, or a
    /// thousand strangers would connect as one friend does.
    ///
    /// # Errors
    /// When `host` is neither a name nor an address that a certificate could be for.
    pub fn new(roots: RootCertStore, host: &str, http: Http) -> Result<Self, SecureError> {
        let name = ServerName::try_from(host.to_owned())
            .map_err(|_| SecureError::Name(host.to_owned()))?;
        let roots = Arc::new(roots);
        let mut config = trusting(Arc::clone(&roots))?;
        config.resumption = Resumption::disabled();
        config.alpn_protocols = vec![protocol(http).to_vec()];
        Ok(Self {
            config: Arc::new(config),
            name,
            http,
            roots,
        })
    }

    /// The same for a client that speaks HTTP/1.1 or HTTP/2, as the server likes: control calls.
    #[must_use]
    pub fn for_control_calls(&self) -> ClientConfig {
        let mut config = (*self.config).clone();
        config.alpn_protocols = [self.http, Http::One]
            .map(|http| protocol(http).to_vec())
            .into();
        config.alpn_protocols.dedup();
        config
    }
}

/// Clients that trust these roots and nobody else.
///
/// # Errors
/// When the protocol versions of the TLS library do not fit its own ciphers.
pub fn trusting(roots: impl Into<Arc<RootCertStore>>) -> Result<ClientConfig, SecureError> {
    let provider = Arc::new(ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(config)
}

/// What ALPN calls it (RFC 7301, section 6).
fn protocol(http: Http) -> &'static [u8] {
    match http {
        Http::One => b"http/1.1",
        Http::Two => b"h2",
    }
}

/// One TLS connection.
#[derive(Debug)]
pub(super) struct Tls {
    connection: ClientConnection,
}

impl Tls {
    pub(super) fn new(secure: &Secure) -> Result<Self, SecureError> {
        let config = Arc::clone(&secure.config);
        let mut connection = ClientConnection::new(config, secure.name.clone())?;
        // What is written is sent at once, and what may wait for the kernel is bounded where it waits.
        connection.set_buffer_limit(None);
        Ok(Self { connection })
    }

    /// Whether both sides still agree on keys.
    pub(super) fn is_handshaking(&self) -> bool {
        self.connection.is_handshaking()
    }

    /// Whether the server chose what was asked for; it need not choose HTTP/1.1 aloud.
    pub(super) fn agreed_on(&self, http: Http) -> bool {
        match self.connection.alpn_protocol() {
            Some(chosen) => chosen == protocol(http),
            None => http == Http::One,
        }
    }

    /// Writes the records of `plain` to `out`, behind whatever else is to be sent.
    pub(super) fn send(&mut self, plain: &[u8], out: &mut Vec<u8>) {
        // Writing to memory without a limit cannot fail, here and below.
        let _ = self.connection.writer().write_all(plain);
        while self.connection.wants_write() {
            let _ = self.connection.write_tls(out);
        }
    }

    /// Takes in all of `wire` and gives what was in it to `take`, piece by piece; what the handshake wants sent
    /// goes to `out`. Gives `false` once the server has ended the connection.
    pub(super) fn receive<E: From<SecureError>>(
        &mut self,
        mut wire: &[u8],
        out: &mut Vec<u8>,
        mut take: impl FnMut(&[u8]) -> Result<(), E>,
    ) -> Result<bool, E> {
        while !wire.is_empty() {
            if !matches!(self.connection.read_tls(&mut wire), Ok(1..)) {
                return Ok(false);
            }
            let state = self.connection.process_new_packets();
            state.map_err(SecureError::from)?;
            self.send(&[], out);
            let mut reader = self.connection.reader();
            loop {
                let count = match reader.fill_buf() {
                    Ok([]) => return Ok(false),
                    Ok(plain) => {
                        take(plain)?;
                        plain.len()
                    }
                    // It waits for more.
                    Err(_) => break,
                };
                reader.consume(count);
            }
        }
        Ok(true)
    }

    /// Says that nothing more will be sent.
    pub(super) fn end(&mut self, out: &mut Vec<u8>) {
        self.connection.send_close_notify();
        self.send(&[], out);
    }
}
