//! A minimal reference relay: a message published to a channel reaches its readers by polling,
//! long polling, streaming, server-sent events or WebSocket.
//!
//! # The road of a message
//! `POST` → [`access`] → `publish` → [`log::Log::append`] → the channel's head moves → each
//! [`log::Reader::next`] wakes → `transport` encodes, once for all readers → socket.
//!
//! A channel is one append-only log, and the five transports are five ways to read it from a
//! [`message::Position`]. No queue stands between the log and a client: a slow client is merely
//! behind, and when the log has moved on past it, it is told what it missed.
//!
//! # The parts
//! - [`message`]: a message, its position, its payload
//! - [`log`]: channels, the ring of what is kept, readers
//! - [`store`]: where logs live that several relays share
//! - [`access`]: hosts, origins, tokens, tickets and connection slots
//! - [`metrics`]: what is counted
//! - `tls`: the certificate, where the relay speaks HTTPS
//! - `publish`: from bytes to a place in the log
//! - `socket`: a client's connection and what is written to it next
//! - `transport`: the five ways to read, and the text of all answers
//! - `routes`: from a request to its answer
//! - `connection`: one client from accept to close: hyper first, then without it
//! - [`serve`]: the accept loop and the shutdown
//! - `keep`: the file that carries the logs over a restart
//! - [`run`]: the command line
//! - [`make_key`], [`make_token`]: what tokens are signed by, and tokens

#![forbid(unsafe_code)]

pub mod access;
#[cfg(any(test, fuzzing))]
pub mod fuzzing;
pub mod log;
pub mod message;
pub mod metrics;
pub mod store;
pub mod units;

mod cli;
mod connection;
mod demo;
mod descriptors;
mod keep;
mod mint;
mod publish;
mod routes;
mod server;
mod settings;
mod shutdown;
mod socket;
mod state;
mod tls;
mod transport;

pub use cli::{LogFormat, RelayArgs, run, run_on};
pub use mint::{KeyArgs, TokenArgs, make_key, make_token};
pub use server::{bind, serve, serve_echo};
pub use settings::{Settings, SettingsError, SlowReader};
pub use tls::{TlsArgs, TlsError};
