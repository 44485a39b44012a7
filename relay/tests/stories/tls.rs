//! HTTPS: the same relay through TLS.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use crate::harness::{Client, HANDSHAKE, Relay, Web, get, post};
use crate::spawn::{address, spawn};
use crate::wire::{Certificate, client, wrap};

/// All that a client of each transport is sent, with what differs between two relays masked.
fn conversations(relay: &Relay) -> Vec<String> {
    let epoch = relay.epoch();
    let mut said = vec![
        relay.ask(post("/channels/a/messages", "[1]")),
        relay.get("/channels/a/messages?after=earliest").answer(),
    ];
    let mut parked = relay.get("/channels/a/messages?wait=25s");
    let mut stream = relay.get("/channels/a/stream");
    let mut events = relay.get("/channels/a/events");
    let mut socket = Web(relay.send(format!(
        "GET /channels/a/socket HTTP/1.1\r\nHost: relay\r\n{HANDSHAKE}\r\n"
    )));
    said.extend([stream.head(), events.head(), socket.0.head()]);
    said.push(events.until("\n\r\n"));
    assert!(parked.is_silent());
    relay.publish(&format!("\"{}\"", "x".repeat(40_000)));
    said.extend([
        parked.answer(),
        stream.until("\n\r\n"),
        events.until("\n\r\n"),
    ]);
    said.push(socket.next_text());
    // A poll's connection goes on with the next request.
    parked.send(get("/healthz"));
    said.push(parked.answer());
    relay.stop();
    said.extend([stream.until_closed(), events.until_closed()]);
    said.push(socket.closed().to_string());
    said.iter()
        .map(|text| text.replace(&epoch, "EPOCH"))
        .collect()
}

#[test]
fn every_transport_sends_the_same_bytes_through_tls() {
    let plain = conversations(&Relay::start());
    assert!(plain[0].starts_with("HTTP/1.1 201") && plain.last().unwrap() == "1001");
    for old in [false, true] {
        let secure = conversations(&Relay::secure(old, |_| ()));
        assert_eq!(plain, secure, "old: {old}");
    }
}

#[test]
fn a_client_that_speaks_plain_http_is_told_so() {
    let relay = Relay::secure(false, |_| ());
    let mut client = Client::plain(relay.address);
    client.send(get("/healthz"));
    let answer = client.answer();
    assert!(
        answer.starts_with("HTTP/1.1 400") && answer.contains("https_only"),
        "{answer}"
    );
    assert_eq!(client.until_closed(), "");
    let mut noise = Client::plain(relay.address);
    noise.send([0, 1, 2, 3]);
    assert_eq!(noise.until_closed(), "");
    relay.counts("relay_closed_total{reason=\"handshake\"} 2");
}

#[test]
fn a_handshake_has_the_time_of_a_head() {
    let relay = Relay::secure(false, |settings| {
        settings.header_deadline = Duration::from_millis(300);
    });
    let mut silent = Client::plain(relay.address);
    let mut begun = Client::plain(relay.address);
    begun.send([22, 3, 1, 2, 0, 1]);
    assert_eq!(silent.until_closed(), "");
    assert_eq!(begun.until_closed(), "");
    relay.counts("relay_closed_total{reason=\"header_deadline\"} 2");
}

#[test]
fn a_client_that_does_not_trust_the_relay_is_counted() {
    let relay = Relay::secure(false, |_| ());
    let stranger = Certificate::make().client(false, &[]);
    let stream = TcpStream::connect(relay.address).unwrap();
    let mut wire = wrap(stream, &stranger, "localhost");
    let error = wire.write_all(get("/healthz").as_bytes()).unwrap_err();
    assert!(error.to_string().contains("certificate"), "{error}");
    drop(wire);
    relay.counts("relay_closed_total{reason=\"handshake\"} 1");
}

#[test]
fn a_relay_that_is_full_says_so_through_tls() {
    let relay = Relay::secure(false, |settings| settings.max_connections = 1);
    let mut first = relay.get("/healthz");
    first.answer();
    let answer = relay.get("/healthz").answer();
    assert!(answer.starts_with("HTTP/1.1 503"), "{answer}");
}

/// Counts the TLS records that come until a text has come.
fn records(relay: &Relay, request: &str, until: &str) -> usize {
    let mut tcp = TcpStream::connect(relay.address).unwrap();
    tcp.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    let name = "localhost".try_into().unwrap();
    let mut tls = rustls::ClientConnection::new(relay.client_config(&["http/1.1"]), name).unwrap();
    while tls.is_handshaking() {
        tls.complete_io(&mut tcp).unwrap();
    }
    tls.writer().write_all(request.as_bytes()).unwrap();
    tls.complete_io(&mut tcp).unwrap();
    let (mut records, mut text, mut raw) = (0, Vec::new(), Vec::new());
    while !String::from_utf8_lossy(&text).contains(until) {
        let mut buffer = [0; 4096];
        let read = tcp.read(&mut buffer).unwrap();
        assert!(read > 0, "closed");
        raw.extend_from_slice(&buffer[..read]);
        while raw.len() >= 5 {
            let length = 5 + usize::from(u16::from_be_bytes([raw[3], raw[4]]));
            if raw.len() < length {
                break;
            }
            let record: Vec<u8> = raw.drain(..length).collect();
            let mut rest = &record[..];
            while !rest.is_empty() {
                tls.read_tls(&mut rest).unwrap();
                tls.process_new_packets().unwrap();
            }
            let before = text.len();
            let _ = tls.reader().read_to_end(&mut text);
            records += usize::from(text.len() > before);
        }
    }
    records
}

#[test]
fn a_batch_is_few_records() {
    let relay = Relay::secure(false, |_| ());
    for _ in 0..50 {
        relay.publish("\"a message of some length\"");
    }
    relay.publish("\"the last\"");
    let count = records(
        &relay,
        &get("/channels/a/stream?after=earliest"),
        "the last",
    );
    assert!(count <= 4, "51 messages in {count} records");
}

#[test]
fn every_end_is_told_apart_from_a_cut() {
    let relay = Relay::secure(false, |_| ());
    let mut clients = [
        relay.get("/healthz"),
        relay.get("/channels/a/messages?wait=50s"),
        relay.get("/channels/a/stream"),
        relay.get("/channels/a/events"),
        Web::open(&relay, "").0,
    ];
    for client in &mut clients[2..4] {
        client.head();
    }
    clients[0].answer();
    assert!(clients[1].is_silent());
    relay.stop();
    for (at, client) in clients.iter_mut().enumerate() {
        let mut rest = Vec::new();
        // Without the end of TLS (close_notify) this is an error: anybody could have cut it off.
        let end = client.stream.read_to_end(&mut rest);
        assert!(end.is_ok(), "client {at}: {end:?}");
    }
}

#[test]
fn a_client_that_takes_nothing_is_closed_and_counted() {
    let relay = Relay::secure(false, |settings| {
        settings.write_deadline = Duration::from_millis(300);
        settings.ring_bytes = 64 << 20;
    });
    let mut stuck = relay.get("/channels/a/stream");
    stuck.head();
    let message = format!("\"{}\"", "x".repeat(60_000));
    for _ in 0..300 {
        relay.publish(&message);
    }
    relay.counts("relay_closed_total{reason=\"write_deadline\"} 1");
}

#[test]
fn the_relays_own_pages_are_of_https_alone() {
    let relay = Relay::secure(false, |_| ());
    for (origin, status) in [
        ("https://relay", 200),
        ("http://relay", 403),
        ("https://other", 403),
    ] {
        let head = relay
            .send(format!(
                "GET /channels/a/stream HTTP/1.1\r\nHost: relay\r\nOrigin: {origin}\r\n\r\n"
            ))
            .head();
        assert!(
            head.starts_with(&format!("HTTP/1.1 {status}")),
            "{origin}: {head}"
        );
    }
}

#[test]
fn the_page_that_shows_bytes_shows_them_as_they_are_within_tls() {
    let relay = Relay::secure(false, |_| ());
    let answer = relay.get("/explain/deliveries").answer();
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");
    let hex: String = "GET /channels/explain/stream"
        .bytes()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    assert!(answer.contains(&hex), "{answer}");
}

/// Runs the program to its end and gives its exit code and what it said.
fn refused(flags: &[&str]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_relay"))
        .args(["--listen", "127.0.0.1:0"])
        .args(flags)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    assert!(output.stdout.is_empty(), "it started: {flags:?}");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    (output.status.code(), said)
}

#[test]
fn wrong_certificates_are_told_at_the_start() {
    let (one, other) = (Certificate::make(), Certificate::make());
    let path = |certificate: &Certificate, name| certificate.file(name).display().to_string();
    let (cert, key) = (path(&one, "cert.pem"), path(&one, "key.pem"));
    let strange = path(&other, "key.pem");
    let missing = path(&one, "missing.pem");
    for (flags, word) in [
        (vec!["--tls-cert", &cert], "--tls-key"),
        (vec!["--tls-key", &key], "--tls-cert"),
        (
            vec!["--tls-cert", &cert, "--tls-key", &cert],
            "holds no private key",
        ),
        (
            vec!["--tls-cert", &key, "--tls-key", &key],
            "holds no certificate",
        ),
        (
            vec!["--tls-cert", &cert, "--tls-key", &strange],
            "does not belong",
        ),
        (
            vec!["--tls-cert", &missing, "--tls-key", &key],
            "missing.pem",
        ),
        (
            vec!["--tls-cert", &cert, "--tls-key", &key, "--tls-self-signed"],
            "--tls-self-signed",
        ),
        (vec!["--tls-cert-out", &missing], "--tls-self-signed"),
        (
            vec!["--tls-self-signed", "--tls-cert-out", "/proc/no/cert.pem"],
            "--tls-cert-out",
        ),
    ] {
        let (code, said) = refused(&flags);
        assert_eq!(code, Some(2), "{flags:?}: {said}");
        assert!(said.contains(word), "{flags:?}: {said}");
        assert!(!said.contains("BEGIN"), "it tells of a file: {said}");
    }
}

#[test]
fn a_certificate_of_its_own_is_there_before_the_first_line() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("relay.pem");
    let (mut child, line) = spawn(
        Command::new(env!("CARGO_BIN_EXE_relay"))
            .args(["--listen", "127.0.0.1:0", "--exit-with-stdin"])
            .args(["--tls-self-signed", "--allow-host", "push.example"])
            .arg("--tls-cert-out")
            .arg(&path)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped()),
    );
    assert!(
        line.starts_with("listening on https://127.0.0.1:"),
        "{line}"
    );
    let trusted = CertificateDer::from_pem_file(&path).unwrap();
    let config = client(&trusted, false, &["http/1.1"]);
    for (name, known) in [
        ("localhost", true),
        ("127.0.0.1", true),
        ("::1", true),
        ("push.example", true),
        ("127.0.0.2", false),
        ("evil.example", false),
    ] {
        let stream = TcpStream::connect(address(&line)).unwrap();
        let mut client = Client::new(wrap(stream, &config, name));
        let sent = client.stream.write_all(get("/healthz").as_bytes());
        assert_eq!(sent.is_ok(), known, "{name}: {sent:?}");
        if known {
            assert!(client.answer().ends_with("ok\n"), "{name}");
        }
    }
    drop(child.stdin.take());
    let mut log = String::new();
    let mut stderr = child.stderr.take().unwrap();
    stderr.read_to_string(&mut log).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    assert!(log.contains("sha256=\""), "{log}");
}
