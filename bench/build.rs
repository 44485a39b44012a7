//! Tells the binary which commit it was built from, when there is one to tell.

use std::path::Path;
use std::process::Command;

/// What the binary is made of, besides the packages that the lock file names.
const SOURCES: [&str; 6] = [
    "build.rs",
    "Cargo.toml",
    "src",
    "../relay/src",
    "../Cargo.toml",
    "../Cargo.lock",
];

fn main() {
    SOURCES.into_iter().for_each(watch);
    // A copy without history may lie in somebody else's repository.
    if !Path::new("../.git").exists() {
        return;
    }
    for path in ["HEAD", "refs/heads", "packed-refs"] {
        // In a second work tree they are elsewhere.
        if let Some(place) = git(&["rev-parse", "--git-path", path]) {
            watch(&place);
        }
    }
    let Some(commit) = git(&["rev-parse", "--short=12", "HEAD"]) else {
        return;
    };
    let changes = git(&["status", "--porcelain", "--untracked-files=no"]);
    let mark = if changes.is_some_and(|changes| changes.is_empty()) {
        ""
    } else {
        "-dirty"
    };
    println!("cargo::rustc-env=PUSHMARK_COMMIT={commit}{mark}");
}

/// Has this script run again when something changes. A path that is missing would count as
/// changed at every build.
fn watch(path: &str) {
    if Path::new(path).exists() {
        println!("cargo::rerun-if-changed={path}");
    }
}

/// What git says. It never writes: a build is no reason to lock somebody's index.
fn git(words: &[&str]) -> Option<String> {
    let output = Command::new("git")
        .arg("--no-optional-locks")
        .args(words)
        .output()
        .ok()
        .filter(|output| output.status.success())?;
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
