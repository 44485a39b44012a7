//! Markdown as GitHub shows it in the summary of a job: the verdict, a table, and what failed.

use crate::report::table::{self, Table};
use crate::report::{self, evidence, faults, protocols, words};
use crate::result::compared::{Better, Compared, Conclusion, Finding, Row};
use crate::result::{Environment, RunResult, Verdict};

/// A run. `results` names the folder that its files are in.
#[must_use]
pub fn of_run(run: &RunResult, results: Option<&str>) -> String {
    let (sign, word) = match run.verdict {
        Verdict::Pass => ("✅", "Pass"),
        Verdict::Fail => ("❌", "Fail"),
        Verdict::Invalid => ("⚠️", "Invalid"),
    };
    let mut out = format!(
        "## {sign} {word}: {}\n\n{}\n",
        plain(&run.title),
        plain(&words::verdict(run))
    );
    warn(&mut out, words::profile_warning(run));
    warn(&mut out, faults::ungated(run));
    if run.trials.is_empty() {
        out.push_str("\nNo trial ended.\n");
    } else {
        out.push('\n');
        lay_out(&mut out, &table::trials(run));
    }
    let changed = protocols::sentences(run);
    let changed = changed.iter().map(|line| plain(line));
    list(&mut out, "What TLS and HTTP/2 change", changed);
    let reasons = run.trials.iter().filter(|trial| !trial.valid).map(|trial| {
        format!(
            "`{}`: {}",
            code(&trial.id),
            plain(&trial.invalid_reasons.join("; "))
        )
    });
    list(&mut out, "Trials that cannot be trusted", reasons);
    if !run.gates.is_empty() {
        out.push_str("\n### Gates\n\n");
        lay_out(&mut out, &table::gates(run));
    }
    foot(&mut out, &run.environment, &run.command, results);
    out
}

/// A comparison: first what is worse, unknown or better, then, folded, what does not differ.
#[must_use]
pub fn of_comparison(compared: &Compared) -> String {
    let (sign, word) = match compared.verdict {
        Conclusion::Worse => ("❌", "Worse"),
        Conclusion::Invalid => ("⚠️", "Invalid"),
        Conclusion::NotEnoughEvidence => ("❔", "Not enough evidence"),
        Conclusion::Better => ("✅", "Better"),
        Conclusion::NoDifference => ("✅", "No difference"),
    };
    let mut out = format!(
        "## {sign} {word}: {}\n\n{} Effects below {} do not count.\n",
        plain(&compared.candidate.title),
        plain(&evidence::conclusion(compared)),
        percent(compared.rule.min_effect)
    );
    for difference in compared.differences.iter().filter(|d| d.serious) {
        let (what, values) = (&difference.what, evidence::against(difference));
        let text = format!("The runs differ in {what}: {values}.");
        warn(&mut out, Some(text));
    }
    let judged = compared
        .rows
        .iter()
        .filter(|row| row.better != Better::Neither);
    let (same, mut telling): (Vec<&Row>, Vec<&Row>) =
        judged.partition(|row| row.verdict == Finding::NoDifference);
    telling.sort_by_key(|row| (!row.fails(), row.verdict));
    if !telling.is_empty() {
        out.push('\n');
        rows(&mut out, &telling);
    }
    list(
        &mut out,
        "Notes",
        compared.notes.iter().map(|note| plain(note)),
    );
    if !same.is_empty() {
        out.push_str(&format!(
            "\n<details><summary>{} without a difference</summary>\n\n",
            same.len()
        ));
        rows(&mut out, &same);
        out.push_str("\n</details>\n");
    }
    let sides = [("base", &compared.base), ("candidate", &compared.candidate)];
    let again = compared
        .confirmation
        .as_ref()
        .map(|side| ("repetition", side));
    out.push('\n');
    for (name, side) in sides.into_iter().chain(again) {
        out.push_str(&format!(
            "- {name}: `{}`, {}, {} of {} trials valid\n",
            code(&side.path),
            plain(&place(&side.environment)),
            side.valid_trials,
            side.trials
        ));
    }
    out
}

fn rows(out: &mut String, rows: &[&Row]) {
    out.push_str("| in | metric | base | candidate | effect | p | verdict |\n|---|---|--:|--:|--:|--:|---|\n");
    for row in rows {
        let cells = [
            plain(&report::compared::label(row)),
            code_cell(&row.metric),
            plain(&evidence::median(row, &row.base)),
            plain(&evidence::median(row, &row.candidate)),
            plain(&evidence::effect(row)),
            plain(&evidence::chance(row)),
            plain(report::compared::verdict(row)),
        ];
        out.push_str(&format!("| {} |\n", cells.join(" | ")));
    }
}

fn percent(share: f64) -> String {
    format!("{} %", (share * 1e4).round() / 100.0)
}

fn warn(out: &mut String, warning: Option<String>) {
    if let Some(warning) = warning {
        out.push_str(&format!("\n> [!WARNING]\n> {}\n", plain(&warning)));
    }
}

fn list(out: &mut String, title: &str, items: impl Iterator<Item = String>) {
    let items: String = items.map(|item| format!("- {item}\n")).collect();
    if !items.is_empty() {
        out.push_str(&format!("\n### {title}\n\n{items}"));
    }
}

pub(super) fn lay_out(out: &mut String, table: &Table) {
    let heads = table.columns.iter().map(|column| {
        let (over, head) = (column.over, column.head.as_str());
        let gap = if over.is_empty() || head.starts_with('/') {
            ""
        } else {
            " "
        };
        plain(&format!("{over}{gap}{head}"))
    });
    out.push_str(&format!("| {} |\n", heads.collect::<Vec<_>>().join(" | ")));
    for column in &table.columns {
        out.push_str(if column.right { "|--:" } else { "|---" });
    }
    out.push_str("|\n");
    for row in table.rows.iter() {
        let cells = row.iter().zip(&table.columns).map(|(cell, column)| {
            // A rule is full of signs that mean something in Markdown.
            if column.head == "gate" {
                code_cell(&cell.text)
            } else {
                plain(&cell.text)
            }
        });
        out.push_str(&format!("| {} |\n", cells.collect::<Vec<_>>().join(" | ")));
    }
}

fn foot(out: &mut String, at: &Environment, command: &[String], results: Option<&str>) {
    out.push_str(&format!("\n<sub>{}", plain(&place(at))));
    out.push_str(&format!(". Made by `{}`.", code(&command.join(" "))));
    if let Some(results) = results {
        out.push_str(&format!(
            " The page `report.html`, the charts and all data are in `{}`, where that folder was kept.",
            code(results)
        ));
    }
    out.push_str("</sub>\n");
}

/// Where a run took place, in one line.
fn place(at: &Environment) -> String {
    let commit = at.commit.as_deref().unwrap_or("unknown");
    format!(
        "{}, commit {commit}, {} build, {} with {} cores, {}",
        at.target, at.profile, at.cpu, at.cores, at.kernel
    )
}

/// Text that means nothing to Markdown, on one line.
fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\n' | '\r' => out.push(' '),
            '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '|' | '~' | '&' => {
                out.push('\\');
                out.push(c);
            }
            _ => out.push(c),
        }
    }
    out
}

/// Text for between backticks.
fn code(text: &str) -> String {
    text.replace('`', "'").replace(['\n', '\r'], " ")
}

/// The same as a cell: a table ends its cells at a bar before it looks for backticks.
fn code_cell(text: &str) -> String {
    format!("`{}`", code(text).replace('|', "\\|"))
}
