//! The relay's program as a child.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::spawn;

/// A running relay; it ends with the guard.
pub(crate) struct Relay {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Relay {
    pub(crate) fn start() -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_relay"));
        program
            .args(["--listen", "127.0.0.1:0", "--exit-with-stdin"])
            // curl shows a head with the first byte after it, and on a stream that is a heartbeat.
            .args([
                "--log-level",
                "warn",
                "--grace",
                "2s",
                "--heartbeat",
                "500ms",
            ])
            .stdin(Stdio::piped());
        let (child, line) = spawn::spawn(&mut program);
        Self {
            child,
            address: spawn::address(&line),
        }
    }

    /// Ends it as an operator would, and waits for the end.
    pub(crate) fn end(&mut self) {
        drop(self.child.stdin.take());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }

    /// Publishes on the channel of the story.
    pub(crate) fn publish(&self, json: &str) {
        let mut stream = TcpStream::connect(self.address).unwrap();
        let patience = Some(Duration::from_secs(10));
        stream.set_read_timeout(patience).unwrap();
        let length = json.len();
        let request = format!(
            "POST /channels/story/messages HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\
             Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{json}"
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
