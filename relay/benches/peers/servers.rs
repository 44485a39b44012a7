//! The servers that are measured: how each is started, and what it costs.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use rustix::thread::{CpuSet, sched_setaffinity};
use tempfile::TempDir;

use crate::pushpin::{self, Origin};
use crate::rig::Server;

/// The core of whatever is measured.
pub(crate) const SERVER: usize = 0;
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
    Pushpin,
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
    /// Several when they share the address.
    Relays(Vec<Server>),
    Other {
        /// The last one starts what listens.
        children: Vec<Child>,
        /// Where its files are, until it ends.
        _folder: TempDir,
        origin: Option<Origin>,
    },
}

impl Kind {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Relay => "relay",
            Self::Nchan => "Nchan",
            Self::Nats => "nats-server",
            Self::Pushpin => "Pushpin",
        }
    }
}

impl Peer {
    /// Starts a server on its core; `None`, said aloud, when it is not installed.
    pub(crate) fn start(kind: Kind) -> Option<Self> {
        if !Self::is_installed(kind) {
            return None;
        }
        // What is started inherits the core.
        pin(&[SERVER]);
        let peer = match kind {
            Kind::Relay => Self::relay(),
            Kind::Nchan => Self::nchan(),
            Kind::Nats => Self::nats(""),
            Kind::Pushpin => Self::pushpin(),
        };
        pin(&[CLIENT]);
        Some(peer)
    }

    /// Starts nats-server with a store that relays can share, on whatever cores this thread may use; `None`, said aloud, when
    /// it is not installed.
    pub(crate) fn jetstream() -> Option<Self> {
        Self::is_installed(Kind::Nats).then(|| Self::nats("jetstream: enabled\n"))
    }

    /// Tells whether a server is installed, and says aloud when it is not.
    fn is_installed(kind: Kind) -> bool {
        let needed: &[&str] = match kind {
            Kind::Relay => &[],
            Kind::Nchan => &[NGINX, NCHAN],
            Kind::Nats => &[NATS],
            Kind::Pushpin => &pushpin::NEEDED,
        };
        if let Some(missing) = needed.iter().find(|path| !Path::new(path).exists()) {
            eprintln!("LEFT OUT: {}, for there is no {missing}", kind.name());
            assert!(
                std::env::var_os("PUSHMARK_NOTHING_LEFT_OUT").is_none(),
                "nothing is to be left out"
            );
            return false;
        }
        true
    }

    /// Starts all that are installed, the relay first.
    pub(crate) fn all(kinds: &[Kind]) -> Vec<Self> {
        kinds.iter().filter_map(|kind| Self::start(*kind)).collect()
    }

    fn relay() -> Self {
        let flags = std::env::var("RELAY_FLAGS").unwrap_or_default();
        let flags: Vec<&str> = flags.split_whitespace().collect();
        Self::relays(1, &flags)
    }

    /// Starts relays that share an address, on whatever cores this thread may use.
    pub(crate) fn relays(count: usize, more: &[&str]) -> Self {
        // Nobody is to be asked whether it is still there: nor do the peers ask.
        let mut flags = vec!["--heartbeat", "10m", "--max-wait", "10m"];
        flags.extend(more);
        if count > 1 {
            flags.push("--reuse-port");
        }
        let first = Server::relay(&flags);
        let address = first.address;
        let others = (1..count).map(|_| Server::relay_at(&address.to_string(), &flags));
        Self {
            kind: Kind::Relay,
            address,
            publish: address,
            process: Process::Relays([first].into_iter().chain(others).collect()),
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

    /// Starts nats-server with more lines of configuration.
    fn nats(more: &str) -> Self {
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
        ) + more;
        let file = folder.path().join("nats.conf");
        fs::write(&file, configuration).expect("the folder is ours");
        let mut command = Command::new(NATS);
        command.arg("-c").arg(file);
        command.arg("-sd").arg(folder.path().join("store"));
        Self::other(Kind::Nats, command, folder, (address, publish))
    }

    fn other(
        kind: Kind,
        mut command: Command,
        folder: TempDir,
        (address, publish): (SocketAddr, SocketAddr),
    ) -> Self {
        let quiet = command.stdin(Stdio::null()).stdout(Stdio::null());
        let child = quiet.stderr(Stdio::null()).spawn().expect("it starts");
        let process = Process::Other {
            children: vec![child],
            _folder: folder,
            origin: None,
        };
        Self::listening(kind, process, (address, publish))
    }

    fn pushpin() -> Self {
        let (folder, addresses) = (
            TempDir::new().expect("a folder can be made"),
            (free(), free()),
        );
        let (children, origin) = pushpin::start(folder.path(), addresses);
        let process = Process::Other {
            children,
            _folder: folder,
            origin: Some(origin),
        };
        Self::listening(Kind::Pushpin, process, addresses)
    }

    /// Waits until it does.
    fn listening(
        kind: Kind,
        process: Process,
        (address, publish): (SocketAddr, SocketAddr),
    ) -> Self {
        let peer = Self {
            kind,
            address,
            publish,
            process,
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

    /// Whom Pushpin asks.
    pub(crate) fn origin(&self) -> Option<&Origin> {
        match &self.process {
            Process::Relays(_) => None,
            Process::Other { origin, .. } => origin.as_ref(),
        }
    }

    /// The processes of the server.
    fn pids(&self) -> Vec<u32> {
        match &self.process {
            Process::Relays(servers) => servers.iter().map(Server::pid).collect(),
            Process::Other { children, .. } => {
                let roots = children.iter().map(Child::id);
                roots
                    .flat_map(|root| [vec![root], below(root)].concat())
                    .collect()
            }
        }
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
        if let Process::Other { children, .. } = &mut self.process {
            for child in children {
                let workers = below(child.id());
                let _ = child.kill();
                let _ = child.wait();
                // The master is gone, and cannot end its workers; one of Pushpin's may be too busy to end when it is asked to.
                for pid in workers {
                    let _ = Command::new("kill")
                        .args(["-KILL", &pid.to_string()])
                        .status();
                }
            }
        }
    }
}

/// The processes that a process has started.
fn below(root: u32) -> Vec<u32> {
    let children = fs::read_to_string(format!("/proc/{root}/task/{root}/children"));
    let children = children.unwrap_or_default();
    let pids = children.split_whitespace().map(str::parse);
    pids.flatten().collect()
}

/// Pins this thread, and what it starts, to cores.
pub(crate) fn pin(cores: &[usize]) {
    let mut set = CpuSet::new();
    for core in cores {
        set.set(*core);
    }
    if sched_setaffinity(None, &set).is_err() {
        eprintln!("not pinned to {cores:?}");
    }
}

fn free() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    listener.local_addr().expect("invariant: bound")
}
