//! What the generator costs, each figure beside its floor or budget.
//!
//! `cargo bench -p bench --bench generator [-- [delivery|memory|pacing]... [--gate]]`: without names
//! all three. With `--gate` it fails when a figure is past its budget.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a benchmark fails loudly and reports on standard output"
)]

mod delivery;
mod memory;
mod pacing;
mod rig;

use std::process::ExitCode;

/// A benchmark: gives whether it is within its budget.
type Benchmark = fn() -> bool;

const BENCHMARKS: [(&str, Benchmark); 3] = [
    ("delivery", delivery::run),
    ("memory", memory::run),
    ("pacing", pacing::run),
];

fn main() -> ExitCode {
    if rig::serve_if_asked() || memory::measure_if_asked() {
        return ExitCode::SUCCESS;
    }
    let asked: Vec<String> = std::env::args()
        .skip(1)
        .filter(|word| !word.starts_with("--"))
        .collect();
    let mut within = true;
    for (name, run) in BENCHMARKS {
        if asked.is_empty() || asked.iter().any(|word| word == name) {
            println!("{name}:");
            within &= run();
        }
    }
    let gated = std::env::args().any(|word| word == "--gate");
    if gated && !within {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
