//! Tokens as a person meets them: keys and tokens made by the program, and a relay that asks for them.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use crate::harness::{Client, HANDSHAKE, frame};
use crate::spawn;

fn program() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_relay"));
    command.stdin(Stdio::null());
    command
}

fn run(arguments: &[&str]) -> Output {
    program().args(arguments).output().unwrap()
}

/// Runs it to a good end and gives its output.
fn made(arguments: &[&str]) -> String {
    let output = run(arguments);
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

/// A relay that runs, and its log when it has ended.
struct Running {
    child: Child,
    address: SocketAddr,
}

impl Running {
    fn start(arguments: &[&str]) -> Self {
        let mut relay = program();
        relay
            .args(["--listen", "127.0.0.1:0"])
            .args(arguments)
            .stderr(Stdio::piped());
        let (child, line) = spawn::spawn(&mut relay);
        Self {
            child,
            address: spawn::address(&line),
        }
    }

    /// Asks, and reads as much as has come when the head is complete.
    fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        let mut buffer = [0; 4096];
        while !answer.contains("\r\n\r\n") {
            let read = stream.read(&mut buffer).unwrap();
            assert!(read > 0, "{answer}");
            answer += &String::from_utf8_lossy(&buffer[..read]);
        }
        answer
    }

    /// Ends it and gives its log.
    fn log(mut self) -> String {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        self.child.wait().unwrap();
        let mut log = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut log).unwrap();
        log
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It has ended already when all went well.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o777
}

#[test]
fn a_person_makes_a_key_and_a_token_and_uses_them() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    let text = |name: &str| at(name).to_str().unwrap().to_owned();
    made(&["key", &text("relay.key")]);
    let (sign, public) = (text("sign.key"), text("public.key"));
    let pair = ["--algorithm", "eddsa", "--id", "2026"];
    made(&[&["key", &sign, "--public", &public], pair.as_slice()].concat());
    assert_eq!(mode(&at("relay.key")), 0o600);
    assert_eq!(mode(&at("sign.key")), 0o600);
    assert!(
        !std::fs::read_to_string(at("public.key"))
            .unwrap()
            .contains("\"d\"")
    );
    let again = run(&["key", &text("relay.key")]);
    assert!(!again.status.success(), "a key is not written over");

    for (signs, checks) in [("relay.key", "relay.key"), ("sign.key", "public.key")] {
        let relay = Running::start(&["--token-keys", &text(checks)]);
        let flags = ["--read", "room.*", "--publish", "room.1", "--for", "1m"];
        let token = made(&[&["token", "--keys", &text(signs)], flags.as_slice()].concat());
        let read = |channel: &str, line: &str| {
            relay.ask(&format!(
                "GET /channels/{channel}/messages HTTP/1.1\r\nHost: x\r\n{line}\r\n"
            ))
        };
        let line = format!("Authorization: Bearer {token}\r\n");
        assert!(read("room.7", &line).starts_with("HTTP/1.1 204"));
        assert!(read("other", &line).starts_with("HTTP/1.1 403"));
        assert!(read("room.7", "").starts_with("HTTP/1.1 401"));
    }
    let public = run(&["token", "--keys", &text("public.key"), "--read", "*"]);
    assert!(!public.status.success(), "a public half signs nothing");
}

#[test]
fn keys_come_from_the_environment_too() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("key");
    made(&["key", file.to_str().unwrap()]);
    let keys = std::fs::read_to_string(&file).unwrap();
    let output = program()
        .args(["token", "--keys-env", "MY_KEYS", "--read", "a"])
        .env("MY_KEYS", &keys)
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let none = run(&["--token-keys-env", "MY_KEYS"]);
    assert_eq!(none.status.code(), Some(2), "{none:?}");
    std::fs::write(&file, keys.replace("HS256", "none")).unwrap();
    let wrong = run(&["--token-keys", file.to_str().unwrap()]);
    let said = String::from_utf8(wrong.stderr).unwrap();
    assert_eq!(wrong.status.code(), Some(2));
    let secret = keys
        .split("\"k\": \"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    assert!(
        said.contains("HS256 or EdDSA") && !said.contains(secret),
        "{said}"
    );
}

#[test]
fn nobody_is_let_in_from_elsewhere_by_oversight() {
    let refused = run(&["--listen", "0.0.0.0:0"]);
    let said = String::from_utf8(refused.stderr).unwrap();
    assert_eq!(refused.status.code(), Some(2), "{said}");
    assert!(
        said.contains("--token-keys") && said.contains("--open"),
        "{said}"
    );
    assert!(refused.stdout.is_empty(), "it never listened");
    let open = Running::start(&["--open"]);
    assert!(open.log().contains("whoever reaches this address"));
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key").to_str().unwrap().to_owned();
    made(&["key", &key]);
    let both = run(&["--open", "--token-keys", &key]);
    assert_eq!(both.status.code(), Some(2), "{both:?}");
}

#[test]
fn the_log_holds_neither_tokens_nor_tickets() {
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key").to_str().unwrap().to_owned();
    made(&["key", &key]);
    let token = made(&["token", "--keys", &key, "--read", "a", "--publish", "a"]);
    let expired = made(&["token", "--keys", &key, "--read", "a", "--for", "0s"]);
    for format in ["text", "json"] {
        let log = [
            "--log-level",
            "trace",
            "--log-format",
            format,
            "--token-skew",
            "0s",
        ];
        let relay = Running::start(&[&["--token-keys", &key], log.as_slice()].concat());
        let line = format!("Host: x\r\nAuthorization: Bearer {token}\r\n");
        let body = r#"{"channel":"a"}"#;
        let answer = relay.ask(&format!(
            "POST /tickets HTTP/1.1\r\n{line}Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        ));
        let ticket = answer
            .split("ticket\":\"")
            .nth(1)
            .unwrap_or_else(|| panic!("{answer}"))
            .split('"')
            .next()
            .unwrap();
        let old = format!("Host: x\r\nAuthorization: Bearer {expired}\r\n");
        for (path, lines, status) in [
            ("messages".to_owned(), line.as_str(), "204"),
            ("messages".to_owned(), old.as_str(), "401"),
            (
                format!("socket?ticket={ticket}"),
                &format!("Host: x\r\n{HANDSHAKE}"),
                "101",
            ),
            (format!("events?ticket={ticket}"), "Host: x\r\n", "401"),
            (format!("events?token={token}"), "Host: x\r\n", "401"),
            (format!("mess ages?ticket={ticket}"), &line, "400"),
        ] {
            let answer = relay.ask(&format!("GET /channels/a/{path} HTTP/1.1\r\n{lines}\r\n"));
            assert!(
                answer.starts_with(&format!("HTTP/1.1 {status}")),
                "{path}: {answer}"
            );
        }
        for token in [&token, &expired] {
            let head = format!(
                "GET /channels/a/socket HTTP/1.1\r\nHost: x\r\nOrigin: http://x\r\n{HANDSHAKE}\r\n"
            );
            let first = frame(0x81, format!(r#"{{"token":"{token}"}}"#).as_bytes());
            let mut client = Client::plain(relay.address);
            client.send([head.as_bytes(), &first].concat());
            assert!(client.head().starts_with("HTTP/1.1 101"));
            client.until(if *token == expired {
                "token_expired"
            } else {
                "admitted"
            });
        }
        let log = relay.log();
        assert!(log.contains("connection ended"), "it logs at all: {log}");
        for secret in [&token, &expired, ticket] {
            assert!(
                !log.contains(secret) && !log.contains(&secret[..20]),
                "{log}"
            );
        }
    }
}
