//! What a fuzzer has kept holds of the parsers, on a machine without a fuzzer too.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

#[expect(unreachable_pub, reason = "the targets of the fuzzer use them")]
#[path = "../fuzz/checks/lib.rs"]
mod checks;

use std::fs;
use std::path::{Path, PathBuf};

/// The most inputs of a target, and bytes of each: what a person may look through.
const MOST: usize = 40;
const LONGEST: u64 = 2048;

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz")
        .join(name)
}

fn names(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap().flatten();
    let mut names: Vec<_> = entries
        .map(|entry| {
            entry
                .path()
                .file_stem()
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned()
        })
        .collect();
    names.sort();
    names
}

#[test]
fn every_check_has_its_target_and_its_corpus() {
    let checks = checks::CHECKS.map(|(name, _)| name.to_owned()).to_vec();
    assert_eq!(names(&folder("fuzz_targets")), checks);
    assert_eq!(names(&folder("corpus")), checks);
    let manifest = fs::read_to_string(folder("Cargo.toml")).unwrap();
    for name in checks {
        assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
        let target = fs::read_to_string(folder("fuzz_targets").join(format!("{name}.rs"))).unwrap();
        assert!(
            target.contains(&format!("checks::run(\"{name}\", data)")),
            "{name}"
        );
    }
}

#[test]
fn what_a_fuzzer_kept_holds() {
    for (name, _) in checks::CHECKS {
        let entries: Vec<_> = fs::read_dir(folder("corpus").join(name))
            .unwrap()
            .flatten()
            .collect();
        assert!(
            (1..=MOST).contains(&entries.len()),
            "{name}: {}",
            entries.len()
        );
        for entry in entries {
            assert!(
                entry.metadata().unwrap().len() <= LONGEST,
                "{:?}",
                entry.path()
            );
            println!("{}", entry.path().display());
            checks::run(name, &fs::read(entry.path()).unwrap());
        }
    }
}
