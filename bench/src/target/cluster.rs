//! Several bundled relays on one address, with the engine that they share their logs through: `bench cluster`.
//!
//! They are of one process group, so that whoever stops, freezes or counts the group reaches each of them. When this process
//! ends, however it does, they end.

use std::fs;
use std::io::{self, Write};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use clap::Args;
use rustix::process::{Pid, Signal, kill_process};
use serde::Deserialize;
use tempfile::TempDir;
use thiserror::Error;
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{Instant, sleep, timeout};

use super::TargetError;
use super::bundled::{READY, first_line};
use crate::kernel;

/// The variable that tells a relay where its store is.
const STORE: &str = "PUSHMARK_STORE";
/// How long NATS or a relay may take until it is ready.
const START_LIMIT: Duration = Duration::from_secs(20);
/// How long the relays may take to end before they are killed.
const STOP_LIMIT: Duration = Duration::from_secs(8);
/// How often processes are looked at.
const LOOK: Duration = Duration::from_millis(20);
/// The engine's program: Debian has it where ordinary users do not look.
const ENGINES: [&str; 2] = ["nats-server", "/usr/sbin/nats-server"];

/// What `bench cluster` was given.
#[derive(Debug, Clone, Args)]
pub struct ClusterArgs {
    /// How many relays
    #[arg(long, value_name = "COUNT", default_value = "2", value_parser = clap::value_parser!(u16).range(1..=256))]
    nodes: u16,
    /// Address of all of them; the kernel spreads connections over them. Port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:8080")]
    listen: SocketAddr,
    /// A NATS server with JetStream that runs already; without it, nats-server is started with a folder that goes away
    #[arg(long, value_name = "URL")]
    nats: Option<String>,
    /// Shut down when standard input ends
    #[arg(long)]
    exit_with_stdin: bool,
    /// Flags of each relay
    #[arg(last = true, value_name = "FLAGS")]
    flags: Vec<String>,
}

/// Why there are no relays, or no longer all of them.
#[derive(Debug, Error)]
pub enum ClusterError {
    /// The engine is not installed.
    #[error(
        "nats-server is not installed; install it (Debian's package is nats-server), or name one that runs with --nats"
    )]
    NoEngine,
    /// A process could not be started, or signals not be awaited.
    #[error("cannot start {what}: {source}")]
    Start {
        /// What it was to be.
        what: String,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A process did not come up.
    #[error("{what} did not start: {why}")]
    Silent {
        /// What it was to be.
        what: String,
        /// What is known of it.
        why: String,
    },
    /// A process has ended by itself.
    #[error("{what} has ended ({status}), and with it the others")]
    Ended {
        /// Which.
        what: String,
        /// How it ended.
        status: String,
    },
}

/// A process of the cluster, killed when dropped.
struct Member {
    what: String,
    process: Child,
}

impl Member {
    /// Starts it; where its store is goes by the environment, for a URL may hold a password and every user sees command lines.
    fn start(
        what: String,
        words: &[String],
        stdout: Stdio,
        store: Option<&str>,
    ) -> Result<Self, ClusterError> {
        let failed = |source| ClusterError::Start {
            what: what.clone(),
            source,
        };
        let (program, arguments) = words
            .split_first()
            .ok_or_else(|| failed(io::ErrorKind::InvalidInput.into()))?;
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::piped()).stdout(stdout);
        if let Some(store) = store {
            command.env(STORE, store);
        }
        kernel::end_with_this_thread(&mut command);
        let process = command.spawn().map_err(failed)?;
        Ok(Self { what, process })
    }

    /// Fails when it has ended.
    fn look(&mut self) -> Result<(), ClusterError> {
        match self.process.try_wait() {
            Ok(None) => Ok(()),
            Ok(Some(status)) => Err(ClusterError::Ended {
                what: self.what.clone(),
                status: status.to_string(),
            }),
            Err(source) => Err(ClusterError::Start {
                what: self.what.clone(),
                source,
            }),
        }
    }

    /// Asks it to end.
    fn dismiss(&mut self) {
        // A relay ends with its standard input; a second signal would be an order to drop everything.
        drop(self.process.stdin.take());
    }
}

impl Drop for Member {
    fn drop(&mut self) {
        // Both fail harmlessly when it has ended.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// Runs relays until a signal, the end of standard input where that is asked for, or the end of one of them.
///
/// The first line of output is `listening on http://ADDRESS:PORT`, when all of them are ready.
///
/// # Errors
/// Names what did not start or has ended, and why.
pub fn run(args: ClusterArgs) -> Result<(), ClusterError> {
    let failed = |source| ClusterError::Start {
        what: "the cluster".to_owned(),
        source,
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build();
    let runtime = runtime.map_err(failed)?;
    let result = runtime.block_on(Box::pin(live(args)));
    // A read of standard input that never ends is not waited for.
    runtime.shutdown_background();
    result
}

async fn live(args: ClusterArgs) -> Result<(), ClusterError> {
    let failed = |source| ClusterError::Start {
        what: "the cluster".to_owned(),
        source,
    };
    let mut interrupt = signal(SignalKind::interrupt()).map_err(failed)?;
    let mut terminate = signal(SignalKind::terminate()).map_err(failed)?;
    let mut members = Vec::new();
    let stop = async {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = stdin_ended(), if args.exit_with_stdin => {}
        }
    };
    tokio::pin!(stop);
    let folder = tempfile::tempdir().map_err(failed)?;
    let result = tokio::select! {
        () = &mut stop => Ok(()),
        result = serve(&args, &folder, &mut members) => result,
    };
    end(members).await;
    result
}

/// Starts everything and watches it.
async fn serve(
    args: &ClusterArgs,
    folder: &TempDir,
    members: &mut Vec<Member>,
) -> Result<(), ClusterError> {
    let nats = match &args.nats {
        Some(url) => url.clone(),
        None => engine(folder.path(), members).await?,
    };
    let mut listen = args.listen;
    let url = relay(args, 1, listen, &nats, members).await?;
    if let Some(port) = url.rsplit(':').next().and_then(|port| port.parse().ok()) {
        listen.set_port(port);
    }
    for number in 2..=args.nodes {
        relay(args, number, listen, &nats, members).await?;
    }
    let failed = |source| ClusterError::Start {
        what: "the cluster".to_owned(),
        source,
    };
    let mut out = io::stdout();
    writeln!(out, "{READY}{url}").map_err(failed)?;
    out.flush().map_err(failed)?;
    loop {
        members.iter_mut().try_for_each(Member::look)?;
        sleep(LOOK).await;
    }
}

/// What nats-server writes into its file of ports.
#[derive(Deserialize)]
struct Ports {
    nats: Vec<String>,
}

/// Starts NATS on a free port; gives its address.
async fn engine(folder: &Path, members: &mut Vec<Member>) -> Result<String, ClusterError> {
    let place = |name: &str| folder.join(name).to_string_lossy().into_owned();
    let flags = [
        "--jetstream",
        "--addr",
        "127.0.0.1",
        "--port",
        "-1",
        "--store_dir",
        &place("store"),
        "--ports_file_dir",
        &place(""),
        "--log",
        &place("log"),
    ]
    .map(str::to_owned);
    let mut started = Err(ClusterError::NoEngine);
    for program in ENGINES {
        let words: Vec<String> = [program.to_owned()]
            .into_iter()
            .chain(flags.clone())
            .collect();
        started = Member::start("nats-server".to_owned(), &words, Stdio::null(), None);
        match &started {
            Err(ClusterError::Start { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                started = Err(ClusterError::NoEngine);
            }
            _ => break,
        }
    }
    let mut nats = started?;
    let deadline = Instant::now() + START_LIMIT;
    loop {
        nats.look()?;
        let told = ports(folder, nats.process.id());
        if let Some(url) = told {
            members.push(nats);
            return Ok(url);
        }
        if Instant::now() > deadline {
            let log = fs::read_to_string(folder.join("log")).unwrap_or_default();
            return Err(ClusterError::Silent {
                what: nats.what.clone(),
                why: log.lines().last().unwrap_or("it says nothing").to_owned(),
            });
        }
        sleep(LOOK).await;
    }
}

fn ports(folder: &Path, pid: u32) -> Option<String> {
    let text = fs::read_to_string(folder.join(format!("nats-server_{pid}.ports"))).ok()?;
    let ports: Ports = serde_json::from_str(&text).ok()?;
    ports.nats.into_iter().next()
}

/// Starts a relay; gives its address.
async fn relay(
    args: &ClusterArgs,
    number: u16,
    listen: SocketAddr,
    nats: &str,
    members: &mut Vec<Member>,
) -> Result<String, ClusterError> {
    let what = format!("relay {number} of {}", args.nodes);
    let failed = |source| ClusterError::Start {
        what: what.clone(),
        source,
    };
    let program = std::env::current_exe().map_err(failed)?;
    let mut words = vec![program.to_string_lossy().into_owned(), "relay".to_owned()];
    words.extend(["--listen".to_owned(), listen.to_string()]);
    words.extend(["--store-env", STORE].map(str::to_owned));
    words.extend(["--reuse-port", "--exit-with-stdin"].map(str::to_owned));
    words.extend(args.flags.iter().cloned());
    let mut member = Member::start(what.clone(), &words, Stdio::piped(), Some(nats))?;
    let silent = |why: String| ClusterError::Silent {
        what: what.clone(),
        why,
    };
    let line = first_line(member.process.stdout.take())
        .map_err(|error: TargetError| silent(error.to_string()))?;
    let told = timeout(START_LIMIT, line).await;
    let line =
        told.map_err(|_| silent(format!("no word of it within {} s", START_LIMIT.as_secs())))?;
    let line = line.unwrap_or_default();
    let url = line.trim().strip_prefix(READY).map(str::to_owned);
    let url = url.ok_or_else(|| silent(format!("it said `{}`", line.trim())))?;
    members.push(member);
    Ok(url)
}

/// Lets every relay end in its own time, and then NATS.
async fn end(mut members: Vec<Member>) {
    members.iter_mut().for_each(Member::dismiss);
    let deadline = Instant::now() + STOP_LIMIT;
    let mut relays: Vec<&mut Member> = members
        .iter_mut()
        .filter(|one| one.what != "nats-server")
        .collect();
    while relays.iter_mut().any(|one| one.look().is_ok()) && Instant::now() < deadline {
        sleep(LOOK).await;
    }
    for nats in members.iter_mut().filter(|one| one.what == "nats-server") {
        let pid = i32::try_from(nats.process.id())
            .ok()
            .and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let _ = kill_process(pid, Signal::TERM);
        }
        while nats.look().is_ok() && Instant::now() < deadline {
            sleep(LOOK).await;
        }
    }
}

async fn stdin_ended() {
    let read = || io::copy(&mut io::stdin(), &mut io::sink());
    let _ = tokio::task::spawn_blocking(read).await;
}
