//! The relay's own program.

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// A minimal reference relay: A reaches B by polling, long polling, streaming, SSE and WebSocket.
#[derive(Debug, Parser)]
#[command(
    name = "relay",
    version,
    args_conflicts_with_subcommands = true,
    after_help = "Examples:
  relay                                   then open http://127.0.0.1:8080
  relay --listen 127.0.0.1:9000 --log-level warn
  relay --threads 2 --ring-messages 10000
  relay --tls-self-signed --tls-cert-out relay.pem
  relay key relay.key && relay --listen 0.0.0.0:8080 --token-keys relay.key

  curl -H 'content-type: application/json' -d '\"hello\"' http://127.0.0.1:8080/channels/demo/messages
  curl -N http://127.0.0.1:8080/channels/demo/events"
)]
struct Cli {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    relay: relay::RelayArgs,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make a key for tokens
    Key(relay::KeyArgs),
    /// Sign a token and print it
    Token(relay::TokenArgs),
}

fn main() -> ExitCode {
    let cli = Cli::parse();
    match cli.command {
        None => relay::run(cli.relay),
        Some(Command::Key(args)) => relay::make_key(&args),
        Some(Command::Token(args)) => relay::make_token(args),
    }
}
