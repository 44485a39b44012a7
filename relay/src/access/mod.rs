//! Who may use the relay, and how much of it.

mod limits;
mod origin;

pub use limits::{Connections, Slot};
pub use origin::{Origin, Origins};
