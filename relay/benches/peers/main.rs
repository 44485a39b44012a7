//! The relay beside servers that people use, each alone on core 0 and read by the same client on core 1.
//!
//! `cargo bench -p relay --bench peers [-- PART...] [-- --gate]`; the parts are `memory`, `ladder`, `ladder-5000`, `slow`, `polling`,
//! `publish`, `channels`, `threads`, `threads-fan-out` and `store`, and all of them without a word. With `--gate` it fails past a
//! budget. The environment's `RELAY_FLAGS` are more flags for the relay, such as `--threads 2`.
//!
//! The peers are Debian's: nginx with Nchan, nats-server by its WebSockets, and Pushpin with an origin of this program's. What is
//! not installed is said and left out. Rounds of relay and peers alternate, so that the machine's mood is the same for all. In the
//! last three parts relays stand beside relays, and they and the client share both cores.
#![expect(clippy::print_stdout, reason = "a benchmark's result")]
#![expect(clippy::print_stderr, reason = "what is left out is said aloud")]
#![expect(
    clippy::panic,
    reason = "a benchmark that cannot measure has no result"
)]

mod channels;
mod histogram;
mod ladder;
mod memory;
mod polling;
mod publish;
mod pushpin;
#[path = "../rig/mod.rs"]
mod rig;
mod servers;
mod slow;
mod store;
mod swarm;
mod table;
mod threads;

use std::process::ExitCode;

use servers::Kind::{Nats, Nchan, Pushpin, Relay};

/// A part of the benchmark: it prints its table and tells whether its budgets are held.
type Part = (&'static str, fn() -> bool);

const PARTS: [Part; 10] = [
    ("memory", memory::measure),
    ("ladder", || {
        ladder::measure(1000, &[Relay, Nats, Nchan, Pushpin])
    }),
    ("ladder-5000", || {
        ladder::measure(5000, &[Relay, Nats, Nchan])
    }),
    ("slow", slow::measure),
    ("polling", polling::measure),
    ("publish", publish::measure),
    ("channels", channels::measure),
    ("threads", threads::requests),
    ("threads-fan-out", threads::fan_out),
    ("store", store::measure),
];

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let gate = words.iter().any(|word| word == "--gate");
    let named = |name: &str| words.iter().any(|word| word == name);
    let all = !PARTS.iter().any(|(name, _)| named(name));
    servers::pin(&[servers::CLIENT]);
    let mut held = true;
    for (name, measure) in PARTS {
        if all || named(name) {
            held &= measure();
            println!();
        }
    }
    if held || !gate {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}
