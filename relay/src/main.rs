//! The relay's own program.

use std::process::ExitCode;

use clap::Parser;

/// A minimal reference relay: A reaches B by polling, long polling, streaming, SSE and WebSocket.
#[derive(Debug, Parser)]
#[command(
    name = "relay",
    version,
    after_help = "Examples:
  relay                                   then open http://127.0.0.1:8080
  relay --listen 127.0.0.1:9000 --log-level warn
  relay --threads 2 --ring-messages 10000

  curl -H 'content-type: application/json' -d '\"hello\"' http://127.0.0.1:8080/channels/demo/messages
  curl -N http://127.0.0.1:8080/channels/demo/events"
)]
struct Cli {
    #[command(flatten)]
    relay: relay::RelayArgs,
}

fn main() -> ExitCode {
    relay::run(Cli::parse().relay)
}
