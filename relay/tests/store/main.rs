//! Where logs live: the same stories of a log in memory and of one in JetStream, and faults of the latter. A real NATS server
//! is started for each; where there is none its tests are left out, past the harness, which would keep it to itself.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod conformance;
mod faults;
mod here;
mod link;
mod nats;
mod nodes;
mod shared;
#[path = "../common/spawn.rs"]
mod spawn;
mod streams;
mod terms;
