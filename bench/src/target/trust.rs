//! Whom clients trust, and whether the server speaks what the scenario asks for: found out before a client dials.

use std::io::ErrorKind;
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::time::Duration;

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::TargetError;
use crate::net::{Carrier, Secure, SecureError};
use crate::scenario::{Load, Transport};

/// How long the server may take for a handshake.
const LIMIT: Duration = Duration::from_secs(3);

/// A server whose certificates are in a file, and nobody else.
pub(super) fn of_file(file: &Path, host: &str, load: &Load) -> Result<Secure, TargetError> {
    let mut roots = RootCertStore::empty();
    add(&mut roots, file)?;
    secure(roots, host, load)
}

/// A server that the system trusts, or that the certificates in a file vouch for.
pub(super) fn of_system(
    file: Option<&Path>,
    host: &str,
    load: &Load,
) -> Result<Secure, TargetError> {
    let mut roots = RootCertStore::empty();
    // What is not there or cannot be read is not trusted, and the server's certificate says so if it matters.
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if let Some(file) = file {
        add(&mut roots, file)?;
    }
    secure(roots, host, load)
}

fn secure(roots: RootCertStore, host: &str, load: &Load) -> Result<Secure, TargetError> {
    let secure = Secure::new(roots, host, load.http);
    secure.map_err(|error| TargetError::Trust(error.to_string()))
}

fn add(roots: &mut RootCertStore, file: &Path) -> Result<(), TargetError> {
    let shown = file.display();
    let wrong = |why: String| {
        TargetError::Trust(format!(
            "target.tls_ca: `{shown}` {why}; name a file with a certificate in PEM"
        ))
    };
    let read = CertificateDer::pem_file_iter(file);
    let certificates = read.map_err(|error| wrong(format!("cannot be read: {error}")))?;
    let mut found = false;
    for certificate in certificates {
        let certificate = certificate.map_err(|error| wrong(format!("is not PEM: {error}")))?;
        let added = roots.add(certificate);
        added.map_err(|error| wrong(format!("holds no certificate: {error}")))?;
        found = true;
    }
    match found {
        true => Ok(()),
        false => Err(wrong("holds no certificate".to_owned())),
    }
}

/// What came of a first request, once it is known that clients can speak to the server as they are to. Why they
/// cannot is told before what the first request made of it.
pub(super) async fn confirm<T>(
    first: Result<T, TargetError>,
    url: &str,
    address: SocketAddr,
    secure: Option<&Secure>,
    load: &Load,
) -> Result<T, TargetError> {
    let Some(secure) = secure.cloned() else {
        return first;
    };
    let upgrades = load.transport == Transport::Websocket;
    let greeted = tokio::task::spawn_blocking(move || greet(address, &secure, upgrades)).await;
    match greeted {
        // Whoever does not listen at all is no matter of trust.
        Ok(Err(SecureError::Lost(error))) if error.kind() == ErrorKind::ConnectionRefused => first,
        Ok(Err(SecureError::Lost(_))) if first.is_ok() => first,
        Err(_) => first,
        Ok(Err(source)) => Err(TargetError::Secure {
            url: url.to_owned(),
            source,
        }),
        Ok(Ok(())) => first,
    }
}

/// Opens a connection as a client would. Blocks, for as long as the limit and a few segments allow.
fn greet(address: SocketAddr, secure: &Secure, upgrades: bool) -> Result<(), SecureError> {
    let mut stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    Carrier::new(secure)?.open(&mut stream, upgrades)
}
