//! What the benchmarks need: a server as a child process, and what it costs.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};

/// A server in a process of its own; it ends with the guard.
pub(crate) struct Server {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Server {
    /// Starts a program that prints `listening on http://ADDRESS` as its first line.
    pub(crate) fn start(program: &str, flags: &[&str]) -> Self {
        let mut child = Command::new(program)
            .args(flags)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let mut line = String::new();
        let stdout = child.stdout.take().expect("invariant: piped");
        BufReader::new(stdout)
            .read_line(&mut line)
            .expect("the server says where it listens");
        let address = line
            .trim()
            .rsplit('/')
            .next()
            .and_then(|text| text.parse().ok());
        Self {
            address: address.expect("the first line names the address"),
            child,
        }
    }

    /// Starts the relay of this build.
    pub(crate) fn relay(flags: &[&str]) -> Self {
        Self::relay_at("127.0.0.1:0", flags)
    }

    /// The same at an address.
    pub(crate) fn relay_at(address: &str, flags: &[&str]) -> Self {
        let fixed = [
            "--listen",
            address,
            "--exit-with-stdin",
            "--log-level",
            "warn",
            "--max-connections-per-address",
            "16000",
            "--request-rate-per-address",
            "0",
        ];
        Self::start(env!("CARGO_BIN_EXE_relay"), &[&fixed, flags].concat())
    }

    /// The process's number.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Sends a request and reads the head of its answer; what follows it stays in the socket.
pub(crate) fn request(stream: &mut TcpStream, request: &str) -> String {
    stream
        .write_all(request.as_bytes())
        .expect("the server reads");
    let mut head = Vec::new();
    let mut byte = [0];
    while !head.ends_with(b"\r\n\r\n") {
        assert_eq!(
            stream.read(&mut byte).expect("the server answers"),
            1,
            "the server closed"
        );
        head.push(byte[0]);
    }
    String::from_utf8(head).expect("a head is ASCII")
}

/// Opens a WebSocket at a path.
pub(crate) fn websocket(address: SocketAddr, path: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).expect("the server accepts");
    stream.set_nodelay(true).expect("invariant: an open socket");
    let head = request(
        &mut stream,
        &format!(
            "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
        ),
    );
    assert!(head.starts_with("HTTP/1.1 101"), "{head}");
    stream
}

/// The middle of an odd number of values.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}
