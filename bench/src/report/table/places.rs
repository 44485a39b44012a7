//! Which transport is best in which combination of factors.

use super::{Cell, Column, Table, factor};
use crate::report::choice::{self, QUESTIONS};
use crate::report::comparison::{side_by_side, varying};
use crate::report::ranking::Ranking;
use crate::report::show;
use crate::result::RunResult;

/// A row for each combination in which transports can be compared; empty when there are not two of these.
pub(crate) fn best_of_each(run: &RunResult) -> Table {
    let keys = varying(run);
    let mut columns: Vec<Column> = keys
        .iter()
        .map(|key| Column::numbers("", key.replace('_', " ")))
        .collect();
    columns.extend(QUESTIONS.iter().map(|q| Column::words(q.what)));
    let mut rows = Vec::new();
    for comparison in side_by_side(run) {
        let trusted = comparison.trusted();
        if trusted.len() < 2 {
            continue;
        }
        let mut row: Vec<Cell> = keys
            .iter()
            .map(|key| factor(key, comparison.factors.get(key)))
            .collect();
        row.extend(QUESTIONS.iter().map(|question| {
            Ranking::of(&trusted, question.metric).map_or_else(
                || show::MISSING.into(),
                |ranking| {
                    let names: Vec<_> = ranking.tied().iter().map(|g| g.label()).collect();
                    Cell::from(names.join(", ")).above(choice::gap(&ranking))
                },
            )
        }));
        rows.push(row);
    }
    if rows.len() < 2 || !run.searches.is_empty() {
        rows.clear();
    }
    let mut table = Table {
        columns,
        rows: rows.into(),
    };
    super::drop_missing(&mut table);
    table
}
