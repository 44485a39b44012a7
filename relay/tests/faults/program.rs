//! The relay's program, which can be stopped, killed and started anew at its address.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

use crate::spawn;

/// A relay that runs; it is killed with the guard.
pub(crate) struct Program {
    child: Child,
    pub(crate) address: SocketAddr,
}

fn command(address: &str, keep: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_relay"));
    command
        .args(["--listen", address, "--keep"])
        .arg(keep)
        .stdin(Stdio::null());
    command
}

/// Runs one that is to end by itself.
pub(crate) fn refused(address: &str, keep: &Path) -> Output {
    command(address, keep).output().unwrap()
}

impl Program {
    pub(crate) fn start(keep: &Path) -> Self {
        Self::at("127.0.0.1:0", keep)
    }

    pub(crate) fn at(address: &str, keep: &Path) -> Self {
        let (child, line) = spawn::spawn(command(address, keep).stderr(Stdio::piped()));
        let address = spawn::address(&line);
        Self { child, address }
    }

    /// The same address again.
    pub(crate) fn again(self, keep: &Path) -> Self {
        let address = self.address.to_string();
        drop(self);
        Self::at(&address, keep)
    }

    /// Stops it in order and gives its exit code and its log.
    pub(crate) fn stop(&mut self) -> (Option<i32>, String) {
        kill_process(Pid::from_child(&self.child), Signal::TERM).unwrap();
        let code = self.child.wait().unwrap().code();
        let mut log = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        stderr.read_to_string(&mut log).unwrap();
        (code, log)
    }

    /// Asks, and gives the whole answer.
    pub(crate) fn ask(&self, request: &str) -> String {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        stream.write_all(request.as_bytes()).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    /// Publishes on channel `a` and gives the position.
    pub(crate) fn publish(&self, json: &str) -> String {
        let answer = self.ask(&format!(
            "POST /channels/a/messages HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Type: application/json\r\n\
             Content-Length: {}\r\n\r\n{json}",
            json.len()
        ));
        assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
        answer.rsplit('"').nth(1).unwrap().to_owned()
    }

    /// What a poll of channel `a` gives.
    pub(crate) fn after(&self, position: &str) -> String {
        let answer = self.ask(&format!(
            "GET /channels/a/messages?after={position} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"
        ));
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.1 20"), "{answer}");
        body.to_owned()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
