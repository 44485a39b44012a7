//! What the programs are made of: every dependency has its reason and its use, and only one of them brings C.
#![expect(clippy::unwrap_used, reason = "a test fails by a panic")]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The manifests, and where the crates of each are used.
const MANIFESTS: [(&str, &[&str]); 4] = [
    ("relay", &["src", "tests", "benches", "examples"]),
    ("bench", &["src", "tests", "benches"]),
    ("relay/fuzz", &["fuzz_targets"]),
    ("bench/fuzz", &["fuzz_targets", "checks"]),
];

/// Stand right below another, for the same reason.
const TOGETHER: [&str; 6] = [
    "sha2",
    "ed25519-dalek",
    "http-body-util",
    "serde",
    "serde_json",
    "tungstenite",
];

/// What ring's primitives need: the compiler that links already.
const MAY_COMPILE_C: [&str; 1] = ["ring"];
/// Claim a name in the linker's name space. Only ring has code behind it.
const MAY_LINK: [&str; 3] = ["ring", "rayon-core", "prettyplease"];

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// A line of a manifest that names a crate.
struct Line {
    name: String,
    text: String,
    above: String,
}

fn dependencies(manifest: &str) -> Vec<Line> {
    let text = fs::read_to_string(root().join(manifest).join("Cargo.toml")).unwrap();
    let (mut inside, mut above, mut found) = (false, "", Vec::new());
    for line in text.lines() {
        if line.starts_with('[') {
            inside = line.trim_matches(['[', ']']).ends_with("dependencies");
        } else if let Some((name, _)) = line.split_once(" = ").filter(|_| inside) {
            found.push(Line {
                name: name.to_owned(),
                text: line.to_owned(),
                above: above.to_owned(),
            });
        }
        above = line;
    }
    assert!(!found.is_empty(), "{manifest} has no dependencies");
    found
}

#[test]
fn every_dependency_has_its_reason_above_it() {
    for manifest in [".", "relay", "bench", "relay/fuzz", "bench/fuzz"] {
        for line in dependencies(manifest) {
            // Its reason stands where its version does.
            let elsewhere = line.text.contains("workspace = true");
            let grouped = TOGETHER.contains(&&*line.name) && line.above.contains(" = ");
            assert!(
                elsewhere || grouped || line.above.starts_with("# "),
                "{manifest}/Cargo.toml: a comment above `{}` says why it is there",
                line.name
            );
        }
    }
}

fn code(folder: &Path, out: &mut String) {
    for entry in fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            code(&path, out);
        } else if path.extension().is_some_and(|ext| ext == "rs") {
            out.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

#[test]
fn every_dependency_is_used() {
    for (manifest, folders) in MANIFESTS {
        let mut text = String::new();
        for folder in folders {
            code(&root().join(manifest).join(folder), &mut text);
        }
        for line in dependencies(manifest) {
            let path = format!("{}::", line.name.replace('-', "_"));
            let used = text.match_indices(&path).any(|(at, _)| {
                let before = text[..at].chars().next_back();
                before.is_none_or(|c| !c.is_alphanumeric() && c != '_')
            });
            assert!(used, "{manifest} names `{}` and uses it nowhere", line.name);
        }
    }
}

/// Asks cargo, which has all that it needs when it runs a test.
fn cargo(arguments: &[&str]) -> String {
    let mut cargo = Command::new(env!("CARGO"));
    let output = cargo.args(arguments).current_dir(root()).output().unwrap();
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "cargo {arguments:?}: {error}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn only_ring_compiles_c() {
    let tree =
        "tree --workspace --offline --locked --edges normal,build,dev --prefix none --format {p}";
    let arguments: Vec<_> = tree.split(' ').collect();
    let users = cargo(&[&arguments[..], &["--invert", "cc", "--depth", "1"]].concat());
    let name = |line: &str| line.split(' ').next().unwrap().to_owned();
    let users: BTreeSet<_> = users.lines().skip(1).map(name).collect();
    assert_eq!(users, BTreeSet::from(MAY_COMPILE_C.map(str::to_owned)));
    let all = cargo(&arguments);
    for line in all.lines().map(name) {
        for builder in [
            "cmake",
            "bindgen",
            "pkg-config",
            "autotools",
            "nasm-rs",
            "vcpkg",
        ] {
            assert_ne!(
                line, builder,
                "a dependency is built by more than Rust and cc"
            );
        }
    }
}

#[test]
fn only_ring_links_what_is_not_rust() {
    let host = cargo(&["--version", "--verbose"]);
    let host = host
        .lines()
        .find_map(|line| line.strip_prefix("host: "))
        .unwrap();
    let metadata = cargo(&[
        "metadata",
        "--offline",
        "--locked",
        "--format-version",
        "1",
        "--filter-platform",
        host,
    ]);
    let metadata: serde_json::Value = serde_json::from_str(&metadata).unwrap();
    let packages = metadata["packages"].as_array().unwrap();
    let linking = packages
        .iter()
        .filter(|package| !package["links"].is_null());
    for package in linking.map(|package| package["name"].as_str().unwrap()) {
        assert!(MAY_LINK.contains(&package), "{package} links a library");
    }
}

/// The fuzzers have a lock file of their own: what they try is what is shipped.
#[test]
fn the_fuzzers_lock_what_the_workspace_locks() {
    fn locked(file: &Path) -> BTreeSet<(String, String)> {
        let text = fs::read_to_string(file).unwrap();
        let value = |line: &str| line.split('"').nth(1).unwrap().to_owned();
        let packages = text.split("[[package]]\n").skip(1);
        packages
            .map(|package| {
                let mut lines = package.lines();
                (value(lines.next().unwrap()), value(lines.next().unwrap()))
            })
            .collect()
    }
    let shipped = locked(&root().join("Cargo.lock"));
    let ours = locked(&root().join("relay/fuzz/Cargo.lock"));
    for (name, version) in ours.difference(&shipped) {
        let fuzzers = [
            "arbitrary",
            "jobserver",
            "libfuzzer-sys",
            "bench-fuzz",
            "relay-fuzz",
        ];
        assert!(
            fuzzers.contains(&name.as_str()),
            "relay/fuzz locks {name} {version}, which is not what is shipped"
        );
    }
}
