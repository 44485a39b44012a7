//! The TLS handshake, before any request.

use std::sync::Arc;

use http::StatusCode;
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::say;
use crate::access::Allowance;
use crate::metrics::Closed;
use crate::settings::Settings;
use crate::socket::{Patience, Socket};
use crate::transport::reply::Refusal;

/// The first byte of every TLS connection: a record of the handshake.
const HANDSHAKE: u8 = 22;

/// Shakes hands within a deadline, or says why the connection is over.
pub(super) async fn shake(
    (stream, allowance): (TcpStream, Arc<Allowance>),
    config: Arc<ServerConfig>,
    settings: &Settings,
) -> Result<Socket, Closed> {
    match timeout(settings.header_deadline, begin(stream, config)).await {
        Ok(Ok(stream)) => Ok(Socket::tls(stream, allowance)),
        Ok(Err(Failed::Gone)) => Err(Closed::Client),
        Ok(Err(Failed::Handshake)) => Err(Closed::Handshake),
        Ok(Err(Failed::Plain(stream))) => {
            let refusal = Refusal::new(
                StatusCode::BAD_REQUEST,
                "https_only",
                "this address speaks HTTPS: begin the URL with https://",
            );
            say(
                Socket::new(stream, allowance),
                refusal,
                Patience::of(settings),
            )
            .await;
            Err(Closed::Handshake)
        }
        Err(_) => Err(Closed::HeaderDeadline),
    }
}

/// How a handshake can fail.
enum Failed {
    /// The client left before it said anything.
    Gone,
    /// It speaks HTTP without TLS.
    Plain(TcpStream),
    Handshake,
}

async fn begin(
    stream: TcpStream,
    config: Arc<ServerConfig>,
) -> Result<TlsStream<TcpStream>, Failed> {
    let mut first = [0];
    match stream.peek(&mut first).await {
        Ok(1) => {}
        Ok(_) | Err(_) => return Err(Failed::Gone),
    }
    if first[0].is_ascii_alphabetic() {
        return Err(Failed::Plain(stream));
    }
    if first[0] != HANDSHAKE {
        return Err(Failed::Handshake);
    }
    match TlsAcceptor::from(config).accept(stream).await {
        Ok(stream) => Ok(stream),
        Err(error) => {
            tracing::debug!(%error, "the handshake failed");
            Err(Failed::Handshake)
        }
    }
}
