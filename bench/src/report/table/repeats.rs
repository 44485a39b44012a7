//! The table of medians over repeats, each with its interval below it.

use super::results::METRICS;
use super::{Cell, Column, NOT_VALID, Table, factor, heads};
use crate::report::comparison::{Group, comparisons, varying};
use crate::report::show;
use crate::result::compared::Better;
use crate::result::{RunResult, TrialResult, metric};
use crate::stats;

/// What stands before a quantile that few samples lie beyond.
const DOUBT: &str = "~";

/// A row for each transport of each combination: the medians, below each its interval.
pub(super) fn medians(run: &RunResult) -> Table {
    let keys = varying(run);
    let mut columns = heads(&super::keys(run), false);
    columns.push(Column::numbers("", "repeats"));
    columns.extend(METRICS.iter().map(|(over, head, name, spare)| {
        Column {
            // What only describes the load is the first to go from a narrow console.
            spare: *spare || metric::find(name).is_some_and(|m| m.better == Better::Neither),
            ..Column::numbers(over, *head)
        }
    }));
    columns.push(Column::words("valid"));
    let mut rows = Vec::new();
    for comparison in comparisons(run) {
        for group in &comparison.groups {
            let all = run.trials.iter().filter(|t| {
                group.has(t)
                    && keys
                        .iter()
                        .all(|k| t.factors.get(k) == comparison.factors.get(k))
            });
            let mut row = vec![group.transport.name().into()];
            row.extend(group.over.map(|over| Cell::from(over.to_string())));
            row.extend(
                keys.iter()
                    .map(|key| factor(key, comparison.factors.get(key))),
            );
            row.push(repeats(group));
            row.extend(METRICS.iter().map(|(_, _, name, _)| median(group, name)));
            row.push(valid(&all.collect::<Vec<_>>()).into());
            rows.push(row);
        }
    }
    Table {
        columns,
        rows: rows.into(),
    }
}

/// How many repeats there are, and the confidence of the intervals of so many.
fn repeats(group: &Group<'_>) -> Cell {
    let count = group.trials.len();
    let level = stats::median_interval(&vec![0.0; count]).map(|interval| interval.confidence);
    #[expect(clippy::cast_precision_loss, reason = "a number of repeats")]
    let value = Some(count as f64);
    Cell::number(count.to_string(), value)
        .above(level.map_or_else(String::new, |level| format!("{:.0} %", level * 100.0)))
}

fn median(group: &Group<'_>, name: &str) -> Cell {
    let interval = metric::find(name)
        .and_then(|metric| Some((metric, metric.spread(&group.trials)?)))
        .and_then(|(metric, spread)| Some((metric, spread.low?, spread.high?)))
        .filter(|(_, low, high)| low < high)
        .map_or_else(String::new, |(metric, low, high)| {
            show::range(metric, low, high)
        });
    doubted(name, &group.trials, group.median(name)).above(interval)
}

fn valid(trials: &[&TrialResult]) -> String {
    match trials.iter().filter(|trial| trial.valid).count() {
        0 => NOT_VALID.to_owned(),
        all if all == trials.len() => "yes".to_owned(),
        some => format!("{some} of {}", trials.len()),
    }
}

/// A value, marked when it is a quantile of the delivery latency beyond which fewer than ten samples of
/// a trial lie.
pub(super) fn doubted(name: &str, trials: &[&TrialResult], value: Option<f64>) -> Cell {
    let cell = Cell::number(show::named(name, value), value);
    let quantile = match name {
        "delivery.p50" => 0.5,
        "delivery.p90" => 0.9,
        "delivery.p99" => 0.99,
        _ => return cell,
    };
    let few = |trial: &&TrialResult| {
        let series = trial.latency_ns.delivery;
        series.is_some_and(|s| s.count > 0 && !stats::resolves(s.count, quantile))
    };
    if trials.iter().any(few) {
        Cell {
            text: format!("{DOUBT}{}", cell.text),
            ..cell
        }
    } else {
        cell
    }
}

/// What the mark means, when a table has it.
pub(crate) fn legend(table: &Table) -> Option<&'static str> {
    let marked = |row: &Vec<Cell>| row.iter().any(|cell| cell.text.starts_with(DOUBT));
    table.rows.iter().any(marked).then_some(
        "~ fewer than ten deliveries of a trial lie beyond this quantile: it says more about luck than about the server.",
    )
}
