//! Tables as HTML. The page's script makes their heads sort.

use maud::{Markup, html};

use crate::report::table::{BROKEN, Cell, Column, NOT_VALID, Table};

/// Columns of words that may run over several lines.
const PROSE: [&str; 6] = ["note", "source", "at", "in", "trial", "gate"];
/// With more rows than these a table scrolls in its own window, its head staying in sight.
const LONG: usize = 30;

/// A table under a name that says what it holds. `factors` is how many columns after the first name the
/// combination: where one begins, a line is drawn.
pub(super) fn view(name: &str, table: &Table, factors: usize) -> Markup {
    let begins = beginnings(&table.rows, factors);
    html! {
        div.wide.long[table.rows.len() > LONG] tabindex="0" role="region" aria-label=(name) {
            table.sort[table.rows.len() > 1] {
                thead {
                    @if table.columns.iter().any(|c| !c.over.is_empty()) {
                        tr.over { @for group in table.columns.chunk_by(|a, b| a.over == b.over && !a.over.is_empty()) {
                            td.right[group.len() == 1 && group[0].right].middle[group.len() > 1] colspan=(group.len()) { (group[0].over) }
                        } }
                    }
                    tr { @for column in &table.columns {
                        th.right[column.right] scope="col" { (column.head) }
                    } }
                }
                tbody {
                    @for (row, begins) in table.rows.iter().zip(&begins) {
                        tr.broken[broken(row)].first[*begins] {
                            @for (cell, column) in row.iter().zip(&table.columns) { (td(cell, column)) }
                        }
                    }
                }
            }
        }
    }
}

fn td(cell: &Cell, column: &Column) -> Markup {
    let prose = PROSE.contains(&column.head.as_str());
    html! {
        td.right[column.right].prose[prose].best[cell.best] data-value=[cell.value] {
            @if column.head == "transport" { span.dot.(cell.text) {} }
            (cell.text)
            @if !cell.below.is_empty() { span.below { (cell.below) } }
        }
    }
}

fn broken(row: &[Cell]) -> bool {
    let last = row.last().map_or("", |cell| cell.text.as_str());
    last == NOT_VALID || row.iter().any(|cell| cell.text == BROKEN)
}

/// Where a combination of several rows begins.
fn beginnings(rows: &[Vec<Cell>], factors: usize) -> Vec<bool> {
    let same = |a: &[Cell], b: &[Cell]| {
        let mut cells = a.iter().zip(b).skip(1).take(factors);
        cells.all(|(a, b)| a.text == b.text)
    };
    let joined: Vec<bool> = rows.windows(2).map(|two| same(&two[0], &two[1])).collect();
    let several = joined.contains(&true);
    let starts = joined.iter().map(|joined| several && !joined);
    std::iter::once(false).chain(starts).collect()
}
