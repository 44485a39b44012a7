//! The servers that are measured: how each is started, and what it costs.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rustix::thread::{CpuSet, sched_setaffinity};
use tempfile::TempDir;

use crate::rig::Server;

/// The core of whatever is measured.
const SERVER: usize = 0;
/// The core of whoever measures.
pub(crate) const CLIENT: usize = 1;
const NGINX: &str = "/usr/sbin/nginx";
const NCHAN: &str = "/usr/lib/nginx/modules/ngx_nchan_module.so";
const NATS: &str = "/usr/sbin/nats-server";

/// What a server is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Relay,
    Nchan,
    Nats,
}

/// A running server.
pub(crate) struct Peer {
    pub(crate) kind: Kind,
    /// Where clients subscribe.
    pub(crate) address: SocketAddr,
    /// Where messages are published.
    pub(crate) publish: SocketAddr,
    process: Process,
}

enum Process {
    Relay(Server),
    Other {
        child: Child,
        /// Where its files are, until it ends.
        _folder: TempDir,
    },
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Nchan => "Nchan",
            Self::Nats => "nats-server",
        }
    }
}

impl Peer {
    /// Starts a server on its core; `None`, said aloud, when it is not installed.
    pub(crate) fn start(kind: Kind) -> Option<Self> {
        let needed: &[&str] = match kind {
            Kind::Relay => &[],
            Kind::Nchan => &[NGINX, NCHAN],
            Kind::Nats => &[NATS],
        };
        if let Some(missing) = needed.iter().find(|path| !Path::new(path).exists()) {
            eprintln!("LEFT OUT: {}, for there is no {missing}", kind.name());
            assert!(
                std::env::var_os("PUSHMARK_NOTHING_LEFT_OUT").is_none(),
                "nothing is to be left out"
            );
            return None;
        }
        // What is started inherits the core.
        pin(SERVER);
        let peer = match kind {
            Kind::Relay => Self::relay(),
            Kind::Nchan => Self::nchan(),
            Kind::Nats => Self::nats(),
        };
        pin(CLIENT);
        Some(peer)
    }

    /// Starts all that are installed, the relay first.
    pub(crate) fn all(kinds: &[Kind]) -> Vec<Self> {
        kinds.iter().filter_map(|kind| Self::start(*kind)).collect()
    }

    fn relay() -> Self {
        // Nobody is to be asked whether it is still there: nor do the peers ask.
        let flags = ["--heartbeat", "10m", "--max-wait", "10m"];
        let more = std::env::var("RELAY_FLAGS").unwrap_or_default();
        let flags: Vec<&str> = flags.into_iter().chain(more.split_whitespace()).collect();
        let server = Server::relay(&flags);
        Self {
            kind: Kind::Relay,
            address: server.address,
            publish: server.address,
            process: Process::Relay(server),
        }
    }

    fn nchan() -> Self {
        let (folder, address) = (TempDir::new().expect("a folder can be made"), free());
        let at = folder.path().display();
        fs::write(folder.path().join("small"), "0".repeat(200)).expect("the folder is ours");
        let configuration = format!(
            "load_module {NCHAN}; user root; worker_processes 1; worker_rlimit_nofile 20000; daemon off; pid {at}/pid;
            error_log stderr crit;
            events {{ worker_connections 19000; multi_accept on; }}
            http {{
              access_log off; tcp_nodelay on; sendfile on; keepalive_timeout 300s; keepalive_requests 100000000;
              client_body_temp_path {at}/body; proxy_temp_path {at}/proxy; fastcgi_temp_path {at}/fcgi;
              uwsgi_temp_path {at}/uwsgi; scgi_temp_path {at}/scgi;
              nchan_max_reserved_memory 512M; nchan_message_buffer_length 1000; nchan_message_timeout 60s;
              nchan_subscriber_timeout 0; nchan_max_channel_subscribers 0;
              server {{
                listen {address} backlog=4096; root {at};
                location = /small {{ default_type text/plain; }}
                location = /answer {{ default_type text/plain; return 200 \"{}\"; }}
                location ~ ^/pub/(\\w+)$ {{ nchan_publisher; nchan_channel_id $1; }}
                location ~ ^/ws/(\\w+)$ {{ nchan_subscriber websocket; nchan_channel_id $1; nchan_subscriber_first_message newest; }}
                location ~ ^/sse/(\\w+)$ {{ nchan_subscriber eventsource; nchan_channel_id $1; nchan_subscriber_first_message newest; }}
                location ~ ^/lp/(\\w+)$ {{ nchan_subscriber longpoll; nchan_channel_id $1; nchan_subscriber_first_message newest; }}
                location ~ ^/raw/(\\w+)$ {{ nchan_subscriber http-raw-stream; nchan_channel_id $1; nchan_subscriber_first_message newest; }}
              }}
            }}",
            "0".repeat(200)
        );
        let file = folder.path().join("nginx.conf");
        fs::write(&file, configuration).expect("the folder is ours");
        let mut command = Command::new(NGINX);
        command.arg("-e").arg("stderr").arg("-c").arg(file);
        command.arg("-p").arg(folder.path());
        Self::other(Kind::Nchan, command, folder, (address, address))
    }

    fn nats() -> Self {
        let (folder, address, publish) = (
            TempDir::new().expect("a folder can be made"),
            free(),
            free(),
        );
        let configuration = format!(
            "host: 127.0.0.1\nport: {}\nmax_connections: 64000\nping_interval: \"10m\"\n\
             websocket {{ host: 127.0.0.1, port: {}, no_tls: true, compression: false }}\n",
            publish.port(),
            address.port()
        );
        let file = folder.path().join("nats.conf");
        fs::write(&file, configuration).expect("the folder is ours");
        let mut command = Command::new(NATS);
        command.arg("-c").arg(file);
        Self::other(Kind::Nats, command, folder, (address, publish))
    }

    fn other(
        kind: Kind,
        mut command: Command,
        folder: TempDir,
        (address, publish): (SocketAddr, SocketAddr),
    ) -> Self {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null());
        let peer = Self {
            kind,
            address,
            publish,
            process: Process::Other {
                child: quiet.stderr(Stdio::null()).spawn().expect("it starts"),
                _folder: folder,
            },
        };
        for _ in 0..500 {
            if [address, publish]
                .iter()
                .all(|at| TcpStream::connect(at).is_ok())
            {
                return peer;
            }
            sleep(Duration::from_millis(10));
        }
        panic!("{} does not listen", kind.name());
    }

    /// The processes of the server.
    fn pids(&self) -> Vec<u32> {
        let root = match &self.process {
            Process::Relay(server) => server.pid(),
            Process::Other { child, .. } => child.id(),
        };
        let children = fs::read_to_string(format!("/proc/{root}/task/{root}/children"));
        let children = children.unwrap_or_default();
        let children = children
            .split_whitespace()
            .filter_map(|pid| pid.parse().ok());
        [root].into_iter().chain(children).collect()
    }

    /// CPU time of all its threads in nanoseconds.
    pub(crate) fn cpu(&self) -> u64 {
        let time = |path| -> Option<u64> {
            let text = fs::read_to_string(path).ok()?;
            text.split(' ').next()?.parse().ok()
        };
        let tasks = self
            .pids()
            .into_iter()
            .filter_map(|pid| fs::read_dir(format!("/proc/{pid}/task")).ok());
        tasks
            .flat_map(Iterator::flatten)
            .filter_map(|task| time(task.path().join("schedstat")))
            .sum()
    }

    /// Resident memory of all its processes in bytes.
    pub(crate) fn resident(&self) -> u64 {
        let of = |pid| -> Option<u64> {
            let status = fs::read_to_string(format!("/proc/{pid}/status")).ok()?;
            let line = status
                .lines()
                .find_map(|line| line.strip_prefix("VmRSS:"))?;
            let kib: u64 = line.trim().trim_end_matches(" kB").parse().ok()?;
            Some(kib * 1024)
        };
        self.pids().into_iter().filter_map(of).sum()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        let pids = self.pids();
        if let Process::Other { child, .. } = &mut self.process {
            let _ = child.kill();
            let _ = child.wait();
            // The master is gone, and cannot end its worker.
            for pid in &pids[1..] {
                let _ = Command::new("kill").arg(pid.to_string()).status();
            }
        }
    }
}

/// Pins this thread, and what it starts, to a core.
pub(crate) fn pin(core: usize) {
    let mut cores = CpuSet::new();
    cores.set(core);
    if sched_setaffinity(None, &cores).is_err() {
        eprintln!("not pinned to core {core}");
    }
}

fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("invariant: bound")
}
