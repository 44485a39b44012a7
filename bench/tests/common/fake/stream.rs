//! A connection of the fake, in the clear or over TLS: what is written is on its way when the call returns.

use std::cell::RefCell;
use std::io::{self, Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection};
use tempfile::TempPath;

use super::Plan;

/// What a server in TLS shows, and where a client finds it.
pub(crate) struct Certificate {
    pub(super) config: Arc<ServerConfig>,
    pub(super) file: TempPath,
}

impl Certificate {
    /// Makes one, for the names of the plan.
    pub(super) fn new(plan: &Plan) -> Self {
        let names: Vec<String> = plan
            .certified
            .iter()
            .map(|name| (*name).to_owned())
            .collect();
        let made = rcgen::generate_simple_self_signed(names).unwrap();
        let mut file = tempfile::NamedTempFile::new().unwrap();
        file.write_all(made.cert.pem().as_bytes()).unwrap();
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
        let provider = Arc::new(ring::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![made.cert.der().clone()], key);
        let mut config = config.unwrap();
        config.alpn_protocols = plan
            .offers
            .iter()
            .map(|name| name.as_bytes().to_vec())
            .collect();
        Self {
            config: Arc::new(config),
            file: file.into_temp_path(),
        }
    }
}

/// Both ways of one connection, for its one thread.
pub(super) struct Stream {
    pub(super) tcp: TcpStream,
    tls: Option<RefCell<ServerConnection>>,
}

impl Stream {
    pub(super) fn new(tcp: TcpStream, certificate: Option<&Certificate>) -> Self {
        let tls = |certificate: &Certificate| {
            let config = Arc::clone(&certificate.config);
            RefCell::new(ServerConnection::new(config).unwrap())
        };
        Self {
            tcp,
            tls: certificate.map(tls),
        }
    }
}

impl Read for &Stream {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match &self.tls {
            None => (&self.tcp).read(buffer),
            Some(tls) => rustls::Stream::new(&mut *tls.borrow_mut(), &mut &self.tcp).read(buffer),
        }
    }
}

impl Write for &Stream {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &self.tls {
            None => (&self.tcp).write(bytes),
            Some(tls) => rustls::Stream::new(&mut *tls.borrow_mut(), &mut &self.tcp).write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &self.tls {
            None => Ok(()),
            Some(tls) => rustls::Stream::new(&mut *tls.borrow_mut(), &mut &self.tcp).flush(),
        }
    }
}
