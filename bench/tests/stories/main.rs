//! Stories of the real program: what it says about a server whose faults are known, what it
//! leaves behind, and how it ends.

#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod browser;
mod bundled;
#[path = "../common/browser.rs"]
mod chromium;
mod ci;
mod commands;
mod connections;
mod endings;
mod events;
#[path = "../common/fake/mod.rs"]
#[expect(dead_code, reason = "much of it is planted in `truth.rs` only")]
mod fake;
mod far;
mod hostile;
mod link;
mod live;
#[path = "../common/nats.rs"]
mod nats;
mod nchan;
mod nodes;
mod plan;
#[path = "../common/process.rs"]
#[expect(dead_code, reason = "some of it is for `truth.rs` only")]
mod process;
#[path = "../common/program.rs"]
mod program;
mod realism;
mod refusals;
mod search;
mod secure;
mod theory;
mod tokens;
mod witness;
mod workers;
