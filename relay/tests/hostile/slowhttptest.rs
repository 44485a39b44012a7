//! Debian's slowhttptest: a slowloris, slow bodies and slow reads as others attack.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::process::Relay;

#[test]
fn slowhttptest_finds_the_relay_available() {
    let installed = Command::new("slowhttptest")
        .arg("-h")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok();
    if !installed {
        let text = "LEFT OUT: slowhttptest is not installed (apt-get install slowhttptest)";
        assert!(
            std::env::var_os("PUSHMARK_NOTHING_LEFT_OUT").is_none(),
            "{text}"
        );
        let _ = writeln!(std::io::stderr().lock(), "{text}");
        return;
    }
    // It sends no tokens.
    let relay = Relay::start(false);
    let message = format!("\"{}\"", "x".repeat(60_000));
    let post = format!(
        "POST /channels/a/messages HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{message}",
        message.len()
    );
    for _ in 0..5 {
        assert!(asks(&relay, &post, 12).starts_with("HTTP/1.1 201"));
    }
    let url = |path: &str| format!("http://{}{path}", relay.address);
    let modes: [(&str, String, &[&str]); 3] = [
        ("-H", url("/healthz"), &["-i", "1"]),
        (
            "-B",
            url("/channels/a/messages"),
            &["-i", "1", "-s", "60000", "-f", "application/json"],
        ),
        // Ten answers of 128 KiB behind one another, read by five bytes a second.
        (
            "-X",
            url("/channels/a/messages?after=earliest"),
            &["-k", "10", "-w", "10", "-y", "20", "-n", "1", "-z", "5"],
        ),
    ];
    for (mode, url, more) in modes {
        let mut attack = Command::new("slowhttptest")
            .args([
                mode, "-c", "250", "-r", "200", "-l", "4", "-p", "3", "-v", "0", "-u", &url,
            ])
            .args(more)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        let mut answered = 0;
        while attack
            .try_wait()
            .expect("invariant: a child of ours")
            .is_none()
        {
            assert!(
                asks(&relay, HEALTH, usize::MAX).ends_with("ok\n"),
                "{mode}: the relay is not available"
            );
            answered += 1;
            std::thread::sleep(Duration::from_millis(100));
        }
        assert!(answered > 5, "{mode}: it ended after {answered} answers");
    }
    let closed = &relay.stats()["closed"];
    for reason in ["header_deadline", "body_deadline", "write_deadline"] {
        assert!(closed[reason].as_u64() > Some(50), "{reason}: {closed}");
    }
}

const HEALTH: &str = "GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n";

/// One more client, while the others are at it; reads so many bytes, or to the end. It has another address: theirs
/// may be full.
fn asks(relay: &Relay, request: &str, most: usize) -> String {
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None);
    let socket = socket.expect("a socket");
    let own: std::net::SocketAddr = "127.0.2.1:0".parse().expect("invariant: an address");
    socket
        .bind(&own.into())
        .expect("an address of this machine");
    socket.connect(&relay.address.into()).expect("it accepts");
    let mut stream = TcpStream::from(socket);
    let patience = Some(Duration::from_secs(10));
    stream
        .set_read_timeout(patience)
        .expect("invariant: an open socket");
    let mut text = String::new();
    stream.write_all(request.as_bytes()).expect("it reads");
    let mut answer = stream.take(most as u64);
    answer.read_to_string(&mut text).expect("it answers");
    text
}
