//! The table of results: a row for each trial, or the medians over repeats.

use super::{Column, NOT_VALID, Table, heads, place, repeats};
use crate::report::comparison::{Comparison, Who, comparisons, varying};
use crate::report::ranking::Ranking;
use crate::result::{RunResult, TrialResult, metric};
use crate::scenario::{Protocol, target_in};

/// The metrics of the main table: upper head, lower head, metric, may be left out.
pub(super) const METRICS: [(&str, &str, &str, bool); 9] = [
    ("delivery latency", "p50", "delivery.p50", false),
    ("delivery latency", "p90", "delivery.p90", true),
    ("delivery latency", "p99", "delivery.p99", false),
    ("delivery latency", "max", "delivery.max", true),
    ("wire bytes", "/message", "wire_bytes_per_message", false),
    ("server CPU", "/1,000", "server_cpu_per_thousand", false),
    ("memory", "/client", "server_memory_per_client", false),
    ("", "delivered", "delivered", true),
    ("", "lost", "lost", false),
];

/// Those of them of which less is what a person chooses by.
const CHOSEN_BY: [&str; 5] = [
    "delivery.p50",
    "delivery.p99",
    "wire_bytes_per_message",
    "server_cpu_per_thousand",
    "server_memory_per_client",
];

/// The results that a person looks at first: a row for each trial, or, with repeats, the median over
/// them and below it its interval.
pub(crate) fn results(run: &RunResult) -> Table {
    let mut table = if repeated(run) {
        repeats::medians(run)
    } else {
        trials(run)
    };
    mark_best(run, &mut table);
    table
}

/// Whether a combination was run more than once.
pub(crate) fn repeated(run: &RunResult) -> bool {
    run.trials.iter().any(|trial| trial.repeat > 1)
}

/// A row for each trial, sorted by factors, transport and repeat.
pub(crate) fn trials(run: &RunResult) -> Table {
    let keys = super::keys(run);
    let several = repeated(run);
    let mut columns = heads(&keys, several);
    columns.extend(METRICS.iter().map(|(over, head, _, spare)| Column {
        spare: *spare,
        ..Column::numbers(over, *head)
    }));
    columns.push(Column::words("valid"));
    let row = |trial: &TrialResult| {
        let mut cells = place(trial, &keys, several);
        cells.extend(METRICS.iter().map(|(_, _, name, _)| {
            let value = metric::find(name).and_then(|m| m.of(trial));
            repeats::doubted(name, &[trial], value)
        }));
        cells.push(if trial.valid { "yes" } else { NOT_VALID }.into());
        cells
    };
    Table {
        columns,
        rows: in_order(run).into_iter().map(row).collect(),
    }
}

/// Marks, in each combination, what is best and what is not told apart from it.
fn mark_best(run: &RunResult, table: &mut Table) {
    if !run.searches.is_empty() {
        // What was tried on the way is nothing to choose from.
        return;
    }
    let first = table.columns.len() - 1 - METRICS.len();
    let mut rows = table.rows.iter_mut();
    for comparison in comparisons(run) {
        let best = CHOSEN_BY.map(|name| (name, best_of(&comparison, name)));
        for group in &comparison.groups {
            let Some(row) = rows.next() else { return };
            for (at, (_, _, name, _)) in METRICS.iter().enumerate() {
                let tied = best.iter().find(|(known, _)| known == name);
                row[first + at].best =
                    group.valid && tied.is_some_and(|(_, all)| all.contains(&group.who()));
            }
        }
    }
}

fn best_of(comparison: &Comparison<'_>, name: &'static str) -> Vec<Who> {
    Ranking::of(&comparison.trusted(), name).map_or_else(Vec::new, |ranking| {
        ranking.tied().iter().map(|g| g.who()).collect()
    })
}

/// The trials by factors, then transport, protocol and repeat: the order in which a person compares.
pub(crate) fn in_order(run: &RunResult) -> Vec<&TrialResult> {
    let keys = varying(run);
    let mut trials: Vec<&TrialResult> = Vec::with_capacity(run.trials.len());
    for comparison in comparisons(run) {
        let mut of: Vec<&TrialResult> = run
            .trials
            .iter()
            .filter(|t| {
                keys.iter()
                    .all(|k| t.factors.get(k) == comparison.factors.get(k))
            })
            .collect();
        of.sort_by_key(|t| {
            let over = (target_in(&t.factors), Protocol::of(&t.load));
            (t.transport, over, t.repeat)
        });
        trials.extend(of);
    }
    trials
}
