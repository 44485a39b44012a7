//! The result as the manual tells it: the tables there are those of the code.

use std::fs;
use std::path::Path;

use crate::case::End;
use crate::deviations::DEVIATIONS;
use crate::{groups, handshake};

/// Gives the rows of groups, and of deviations.
fn rows() -> String {
    let mut out =
        String::from("| group | RFC 6455 | cases | passed | deviations |\n|---|---|---|---|---|\n");
    let mut groups: Vec<_> = groups::all()
        .into_iter()
        .map(|group| {
            let known = group.cases.iter().filter(|case| {
                DEVIATIONS
                    .iter()
                    .any(|known| known.is(group.name, &case.name))
            });
            (group.name, group.sections, group.cases.len(), known.count())
        })
        .collect();
    groups.insert(0, ("Handshake", "4.2", handshake::cases().len(), 0));
    let sum = |of: fn(&(&str, &str, usize, usize)) -> usize| groups.iter().map(of).sum::<usize>();
    let (cases, known) = (sum(|group| group.2), sum(|group| group.3));
    groups.push(("all", "", cases, known));
    for (name, sections, cases, known) in groups {
        let passed = cases - known;
        out += &format!("| {name} | {sections} | {cases} | {passed} | {known} |\n");
    }
    out += "\n| deviation | instead | why |\n|---|---|---|\n";
    for known in &DEVIATIONS {
        let (group, cases, reason) = (known.group, known.cases, known.reason);
        let End::Closed(Some(code)) = known.instead else {
            panic!("no word for {:?}", known.instead);
        };
        out += &format!("| {group}: {cases} | closes with {code} | {reason} |\n");
    }
    out
}

#[test]
fn the_manual_tells_the_result() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let rows = rows();
    assert!(
        readme.contains(&rows),
        "README.md has not these tables:\n{rows}"
    );
}
