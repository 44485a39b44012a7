//! What was measured, in tables.

use maud::{Markup, html};

use super::table::view;
use super::{Section, list};
use crate::report::comparison::compares_protocols;
use crate::report::table::{self, NOT_VALID, Table};
use crate::report::{incidents, protocols, searches as found, words};
use crate::result::RunResult;

/// The main table, the best of each combination, and every trial.
pub(super) fn results(run: &RunResult) -> Option<Section> {
    if run.trials.is_empty() {
        return None;
    }
    let factors = table::keys(run).len();
    let results = table::results(run);
    let best = table::best_of_each(run);
    let body = html! {
        @if !best.rows.is_empty() {
            h3 { "Which transport is best where" }
            (view("Which transport is best where", &best, 0))
            p.soft { "Below each, in small type, its value and the worst one." }
            h3 { "Every combination" }
        }
        (view("Results", &lean(&results), factors))
        (legend(&results))
        @if let Some(note) = words::link_note(run) { p.soft { (note) } }
        @if !compares_protocols(run) && protocols::is_short_of_connections(run) {
            p.soft { (protocols::SIX) }
        }
        details {
            summary { "Every trial, every figure" }
            (view("Every trial", &table::every_metric(run), factors))
        }
    };
    Some(Section {
        id: "results",
        title: "Results",
        body,
    })
}

/// The table without what the details have and without columns that say the same in every row.
fn lean(table: &Table) -> Table {
    let keep: Vec<bool> = table
        .columns
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let all = |text: &str| table.rows.iter().all(|row| row[at].text == text);
            let same = table.rows.windows(2).all(|two| two[0][at] == two[1][at]);
            let known = match column.head.as_str() {
                "valid" => all("yes"),
                "repeats" => same,
                _ => false,
            };
            !column.spare && !known
        })
        .collect();
    let kept = |at: usize| keep.get(at).copied().unwrap_or_default();
    let rows = table.rows.iter().map(|row| {
        let cells = row.iter().enumerate().filter(|(at, _)| kept(*at));
        cells.map(|(_, cell)| cell.clone()).collect()
    });
    let columns = table.columns.iter().enumerate().filter(|(at, _)| kept(*at));
    Table {
        columns: columns.map(|(_, column)| column.clone()).collect(),
        rows: rows.collect(),
    }
}

/// What the signs of the main table mean.
fn legend(table: &Table) -> Markup {
    let cells = || table.rows.iter().flatten();
    let mut lines = Vec::new();
    if cells().any(|cell| cell.best) {
        lines.push(
            "Bold: the best of its combination and what this run does not tell apart from it."
                .to_owned(),
        );
    }
    lines.extend(repeats(table));
    lines.push(
        "Wire bytes and CPU time are for delivered messages, CPU for a thousand of them; memory is of the server's \
         process for each client."
            .to_owned(),
    );
    lines.extend(table::legend(table).map(str::to_owned));
    if cells().any(|cell| cell.text == NOT_VALID) {
        lines.push("Rows in red cannot be trusted.".to_owned());
    }
    html! { p.soft { (lines.join(" ")) } }
}

/// What the intervals are, when there are any.
fn repeats(table: &Table) -> Option<String> {
    let at = table.columns.iter().position(|c| c.head == "repeats")?;
    let first = &table.rows.first()?[at];
    let same = table.rows.iter().all(|row| row[at] == *first);
    Some(if same {
        format!(
            "Medians over {} repeats; the small type below is the interval that holds the true median with {} confidence.",
            first.text, first.below
        )
    } else {
        "Medians over the repeats; the small type below is the interval of the median, its confidence below the number \
         of repeats."
            .to_owned()
    })
}

/// What TLS and HTTP/2 change, where the run compares them; and what a browser's limit would have changed.
pub(super) fn protocols(run: &RunResult) -> Option<Section> {
    let changed = protocols::sentences(run);
    (!changed.is_empty()).then(|| Section {
        id: "protocols",
        title: "What TLS and HTTP/2 change",
        body: html! { ul { @for line in &changed { li { (line) } } } },
    })
}

pub(super) fn searches(run: &RunResult) -> Option<Section> {
    let table = found::table(run);
    (!table.rows.is_empty()).then(|| Section {
        id: "search",
        title: "Search",
        body: html! {
            @for condition in found::conditions(run) { p { "Asked for: " code { (condition) } } }
            (view("Search", &table, 0))
        },
    })
}

pub(super) fn events(run: &RunResult) -> Option<Section> {
    let lines: Vec<Markup> = incidents::sentences(run)
        .into_iter()
        .map(|line| html! { li { (line) } })
        .collect();
    (!lines.is_empty()).then(|| Section {
        id: "events",
        title: "Events",
        body: list("What each event did in each trial", &lines),
    })
}

/// Figures that others published, beside ours.
pub(super) fn published(run: &RunResult) -> Option<Section> {
    let table = table::published(run);
    (!table.rows.is_empty()).then(|| Section {
        id: "published",
        title: "Published figures beside ours",
        body: view("Published figures beside ours", &table, 0),
    })
}
