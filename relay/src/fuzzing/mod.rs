//! What must hold of every parser of the relay, whatever it is given.
//!
//! Each check takes bytes and panics where something does not hold. A fuzzer looks for such bytes
//! (`relay/fuzz/run`), and a test replays what it has kept of them (`relay/fuzz/corpus`). The checks
//! are in no relay that serves anybody: only tests and the fuzzer's build have them. Those that need
//! the inside of a room stand in that room.

mod headers;
mod message;
mod pieces;
mod units;

pub(crate) use headers::headers;
pub(crate) use pieces::Pieces;

/// Panics where something does not hold of these bytes.
pub type Check = fn(&[u8]);

/// Every check by the name of its target and its corpus.
pub const CHECKS: [(&str, Check); 13] = [
    ("connection", crate::connection::fuzzing::connection),
    ("encoding", crate::transport::fuzzing::encoding),
    ("handshake", crate::transport::fuzzing::handshake),
    ("keys", crate::access::fuzzing::keys),
    ("origin", crate::access::fuzzing::origin),
    ("payload", message::payload),
    ("position", message::position),
    ("size", units::check),
    ("snapshot", crate::log::fuzzing::snapshot),
    ("socket", crate::transport::fuzzing::socket),
    ("target", crate::routes::fuzzing::target),
    ("ticket", crate::access::fuzzing::ticket),
    ("token", crate::access::fuzzing::token),
];

/// Runs the check of a target, for the fuzzer.
///
/// # Panics
/// Where something does not hold, or no check has the name.
pub fn run(name: &str, data: &[u8]) {
    let check = CHECKS.iter().find(|(known, _)| *known == name);
    check.expect("a target has the name of a check").1(data);
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use super::*;

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
        let stem = |path: PathBuf| path.file_stem().unwrap().to_str().unwrap().to_owned();
        let mut names: Vec<_> = entries.map(|entry| stem(entry.path())).collect();
        names.sort();
        names
    }

    #[test]
    fn every_check_has_its_target_and_its_corpus() {
        let checks = CHECKS.map(|(name, _)| name.to_owned()).to_vec();
        assert_eq!(names(&folder("fuzz_targets")), checks);
        assert_eq!(names(&folder("corpus")), checks);
        let manifest = fs::read_to_string(folder("Cargo.toml")).unwrap();
        for name in checks {
            assert!(manifest.contains(&format!("name = \"{name}\"")), "{name}");
            let target = folder("fuzz_targets").join(format!("{name}.rs"));
            let target = fs::read_to_string(target).unwrap();
            let call = format!("relay::fuzzing::run(\"{name}\", data)");
            assert!(target.contains(&call), "{name}");
        }
    }

    #[test]
    fn what_a_fuzzer_kept_holds() {
        for (name, _) in CHECKS {
            let entries = fs::read_dir(folder("corpus").join(name)).unwrap();
            let entries: Vec<_> = entries.flatten().collect();
            let count = entries.len();
            assert!((1..=MOST).contains(&count), "{name}: {count}");
            for entry in entries {
                let path = entry.path();
                assert!(entry.metadata().unwrap().len() <= LONGEST, "{path:?}");
                println!("{}", path.display());
                run(name, &fs::read(path).unwrap());
            }
        }
    }
}
