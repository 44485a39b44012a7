//! The table in README.md is the stored run of the benchmark.

use std::fs;
use std::path::Path;

use crate::attacks;

/// How many times the calm the honest may wait; what is beyond stands out in the table.
const BUDGET: f64 = 2.0;

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Gives a row of the stored run as README.md is to have it: attack, p99, calm, memory.
fn row(stored: &str, attack: &str) -> String {
    let begin = format!("| {attack} | ");
    let line = stored.lines().find_map(|line| line.strip_prefix(&begin));
    let line = line.unwrap_or_else(|| panic!("the stored run has no row for {attack}"));
    let mut figures = line.split(" | ");
    let ratio = figures.next().unwrap_or_default();
    let rest: Vec<&str> = figures.take(2).collect();
    let held = ratio.parse::<f64>().expect("a figure") <= BUDGET;
    let ratio = if held {
        ratio.to_owned()
    } else {
        format!("**{ratio}**")
    };
    format!("| {attack} | {ratio} | {} |\n", rest.join(" | "))
}

#[test]
fn the_readme_has_the_table_of_the_stored_run() {
    let stored = read("../results/reference/hostile.txt");
    let table: String = attacks::ALL
        .iter()
        .map(|attack| row(&stored, attack.name))
        .collect();
    assert!(
        read("README.md").contains(&table),
        "README.md is to have these rows:\n{table}"
    );
}
