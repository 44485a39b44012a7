//! The tables that a person reads: the console, Markdown and the page lay them out.

mod details;
mod places;
mod repeats;
mod results;
mod theory;
mod trust;
mod workers;

pub(crate) use details::{every_metric, theory};
pub(crate) use places::best_of_each;
pub(crate) use repeats::legend;
pub(crate) use results::{in_order, repeated, results, trials};
pub(crate) use theory::{deviations, predictions, published};
pub(crate) use trust::{all_rules, broken_rules, gates, worst_of_each_rule};
pub(crate) use workers::workers;

use std::ops::{Deref, DerefMut};

use crate::report::comparison::{compares_protocols, compares_targets, varying};
use crate::report::show;
use crate::result::metric::Metric;
use crate::result::{RunResult, TrialResult};
use crate::scenario::{Factor, Protocol};

/// The last cell of a trial that cannot be trusted.
pub(crate) const NOT_VALID: &str = "NO";
/// The last cell of a gate that does not hold.
pub(crate) const BROKEN: &str = "✗ FAILED";

/// A table of text.
#[derive(Debug, Clone, Default)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Rows,
}

/// The rows of a table: collected from rows of cells, or of anything that is one.
#[derive(Debug, Clone, Default)]
pub(crate) struct Rows(Vec<Vec<Cell>>);

impl<T: Into<Cell>> FromIterator<Vec<T>> for Rows {
    fn from_iter<I: IntoIterator<Item = Vec<T>>>(rows: I) -> Self {
        let cells = |row: Vec<T>| row.into_iter().map(Into::into).collect();
        Self(rows.into_iter().map(cells).collect())
    }
}

impl From<Vec<Vec<Cell>>> for Rows {
    fn from(rows: Vec<Vec<Cell>>) -> Self {
        Self(rows)
    }
}

impl Deref for Rows {
    type Target = Vec<Vec<Cell>>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

impl DerefMut for Rows {
    fn deref_mut(&mut self) -> &mut Self::Target {
        &mut self.0
    }
}

/// A column's head and how it is set.
#[derive(Debug, Clone)]
pub(crate) struct Column {
    /// The upper line of the head; columns with the same one stand together.
    pub(crate) over: &'static str,
    /// The lower line of the head.
    pub(crate) head: String,
    /// Numbers stand right, words left.
    pub(crate) right: bool,
    /// Whether a narrow console may leave it out; the page has it among the details.
    pub(crate) spare: bool,
}

impl Column {
    pub(crate) fn words(head: impl Into<String>) -> Self {
        Self {
            over: "",
            head: head.into(),
            right: false,
            spare: false,
        }
    }

    pub(crate) fn numbers(over: &'static str, head: impl Into<String>) -> Self {
        Self {
            over,
            head: head.into(),
            right: true,
            spare: false,
        }
    }
}

/// What stands in a row under a head.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Cell {
    pub(crate) text: String,
    /// What stands below it in smaller type, such as an interval.
    pub(crate) below: String,
    /// What it counts, in one unit for the column, to sort by; nothing for words and what is missing.
    pub(crate) value: Option<f64>,
    /// Whether it is the best of its combination, or not told apart from that.
    pub(crate) best: bool,
}

impl Cell {
    /// A metric's value, or a dash.
    pub(crate) fn of(metric: &Metric, value: Option<f64>) -> Self {
        Self::number(show::value(metric, value), value)
    }

    pub(crate) fn number(text: impl Into<String>, value: Option<f64>) -> Self {
        Self {
            text: text.into(),
            value,
            ..Self::default()
        }
    }

    pub(crate) fn above(self, below: impl Into<String>) -> Self {
        Self {
            below: below.into(),
            ..self
        }
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::number(text, None)
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::number(text, None)
    }
}

/// The column of what a transport is spoken over.
pub(super) const PROTOCOL: &str = "protocol";

/// The column of the server.
pub(super) const TARGET: &str = "target";

/// What varies beside the transport, as columns have it: the server or the protocol first, where several are compared.
pub(crate) fn keys(run: &RunResult) -> Vec<String> {
    let target = compares_targets(run).then_some(TARGET);
    let protocol = compares_protocols(run).then_some(PROTOCOL);
    let over = target.into_iter().chain(protocol).map(str::to_owned);
    over.chain(varying(run)).collect()
}

/// The columns that tell which trial a row speaks of: the transport, the factors, with repeats their number.
pub(super) fn heads(keys: &[String], repeats: bool) -> Vec<Column> {
    let mut columns = vec![Column::words("transport")];
    columns.extend(keys.iter().map(|key| match key.as_str() {
        PROTOCOL => Column::words(PROTOCOL),
        TARGET => Column::words(TARGET),
        key => Column::numbers("", key.replace('_', " ")),
    }));
    if repeats {
        columns.push(Column::numbers("", "repeat"));
    }
    columns
}

/// The cells under them.
pub(super) fn place(trial: &TrialResult, keys: &[String], repeats: bool) -> Vec<Cell> {
    let mut cells = vec![trial.transport.name().into()];
    cells.extend(keys.iter().map(|key| match key.as_str() {
        PROTOCOL => protocol(Protocol::of(&trial.load)),
        key => factor(key, trial.factors.get(key)),
    }));
    if repeats {
        cells.push(Cell::number(
            trial.repeat.to_string(),
            Some(f64::from(trial.repeat)),
        ));
    }
    cells
}

/// What a transport is spoken over.
pub(super) fn protocol(protocol: Option<Protocol>) -> Cell {
    protocol.map_or(show::MISSING, Protocol::name).into()
}

/// A factor in the column that its key heads.
pub(super) fn factor(key: &str, factor: Option<&Factor>) -> Cell {
    let text = factor.map_or_else(
        || show::MISSING.to_owned(),
        |value| show::factor_value(key, value),
    );
    let value = match factor {
        Some(Factor::Number(number)) => Some(*number),
        _ => None,
    };
    Cell::number(text, value)
}

/// Drops the columns in which no row has anything but a dash.
pub(super) fn drop_missing(table: &mut Table) {
    let missing: Vec<bool> = (0..table.columns.len())
        .map(|column| {
            table
                .rows
                .iter()
                .all(|row| row[column].text == show::MISSING)
        })
        .collect();
    let keep = |column: usize| !missing[column];
    let mut at = 0..;
    table.columns.retain(|_| at.next().is_some_and(keep));
    for row in table.rows.iter_mut() {
        let mut at = 0..;
        row.retain(|_| at.next().is_some_and(keep));
    }
}
