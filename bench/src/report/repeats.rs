//! The table of medians over repeats, each with its interval below it.

use crate::report::comparison::{Group, comparisons, varying};
use crate::report::show;
use crate::report::table::{Column, METRICS, NOT_VALID, Table};
use crate::result::compared::Better;
use crate::result::{RunResult, TrialResult, metric};
use crate::stats;

/// What stands before a quantile that few samples lie beyond.
pub(crate) const DOUBT: &str = "~";

/// Two rows for each transport of each combination: the medians, then their intervals.
pub(crate) fn medians(run: &RunResult) -> Table {
    let keys = varying(run);
    let mut columns = vec![Column::words("transport")];
    columns.extend(
        keys.iter()
            .map(|key| Column::numbers("", key.replace('_', " "))),
    );
    columns.push(Column::numbers("", "repeats"));
    columns.extend(METRICS.iter().map(|(over, head, name, spare)| {
        Column {
            // What only describes the load is the first to go from a narrow console.
            spare: *spare
                || metric::find(name)
                    .is_some_and(|m| m.better == Better::Neither || m.name == "delivered"),
            ..Column::numbers(over, *head)
        }
    }));
    columns.push(Column::words("valid"));
    let mut rows = Vec::new();
    for comparison in comparisons(run) {
        for group in &comparison.groups {
            let factors = keys.iter().map(|key| {
                comparison.factors.get(key).map_or_else(
                    || show::MISSING.to_owned(),
                    |value| show::factor_value(key, value),
                )
            });
            let all = run.trials.iter().filter(|t| {
                t.transport == group.transport
                    && keys
                        .iter()
                        .all(|k| t.factors.get(k) == comparison.factors.get(k))
            });
            let mut first = vec![group.transport.to_string()];
            first.extend(factors);
            first.push(group.trials.len().to_string());
            first.extend(METRICS.iter().map(|(_, _, name, _)| {
                doubted(name, &group.trials, show::named(name, group.median(name)))
            }));
            first.push(valid(&all.collect::<Vec<_>>()));
            rows.push(first);
            rows.extend(intervals(group, keys.len()));
        }
    }
    Table { columns, rows }
}

/// The row of intervals; none with a single repeat.
fn intervals(group: &Group<'_>, factors: usize) -> Option<Vec<String>> {
    let level = stats::median_interval(&vec![0.0; group.trials.len()])?.confidence;
    let mut row = vec![String::new(); factors + 1];
    row.push(format!("{:.0} %", level * 100.0));
    row.extend(METRICS.iter().map(|(_, _, name, _)| {
        let spread = metric::find(name).and_then(|m| Some((m, m.spread(&group.trials)?)));
        spread
            .and_then(|(metric, s)| Some((metric, s.low?, s.high?)))
            .filter(|(_, low, high)| low < high)
            .map_or_else(String::new, |(metric, low, high)| {
                show::range(metric, low, high)
            })
    }));
    row.push(String::new());
    Some(row)
}

fn valid(trials: &[&TrialResult]) -> String {
    match trials.iter().filter(|trial| trial.valid).count() {
        0 => NOT_VALID.to_owned(),
        all if all == trials.len() => "yes".to_owned(),
        some => format!("{some} of {}", trials.len()),
    }
}

/// Marks a quantile of the delivery latency beyond which fewer than ten samples of a trial lie.
pub(crate) fn doubted(name: &str, trials: &[&TrialResult], shown: String) -> String {
    let quantile = match name {
        "delivery.p50" => 0.5,
        "delivery.p90" => 0.9,
        "delivery.p99" => 0.99,
        _ => return shown,
    };
    let few = |trial: &&TrialResult| {
        let series = trial.latency_ns.delivery;
        series.is_some_and(|s| s.count > 0 && !stats::resolves(s.count, quantile))
    };
    if trials.iter().any(few) {
        format!("{DOUBT}{shown}")
    } else {
        shown
    }
}

/// What the mark means, when a table has it.
pub(crate) fn legend(table: &Table) -> Option<&'static str> {
    let marked = |row: &Vec<String>| row.iter().any(|cell| cell.starts_with(DOUBT));
    table.rows.iter().any(marked).then_some(
        "~ fewer than ten deliveries of a trial lie beyond this quantile: it says more about luck than about the server.",
    )
}
