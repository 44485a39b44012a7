//! A comparison of two runs for a terminal: what is worse first, what did not change last or folded.

use crate::report::console::{Ink, Style, lay_out, wrap};
use crate::report::show;
use crate::report::table::{Column, Table};
use crate::result::compared::{Compared, Conclusion, Finding, Row, Sample, Side};
use crate::result::metric;
use crate::scenario::Factor;

/// The comparison as a person reads it, ending in a line break; with `all`, rows without difference too.
#[must_use]
pub fn render(compared: &Compared, all: bool, style: Style) -> String {
    let ink = Ink(style.color);
    let mut out = format!("{}\n\n", ink.bold(&compared.candidate.title));
    for (name, side) in sides(compared) {
        out.push_str(&format!("{name:<13} {}\n", said(side)));
    }
    out.push('\n');
    for difference in &compared.differences {
        let text = format!(
            "{}: {} in the base, {} in the {}",
            difference.what,
            difference.base,
            difference.candidate,
            difference.side()
        );
        if difference.serious {
            let text = format!("WARNING: not the same {text}; an effect may come from this alone");
            out.push_str(&format!("{}\n", ink.yellow(&wrap(&text, style.width))));
        } else {
            out.push_str(&format!(
                "{}\n",
                wrap(&format!("Other {text}"), style.width)
            ));
        }
    }
    for note in &compared.notes {
        out.push_str(&format!(
            "{}\n",
            ink.yellow(&wrap(&format!("Note: {note}"), style.width))
        ));
    }
    if !compared.differences.is_empty() || !compared.notes.is_empty() {
        out.push('\n');
    }
    let rows = in_order(compared);
    let folded = rows
        .iter()
        .filter(|r| !all && r.verdict == Finding::NoDifference)
        .count();
    let shown: Vec<&Row> = rows
        .into_iter()
        .filter(|row| all || row.verdict != Finding::NoDifference)
        .collect();
    if !shown.is_empty() {
        let text = lay_out(&table(&shown), style.width);
        out.push_str(&colour(&text, ink));
    }
    if folded > 0 {
        let are = if folded == 1 {
            "row shows"
        } else {
            "rows show"
        };
        out.push_str(&format!(
            "{folded} {are} no difference (--all lists them)\n"
        ));
    }
    for line in reasons(&shown) {
        out.push_str(&format!(
            "  {}\n",
            wrap(&line, style.width.saturating_sub(2)).replace('\n', "\n    ")
        ));
    }
    out.push_str(&format!(
        "\n{}\n",
        wrap(&conclusion(compared, ink), style.width)
    ));
    out
}

fn sides(compared: &Compared) -> impl Iterator<Item = (&'static str, &Side)> {
    [("Base", &compared.base), ("Candidate", &compared.candidate)]
        .into_iter()
        .chain(
            compared
                .confirmation
                .as_ref()
                .map(|side| ("Confirmation", side)),
        )
}

fn said(side: &Side) -> String {
    let doubt = match side.trials - side.valid_trials {
        0 => String::new(),
        invalid => format!(", {invalid} of them INVALID"),
    };
    format!(
        "{} ({}, {} trials{doubt})",
        side.path, side.started, side.trials
    )
}

/// The worst first: by finding, then by the size of the effect.
fn in_order(compared: &Compared) -> Vec<&Row> {
    let mut rows: Vec<&Row> = compared.rows.iter().collect();
    let size = |row: &Row| {
        row.effect
            .map_or(f64::INFINITY, |effect| effect.ratio.abs())
    };
    rows.sort_by(|a, b| {
        (!a.fails(), a.verdict)
            .cmp(&(!b.fails(), b.verdict))
            .then(size(b).total_cmp(&size(a)))
    });
    rows
}

fn table(rows: &[&Row]) -> Table {
    let spare = |head: &str| Column {
        spare: true,
        ..Column::numbers("", head)
    };
    let columns = vec![
        Column::words("at"),
        Column::words("metric"),
        Column::numbers("", "base"),
        spare("95 %"),
        Column::numbers("", "candidate"),
        spare("95 %"),
        Column::numbers("", "effect"),
        Column::numbers("", "95 %"),
        Column::numbers("", "p"),
        Column::words("verdict"),
    ];
    let rows = rows.iter().map(|row| {
        let effect = row.effect;
        let interval = effect
            .and_then(|e| Some((e.low?, e.high?, e.confidence?)))
            .map_or_else(
                || show::MISSING.to_owned(),
                |(low, high, level)| {
                    marked(&format!("{} to {}", percent(low), percent(high)), level)
                },
            );
        vec![
            label(row),
            row.metric.clone(),
            show::named(&row.metric, Some(row.base.median)),
            spread(row, &row.base),
            show::named(&row.metric, Some(row.candidate.median)),
            spread(row, &row.candidate),
            effect.map_or_else(
                || show::MISSING.to_owned(),
                |e| format!("{} %", percent(e.ratio)),
            ),
            interval,
            row.p_corrected
                .map_or_else(|| show::MISSING.to_owned(), p_value),
            verdict(row).to_owned(),
        ]
    });
    Table {
        columns,
        rows: rows.collect(),
    }
}

fn p_value(p: f64) -> String {
    if p < 0.001 {
        "<0.001".to_owned()
    } else {
        format!("{p:.3}")
    }
}

/// A combination in short: the transport, then the other factors.
#[must_use]
pub fn label(row: &Row) -> String {
    let transport = row.factors.get("transport").map(Factor::to_string);
    let others = row.factors.iter().filter(|(key, _)| *key != "transport");
    let parts = others.map(|(key, value)| show::factor(key, value));
    transport
        .into_iter()
        .chain(parts)
        .collect::<Vec<_>>()
        .join(", ")
}

/// A verdict in the words of the table.
#[must_use]
pub fn verdict(row: &Row) -> &'static str {
    match (row.verdict, row.confirmed) {
        (Finding::Worse, Some(true)) => "✗ worse, confirmed",
        (Finding::Worse, Some(false)) => "? worse, not confirmed",
        (Finding::Worse, None) => "✗ worse",
        (Finding::NotEnoughEvidence, _) => "? not enough evidence",
        (Finding::Better, _) => "✓ better",
        (Finding::NoDifference, _) => "= no difference",
    }
}

fn percent(share: f64) -> String {
    format!("{:+.1}", share * 100.0)
}

fn spread(row: &Row, sample: &Sample) -> String {
    let unit = metric::find(&row.metric);
    match (sample.low, sample.high, sample.confidence, unit) {
        (Some(low), Some(high), Some(level), Some(metric)) => {
            marked(&show::range(metric, low, high), level)
        }
        _ => show::MISSING.to_owned(),
    }
}

/// An interval, with its level when that is not the one at the column's head.
fn marked(interval: &str, level: f64) -> String {
    if level < crate::stats::CONFIDENCE {
        format!("{interval} ({:.0} %)", level * 100.0)
    } else {
        interval.to_owned()
    }
}

fn colour(table: &str, ink: Ink) -> String {
    let mark = |line: &str| {
        if line.contains('✗') {
            format!("{}\n", ink.red(line))
        } else if line.contains('✓') {
            format!("{}\n", ink.green(line))
        } else {
            format!("{line}\n")
        }
    };
    table.lines().map(mark).collect()
}

/// Why rows are as they are; the same reason of several is said once.
fn reasons(rows: &[&Row]) -> Vec<String> {
    let mut found: Vec<(String, Vec<String>)> = Vec::new();
    for row in rows {
        let Some(reason) = &row.reason else { continue };
        let text = match row.repeats_needed {
            Some(needed) => format!("{reason}; about {needed} repeats of each would do"),
            None => reason.clone(),
        };
        let what = format!("{} {}", label(row), row.metric);
        match found.iter_mut().find(|(known, _)| *known == text) {
            Some((_, of)) => of.push(what),
            None => found.push((text, vec![what])),
        }
    }
    found
        .into_iter()
        .map(|(text, of)| match of.as_slice() {
            [one] => format!("{one}: {text}"),
            [first, rest @ ..] => format!("{first} and {} more: {text}", rest.len()),
            [] => text,
        })
        .collect()
}

fn conclusion(compared: &Compared, ink: Ink) -> String {
    let count = |found: Finding| compared.rows.iter().filter(|r| r.verdict == found).count();
    let rule = format!(
        "a change counts from {} %; at most {} % of comparisons without one raise a false alarm",
        show::count(tenth(compared.rule.min_effect * 100.0)),
        show::count(tenth(compared.rule.alpha * 100.0)),
    );
    let (word, text) = match compared.verdict {
        Conclusion::Worse => {
            let worse = compared.rows.iter().filter(|row| row.fails()).count();
            let confirmed = if compared.confirmation.is_some() {
                ", and the repetition says so too"
            } else {
                ""
            };
            (ink.red("WORSE"), format!("{worse} of {} rows{confirmed}", compared.rows.len()))
        }
        Conclusion::Invalid => (
            ink.red("INVALID"),
            "a run cannot be trusted, so nothing is concluded (--allow-invalid compares all the same)".to_owned(),
        ),
        Conclusion::NotEnoughEvidence => {
            let all = compared.rows.len();
            let refuted = |row: &&Row| row.confirmed == Some(false);
            let of = [
                (count(Finding::NotEnoughEvidence), "undecided"),
                (
                    compared.rows.iter().filter(refuted).count(),
                    "worse at first, which the repetition does not confirm",
                ),
            ];
            let parts = of.iter().filter(|(rows, _)| *rows > 0);
            let parts: Vec<_> = parts.map(|(rows, what)| format!("{rows} {what}")).collect();
            (
                ink.yellow("NOT ENOUGH EVIDENCE"),
                format!(
                    "nothing is shown to be worse; of {all} rows {}",
                    parts.join(", ")
                ),
            )
        }
        Conclusion::Better => (
            ink.green("BETTER"),
            format!("{} of {} rows, and none is worse", count(Finding::Better), compared.rows.len()),
        ),
        Conclusion::NoDifference => (ink.green("NO DIFFERENCE"), "in any row".to_owned()),
    };
    format!("{word}: {text} ({rule}).")
}

fn tenth(number: f64) -> f64 {
    (number * 10.0).round() / 10.0
}
