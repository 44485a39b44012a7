//! Scenario files: those that come with the project, and what one means.

#![expect(
    clippy::panic,
    reason = "a test fails by panicking, in its helpers too"
)]

mod also;
mod nodes;
mod odd;
mod protocol;
mod resolved;
mod servers;
mod sets;
mod shipped;
mod told;
mod trials;

use std::path::{Path, PathBuf};

use bench::result::metric;
use bench::scenario::{Known, Plan, ScenarioError, read, read_text};

fn known() -> Vec<Known<'static>> {
    metric::known()
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../scenarios")
}

fn owned(sets: &[&str]) -> Vec<String> {
    sets.iter().map(ToString::to_string).collect()
}

fn shipped(name: &str, sets: &[&str]) -> Plan {
    read(&folder().join(name), &owned(sets), &known()).unwrap_or_else(|error| panic!("{error}"))
}

fn text(text: &str, sets: &[&str]) -> Result<Plan, ScenarioError> {
    read_text(text, Path::new("x.toml"), &owned(sets), &known())
}
