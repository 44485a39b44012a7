//! Stories of the real program: what it says about a server whose faults are known, what it
//! leaves behind, and how it ends.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod bundled;
mod commands;
mod endings;
mod fake;
mod planted;
mod process;
mod program;
mod refusals;
