//! Stories of a whole relay, told over real sockets in raw bytes.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod bombs;
mod demo;
mod errors;
mod first_frame;
mod golden;
mod harness;
mod hostile;
mod http2;
mod http2_guards;
mod http2_table;
mod limits;
mod multiplex;
mod odd_names;
mod origins;
mod pace;
mod polls;
mod program;
mod resume;
mod robustness;
mod shutdown;
mod socket;
#[path = "../common/spawn.rs"]
mod spawn;
mod strict;
mod table;
mod tickets;
mod tls;
mod tokens;
mod wire;
