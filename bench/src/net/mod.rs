//! Sockets and the bytes on them, all counted: HTTP/1.1 in the clear or over TLS, and HTTP/2.

mod chunked;
pub mod dial;
pub mod http;
mod link;
mod open;
mod pieces;
mod secure;
mod socket;

pub use link::{Over, Wheel};
pub use open::Open;
pub use pieces::{Content, Input, Part, Upgraded};
pub use secure::{Carrier, Http2, Secure, SecureError, trusting};
pub use socket::{Received, Socket, Traffic, WireTotals, wire, wire_of};
