//! Clients that others wrote, over HTTPS and HTTP/2: curl, and Node's own.

use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::{installed, spawn};

/// A relay with a certificate of its own; it ends with the guard.
struct Secure {
    child: Child,
    url: String,
    folder: tempfile::TempDir,
}

impl Secure {
    fn start() -> Self {
        Self::with(|_| ())
    }

    /// The same with a change to its command.
    fn with(change: impl FnOnce(&mut Command)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut program = Command::new(env!("CARGO_BIN_EXE_relay"));
        program
            .args(["--listen", "127.0.0.1:0", "--exit-with-stdin"])
            .args(["--grace", "2s", "--tls-self-signed"])
            .arg("--tls-cert-out")
            .arg(folder.path().join("cert.pem"))
            .stdin(Stdio::piped());
        change(&mut program);
        let (child, line) = spawn::spawn(&mut program);
        let url = line.rsplit(' ').next().unwrap().to_owned();
        assert!(url.starts_with("https://"), "{line}");
        Self { child, url, folder }
    }

    fn certificate(&self) -> std::path::PathBuf {
        self.folder.path().join("cert.pem")
    }

    /// Calls curl and gives what it writes, the version of HTTP last.
    fn curl(&self, flags: &[&str], path: &str) -> String {
        let output = Command::new("curl")
            .args(["--silent", "--show-error", "--max-time", "10", "--cacert"])
            .arg(self.certificate())
            .args(["--write-out", " HTTP/%{http_version} %{http_code}"])
            .args(flags)
            .arg(format!("{}{path}", self.url))
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{flags:?}: {said}");
        String::from_utf8(output.stdout).unwrap()
    }
}

impl Drop for Secure {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}

#[test]
fn curl_trusts_the_relays_own_certificate_and_speaks_both_versions() {
    if installed::curl().is_none() {
        return;
    }
    let relay = Secure::start();
    let json = ["-H", "Content-Type: application/json", "-d", "\"by curl\""];
    for (version, tls, name) in [
        ("--http2", "--tlsv1.3", " HTTP/2 "),
        ("--http2", "--tls-max", " HTTP/2 "),
        ("--http1.1", "--tlsv1.3", " HTTP/1.1 "),
    ] {
        let mut how = vec![version, tls];
        how.extend((tls == "--tls-max").then_some("1.2"));
        let posted = relay.curl(&[&how[..], &json].concat(), "/channels/curl/messages");
        assert!(posted.ends_with(&format!("{name}201")), "{how:?}: {posted}");
        let read = relay.curl(&how, "/channels/curl/messages?after=earliest&wait=5s");
        assert!(read.contains("\"payload\":\"by curl\""), "{how:?}: {read}");
        let empty = relay.curl(&how, "/channels/curl/messages?wait=10ms");
        assert_eq!(empty, format!("{name}204"), "{how:?}");
    }
    // Without the certificate it does not.
    let output = Command::new("curl")
        .args(["--silent", "--max-time", "10", &relay.url])
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(60), "no peer certificate");
}

#[test]
fn no_log_tells_a_token_that_came_over_http2() {
    if installed::curl().is_none() {
        return;
    }
    let keys = tempfile::tempdir().unwrap();
    let key = keys.path().join("relay.key");
    let tool = |arguments: &[&str]| {
        let mut tool = Command::new(env!("CARGO_BIN_EXE_relay"));
        let output = tool.args(arguments).output().unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let path = key.to_str().unwrap();
    tool(&["key", path]);
    let token = tool(&["token", "--keys", path, "--read", "*", "--for", "1h"]);
    let log = keys.path().join("log");
    let stderr = std::fs::File::create(&log).unwrap();
    let relay = Secure::with(|program| {
        program
            .args(["--log-level", "trace", "--token-keys", path])
            .stderr(stderr);
    });
    let bearer = format!("Authorization: Bearer {token}");
    let read = relay.curl(&["--http2", "-H", &bearer], "/channels/a/messages");
    assert_eq!(read, " HTTP/2 204");
    let forged = format!("{bearer}x");
    let refused = relay.curl(&["--http2", "-H", &forged], "/channels/a/messages");
    assert!(refused.ends_with(" HTTP/2 401"), "{refused}");
    drop(relay);
    let log = std::fs::read_to_string(log).unwrap();
    assert!(log.contains("DEBUG") && log.contains("shut down"), "{log}");
    // The signature is the last part of three.
    for part in token.split('.').skip(1) {
        assert!(!log.contains(part), "{log}");
    }
    let frames = log.lines().filter(|line| line.contains("h2::"));
    assert_eq!(frames.count(), 0, "it is the relay's log: {log}");
}

#[test]
fn node_uses_every_transport_on_one_connection() {
    // It needs no package.
    let Some(mut node) = installed::node("http2") else {
        return;
    };
    let relay = Secure::start();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clients/by_http2.cjs");
    let output = node
        .arg(script)
        .arg(&relay.url)
        .arg(relay.certificate())
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let said = String::from_utf8(output.stdout).unwrap();
    let mut lines: Vec<_> = said.lines().collect();
    assert_eq!(lines.first(), Some(&"connect protocol true streams 100"));
    // They open in any order.
    lines.sort_unstable();
    let expected = [
        "connect protocol true streams 100",
        "events 200",
        "got true",
        "got true",
        "got true",
        "long poll 200 by node",
        "post 201",
        "socket 200",
        "stream 200",
    ];
    assert_eq!(
        lines,
        expected,
        "{}",
        String::from_utf8_lossy(&output.stderr)
    );
}
