//! What searches found, in sentences and as a table.

use crate::report::show;
use crate::report::table::{Cell, Column, Table};
use crate::report::words::{list, name};
use crate::result::{RunResult, SearchEnd, SearchResult};
use crate::scenario::Factor;

/// How far each transport holds, in one sentence; only where nothing but the transport varies.
pub(crate) fn summary(run: &RunResult) -> Option<String> {
    let first = run.searches.first()?;
    let alike = |search: &SearchResult| {
        search.vary == first.vary
            && search.condition == first.condition
            && search.factors.keys().all(|key| key == "transport")
    };
    if !run.searches.iter().all(alike) {
        return None;
    }
    let mut searches: Vec<&SearchResult> = run.searches.iter().collect();
    searches.sort_by(|a, b| {
        let found = |search: &SearchResult| search.holds.unwrap_or(f64::NEG_INFINITY);
        found(b)
            .total_cmp(&found(a))
            .then(a.transport.cmp(&b.transport))
    });
    let parts = searches.chunk_by(|a, b| a.holds == b.holds).map(|alike| {
        let names = list(alike.iter().map(|search| name(search.transport)));
        match alike[0].holds {
            Some(value) => {
                let value = show::factor(&first.vary, &Factor::Number(value));
                format!("up to {value} for {names}")
            }
            None => format!("at no value that was tried for {names}"),
        }
    });
    let parts: Vec<String> = parts.collect();
    let doubt = if searches.iter().any(|s| s.ended != SearchEnd::Found) {
        " Not every boundary was found; what is said of each search tells why."
    } else {
        ""
    };
    Some(format!(
        "“{}” holds {}.{doubt}",
        first.condition,
        parts.join("; ")
    ))
}

/// What the searches asked for, each condition once.
pub(crate) fn conditions(run: &RunResult) -> Vec<&str> {
    let mut all: Vec<&str> = run.searches.iter().map(|s| s.condition.as_str()).collect();
    all.dedup();
    all
}

/// A row for each search; empty without any.
pub(crate) fn table(run: &RunResult) -> Table {
    let factors = |search: &SearchResult| -> Vec<String> {
        let others = search.factors.iter().filter(|(key, _)| *key != "transport");
        others
            .map(|(key, factor)| show::factor(key, factor))
            .collect()
    };
    let several = run
        .searches
        .iter()
        .any(|search| !factors(search).is_empty());
    let mut columns = vec![Column::words("transport")];
    if several {
        columns.push(Column::words("at"));
    }
    columns.extend(["holds up to", "fails at"].map(|head| Column::numbers("", head)));
    columns.push(Column::numbers("", "trials"));
    columns.push(Column::words("note"));
    let rows = run.searches.iter().map(|search| {
        let value = |value: Option<f64>| {
            let shown = value.map(|value| show::factor(&search.vary, &Factor::Number(value)));
            Cell::number(shown.unwrap_or_else(|| show::MISSING.to_owned()), value)
        };
        let mut row: Vec<Cell> = vec![search.transport.name().into()];
        if several {
            row.push(factors(search).join(", ").into());
        }
        row.extend([value(search.holds), value(search.fails)]);
        #[expect(clippy::cast_precision_loss, reason = "a number of trials")]
        row.push(Cell::number(
            search.trials.len().to_string(),
            Some(search.trials.len() as f64),
        ));
        let unmet = search.unmet.iter().cloned();
        let end = (search.ended != SearchEnd::Found).then(|| search.reason.clone());
        row.push(unmet.chain(end).collect::<Vec<_>>().join("; ").into());
        row
    });
    Table {
        columns,
        rows: rows.collect(),
    }
}

/// A sentence for each search.
pub(crate) fn sentences(run: &RunResult) -> Vec<String> {
    run.searches.iter().map(sentence).collect()
}

fn sentence(search: &SearchResult) -> String {
    let value = |value| show::factor(&search.vary, &Factor::Number(value));
    let others: Vec<String> = search
        .factors
        .iter()
        .filter(|(key, _)| *key != "transport")
        .map(|(key, factor)| show::factor(key, factor))
        .collect();
    let place = if others.is_empty() {
        String::new()
    } else {
        format!(" ({})", others.join(", "))
    };
    let found = match (search.holds, search.fails) {
        (Some(holds), Some(fails)) => {
            format!("holds at {}, fails at {}", value(holds), value(fails))
        }
        (Some(holds), None) => format!("holds at {}", value(holds)),
        (None, Some(fails)) => format!("fails at {}", value(fails)),
        (None, None) => "nothing is known".to_owned(),
    };
    let unmet = search
        .unmet
        .as_ref()
        .map_or_else(String::new, |unmet| format!(" ({unmet})"));
    let end = match search.ended {
        SearchEnd::Found => String::new(),
        _ => format!("; {}", search.reason),
    };
    let count = search.trials.len();
    let trials = if count == 1 { "trial" } else { "trials" };
    format!(
        "{}{place}: {found}{unmet}{end}. Asked for: {}; {count} {trials}.",
        name(search.transport),
        search.condition
    )
}
