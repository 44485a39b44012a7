//! The relay's program as a child.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use crate::spawn;

/// A running relay; it ends with the guard.
pub(crate) struct Program {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Program {
    /// Starts the relay at an address, with further flags.
    pub(crate) fn start(address: SocketAddr, flags: &[&str]) -> Self {
        let mut program = Command::new(env!("CARGO_BIN_EXE_relay"));
        program
            .args(["--listen", &address.to_string(), "--exit-with-stdin"])
            .args(["--log-level", "warn", "--grace", "2s"])
            .args(flags)
            .stdin(Stdio::piped());
        let (child, line) = spawn::spawn(&mut program);
        Self {
            child,
            address: spawn::address(&line),
        }
    }

    pub(crate) fn page(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Ends it with SIGTERM, as an operator would, and waits for the end.
    pub(crate) fn terminate(mut self) {
        let id = self.child.id().to_string();
        assert!(Command::new("kill").arg(id).status().unwrap().success());
        assert_eq!(self.child.wait().unwrap().code(), Some(0));
    }

    /// Asks once, over a raw socket.
    pub(crate) fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .unwrap();
        let request = request.replacen("\r\n", "\r\nHost: localhost\r\nConnection: close\r\n", 1);
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    pub(crate) fn publish(&self, channel: &str, json: &str) {
        let length = json.len();
        let answer = self.ask(&format!(
            "POST /channels/{channel}/messages HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n{json}"
        ));
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// An address that is free now, for what must be known before the relay starts or be used again.
pub(crate) fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap()
}
