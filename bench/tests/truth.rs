//! What is planted comes out: counts exactly, times within a floor measured in the same run.
//!
//! Fake servers in the relay's interface do wrong what they are told to and note what they did
//! when; the real program is run against them, and what it reports is held against that.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

#[path = "truth/delays.rs"]
mod delays;
#[path = "common/fake/mod.rs"]
#[expect(dead_code, reason = "some of it is for `stories` only")]
mod fake;
#[path = "truth/floor.rs"]
mod floor;
#[path = "truth/http2.rs"]
mod http2;
#[path = "truth/planted.rs"]
mod planted;
#[path = "common/process.rs"]
#[expect(dead_code, reason = "some of it is for `stories` only")]
mod process;
#[path = "common/program.rs"]
#[expect(dead_code, reason = "some of it is for `stories` only")]
mod program;
#[path = "truth/seen.rs"]
mod seen;
#[path = "truth/selftest.rs"]
mod selftest;
#[path = "truth/stops.rs"]
mod stops;
#[path = "truth/truth.rs"]
mod truth;
#[path = "truth/wire.rs"]
mod wire;
