//! The house keeps its shape: arrows point one way, files stay short, the manual is complete.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// The rooms, from the top. A file uses only what stands below its own room, or in it.
const FLOORS: [&[&str]; 9] = [
    &["main", "lib"],
    &["cli", "mint"],
    &["server", "shutdown", "keep", "descriptors"],
    &["connection"],
    &["routes"],
    &["transport", "demo"],
    &["publish"],
    &["state", "socket"],
    &[
        "access", "metrics", "log", "store", "message", "settings", "tls", "units",
    ],
];

/// Arrows within a floor that are meant, and none the other way.
const WITHIN: [(&str, &str); 13] = [
    ("demo", "transport"), // the page is a reply
    ("server", "settings"),
    ("metrics", "log"),
    ("metrics", "store"),
    ("log", "store"), // which knows of no reader
    ("log", "message"),
    ("store", "message"),
    ("store", "units"),
    ("settings", "store"), // its flags
    ("settings", "units"),
    ("settings", "tls"),
    ("settings", "access"), // keys are read where flags are
    ("cli", "shutdown"),
];

fn sources() -> BTreeMap<PathBuf, String> {
    fn walk(folder: &Path, found: &mut BTreeMap<PathBuf, String>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ext| ext == "rs") {
                found.insert(path.clone(), fs::read_to_string(&path).unwrap());
            }
        }
    }
    let mut found = BTreeMap::new();
    walk(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("src"),
        &mut found,
    );
    found
}

/// The room that a file stands in: its folder below `src`, or its own name.
fn room(path: &Path) -> String {
    let inside = path
        .strip_prefix(Path::new(env!("CARGO_MANIFEST_DIR")).join("src"))
        .unwrap();
    let first = inside
        .components()
        .next()
        .unwrap()
        .as_os_str()
        .to_string_lossy();
    first.trim_end_matches(".rs").to_owned()
}

fn floor(room: &str) -> usize {
    FLOORS
        .iter()
        .position(|rooms| rooms.contains(&room))
        .unwrap_or_else(|| panic!("`{room}` has no floor: give it one"))
}

#[test]
fn arrows_point_down() {
    for (path, text) in sources() {
        let from = room(&path);
        // What must hold for a fuzzer: beside what it checks, and in no relay that serves anybody.
        if from == "fuzzing" || path.ends_with("fuzzing.rs") {
            continue;
        }
        for line in text
            .lines()
            .filter_map(|line| line.trim().strip_prefix("use crate::"))
        {
            let to = line
                .split("::")
                .next()
                .unwrap()
                .trim_end_matches(';')
                .to_owned();
            let down = floor(&from) < floor(&to);
            let within = from == to || WITHIN.contains(&(from.as_str(), to.as_str()));
            assert!(
                down || within,
                "{}: {from} may not use {to}",
                path.display()
            );
        }
    }
}

#[test]
fn transports_never_use_each_other() {
    const TRANSPORTS: [&str; 5] = ["polling", "long_polling", "streaming", "sse", "websocket"];
    for (path, text) in sources() {
        let name = path.file_stem().unwrap().to_string_lossy().into_owned();
        if room(&path) != "transport" || name == "mod" {
            continue;
        }
        for other in TRANSPORTS.iter().filter(|other| **other != name) {
            assert!(
                !text.contains(&format!("super::{other}"))
                    && !text.contains(&format!("transport::{other}")),
                "{} uses {other}",
                path.display()
            );
        }
    }
}

#[test]
fn files_are_short() {
    for (path, text) in sources() {
        let code = text
            .split("#[cfg(test)]\nmod tests {")
            .next()
            .unwrap()
            .lines()
            .count();
        assert!(code <= 300, "{} has {code} lines", path.display());
    }
}

/// The rows of tables and the verdicts in a text.
fn rows(text: &str) -> Vec<&str> {
    text.lines()
        .filter(|line| line.starts_with("| ") || line.to_lowercase().ends_with("held"))
        .collect()
}

/// Tells whether the tables under a heading of the manual are those of a stored run, of which there are at least so many rows.
fn shows(heading: &str, run: &str, least: usize) {
    let relay = Path::new(env!("CARGO_MANIFEST_DIR"));
    let readme = fs::read_to_string(relay.join("README.md")).unwrap();
    let stored = fs::read_to_string(relay.join("../results/reference").join(run)).unwrap();
    let (_, section) = readme.split_once(&format!("\n### {heading}\n")).unwrap();
    let section = section.split("\n## ").next().unwrap();
    assert!(rows(&stored).len() > least, "the run has all its parts");
    assert_eq!(rows(section), rows(&stored), "{run}");
}

#[test]
fn the_figures_beside_other_servers_are_those_of_the_stored_run() {
    shows("Beside other servers", "relay-peers.txt", 40);
}

#[test]
fn the_figures_of_the_store_are_those_of_the_stored_run() {
    shows("What the store costs", "store.txt", 12);
}

#[test]
fn the_manual_names_every_flag_and_its_default() {
    let readme =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md")).unwrap();
    let command = <relay::RelayArgs as clap::Args>::augment_args(clap::Command::new("relay"));
    for flag in command.get_arguments() {
        let name = format!("`--{}", flag.get_long().unwrap());
        // `--keep` is not `--keep-alive`.
        let is_row = |line: &&str| {
            line.strip_prefix(&format!("| {name}"))
                .is_some_and(|rest| rest.starts_with([' ', '`']))
        };
        let row = readme.lines().find(is_row);
        let row = row.unwrap_or_else(|| panic!("README.md has no row for {name}"));
        for default in flag.get_default_values() {
            let default = format!("| {} |", default.to_string_lossy());
            assert!(
                flag.get_num_args().is_some_and(|n| !n.takes_values()) || row.contains(&default),
                "{name}: {default} not in {row}"
            );
        }
    }
}
