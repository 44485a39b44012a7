//! What the two sides cost: CPU and memory of a process, kernel memory, and the machine itself.

mod floor;
mod machine;
mod process;
mod sockets;

pub use floor::floor;
pub use machine::{Processors, environment};
pub use process::Process;
pub use sockets::socket_size;
