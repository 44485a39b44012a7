//! A real NATS server, started by the test that needs it.

use std::env;
use std::fs::{self, OpenOptions};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tempfile::TempDir;

use crate::program::{free_address, wait_for};

/// A running server, which ends with this.
pub(crate) struct Nats {
    program: PathBuf,
    process: Child,
    folder: TempDir,
    address: SocketAddr,
}

/// Where the program is; Debian's package puts it where the paths of users do not look. Without it the test is left out, past the
/// harness, which would keep that to itself.
pub(crate) fn program() -> Option<PathBuf> {
    let paths = env::var_os("PATH").unwrap_or_default();
    let mut places: Vec<PathBuf> = env::split_paths(&paths).collect();
    places.push("/usr/sbin".into());
    let mut programs = places.iter().map(|place| place.join("nats-server"));
    let found = programs.find(|program| program.is_file());
    if found.is_none() {
        left_out("there is no nats-server (apt-get install nats-server)");
    }
    found
}

/// Says that a test is left out.
pub(crate) fn left_out(why: &str) {
    let thread = std::thread::current();
    let text = format!("LEFT OUT: {}: {why}", thread.name().unwrap_or("a test"));
    assert!(env::var_os("PUSHMARK_NOTHING_LEFT_OUT").is_none(), "{text}");
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}

impl Nats {
    /// Starts one with these lines of configuration.
    pub(crate) fn start(lines: &str) -> Option<Self> {
        let program = program()?;
        let folder = tempfile::tempdir().unwrap();
        fs::write(folder.path().join("nats.conf"), lines).unwrap();
        let address = free_address();
        let process = spawn(&program, folder.path(), address);
        Some(Self {
            program,
            process,
            folder,
            address,
        })
    }

    /// Kills it, and starts it again at the same address after so long.
    pub(crate) fn restart(&mut self, after: Duration) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
        std::thread::sleep(after);
        self.process = spawn(&self.program, self.folder.path(), self.address);
    }

    pub(crate) fn url(&self) -> String {
        format!("nats://{}", self.address)
    }

    /// A connection that says these lines of the protocol.
    pub(crate) fn speak(&self, lines: &str) -> Raw {
        let mut stream = TcpStream::connect(self.address).unwrap();
        stream
            .set_read_timeout(Some(Duration::from_secs(30)))
            .unwrap();
        stream
            .write_all(b"CONNECT {\"verbose\":false}\r\n")
            .unwrap();
        stream.write_all(lines.as_bytes()).unwrap();
        Raw(BufReader::new(stream))
    }
}

/// Starts the program with the configuration in this folder, and waits until it listens.
fn spawn(program: &Path, folder: &Path, address: SocketAddr) -> Child {
    let log = OpenOptions::new()
        .create(true)
        .append(true)
        .open(folder.join("log"))
        .unwrap();
    let process = Command::new(program)
        .args(["-a", "127.0.0.1", "-p", &address.port().to_string(), "-c"])
        .arg(folder.join("nats.conf"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(log)
        .spawn()
        .unwrap();
    let listens = || TcpStream::connect(address).is_ok();
    let limit = Duration::from_secs(20);
    assert!(wait_for(limit, listens), "it does not start");
    process
}

impl Drop for Nats {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A connection without a client.
pub(crate) struct Raw(BufReader<TcpStream>);

impl Raw {
    pub(crate) fn publish(&mut self, subject: &str, payload: impl AsRef<[u8]>) {
        let payload = payload.as_ref();
        let line = format!("PUB {subject} {}\r\n", payload.len());
        let message = [line.as_bytes(), payload, b"\r\n"].concat();
        self.0.get_mut().write_all(&message).unwrap();
    }

    /// The next message.
    pub(crate) fn next(&mut self) -> String {
        loop {
            let mut line = String::new();
            assert!(self.0.read_line(&mut line).unwrap() > 0, "NATS hung up");
            let words: Vec<&str> = line.split_whitespace().collect();
            match words[..] {
                ["PING"] => self.0.get_mut().write_all(b"PONG\r\n").unwrap(),
                ["MSG", .., length] => {
                    let mut text = vec![0; length.parse::<usize>().unwrap() + 2];
                    self.0.read_exact(&mut text).unwrap();
                    text.truncate(text.len() - 2);
                    return String::from_utf8(text).unwrap();
                }
                _ => {}
            }
        }
    }
}
