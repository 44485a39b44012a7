//! Clients of all transports that keep a ledger while something is done to the relay: what the scripts in `relay/faults` drive.
//!
//! ```text
//! cargo build --release -p relay --example traffic
//! traffic follow --relay 127.0.0.1:8080 --clients 20 --channels 4 --rate 100 --time 20s
//! traffic churn --relay 127.0.0.1:8080 --channels 1000000
//! traffic hold --relay 127.0.0.1:8080 --connections 400 --time 5s
//! ```
//!
//! `follow` publishes numbered messages and follows them by every transport, coming back to where it was whenever a connection
//! ends. It speaks HTTP and WebSocket by itself and so shares no code with the relay. Its last line is `TOTAL name=count ...`;
//! it exits with 1 when an acknowledged message was lost without a word, or one came twice or out of order.

#![expect(clippy::print_stdout, reason = "what it prints is its result")]

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Parser, Subcommand};

mod churn;
mod follow;
mod follower;
mod hold;
mod ledger;
mod publisher;
mod relays;
mod wire;

/// Clients that keep a ledger while something is done to the relay.
#[derive(Debug, Parser)]
#[command(name = "traffic")]
struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Where the relay listens, or will listen again
    #[arg(
        long,
        value_name = "ADDRESS",
        global = true,
        default_value = "127.0.0.1:8080"
    )]
    relay: SocketAddr,
    /// Speak TLS, and trust the certificate in this file, which is read for each connection
    #[arg(long, value_name = "FILE", global = true)]
    tls_ca: Option<PathBuf>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Publish numbered messages and follow them by all transports
    Follow(follow::Follow),
    /// Make channels, each for one message, and give them up
    Churn(churn::Churn),
    /// Open connections that only listen, and hold them
    Hold(hold::Hold),
}

fn time(text: &str) -> Result<Duration, String> {
    relay::units::duration(text).map_err(|error| error.to_string())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let Cli {
        command,
        relay,
        tls_ca,
    } = Cli::parse();
    let relay = wire::Relay::new(relay, tls_ca);
    let good = match command {
        Command::Follow(follow) => follow.run(relay).await,
        Command::Churn(churn) => churn.run(relay).await,
        Command::Hold(hold) => hold.run(relay).await,
    };
    if good {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
