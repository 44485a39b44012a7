//! What the manual says of stored runs is what they say.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

fn text(path: &str) -> String {
    fs::read_to_string(root().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// The names in a folder, in order.
fn names(path: &str) -> Vec<String> {
    let entries = fs::read_dir(root().join(path)).unwrap().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

/// The cells of the tables under a heading, without their heads.
fn rows(heading: &str) -> Vec<Vec<String>> {
    let readme = text("relay/README.md");
    let (_, part) = readme.split_once(&format!("\n## {heading}\n")).unwrap();
    let part = part.split("\n## ").next().unwrap();
    let cells = |line: &str| line.split('|').map(|cell| cell.trim().to_owned()).collect();
    let rows = part.lines().filter(|line| line.starts_with("| "));
    rows.map(cells).collect()
}

/// The whole numbers in a text, written with or without commas.
fn numbers(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_digit() && c != ',');
    let digits = words.map(|word| word.replace(',', ""));
    digits.filter(|word| !word.is_empty()).collect()
}

#[test]
fn the_figures_of_faults_are_those_of_the_stored_runs() {
    let rows = rows("Faults tried");
    for name in names("relay/faults")
        .iter()
        .filter(|name| *name != "lib.sh")
    {
        let files: Vec<_> = names("results/reference/faults")
            .into_iter()
            .filter(|file| [format!("{name}.txt"), format!("{name}-tls.txt")].contains(file))
            .map(|file| text(&format!("results/reference/faults/{file}")))
            .collect();
        assert!(!files.is_empty(), "no stored run of relay/faults/{name}");
        for stored in &files {
            let last = stored.lines().last().unwrap();
            assert!(
                last.starts_with(&format!("PASS {name}: ")),
                "{name}: {last}"
            );
        }
        let row = rows
            .iter()
            .find(|row| row[2].contains(&format!("`{name}`")));
        let row = row.unwrap_or_else(|| panic!("relay/README.md has no row of {name}"));
        let known = numbers(&(files.concat() + &text(&format!("relay/faults/{name}"))));
        // Small ones are settings and counts of words.
        let said = numbers(&row[3])
            .into_iter()
            .filter(|number| number.len() > 2);
        let unknown: Vec<_> = said.filter(|number| !known.contains(number)).collect();
        assert!(unknown.is_empty(), "{name}: {unknown:?} in no stored run");
    }
}
