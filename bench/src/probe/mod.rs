//! What the two sides cost: CPU and memory of processes, kernel memory, and the machine itself.

mod floor;
mod machine;
mod process;
mod sockets;
mod tree;

pub use floor::floor;
pub use machine::{Processors, environment};
pub use process::Process;
pub use sockets::socket_size;
pub use tree::Tree;
