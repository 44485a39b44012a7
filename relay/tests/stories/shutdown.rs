//! Shutting down with a client of each transport connected.

use std::io::Read;
use std::process::{Command, Stdio};
use std::time::Duration;

use tokio::time::Instant;

use crate::harness::{Relay, Web, get};
use crate::spawn::spawn;

#[test]
fn every_transport_ends_in_its_own_way() {
    let relay = Relay::with(|settings| settings.grace = Duration::from_secs(600));
    let mut idle = relay.get("/healthz");
    idle.answer();
    let mut parked = relay.get("/channels/a/messages?wait=50s");
    let mut stream = relay.get("/channels/a/stream");
    let mut events = relay.get("/channels/a/events");
    let mut socket = Web::open(&relay, "");
    stream.head();
    events.head();
    events.until("\n\n\r\n");
    assert!(parked.is_silent());

    relay.stop();
    let answer = parked.answer();
    assert!(
        answer.starts_with("HTTP/1.1 204") && answer.contains("connection: close\r\n"),
        "{answer}"
    );
    for client in [&mut idle, &mut parked] {
        assert_eq!(client.until_closed(), "");
    }
    assert_eq!(stream.until_closed(), "0\r\n\r\n");
    assert_eq!(events.until_closed(), "0\r\n\r\n");
    assert_eq!(socket.closed(), 1001);
    drop((idle, parked, stream, events));
    // The grace period is longer than a test may take: who has left is not waited for.
    relay.join();
}

#[test]
fn a_client_that_does_not_go_is_cut_after_the_grace_period() {
    let relay = Relay::with(|settings| settings.grace = Duration::from_millis(200));
    let message = format!("\"{}\"", "x".repeat(60_000));
    let mut stuck = relay.get("/channels/a/stream");
    for _ in 0..200 {
        relay.publish(&message);
    }
    let mut begun = relay.send("POST /channels/a/messages HTTP/1.1\r\nContent-Length: 9\r\n");
    relay.join();
    assert_eq!(begun.until_closed(), "");
    assert!(
        !stuck.until_closed().ends_with("\r\n0\r\n\r\n"),
        "it was cut in the middle"
    );
}

/// The relay's program as a child, and its first line.
fn program(flags: &[&str]) -> (std::process::Child, String) {
    spawn(
        Command::new(env!("CARGO_BIN_EXE_relay"))
            .args(flags)
            .stdin(Stdio::piped())
            .stderr(Stdio::piped()),
    )
}

#[test]
fn the_program_ends_with_its_standard_input() {
    for threads in ["1", "2"] {
        let (mut child, line) = program(&[
            "--listen",
            "127.0.0.1:0",
            "--exit-with-stdin",
            "--log-format",
            "json",
            "--threads",
            threads,
        ]);
        let address = line.strip_prefix("listening on http://").unwrap();
        let mut client = std::net::TcpStream::connect(address).unwrap();
        std::io::Write::write_all(&mut client, get("/channels/a/stream").as_bytes()).unwrap();
        let mut first = [0; 12];
        client.read_exact(&mut first).unwrap();
        assert_eq!(&first, b"HTTP/1.1 200");
        drop(child.stdin.take());
        assert_eq!(child.wait().unwrap().code(), Some(0));
        let mut log = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut log)
            .unwrap();
        assert!(
            log.lines()
                .all(|line| serde_json::from_str::<serde_json::Value>(line).is_ok()),
            "{log}"
        );
    }
}

#[test]
fn the_program_ends_on_a_signal_and_at_once_on_a_second() {
    let (mut child, line) = program(&[
        "--listen",
        "127.0.0.1:0",
        "--grace",
        "60s",
        "--write-deadline",
        "60s",
    ]);
    let address = line.strip_prefix("listening on http://").unwrap();
    let kill = |child: &std::process::Child| {
        Command::new("kill")
            .arg(child.id().to_string())
            .status()
            .unwrap()
    };
    let mut stuck = std::net::TcpStream::connect(address).unwrap();
    // Requests whose answers nobody reads: the relay cannot end this connection in order.
    stuck.set_nonblocking(true).unwrap();
    let page = get("/").repeat(5000);
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_millis(200) {
        let _ = std::io::Write::write(&mut stuck, page.as_bytes());
    }
    kill(&child);
    std::thread::sleep(Duration::from_millis(200));
    assert!(
        child.try_wait().unwrap().is_none(),
        "it waits for its client"
    );
    kill(&child);
    assert_eq!(child.wait().unwrap().code(), Some(130));
}

#[test]
fn the_program_says_why_it_cannot_start() {
    let relay = Relay::start();
    let address = relay.address.to_string();
    for (flags, code, text) in [
        (&["--listen", &address][..], 1, address.as_str()),
        (&["--listen", "nowhere"], 2, "--listen"),
        (&["--heartbeat", "15"], 2, "--heartbeat"),
        (&["--allow-origin", "*"], 2, "--allow-origin"),
        (&["--ring-bytes", "1KiB"], 2, "--max-body"),
    ] {
        let output = Command::new(env!("CARGO_BIN_EXE_relay"))
            .args(flags)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{said}");
        assert!(said.contains(text) && output.stdout.is_empty(), "{said}");
    }
}
