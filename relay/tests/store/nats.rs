//! A NATS server of the test's own, which can be killed and started anew on the same port and folder.

use std::env;
use std::fs;
use std::io::Write;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use async_nats::jetstream::{self, Context};
use relay::store::Place;
use tempfile::TempDir;
use tokio::time::Instant;

/// How long it may take to start.
const START: Duration = Duration::from_secs(20);

/// A running server; it is killed with the guard.
pub(crate) struct Nats {
    program: PathBuf,
    folder: TempDir,
    pub(crate) address: SocketAddr,
    child: Option<Child>,
}

impl Nats {
    /// Starts one; `None`, said loudly, where there is none.
    pub(crate) fn start() -> Option<Self> {
        Self::start_with("jetstream: enabled")
    }

    /// The same, with lines of a configuration file.
    pub(crate) fn start_with(config: &str) -> Option<Self> {
        let program = program()?;
        for _ in 0..5 {
            let free = TcpListener::bind("127.0.0.1:0").unwrap();
            let address = free.local_addr().unwrap();
            drop(free);
            let mut nats = Self {
                program: program.clone(),
                folder: tempfile::tempdir().unwrap(),
                address,
                child: None,
            };
            fs::write(nats.folder.path().join("config"), config).unwrap();
            // Somebody else may have taken the port.
            if nats.run() {
                return Some(nats);
            }
        }
        panic!("nats-server does not start");
    }

    /// Starts it again, on what is in its folder.
    pub(crate) fn again(&mut self) {
        assert!(self.run(), "nats-server does not start again");
    }

    fn run(&mut self) -> bool {
        assert!(self.child.is_none());
        let mut child = Command::new(&self.program)
            .args([
                "-a",
                "127.0.0.1",
                "-p",
                &self.address.port().to_string(),
                "-sd",
            ])
            .arg(self.folder.path().join("js"))
            .arg("-c")
            .arg(self.folder.path().join("config"))
            .arg("-l")
            .arg(self.folder.path().join("log"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let end = Instant::now() + START;
        let ready =
            || self.log().contains("Server is ready") && TcpStream::connect(self.address).is_ok();
        while Instant::now() < end && child.try_wait().unwrap().is_none() {
            if ready() {
                self.child = Some(child);
                return true;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
        let _ = child.kill();
        let _ = child.wait();
        false
    }

    fn log(&self) -> String {
        fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    /// Ends it as a crash does.
    pub(crate) fn kill(&mut self) {
        let mut child = self.child.take().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        fs::remove_file(self.folder.path().join("log")).unwrap();
    }

    /// Puts its files aside; it must not run.
    pub(crate) fn save(&self) -> TempDir {
        let saved = tempfile::tempdir().unwrap();
        copy(&self.folder.path().join("js"), &saved.path().join("js"));
        saved
    }

    /// Puts files back that were put aside: what came later is lost, as it may be when a machine loses its power.
    pub(crate) fn restore(&self, saved: &TempDir) {
        fs::remove_dir_all(self.folder.path().join("js")).unwrap();
        copy(&saved.path().join("js"), &self.folder.path().join("js"));
    }

    /// How the relay's flag names it, or a link to it.
    pub(crate) fn place(&self) -> Place {
        place(self.address)
    }

    /// What an administrator has in hand.
    pub(crate) async fn admin(&self) -> Context {
        let client = async_nats::connect(self.address.to_string()).await.unwrap();
        jetstream::new(client)
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            // Past the harness: it shows with the failure.
            let _ = writeln!(std::io::stderr().lock(), "{}", self.log());
        }
    }
}

pub(crate) fn place(address: SocketAddr) -> Place {
    format!("nats://{address}").parse().unwrap()
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().flatten() {
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        if from.is_dir() {
            copy(&from, &to);
        } else {
            fs::copy(from, to).unwrap();
        }
    }
}

fn program() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    // Debian keeps it where not everybody looks.
    let folders = env::split_paths(&path).chain([PathBuf::from("/usr/sbin")]);
    let found = folders
        .map(|folder| folder.join("nats-server"))
        .find(|program| program.is_file());
    if found.is_none() {
        let thread = std::thread::current();
        let test = thread.name().unwrap_or("a test of the store").to_owned();
        let text =
            format!("LEFT OUT: {test}: there is no nats-server (apt-get install nats-server)");
        assert!(env::var_os("PUSHMARK_NOTHING_LEFT_OUT").is_none(), "{text}");
        let _ = writeln!(std::io::stderr().lock(), "{text}");
    }
    found
}
