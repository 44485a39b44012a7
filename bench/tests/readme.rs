//! The commands on the front page are ones that bench takes.
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::fs;
use std::path::{Path, PathBuf};

use bench::cli::Cli;
use bench::scenario;
use clap::Parser;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The lines of the fenced blocks of that language, without the fences; one string a block.
fn blocks(readme: &str, language: &str) -> Vec<String> {
    let fence = format!("```{language}\n");
    let parts = readme.split(&fence).skip(1);
    parts
        .map(|part| part.split("```").next().unwrap().to_owned())
        .collect()
}

/// The words behind each call of bench in a workflow, as the shell would give them.
fn calls(workflow: &str) -> Vec<Vec<String>> {
    let mut calls = Vec::new();
    // A step's command goes on over the lines until the next step.
    for step in workflow.split("\n      - ") {
        if let Some((_, words)) = step.split_once("target/release/bench ") {
            calls.push(words.split_whitespace().map(unquoted).collect());
        }
    }
    calls
}

fn unquoted(word: &str) -> String {
    word.replace('\'', "")
}

/// The values of a flag.
fn given<'a>(call: &'a [String], flag: &str) -> Vec<&'a String> {
    let pairs = call.windows(2).filter(|pair| pair[0] == flag);
    pairs.map(|pair| &pair[1]).collect()
}

#[test]
fn the_workflow_calls_bench_as_it_wants_to_be_called() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let workflows = blocks(&readme, "yaml");
    let calls = calls(&workflows.concat());
    let commands: Vec<&str> = calls.iter().map(|call| call[0].as_str()).collect();
    assert_eq!(commands, ["run", "compare"]);
    for call in &calls {
        let words = ["bench".to_owned()].into_iter().chain(call.iter().cloned());
        if let Err(error) = Cli::try_parse_from(words) {
            panic!("{call:?}: {error}");
        }
    }
}

#[test]
fn the_workflow_sets_what_scenarios_have() {
    let readme = fs::read_to_string(root().join("README.md")).unwrap();
    let known = bench::result::metric::known();
    for call in calls(&blocks(&readme, "yaml").concat()) {
        for file in call.iter().filter(|word| word.ends_with(".toml")) {
            for own in ["--set-base", "--set-candidate"] {
                let sets = [given(&call, "--set"), given(&call, own)].concat();
                let sets: Vec<String> = sets.into_iter().cloned().collect();
                let plan = scenario::read(&root().join(file), &sets, &known);
                assert!(plan.is_ok(), "{file} {sets:?}: {}", plan.unwrap_err());
            }
        }
    }
}

#[test]
fn the_gates_that_are_shown_are_gates() {
    let known = bench::result::metric::known();
    for file in ["README.md", "bench/README.md"] {
        let blocks = blocks(&fs::read_to_string(root().join(file)).unwrap(), "toml");
        let gates: Vec<&String> = blocks.iter().filter(|b| b.contains("[gate]")).collect();
        assert!(!gates.is_empty(), "{file}");
        for block in gates {
            let text = format!(
                "[matrix]\ntransport = [\"polling\", \"long-polling\", \"sse\", \"websocket\"]\n{block}"
            );
            let plan = scenario::read_text(&text, Path::new(file), &[], &known).unwrap();
            assert!(
                plan.gates.len() >= block.matches("\" = ").count(),
                "{block}"
            );
        }
    }
}
