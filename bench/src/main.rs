//! The program `bench`.

use std::process::ExitCode;

use clap::Parser;

fn main() -> ExitCode {
    bench::cli::run(bench::cli::Cli::parse())
}
