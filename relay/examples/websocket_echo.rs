//! A WebSocket that gives each message back, through the relay's own code and settings: what public
//! conformance suites are pointed at.
//!
//! ```text
//! cargo run --release -p relay --example websocket_echo -- --listen 127.0.0.1:9001 --max-body 16MiB
//! wstest --mode fuzzingclient --spec FILE        # with {"servers": [{"url": "ws://127.0.0.1:9001"}], ...}
//! ```

use std::io::{self, Write};
use std::net::SocketAddr;

use clap::Parser;

/// A WebSocket echo with the relay's protocol code and settings.
#[derive(Debug, Parser)]
#[command(name = "websocket_echo")]
struct Cli {
    /// The address to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS", default_value = "127.0.0.1:9001")]
    listen: SocketAddr,
    #[command(flatten)]
    settings: relay::Settings,
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> io::Result<()> {
    let Cli { listen, settings } = Cli::parse();
    let listener = relay::bind(listen)?;
    let scheme = if settings.tls.are_given() {
        "wss"
    } else {
        "ws"
    };
    let address = listener.local_addr()?;
    writeln!(io::stdout(), "listening on {scheme}://{address}")?;
    let stop = async {
        if tokio::signal::ctrl_c().await.is_err() {
            // No handler, no orderly end: the signal ends the program.
            std::future::pending().await
        }
    };
    relay::serve_echo(listener, settings, stop).await
}
