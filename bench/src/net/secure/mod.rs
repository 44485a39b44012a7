//! What stands between a socket's bytes and a client that speaks TLS, and perhaps HTTP/2: a carrier.
//!
//! Like the clients it has no socket and waits for nothing. It is given what a client writes in
//! HTTP/1.1 and gives what is to be sent; it is given what arrived and gives what the client is fed. A client
//! in the clear has none.

mod carried;
mod http2;
mod pipe;
mod request;
mod tls;

use std::io::{self, Read, Write};

use thiserror::Error;

use super::pieces::Input;
use crate::scenario::Http;
pub use http2::Http2;
use tls::Tls;
pub use tls::{Secure, trusting};

/// Why a secure connection is of no more use.
#[derive(Debug, Error)]
pub enum SecureError {
    /// The certificate cannot be for it.
    #[error("`{0}` is no name that a certificate could be for; correct the host in target.url")]
    Name(String),
    /// TLS as it must not be, or a server that is not trusted.
    #[error("{}", told(.0))]
    Tls(#[from] rustls::Error),
    /// Another protocol than the scenario asks for.
    #[error(
        "the server does not speak HTTP/2 (ALPN did not choose h2): switch it on there, or set target.http = \"1.1\""
    )]
    NoHttp2,
    /// A WebSocket that cannot be opened.
    #[error(
        "the server opens no WebSocket over HTTP/2 (it does not set SETTINGS_ENABLE_CONNECT_PROTOCOL, RFC 8441): switch that on there, or set target.http = \"1.1\" for WebSocket"
    )]
    NoConnect,
    /// HTTP/2 that breaks its rules.
    #[error("HTTP/2: {0}")]
    Http2(#[from] h2::Error),
    /// A connection that ended before it was open.
    #[error(
        "no TLS handshake comes about ({0}): begin target.url with http:// if the server speaks no TLS"
    )]
    Lost(#[from] io::Error),
    /// A request that HTTP/2 cannot carry.
    #[error("a request that HTTP/2 cannot carry: {0}")]
    Request(&'static str),
}

/// What the TLS library says, with what a person can do about it.
fn told(error: &rustls::Error) -> String {
    use rustls::CertificateError::{
        ApplicationVerificationFailure, BadSignature, Expired, ExpiredContext, NotValidForName,
        NotValidForNameContext, NotValidYet, NotValidYetContext, UnknownIssuer,
    };
    use rustls::{AlertDescription, Error};
    match error {
        Error::InvalidCertificate(UnknownIssuer | BadSignature | ApplicationVerificationFailure) => {
            "the server's certificate is signed by nobody that is trusted here: name its CA, or the certificate itself, in target.tls_ca".to_owned()
        }
        Error::InvalidCertificate(NotValidForName | NotValidForNameContext { .. }) => format!(
            "the server's certificate is for another name ({error}): write the name that it is for in target.url"
        ),
        Error::InvalidCertificate(
            Expired | ExpiredContext { .. } | NotValidYet | NotValidYetContext { .. },
        ) => format!("the server's certificate is not valid now ({error}): renew it there"),
        Error::InvalidMessage(_) => {
            "it does not speak TLS: begin target.url with http://, or give the server a certificate".to_owned()
        }
        Error::AlertReceived(AlertDescription::NoApplicationProtocol) => {
            SecureError::NoHttp2.to_string()
        }
        _ => format!("TLS: {error}"),
    }
}

/// Carries one connection of one client.
#[derive(Debug)]
pub struct Carrier {
    tls: Tls,
    http: Http,
    /// Once TLS stands, when it is the load's.
    http2: Option<Box<Http2>>,
}

impl Carrier {
    /// A connection that has just been opened.
    ///
    /// # Errors
    /// [`SecureError`].
    pub fn new(secure: &Secure) -> Result<Self, SecureError> {
        Ok(Self {
            tls: Tls::new(secure)?,
            http: secure.http,
            http2: None,
        })
    }

    /// Whether requests may be written: TLS stands and, before a WebSocket over HTTP/2, the server has said what it
    /// can. Until then only [`Carrier::receive`] and [`Carrier::hello`] are of use.
    ///
    /// # Errors
    /// [`SecureError`], when the server does not speak what it must.
    pub fn is_ready(&self, upgrades: bool) -> Result<bool, SecureError> {
        if self.tls.is_handshaking() {
            return Ok(false);
        }
        match (&self.http2, self.http) {
            (Some(http2), _) if upgrades => http2.may_connect(),
            (Some(_), _) | (None, Http::One) => Ok(true),
            (None, Http::Two) => Ok(false),
        }
    }

    /// Writes what opens the connection.
    pub fn hello(&mut self, out: &mut Vec<u8>) {
        self.tls.send(&[], out);
    }

    /// Opens a connection over a stream that may block.
    ///
    /// # Errors
    /// [`SecureError`]; [`SecureError::Lost`] for what the stream gives.
    pub fn open(
        &mut self,
        stream: &mut (impl Read + Write),
        upgrades: bool,
    ) -> Result<(), SecureError> {
        let (mut out, mut buffer) = (Vec::new(), [0; 4096]);
        self.hello(&mut out);
        while !self.is_ready(upgrades)? {
            stream.write_all(&std::mem::take(&mut out))?;
            let count = stream.read(&mut buffer)?;
            let ended = || SecureError::Lost(io::ErrorKind::UnexpectedEof.into());
            let nothing = |_: Input<'_>, _: &mut Vec<u8>| Ok::<(), SecureError>(());
            if count == 0 || !self.receive(&buffer[..count], &mut out, nothing)? {
                return Err(ended());
            }
        }
        Ok(stream.write_all(&out)?)
    }

    /// Writes to `out` what a client wrote: whole requests in HTTP/1.1, or what follows them on an upgraded connection.
    ///
    /// # Errors
    /// [`SecureError`]; the connection is of no more use.
    pub fn send(&mut self, plain: &[u8], out: &mut Vec<u8>) -> Result<(), SecureError> {
        match &mut self.http2 {
            None => self.tls.send(plain, out),
            Some(http2) => {
                http2.send(plain)?;
                http2.go_on()?;
                http2.take_output(|plain| self.tls.send(plain, out));
            }
        }
        Ok(())
    }

    /// Takes in all of `wire`; feeds `take`, which writes what must be answered at once, and writes to `out` what is
    /// to be sent. Gives `false` once the server has ended the connection, in good order.
    ///
    /// # Errors
    /// [`SecureError`], or what `take` gives; the connection is of no more use.
    pub fn receive<E: From<SecureError>>(
        &mut self,
        wire: &[u8],
        out: &mut Vec<u8>,
        mut take: impl FnMut(Input<'_>, &mut Vec<u8>) -> Result<(), E>,
    ) -> Result<bool, E> {
        let mut answer = Vec::new();
        let open = if let Some(http2) = &mut self.http2 {
            self.tls.receive(wire, out, |plain| {
                http2.receive(plain);
                Ok::<(), E>(())
            })?
        } else {
            // The server may have begun before it knows that TLS stands.
            let mut early = Vec::new();
            let http = self.http;
            let open = self.tls.receive(wire, out, |plain| match http {
                Http::One => take(Input::Bytes(plain), &mut answer),
                Http::Two => {
                    early.extend_from_slice(plain);
                    Ok(())
                }
            })?;
            self.settle(&early)?;
            open
        };
        if let Some(http2) = &mut self.http2 {
            http2.go_on()?;
            let mut parts = http2.take_parts();
            if !parts.is_empty() {
                take(Input::from(&mut parts[..]), &mut answer)?;
                http2.send(&answer)?;
                http2.go_on()?;
            }
            http2.take_output(|plain| self.tls.send(plain, out));
            return Ok(open && !http2.has_ended());
        }
        if !answer.is_empty() {
            self.tls.send(&answer, out);
        }
        Ok(open)
    }

    /// Bytes that wait until the server grants room for them.
    #[must_use]
    pub fn held(&self) -> usize {
        self.http2.as_ref().map_or(0, |http2| http2.held())
    }

    /// Whether the server ends a connection by itself after the answer that was to be the last one. HTTP/2 has no
    /// such answers: its clients go.
    #[must_use]
    pub fn is_left_to_server(&self) -> bool {
        self.http2.is_none()
    }

    /// Writes what ends the connection.
    pub fn end(&mut self, out: &mut Vec<u8>) {
        if let Some(http2) = self.http2.take() {
            let output = http2.end();
            self.tls.send(&output, out);
        }
        self.tls.end(out);
    }

    /// Goes on in the protocol that TLS has agreed on.
    fn settle(&mut self, early: &[u8]) -> Result<(), SecureError> {
        if self.tls.is_handshaking() {
            return Ok(());
        }
        if !self.tls.agreed_on(self.http) {
            return Err(SecureError::NoHttp2);
        }
        if self.http == Http::Two {
            let mut http2 = Box::new(Http2::new()?);
            http2.receive(early);
            self.http2 = Some(http2);
        }
        Ok(())
    }
}
