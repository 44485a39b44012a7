//! What the two sides cost: CPU and memory of a process, kernel memory, and the machine itself.

mod machine;
mod process;

pub use machine::{Processors, environment, kernel_memory};
pub use process::Process;
