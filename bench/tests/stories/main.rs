//! Stories of the real program: what it says about a server whose faults are known, what it
//! leaves behind, and how it ends.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod fake;
mod planted;
mod program;
