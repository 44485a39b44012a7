//! Sockets and the HTTP/1.1 bytes on them, all counted.

mod chunked;
pub mod dial;
pub mod http;
mod link;
mod open;
mod socket;

pub use link::{Over, Wheel};
pub use open::Open;
pub use socket::{Received, Socket, Traffic, WireTotals, wire, wire_of};
