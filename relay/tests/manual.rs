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

/// All targets of the fuzzer, as `package/name`.
fn targets() -> Vec<String> {
    let of = |package: &str| {
        names(&format!("{package}/fuzz/fuzz_targets"))
            .into_iter()
            .map(|file| format!("{package}/{}", file.trim_end_matches(".rs")))
            .collect::<Vec<_>>()
    };
    [of("bench"), of("relay")].concat()
}

#[test]
fn the_figures_of_fuzzing_are_those_of_the_stored_run() {
    let stored = text("results/reference/fuzz.txt");
    let run: Vec<Vec<&str>> = stored
        .lines()
        .skip_while(|line| !line.starts_with("target "))
        .skip(1)
        .take_while(|line| !line.is_empty())
        .map(|line| line.split_whitespace().collect())
        .collect();
    let ran: Vec<_> = run.iter().map(|row| row[0].to_owned()).collect();
    assert_eq!(ran, targets(), "results/reference/fuzz.txt");
    let shown: Vec<_> = rows("Fuzzing")
        .into_iter()
        .filter(|row| row[1].contains('/'))
        .collect();
    assert_eq!(shown.len(), run.len(), "one row for each target");
    for (row, shown) in run.iter().zip(shown) {
        let [name, inputs, _, edges, _, corpus, seconds, broke] = row[..] else {
            panic!("{row:?}");
        };
        assert_eq!(
            broke, "0",
            "{name}: what breaks is mended, and then run again"
        );
        let ours: Vec<_> = [name, inputs, seconds, edges, corpus]
            .map(str::to_owned)
            .into();
        let theirs = shown[1..6].iter().map(|cell| cell.replace(['`', ','], ""));
        assert_eq!(theirs.collect::<Vec<_>>(), ours, "relay/README.md");
        // What was found ever, each in a line of its own; an input that broke a parser stays in the corpus.
        let found = stored.matches(&format!("\n  {name} ")).count();
        assert_eq!(shown[6], found.to_string(), "{name}: found and mended");
        let (package, target) = name.split_once('/').unwrap();
        let kept = names(&format!("{package}/fuzz/corpus/{target}"));
        assert!(
            found > 0 || !kept.iter().any(|input| input.starts_with("found-")),
            "{name}: results/reference/fuzz.txt does not say what was found"
        );
    }
    let sum: u64 = run.iter().map(|row| row[1].parse::<u64>().unwrap()).sum();
    let tenths = (sum + 50_000) / 100_000;
    let said = format!("{}.{} million inputs", tenths / 10, tenths % 10);
    assert!(text("relay/README.md").contains(&said), "{said}");
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
