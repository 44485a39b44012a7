//! What carries a client's bytes, and the certificate that a relay of these stories is known by.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;

use relay::Settings;
use rustls::crypto::ring;
use rustls::pki_types::CertificateDer;
use rustls::version::{TLS12, TLS13};
use rustls::{ClientConfig, ClientConnection, RootCertStore, StreamOwned};
use tempfile::TempDir;

/// A connection, with TLS or without.
pub(crate) enum Wire {
    Plain(TcpStream),
    Tls(Box<StreamOwned<ClientConnection, TcpStream>>),
}

impl Wire {
    pub(crate) fn tcp(&self) -> &TcpStream {
        match self {
            Self::Plain(stream) => stream,
            Self::Tls(stream) => &stream.sock,
        }
    }

    /// Tells the relay that nothing more comes.
    pub(crate) fn finish(&mut self) {
        if let Self::Tls(stream) = self {
            stream.conn.send_close_notify();
            stream.flush().unwrap();
        }
        self.tcp().shutdown(Shutdown::Write).unwrap();
    }
}

impl Read for Wire {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.read(into),
            Self::Tls(stream) => stream.read(into),
        }
    }
}

impl Write for Wire {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::Plain(stream) => stream.write(bytes),
            Self::Tls(stream) => stream.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::Plain(stream) => stream.flush(),
            Self::Tls(stream) => stream.flush(),
        }
    }
}

/// A certificate for `localhost` in files, and what trusts it.
pub(crate) struct Certificate {
    pub(crate) folder: TempDir,
    der: CertificateDer<'static>,
}

impl Certificate {
    pub(crate) fn make() -> Self {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("cert.pem"), made.cert.pem()).unwrap();
        std::fs::write(
            folder.path().join("key.pem"),
            made.signing_key.serialize_pem(),
        )
        .unwrap();
        Self {
            folder,
            der: made.cert.der().clone(),
        }
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Lets a relay be known by it.
    pub(crate) fn give(&self, settings: &mut Settings) {
        settings.tls.tls_cert = Some(self.file("cert.pem"));
        settings.tls.tls_key = Some(self.file("key.pem"));
    }

    pub(crate) fn client(&self, old: bool, protocols: &[&str]) -> Arc<ClientConfig> {
        client(&self.der, old, protocols)
    }
}

/// A client that trusts one certificate, by TLS 1.3 or an older one.
pub(crate) fn client(
    trusted: &CertificateDer<'static>,
    old: bool,
    protocols: &[&str],
) -> Arc<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.add(trusted.clone()).unwrap();
    let versions = if old { [&TLS12] } else { [&TLS13] };
    let mut config = ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&versions)
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = protocols
        .iter()
        .map(|name| name.as_bytes().to_vec())
        .collect();
    Arc::new(config)
}

/// Wraps a connection; the handshake is done with the first bytes.
pub(crate) fn wrap(stream: TcpStream, config: &Arc<ClientConfig>, name: &str) -> Wire {
    let name = name.to_owned().try_into().unwrap();
    let connection = ClientConnection::new(Arc::clone(config), name).unwrap();
    Wire::Tls(Box::new(StreamOwned::new(connection, stream)))
}
