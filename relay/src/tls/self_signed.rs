//! A certificate of the relay's own, for trying things out: nobody else vouches for it.

use std::fmt::Write as _;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::time::Duration;

use rcgen::{CertificateParams, DnType, ExtendedKeyUsagePurpose, KeyPair, KeyUsagePurpose};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use sha2::{Digest, Sha256};

/// How long it is valid: longer than a trial lasts, and short enough to be no habit.
pub(super) const DAYS: u64 = 10;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A certificate and the key that it was signed by.
pub(super) struct SelfSigned {
    pub(super) certificate: CertificateDer<'static>,
    pub(super) key: PrivateKeyDer<'static>,
    pub(super) pem: String,
    /// The SHA-256 of the certificate, as browsers show it.
    pub(super) fingerprint: String,
}

impl SelfSigned {
    /// Draws a P-256 key and signs a certificate for localhost, loopback, these addresses and these names.
    pub(super) fn make(addresses: &[IpAddr], names: &[String]) -> Result<Self, rcgen::Error> {
        let loopback = [Ipv4Addr::LOCALHOST.into(), Ipv6Addr::LOCALHOST.into()];
        let mut subjects = vec!["localhost".to_owned()];
        subjects.extend(names.iter().cloned());
        subjects.extend(loopback.iter().map(IpAddr::to_string));
        // One that stands for all of a machine's addresses is none that a client asks for.
        let listened = addresses.iter().filter(|ip| !ip.is_unspecified());
        subjects.extend(listened.map(IpAddr::to_string));
        subjects.sort_unstable();
        subjects.dedup();
        let mut params = CertificateParams::new(subjects)?;
        params
            .distinguished_name
            .push(DnType::CommonName, "relay (self-signed)");
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        let now = now();
        // Clients' clocks may be behind.
        params.not_before = (now - DAY).into();
        params.not_after = (now + DAY * u32::try_from(DAYS).unwrap_or(1)).into();
        let key = KeyPair::generate()?;
        let certificate = params.self_signed(&key)?;
        Ok(Self {
            pem: certificate.pem(),
            fingerprint: fingerprint(certificate.der()),
            certificate: certificate.der().clone(),
            key: PrivateKeyDer::Pkcs8(key.serialize_der().into()),
        })
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "a certificate is valid by the time of day"
)]
fn now() -> std::time::SystemTime {
    std::time::SystemTime::now()
}

fn fingerprint(certificate: &CertificateDer<'_>) -> String {
    let digest = Sha256::digest(certificate);
    let mut text = String::with_capacity(digest.len() * 3);
    for (at, byte) in digest.iter().enumerate() {
        // Writing to a string cannot fail.
        let _ = write!(text, "{}{byte:02X}", if at == 0 { "" } else { ":" });
    }
    text
}
