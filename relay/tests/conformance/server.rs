//! The two servers that cases are played against, each on a thread of its own, and the example.

use std::env;
use std::io::Write;
use std::net::SocketAddr;
use std::process::{Child, Command};
use std::thread::JoinHandle;

use relay::Settings;
use tokio_util::sync::CancellationToken;

use crate::spawn;

/// What a server does with a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// It gives it back.
    Echo,
    /// It is the relay, and takes it for a publish.
    Relay,
}

/// A running server; it ends with the guard.
#[derive(Debug)]
pub(crate) struct Server {
    pub(crate) kind: Kind,
    pub(crate) address: SocketAddr,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn start(kind: Kind, max_body: Option<usize>) -> Self {
        // All cases come from one address, one after the other.
        let mut settings = Settings {
            ..Settings::default()
        };
        if let Some(max_body) = max_body {
            settings.max_body = max_body;
        }
        let listener = relay::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = listener.local_addr().unwrap();
        let stop = CancellationToken::new();
        let stopped = stop.clone().cancelled_owned();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            match kind {
                Kind::Echo => runtime.block_on(relay::serve_echo(listener, settings, stopped)),
                Kind::Relay => runtime.block_on(relay::serve(listener, settings, stopped)),
            }
            .unwrap();
        });
        Self {
            kind,
            address,
            stop,
            thread: Some(thread),
        }
    }

    pub(crate) fn path(&self) -> &'static str {
        match self.kind {
            Kind::Echo => "/",
            Kind::Relay => "/channels/x/socket",
        }
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let ended = thread.join();
            assert!(
                std::thread::panicking() || ended.is_ok(),
                "the server panicked"
            );
        }
    }
}

/// The echo server as a program of its own; it ends with the guard.
#[derive(Debug)]
pub(crate) struct Example {
    child: Child,
    pub(crate) address: SocketAddr,
}

impl Example {
    /// Starts it, where it is built: `cargo test --test conformance` alone does not build it.
    pub(crate) fn start() -> Option<Self> {
        let tests = env::current_exe().unwrap();
        let program = tests
            .ancestors()
            .nth(2)
            .unwrap()
            .join("examples/websocket_echo");
        if !program.is_file() {
            let text = "LEFT OUT: the_example_is_such_an_echo: it is not built (cargo build -p relay --examples)";
            assert!(env::var_os("PUSHMARK_NOTHING_LEFT_OUT").is_none(), "{text}");
            // Past the harness, which would keep it to itself.
            let _ = writeln!(std::io::stderr().lock(), "{text}");
            return None;
        }
        let (child, line) = spawn::spawn(Command::new(program).args(["--listen", "127.0.0.1:0"]));
        Some(Self {
            child,
            address: spawn::address(&line),
        })
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
