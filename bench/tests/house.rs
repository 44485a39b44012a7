//! The house keeps its shape: arrows point one way, files stay short, and what is kept in one
//! file stays in it.
#![expect(
    clippy::unwrap_used,
    reason = "a test fails by panicking, in its helpers too"
)]

use std::fs;
use std::path::{Path, PathBuf};

/// What each room may use besides itself. A sample travels down: `main → cli → fleet → swarm →
/// client → net`; what is measured becomes a result, and the report reads results alone.
const MAY_USE: [(&str, &[&str]); 27] = [
    ("main", &["cli"]),
    (
        "cli",
        &[
            "exit", "fleet", "judge", "live", "report", "result", "scenario", "selftest", "sizing",
            "target", "units", "witness",
        ],
    ),
    // Beside the road: it is told what happens, and nobody who measures knows it.
    ("live", &["clock", "fleet", "result", "scenario", "units"]),
    (
        "fleet",
        &[
            "clock", "judge", "model", "net", "probe", "record", "result", "scenario", "swarm",
            "target", "witness",
        ],
    ),
    // Not on the road of a sample: a swarm with a server of its own, and the parts by themselves.
    (
        "selftest",
        &[
            "clock", "kernel", "probe", "record", "scenario", "stamp", "swarm", "units",
        ],
    ),
    (
        "swarm",
        &[
            "client", "clock", "kernel", "net", "reactor", "record", "scenario", "schedule",
            "stamp",
        ],
    ),
    // From stored results to machines: nothing of it runs.
    ("sizing", &["result", "scenario", "units"]),
    // A real browser beside the swarm.
    (
        "witness",
        &[
            "clock", "judge", "kernel", "net", "record", "result", "scenario", "stamp", "target",
        ],
    ),
    // Its requests are those of the clients; it sees nothing of what a trial measures.
    ("model", &["client", "result", "scenario"]),
    ("client", &["clock", "net", "scenario", "stamp"]),
    ("net", &["clock", "kernel", "reactor", "scenario"]),
    // Beside the road, too: what its tasks wait by.
    ("reactor", &["clock"]),
    ("record", &["clock", "result", "stamp", "stats"]),
    ("schedule", &["scenario"]),
    // Of the road it borrows the handshake: a server that clients could not speak to is refused before they try.
    ("target", &["kernel", "net", "scenario"]),
    // Of the model it asks where the boundary between two transports lies.
    (
        "report",
        &["judge", "model", "result", "scenario", "stats", "units"],
    ),
    ("judge", &["result", "scenario", "stats", "units"]),
    ("result", &["scenario", "stats", "units"]),
    ("probe", &["clock", "kernel", "net", "result"]),
    ("scenario", &["units"]),
    ("stamp", &["clock"]),
    ("stats", &[]),
    ("lib", &[]),
    ("exit", &[]),
    ("kernel", &[]),
    ("clock", &[]),
    ("units", &[]),
];

struct Source {
    path: PathBuf,
    /// Without comments, and without the tests that stand beside the code.
    code: String,
}

impl Source {
    /// Its place below `src`.
    fn place(&self) -> &str {
        let place = self.path.strip_prefix(root()).unwrap();
        place.to_str().unwrap()
    }

    /// Its folder below `src`, or its own name.
    fn room(&self) -> &str {
        let first = self.place().split('/').next().unwrap();
        first.trim_end_matches(".rs")
    }

    fn names(&self, word: &str) -> bool {
        let part = |c: char| c.is_alphanumeric() || c == '_';
        self.code.split(|c| !part(c)).any(|found| found == word)
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

fn sources() -> Vec<Source> {
    fn walk(folder: &Path, found: &mut Vec<Source>) {
        for entry in fs::read_dir(folder).unwrap().flatten() {
            let path = entry.path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|ext| ext == "rs") && !path.ends_with("tests.rs")
            {
                let text = fs::read_to_string(&path).unwrap();
                let text = text.split("#[cfg(test)]").next().unwrap();
                let code = text
                    .lines()
                    .filter(|line| !line.trim_start().starts_with("//"));
                let code = code.map(|line| format!("{line}\n")).collect();
                found.push(Source { path, code });
            }
        }
    }
    let mut found = Vec::new();
    walk(&root(), &mut found);
    assert!(found.len() > 50);
    found
}

/// The rooms that a source names behind `crate::`, in `use` lines with braces too.
fn uses(code: &str) -> Vec<String> {
    let mut found = Vec::new();
    for (at, mark) in code.match_indices("crate::") {
        let rest = &code[at + mark.len()..];
        let list = match rest.strip_prefix('{') {
            Some(list) => list.split('}').next().unwrap(),
            None => rest,
        };
        let paths = list
            .split(',')
            .take(if rest.starts_with('{') { 99 } else { 1 });
        found.extend(paths.map(|path| {
            let path = path.trim_start();
            let end = path.find(|c: char| !c.is_ascii_lowercase() && c != '_');
            path[..end.unwrap_or(path.len())].to_owned()
        }));
    }
    found.retain(|room| !room.is_empty());
    found
}

#[test]
fn uses_are_found_in_every_form() {
    let code = "use crate::net::{Socket, dial};\nuse crate::{clock, stamp::Stamp};\ncrate::kernel::watch();\n";
    assert_eq!(uses(code), ["net", "clock", "stamp", "kernel"]);
}

#[test]
fn arrows_point_one_way() {
    for source in sources() {
        let from = source.room();
        let may = MAY_USE.iter().find(|(room, _)| *room == from);
        let (_, may) =
            may.unwrap_or_else(|| panic!("`{from}` has no place in the house: give it one"));
        for to in uses(&source.code) {
            assert!(
                to == from || may.contains(&to.as_str()),
                "{}: {from} may not use {to}",
                source.place()
            );
        }
    }
}

#[test]
fn the_house_has_no_circles() {
    // A room that is reached from itself through others would be one room with them.
    for (start, _) in MAY_USE {
        let mut reached = Vec::new();
        let mut next = vec![start];
        while let Some(room) = next.pop() {
            for (_, may) in MAY_USE.iter().filter(|(known, _)| *known == room) {
                assert!(
                    !may.contains(&start),
                    "{start} is reached again from {room}"
                );
                next.extend(may.iter().filter(|to| !reached.contains(*to)));
                reached.extend(*may);
            }
        }
    }
}

#[test]
fn what_is_kept_in_one_file_stays_there() {
    for source in sources() {
        for (word, place) in [
            // The judge shares no code with the judged.
            ("relay", "target/bundled.rs"),
            ("unsafe", "kernel.rs"),
            ("libc", "kernel.rs"),
        ] {
            let named = match word {
                // The word is everywhere; the crate is a path.
                "relay" => ["use relay::", " relay::", "(relay::", "&relay::"]
                    .iter()
                    .any(|path| source.code.contains(path)),
                _ => source.names(word),
            };
            assert!(
                !named || source.place() == place,
                "{} names {word}",
                source.place()
            );
        }
    }
}

#[test]
fn files_are_short() {
    for source in sources() {
        let lines = fs::read_to_string(&source.path).unwrap();
        let code = lines.split("#[cfg(test)]\nmod tests {").next().unwrap();
        let count = code.lines().count();
        assert!(count <= 400, "{} has {count} lines", source.place());
    }
}
