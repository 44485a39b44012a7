//! Relays as programs, on one store.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use tokio::time::Instant;

use crate::here::PATIENCE;
use crate::nats::Nats;
use crate::spawn;

/// A relay that runs; it is killed with the guard.
struct Node {
    child: Child,
    address: SocketAddr,
}

fn command(store: &str, more: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_relay"));
    command
        .args(["--listen", "127.0.0.1:0", "--store", store])
        .args(more)
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    command
}

impl Node {
    fn start(nats: &Nats, more: &[&str]) -> Self {
        let store = format!("nats://{}", nats.address);
        let (child, line) = spawn::spawn(&mut command(&store, more));
        Self {
            child,
            address: spawn::address(&line),
        }
    }

    /// Sends a request and gives its connection.
    fn send(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        stream
    }

    fn ask(&self, request: &str) -> String {
        let mut answer = String::new();
        self.send(request).read_to_string(&mut answer).unwrap();
        answer
    }

    fn get(&self, path: &str) -> String {
        self.ask(&format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        ))
    }

    fn post(&self, json: &str) -> String {
        self.ask(&format!(
            "POST /channels/a/messages HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{json}",
            json.len()
        ))
    }

    fn publish(&self, json: &str) -> String {
        let answer = self.post(json);
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
        answer.rsplit('"').nth(1).unwrap().to_owned()
    }

    /// Reads a stream until a text comes.
    fn stream_until(&self, path: &str, text: &str) -> String {
        let mut stream = self.send(&format!("GET {path} HTTP/1.1\r\nHost: localhost\r\n\r\n"));
        let (mut all, mut bytes) = (String::new(), [0; 4096]);
        while !all.contains(text) {
            let count = stream.read(&mut bytes).unwrap();
            assert!(count > 0, "{all}");
            all += std::str::from_utf8(&bytes[..count]).unwrap();
        }
        all
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn ended(command: &mut Command) -> (Option<i32>, String) {
    let Output { status, stderr, .. } = command.stdout(Stdio::piped()).output().unwrap();
    (status.code(), String::from_utf8(stderr).unwrap())
}

#[test]
fn clients_of_a_killed_relay_go_on_at_another_without_loss() {
    let Some(nats) = Nats::start() else { return };
    let (one, two) = (Node::start(&nats, &[]), Node::start(&nats, &[]));
    let first = one.publish("1");
    let second = one.publish("2");
    assert!(
        one.stream_until(&format!("/channels/a/stream?after={first}"), "payload\":2")
            .contains(&second)
    );
    drop(one);
    let third = two.publish("3");
    for path in [
        format!("/channels/a/stream?after={first}"),
        format!("/channels/a/events?after={first}"),
    ] {
        let all = two.stream_until(&path, &third);
        let at = |text: &str| all.find(text).unwrap_or_else(|| panic!("{text}: {all}"));
        assert!(at(&second) < at(&third) && !all.contains("missed"), "{all}");
    }
    let poll = two.get(&format!("/channels/a/messages?after={second}"));
    assert!(
        poll.contains(&format!("\"next\":\"{third}\"")) && poll.contains("\"missed\":null"),
        "{poll}"
    );
    assert!(
        !poll.contains(&format!("\"position\":\"{second}\"")),
        "{poll}"
    );
}

#[test]
fn a_lost_store_is_said_everywhere_and_comes_back() {
    let Some(mut nats) = Nats::start() else {
        return;
    };
    let node = Node::start(&nats, &["--store-timeout", "300ms"]);
    node.publish("1");
    assert!(node.get("/healthz").ends_with("ok\n"));
    nats.kill();
    let refused = node.post("2");
    assert!(
        refused.starts_with("HTTP/1.1 503") && refused.contains("retry-after: 1"),
        "{refused}"
    );
    assert!(
        refused.contains("store_unavailable") || refused.contains("store_unconfirmed"),
        "{refused}"
    );
    let degraded = wait_for(
        || node.get("/healthz"),
        |health| health.starts_with("HTTP/1.1 503"),
    );
    assert!(degraded.contains("degraded"), "{degraded}");
    assert!(node.get("/stats").contains(r#""connected":false"#));
    assert!(node.get("/metrics").contains("\nrelay_store_connected 0\n"));
    let kept = node.get("/channels/a/messages?after=earliest");
    assert!(
        kept.contains("\"payload\":1"),
        "who reads is served: {kept}"
    );
    nats.again();
    wait_for(|| node.get("/healthz"), |health| health.ends_with("ok\n"));
    node.publish("3");
    let metrics = node.get("/metrics");
    assert!(metrics.contains("\nrelay_store_connected 1\n"), "{metrics}");
    assert!(
        metrics.contains("\nrelay_store_reconnects_total 1\n"),
        "{metrics}"
    );
}

fn wait_for(ask: impl Fn() -> String, good: impl Fn(&str) -> bool) -> String {
    let end = Instant::now() + PATIENCE;
    loop {
        let answer = ask();
        if good(&answer) {
            return answer;
        }
        assert!(Instant::now() < end, "{answer}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn a_store_and_a_file_to_keep_contradict_each_other() {
    let (code, said) = ended(&mut command(
        "nats://127.0.0.1:1",
        &["--keep", "/nowhere/kept"],
    ));
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("--keep") && said.contains("--store"),
        "{said}"
    );
}

#[test]
fn a_password_is_nowhere_in_what_is_said() {
    // Nothing listens there, so the relay says that it cannot reach it, and where that is.
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let mut command = Command::new(env!("CARGO_BIN_EXE_relay"));
    command
        .args([
            "--listen",
            "127.0.0.1:0",
            "--log-level",
            "trace",
            "--store-env",
            "STORE",
        ])
        .env("STORE", format!("nats://user:s3cret@{address}"))
        .stdin(Stdio::null())
        .stderr(Stdio::piped());
    let (code, said) = ended(&mut command);
    assert_eq!(code, Some(1), "{said}");
    assert!(
        said.contains(&format!("nats://{address}")) && !said.contains("s3cret"),
        "{said}"
    );
    // Neither is a text that is no place.
    command.env("STORE", "http://user:s3cret@h");
    let (code, said) = ended(&mut command);
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("nats://HOST:PORT") && !said.contains("s3cret"),
        "{said}"
    );
    let (code, said) = ended(
        Command::new(env!("CARGO_BIN_EXE_relay")).args(["--store", "nats://user:s3cret@h/x"]),
    );
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("--store: a store is `memory`") && !said.contains("s3cret"),
        "{said}"
    );
    // Nor is a place that stands where the name of its variable should.
    let place = ["--store-env", "nats://user:s3cret@h"];
    let (code, said) = ended(Command::new(env!("CARGO_BIN_EXE_relay")).args(place));
    assert_eq!(code, Some(2), "{said}");
    assert!(
        said.contains("--store-env: it takes the name of an environment variable")
            && !said.contains("s3cret"),
        "{said}"
    );
}
