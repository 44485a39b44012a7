//! The relay's own program.

use std::process::ExitCode;

use clap::Parser;

/// A minimal reference relay: A reaches B by polling, long polling, streaming, SSE and WebSocket.
#[derive(Debug, Parser)]
#[command(name = "relay", version)]
struct Cli {
    #[command(flatten)]
    relay: relay::RelayArgs,
}

fn main() -> ExitCode {
    relay::run(Cli::parse().relay)
}
