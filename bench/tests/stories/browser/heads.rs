//! Request heads written down, and compared without what differs from one machine to the next.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::recorder::Head;

/// What a page sends, by where it goes and what it is for.
pub(super) const LABELS: [&str; 15] = [
    "same poll",
    "same long poll",
    "same stream",
    "same events",
    "same events again",
    "same socket",
    "same post",
    "cross poll",
    "cross long poll",
    "cross stream",
    "cross events",
    "cross events again",
    "cross socket",
    "cross preflight",
    "cross post",
];

/// The first head of each label: its header lines, with words in the place of hosts and keys.
#[derive(Debug, Default)]
pub(super) struct Book {
    heads: BTreeMap<String, Vec<String>>,
}

impl Book {
    /// Writes down the first of each kind.
    pub(super) fn record(&mut self, place: &str, heads: &[Head]) {
        for head in heads {
            let label = format!("{place} {}", head.kind());
            self.heads.entry(label).or_insert_with(|| lines(head));
        }
    }

    /// As it is kept in a file.
    pub(super) fn write(&self, version: &str) -> String {
        let mut out = format!("Chromium {version}\n");
        for label in LABELS {
            let _ = writeln!(out, "\n== {label}");
            for line in self.heads.get(label).into_iter().flatten() {
                let _ = writeln!(out, "{line}");
            }
        }
        out
    }

    pub(super) fn parse(text: &str) -> Self {
        let parts = text.split("\n== ").skip(1).map(|part| {
            let mut lines = part.lines().map(str::to_owned);
            let label = lines.next().unwrap_or_default();
            (label, lines.filter(|line| !line.is_empty()).collect())
        });
        Self {
            heads: parts.collect(),
        }
    }

    /// The head of a label, without what a version changes.
    pub(super) fn plain(&self, label: &str) -> Vec<String> {
        let lines = self.heads.get(label);
        let lines = lines.unwrap_or_else(|| panic!("nothing was sent for {label}"));
        lines.iter().map(|line| without_version(line)).collect()
    }
}

fn lines(head: &Head) -> Vec<String> {
    let host = head.header("Host").unwrap_or_default().to_owned();
    let origin = |value: &str| match value.strip_prefix("http://") {
        Some(rest) if rest.trim_end_matches('/') == host => value.replace(&host, "HOST"),
        _ if value.ends_with('/') => "PAGE/".to_owned(),
        _ => "PAGE".to_owned(),
    };
    let line = |line: &str| {
        let (name, value) = line.split_once(": ").unwrap_or((line, ""));
        let value = match name {
            "Host" => "HOST".to_owned(),
            "Origin" => origin(value),
            // The page itself may have a path; a page elsewhere sends its origin alone.
            "Referer" => origin(value.trim_end_matches("page")),
            "Sec-WebSocket-Key" => "KEY".to_owned(),
            "Content-Length" => "LENGTH".to_owned(),
            "Last-Event-ID" => "POSITION".to_owned(),
            _ => value.replace("HeadlessChrome", "Chrome"),
        };
        format!("{name}: {value}")
    };
    let lines = head.text.lines().skip(1);
    lines.filter(|line| !line.is_empty()).map(line).collect()
}

fn without_version(line: &str) -> String {
    let numbers = |text: &str| {
        let mut out = String::new();
        for c in text.chars() {
            if !c.is_ascii_digit() {
                out.push(c);
            } else if !out.ends_with('N') {
                out.push('N');
            }
        }
        out
    };
    if let Some(brands) = line.strip_prefix("sec-ch-ua: ") {
        // The made-up brand and the order change with the version, on purpose.
        let brand = |brand: &str| match brand.contains("Not") {
            true => "\"MADE UP\";v=\"N\"".to_owned(),
            false => numbers(brand),
        };
        let mut brands: Vec<String> = brands.split(", ").map(brand).collect();
        brands.sort();
        return format!("sec-ch-ua: {}", brands.join(", "));
    }
    match line.split_once("Chrome/") {
        Some((before, version)) => format!("{before}Chrome/{}", numbers(version)),
        None => line.to_owned(),
    }
}
