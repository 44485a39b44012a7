//! Faults: what is done to a relay by those who run it, by a machine that has run out of something, and by chance.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod keep;
mod program;
mod scripts;
#[path = "../common/spawn.rs"]
mod spawn;
