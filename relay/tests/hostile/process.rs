//! The relay as a process of its own, as hostile clients meet it, and what can be seen of it.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::Value;
use tempfile::TempDir;

/// What one address may hold open. All attackers share one.
pub(crate) const ATTACKERS: usize = 300;
const MAX_BODY: usize = 64 << 10;
const REPLY: usize = 128 << 10;
const LOGS: usize = 32 << 20;
const CHANNELS: usize = 1000;
const TICKETS: usize = 800;
/// As addresses of other machines have them.
const TURNS: usize = 1000;
/// All connections: the honest ones, those that do something about the relay, and the attackers'.
const CONNECTIONS: usize = 1200;

/// A running relay; it ends with the guard.
pub(crate) struct Relay {
    child: Child,
    pub(crate) address: SocketAddr,
    /// The header that lets everybody here do everything. The attackers have it too.
    pub(crate) authorization: String,
    _folder: TempDir,
}

impl Relay {
    /// Starts it with tokens or without, and with deadlines short enough to be seen.
    pub(crate) fn start(tokens: bool) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let keys = folder.path().join("relay.key");
        let keys = keys.to_str().expect("invariant: a path of ours is text");
        run(&["key", keys]);
        let token = run(&[
            "token",
            "--keys",
            keys,
            "--read",
            "*",
            "--publish",
            "*",
            "--operate",
        ]);
        let sizes = [
            ("--max-connections", CONNECTIONS),
            ("--max-connections-per-address", ATTACKERS),
            ("--request-rate-per-address", TURNS),
            ("--max-body", MAX_BODY),
            ("--reply-bytes", REPLY),
            ("--log-bytes", LOGS),
            ("--max-channels", CHANNELS),
            ("--max-tickets", TICKETS),
            ("--slow-reader-bytes", 256 << 10),
            ("--min-rate", 256 << 10),
        ]
        .map(|(flag, value)| (flag, value.to_string()));
        let words = [
            ("--listen", "127.0.0.1:0"),
            ("--log-level", "error"),
            ("--slow-reader", "disconnect"),
            ("--header-deadline", "1s"),
            ("--body-deadline", "1s"),
            ("--write-deadline", "1s"),
            ("--heartbeat", "1s"),
            ("--pong-deadline", "2s"),
            ("--ring-age", "20s"),
            ("--ticket-life", "5s"),
            ("--channel-idle", "1s"),
        ]
        .map(|(flag, value)| (flag, value.to_owned()));
        let guard = tokens.then(|| ("--token-keys", keys.to_owned()));
        let flags = words.into_iter().chain(sizes).chain(guard);
        let mut child = Command::new(env!("CARGO_BIN_EXE_relay"))
            .args(flags.flat_map(|(flag, value)| [flag.to_owned(), value]))
            .arg("--exit-with-stdin")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the relay starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("invariant: piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("it says where it listens");
        let address = line.trim().rsplit('/').next().map(str::parse);
        Self {
            address: address
                .and_then(Result::ok)
                .expect("its first line names the address"),
            child,
            authorization: if tokens {
                format!("Authorization: Bearer {}\r\n", token.trim())
            } else {
                String::new()
            },
            _folder: folder,
        }
    }

    /// The most memory that its flags allow, beyond what it takes at rest: the sum that README.md gives.
    pub(crate) fn bound(attackers: usize) -> u64 {
        let connection = (64 << 10) + 2 * MAX_BODY + 2 * (REPLY + MAX_BODY);
        (LOGS + attackers * connection + CHANNELS * 2048 + TICKETS * 512 + (8 << 20)) as u64
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Resident memory in bytes.
    pub(crate) fn resident(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.and_then(|line| line.trim().trim_end_matches(" kB").parse::<u64>().ok());
        kib.expect("VmRSS is there") * 1024
    }

    /// What it has counted, as `/stats` tells it.
    pub(crate) fn stats(&self) -> Value {
        let mut stream = TcpStream::connect(self.address).expect("it accepts");
        let patience = Some(Duration::from_secs(20));
        stream
            .set_read_timeout(patience)
            .expect("invariant: an open socket");
        let ask = format!(
            "GET /stats HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n{}\r\n",
            self.authorization
        );
        let mut text = String::new();
        stream.write_all(ask.as_bytes()).expect("it reads");
        stream.read_to_string(&mut text).expect("it answers");
        let body = text.split("\r\n\r\n").nth(1).unwrap_or_default();
        serde_json::from_str(body).unwrap_or_else(|error| panic!("{error}: {text}"))
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn run(words: &[&str]) -> String {
    let output = Command::new(env!("CARGO_BIN_EXE_relay"))
        .args(words)
        .output()
        .expect("the relay's program runs");
    assert!(output.status.success(), "{words:?}: {output:?}");
    String::from_utf8(output.stdout).expect("it prints text")
}
