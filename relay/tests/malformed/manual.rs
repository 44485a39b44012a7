//! The table of the manual: what each server is expected to do with each row.

use std::collections::HashMap;
use std::fs;
use std::path::Path;

use crate::row::Row;

/// The columns of verdicts.
pub(crate) const ROADS: [&str; 3] = ["relay", "nginx", "nginx, then relay"];
/// What each server does with each row, by its name.
pub(crate) type Verdicts = HashMap<String, [String; 3]>;
const BEGIN: &str = "<!-- malformed requests -->\n";
const END: &str = "<!-- end of malformed requests -->";

/// Gives the table as the manual has it.
pub(crate) fn table() -> String {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("README.md");
    let readme = fs::read_to_string(readme).unwrap();
    let (_, rest) = readme.split_once(BEGIN).unwrap();
    rest.split_once(END).unwrap().0.to_owned()
}

/// Reads the verdicts of a table by the names of its rows.
pub(crate) fn expected(table: &str) -> Verdicts {
    table
        .lines()
        .filter_map(|line| {
            let cells: Vec<_> = line.split(" | ").collect();
            let [name, _, relay, nginx, behind] = cells[..] else {
                return None;
            };
            let verdicts = [relay, nginx, behind.trim_end_matches(" |")].map(str::to_owned);
            Some((name.trim_start_matches("| ").to_owned(), verdicts))
        })
        .collect()
}

/// Writes the table with such verdicts.
pub(crate) fn write(
    groups: &[(&str, Vec<Row>)],
    verdicts: &HashMap<String, [String; 3]>,
) -> String {
    let mut out = String::new();
    for (group, rows) in groups {
        out += &format!(
            "| {group} | RFC | {} |\n|---|---|---|---|---|\n",
            ROADS.join(" | ")
        );
        for row in rows {
            let verdicts = verdicts.get(row.name).map(|verdicts| verdicts.join(" | "));
            let (demand, verdicts) = (row.demand.words(), verdicts.unwrap_or_default());
            out += &format!(
                "| {} | {demand}, {} | {verdicts} |\n",
                row.name, row.section
            );
        }
        out += "\n";
    }
    out.trim_end().to_owned() + "\n"
}
