//! One connection of HTTP/2 on which publishes wait for the store.

use std::fs;
use std::process::{Command, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::FutureExt;
use h2::client::{SendRequest, handshake};
use http::{Method, Request};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use crate::here::PATIENCE;
use crate::nats::Nats;
use crate::spawn;

/// More than the relay lets be in memory at once of one connection.
const WAITING: usize = 8;

async fn begin(
    requests: &SendRequest<Bytes>,
    method: Method,
    path: &str,
    body: Option<&'static str>,
) -> h2::client::ResponseFuture {
    let request = Request::builder()
        .method(method)
        .uri(format!("https://localhost{path}"))
        .header("content-type", "application/json");
    let request = request.body(()).unwrap();
    let mut ready = requests.clone().ready().await.unwrap();
    let (answer, mut send) = ready.send_request(request, body.is_none()).unwrap();
    if let Some(body) = body {
        send.send_data(Bytes::from_static(body.as_bytes()), true)
            .unwrap();
    }
    answer
}

#[tokio::test]
async fn who_reads_does_not_wait_behind_publishes_that_wait_for_the_store() {
    let Some(mut nats) = Nats::start() else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("relay.pem");
    let mut command = Command::new(env!("CARGO_BIN_EXE_relay"));
    command
        .args(["--listen", "127.0.0.1:0", "--exit-with-stdin"])
        .args(["--store", &format!("nats://{}", nats.address)])
        .args(["--store-timeout", "20s", "--tls-self-signed"])
        .arg("--tls-cert-out")
        .arg(&file)
        .stdin(Stdio::piped());
    // It ends with its standard input, that is with this value.
    let (mut relay, line) = spawn::spawn(&mut command);
    let mut roots = RootCertStore::empty();
    let pem = fs::read(file).unwrap();
    roots
        .add(CertificateDer::from_pem_slice(&pem).unwrap())
        .unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let mut config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let stream = TcpStream::connect(spawn::address(&line)).await.unwrap();
    let stream = TlsConnector::from(Arc::new(config))
        .connect("localhost".try_into().unwrap(), stream)
        .await
        .unwrap();
    let (requests, connection) = handshake(stream).await.unwrap();
    let mut driven = JoinSet::new();
    driven.spawn(connection);

    nats.kill();
    let mut waiting = Vec::new();
    for _ in 0..WAITING {
        waiting.push(begin(&requests, Method::POST, "/channels/a/messages", Some("1")).await);
    }
    let poll = begin(&requests, Method::GET, "/channels/a/messages", None).await;
    let answer = timeout(PATIENCE, poll).await.unwrap().unwrap();
    assert_eq!(answer.status(), 204);
    for publish in &mut waiting {
        assert!(publish.now_or_never().is_none(), "it waits for the store");
    }
    // And when the store is back all of them are in it.
    nats.again();
    for publish in waiting {
        let answer = timeout(PATIENCE, publish).await.unwrap().unwrap();
        assert_eq!(answer.status(), 201);
    }
    drop((requests, driven));
    drop(relay.stdin.take());
    relay.wait().unwrap();
}
