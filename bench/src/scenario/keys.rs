//! The keys of a scenario file: known and unknown.

use super::error::{Fault, Report, tame};
use super::place::Place;
use super::tree::{Entry, Node, Value};

/// A table of the file and the keys it takes.
#[derive(Debug)]
pub(super) struct Section {
    /// Its name; empty for the top of the file.
    pub(super) name: &'static str,
    pub(super) keys: &'static [&'static str],
}

pub(super) const ROOT: Section = Section {
    name: "",
    keys: &[
        "title",
        "seed",
        "target",
        "targets",
        "load",
        "link",
        "matrix",
        "phases",
        "run",
        "events",
        "search",
        "gate",
        "published",
    ],
};

pub(super) const TARGET: Section = Section {
    name: "target",
    keys: &[
        "server",
        "url",
        "also",
        "health",
        "template",
        "tls",
        "http",
        "nodes",
        "tls_ca",
        "pid",
        "command",
        "allow_hosts",
        "token",
        "token_file",
        "token_env",
    ],
};

const LOAD_KEYS: &[&str] = &[
    "transport",
    "clients",
    "channels",
    "rate",
    "arrivals",
    "payload",
    "publish",
    "publishers",
    "poll_interval",
    "poll",
    "hold",
    "batch",
    "linger",
    "headers",
    "cookies",
    "origin",
    "keep_alive",
];

const LINK_KEYS: &[&str] = &["preset", "rtt", "jitter", "loss", "down", "up"];

/// The keys of `[load]`, those of `[link]`, those of `[target]` that say what clients speak, and the server.
const MATRIX_KEYS: &[&str] = &[
    "transport",
    "clients",
    "channels",
    "rate",
    "arrivals",
    "payload",
    "publish",
    "publishers",
    "poll_interval",
    "poll",
    "hold",
    "batch",
    "linger",
    "headers",
    "cookies",
    "origin",
    "keep_alive",
    "preset",
    "rtt",
    "jitter",
    "loss",
    "down",
    "up",
    "tls",
    "http",
    "nodes",
    "target",
];

pub(super) const LOAD: Section = Section {
    name: "load",
    keys: LOAD_KEYS,
};

pub(super) const LINK: Section = Section {
    name: "link",
    keys: LINK_KEYS,
};

/// Lists for the keys of `[load]` and of `[link]`, and for what clients speak.
pub(super) const MATRIX: Section = Section {
    name: "matrix",
    keys: MATRIX_KEYS,
};

pub(super) const PHASES: Section = Section {
    name: "phases",
    keys: &["ramp", "warm_up", "measure", "drain"],
};

pub(super) const RUN: Section = Section {
    name: "run",
    keys: &["repeats", "workers"],
};

pub(super) const PUBLISHED: Section = Section {
    name: "published",
    keys: &["source", "transport", "metric", "value", "note"],
};

pub(super) const EVENTS: Section = Section {
    name: "events",
    keys: &[
        "at",
        "disconnect",
        "spread",
        "freeze",
        "rate",
        "slow",
        "for",
    ],
};

pub(super) const SEARCH: Section = Section {
    name: "search",
    keys: &["vary", "from", "to", "while", "precision", "budget"],
};

/// Where a key that stands in the wrong table may belong.
const HOMES: [&Section; 5] = [&LOAD, &LINK, &PHASES, &TARGET, &RUN];

impl Section {
    /// The key with its section, such as `load.clients`.
    pub(super) fn path(&self, key: &str) -> String {
        if self.name.is_empty() {
            key.to_owned()
        } else {
            format!("{}.{key}", self.name)
        }
    }

    /// The entries of this table whose keys are known; every other one is a fault.
    pub(super) fn entries<'a>(&self, node: &'a Node, report: &mut Report) -> Vec<&'a Entry> {
        let Value::Table(table) = &node.value else {
            let text = not_a_table(self.name, &node.place);
            report.add(Fault::new(&node.place, text));
            return Vec::new();
        };
        self.known(table, report)
    }

    /// The same for a table that is at hand.
    pub(super) fn known<'a>(&self, table: &'a [Entry], report: &mut Report) -> Vec<&'a Entry> {
        table
            .iter()
            .filter(|entry| match self.check(&entry.key) {
                Ok(()) => true,
                Err(text) => {
                    report.add(Fault::new(&entry.place, text));
                    false
                }
            })
            .collect()
    }

    fn check(&self, key: &str) -> Result<(), String> {
        if self.keys.contains(&key) {
            return Ok(());
        }
        let path = self.path(&brief(key));
        if let Some(home) = HOMES.iter().find(|home| home.keys.contains(&key)) {
            return Err(format!(
                "unknown key \"{path}\"; \"{key}\" belongs in [{}]",
                home.name
            ));
        }
        Err(match nearest(key, self.keys) {
            Some(near) => format!("unknown key \"{path}\"; did you mean \"{near}\"?"),
            None => format!(
                "unknown key \"{path}\"; the keys here are {}",
                listed(self.keys)
            ),
        })
    }
}

/// What to say where a table belongs and something else stands.
pub(super) fn not_a_table(name: &str, place: &Place) -> String {
    match place {
        Place::Set(_) => {
            format!("\"{name}\" is a table; set its keys, as in --set load.clients=200")
        }
        _ => format!("\"{name}\" is a table; write [{name}] on a line of its own"),
    }
}

/// The known word that a misspelt one was probably meant to be.
pub(super) fn nearest<'a>(word: &str, known: &[&'a str]) -> Option<&'a str> {
    let word = word.to_lowercase();
    known
        .iter()
        .map(|&candidate| (strsim::jaro_winkler(&word, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|one, other| one.0.total_cmp(&other.0))
        .map(|(_, candidate)| candidate)
}

/// `a, b and c`.
pub(super) fn listed(words: &[&str]) -> String {
    match words {
        [] => "none".to_owned(),
        [only] => (*only).to_owned(),
        [first @ .., last] => format!("{} and {last}", first.join(", ")),
    }
}

/// A word from a file, short enough and tame enough to be shown.
pub(super) fn brief(text: &str) -> String {
    let mut shown = tame(&text.chars().take(40).collect::<String>());
    if text.chars().nth(40).is_some() {
        shown.push('…');
    }
    shown
}
