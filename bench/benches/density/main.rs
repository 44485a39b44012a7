//! What simulated clients cost and how exact they are, each figure beside what else there is for the same work.
//!
//! `cargo bench -p bench --bench density [-- [memory|polls|deliveries|lateness|stamps]... [--gate]]`: without names
//! all of them. With `--gate` it fails when a figure is past its budget. `wrk` and `oha` stand beside when they are installed.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark fails loudly and reports on standard output"
)]

mod deliveries;
mod figures;
mod lateness;
mod memory;
mod polls;
mod rig;
mod stamps;

use std::process::ExitCode;

use figures::Figure;

/// Gives its figures, and tells on the way what they are made from.
type Benchmark = fn() -> Vec<Figure>;

const BENCHMARKS: [(&str, Benchmark); 5] = [
    ("memory", memory::run),
    ("polls", polls::run),
    ("deliveries", deliveries::run),
    ("lateness", lateness::run),
    ("stamps", stamps::run),
];

fn main() -> ExitCode {
    if rig::serve_if_asked() || memory::measure_if_asked() || polls::poll_if_asked() {
        return ExitCode::SUCCESS;
    }
    let (flags, names): (Vec<String>, Vec<String>) = std::env::args()
        .skip(1)
        .partition(|word| word.starts_with("--"));
    let mut figures = Vec::new();
    for (name, run) in BENCHMARKS {
        if names.is_empty() || names.iter().any(|word| word == name) {
            println!("\n{name}:");
            figures.extend(run());
        }
    }
    let within = figures::show(&figures);
    if flags.iter().any(|flag| flag == "--gate") && !within {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}
