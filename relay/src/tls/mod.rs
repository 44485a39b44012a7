//! What the relay proves itself by, and how it speaks TLS: 1.2 and 1.3, and in it HTTP/2 or HTTP/1.1, as the client likes.

mod own;
mod self_signed;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::{self, PemObject};
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ClientConfig, ServerConfig};

use self_signed::SelfSigned;

const H2: &[u8] = b"h2";
const HTTP_1: &[u8] = b"http/1.1";

/// Where the certificate comes from; without any of these the relay speaks no TLS.
#[derive(Debug, Clone, Default, Args)]
pub struct TlsArgs {
    /// Speak HTTPS with this certificate: PEM, and after it the chain up to one that clients know
    #[arg(
        long,
        value_name = "FILE",
        requires = "tls_key",
        conflicts_with = "tls_self_signed"
    )]
    pub tls_cert: Option<PathBuf>,
    /// The private key of --tls-cert: PEM
    #[arg(long, value_name = "FILE", requires = "tls_cert")]
    pub tls_key: Option<PathBuf>,
    /// Speak HTTPS with a fresh certificate for localhost, the address listened on and each --allow-host
    #[arg(long)]
    pub tls_self_signed: bool,
    /// Write the certificate of --tls-self-signed there, as PEM, so that clients can trust it
    #[arg(long, value_name = "FILE", requires = "tls_self_signed")]
    pub tls_cert_out: Option<PathBuf>,
}

impl TlsArgs {
    /// Tells whether the relay is to speak TLS.
    #[must_use]
    pub fn are_given(&self) -> bool {
        self.tls_self_signed || self.tls_cert.is_some() || self.tls_key.is_some()
    }
}

/// Why a relay cannot speak TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("cannot read {flag} {path}: {source}")]
    Read {
        /// The flag that names it.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
    /// A file holds something else.
    #[error("{flag} {path} holds no {what} in PEM")]
    NotPem {
        /// The flag that names it.
        flag: &'static str,
        /// The file.
        path: PathBuf,
        /// What it was to hold.
        what: &'static str,
    },
    /// One of the two flags is missing.
    #[error("--tls-cert and --tls-key go together")]
    Half,
    /// Certificate and key are of different pairs.
    #[error("the key in --tls-key does not belong to the first certificate in --tls-cert")]
    Mismatch,
    /// They are of no kind that TLS can use.
    #[error("--tls-cert and --tls-key cannot be used: {0}")]
    Unusable(#[source] rustls::Error),
    /// No certificate could be made.
    #[error("cannot make a certificate: {0} (is each --allow-host a name?)")]
    Make(#[source] rcgen::Error),
    /// The certificate cannot be written where clients are to find it.
    #[error("cannot write --tls-cert-out {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// The TLS of one running relay.
#[derive(Debug, Clone)]
pub(crate) struct Tls {
    /// For clients that are served.
    pub(crate) serving: Arc<ServerConfig>,
    /// For clients that are turned away: they are told so by HTTP/1.1.
    pub(crate) refusing: Arc<ServerConfig>,
    /// For the relay when it asks itself.
    pub(crate) own: Arc<ClientConfig>,
}

impl Tls {
    /// Reads or makes what the flags name, for a relay that listens on `addresses` and is called `names`; `None`
    /// without flags. A certificate that is made is logged by its fingerprint, and written where the flags say.
    pub(crate) fn prepare(
        args: &TlsArgs,
        addresses: &[IpAddr],
        names: &[String],
    ) -> Result<Option<Self>, TlsError> {
        if args.tls_self_signed {
            let made = SelfSigned::make(addresses, names).map_err(TlsError::Make)?;
            if let Some(path) = &args.tls_cert_out {
                let path = path.clone();
                std::fs::write(&path, &made.pem)
                    .map_err(|source| TlsError::Write { path, source })?;
            }
            tracing::info!(
                sha256 = made.fingerprint,
                days = self_signed::DAYS,
                "made a certificate"
            );
            return Self::of(vec![made.certificate], made.key).map(Some);
        }
        match (&args.tls_cert, &args.tls_key) {
            (None, None) => Ok(None),
            (Some(cert), Some(key)) => Self::of(certificates(cert)?, private_key(key)?).map(Some),
            _ => Err(TlsError::Half),
        }
    }

    fn of(
        chain: Vec<CertificateDer<'static>>,
        key: PrivateKeyDer<'static>,
    ) -> Result<Self, TlsError> {
        let provider = Arc::new(ring::default_provider());
        let own = own::config(Arc::clone(&provider), chain.first().cloned())
            .map_err(TlsError::Unusable)?;
        let mut serving = server(provider, chain, key)?;
        serving.alpn_protocols = vec![HTTP_1.to_vec()];
        let refusing = Arc::new(serving.clone());
        serving.alpn_protocols.insert(0, H2.to_vec());
        Ok(Self {
            refusing,
            serving: Arc::new(serving),
            own: Arc::new(own),
        })
    }
}

fn server(
    provider: Arc<CryptoProvider>,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<ServerConfig, TlsError> {
    ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(TlsError::Unusable)?
        .with_no_client_auth()
        .with_single_cert(chain, key)
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => TlsError::Mismatch,
            other => TlsError::Unusable(other),
        })
}

fn certificates(path: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let (flag, what) = ("--tls-cert", "certificate");
    let chain = CertificateDer::pem_file_iter(path)
        .and_then(Iterator::collect::<Result<Vec<_>, _>>)
        .and_then(|chain| match chain.len() {
            0 => Err(pem::Error::NoItemsFound),
            _ => Ok(chain),
        });
    chain.map_err(|error| of_file(error, flag, what, path))
}

fn private_key(path: &Path) -> Result<PrivateKeyDer<'static>, TlsError> {
    PrivateKeyDer::from_pem_file(path)
        .map_err(|error| of_file(error, "--tls-key", "private key", path))
}

/// No message holds any of a file's contents.
fn of_file(error: pem::Error, flag: &'static str, what: &'static str, path: &Path) -> TlsError {
    let path = path.to_owned();
    match error {
        pem::Error::Io(source) => TlsError::Read { flag, path, source },
        _ => TlsError::NotPem { flag, path, what },
    }
}
