//! The tables that a person reads, as cells of text: the console and the page lay them out.

use crate::report::comparison::{comparisons, varying};
use crate::report::{gates, repeats, show};
use crate::result::{Bound, Check, RunResult, TrialResult, metric};

/// The last cell of a trial that cannot be trusted.
pub(crate) const NOT_VALID: &str = "NO";
/// The last cell of a gate that does not hold.
pub(crate) const BROKEN: &str = "✗ FAILED";

/// A table of text.
#[derive(Debug, Default)]
pub(crate) struct Table {
    pub(crate) columns: Vec<Column>,
    pub(crate) rows: Vec<Vec<String>>,
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
    /// Whether a narrow console may leave it out.
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

/// The metrics of the main table: upper head, lower head, metric, may be left out.
pub(super) const METRICS: [(&str, &str, &str, bool); 9] = [
    ("delivery latency", "p50", "delivery.p50", false),
    ("delivery latency", "p90", "delivery.p90", true),
    ("delivery latency", "p99", "delivery.p99", false),
    ("delivery latency", "max", "delivery.max", true),
    ("wire bytes", "/message", "wire_bytes_per_message", false),
    ("server CPU", "/1,000", "server_cpu_per_thousand", false),
    ("memory", "/client", "server_memory_per_client", false),
    ("", "delivered", "delivered", false),
    ("", "lost", "lost", false),
];

/// The results that a person looks at first: a row for each trial, or, with repeats, the median over
/// them and below it its interval.
pub(crate) fn results(run: &RunResult) -> Table {
    if repeated(run) {
        repeats::medians(run)
    } else {
        trials(run)
    }
}

/// Whether a combination was run more than once.
pub(crate) fn repeated(run: &RunResult) -> bool {
    run.trials.iter().any(|trial| trial.repeat > 1)
}

/// A row for each trial, sorted by factors, transport and repeat.
pub(crate) fn trials(run: &RunResult) -> Table {
    let keys = varying(run);
    let repeats = repeated(run);
    let mut columns = vec![Column::words("transport")];
    columns.extend(
        keys.iter()
            .map(|k| Column::numbers("", k.replace('_', " "))),
    );
    if repeats {
        columns.push(Column::numbers("", "repeat"));
    }
    columns.extend(METRICS.iter().map(|(over, head, _, spare)| Column {
        spare: *spare,
        ..Column::numbers(over, *head)
    }));
    columns.push(Column::words("valid"));
    let row = |trial: &TrialResult| {
        let mut cells = vec![trial.transport.to_string()];
        cells.extend(keys.iter().map(|key| {
            trial.factors.get(key).map_or_else(
                || show::MISSING.to_owned(),
                |value| show::factor_value(key, value),
            )
        }));
        if repeats {
            cells.push(trial.repeat.to_string());
        }
        cells.extend(METRICS.iter().map(|(_, _, name, _)| {
            let shown = show::named(name, metric::find(name).and_then(|m| m.of(trial)));
            repeats::doubted(name, &[trial], shown)
        }));
        cells.push(if trial.valid { "yes" } else { NOT_VALID }.to_owned());
        cells
    };
    Table {
        columns,
        rows: in_order(run).into_iter().map(row).collect(),
    }
}

/// The trials by factors, then transport, then repeat: the order in which a person compares.
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
        of.sort_by_key(|t| (t.transport, t.repeat));
        trials.extend(of);
    }
    trials
}

/// Figures that others published, beside ours; empty when there are none.
pub(crate) fn published(run: &RunResult) -> Table {
    let all = comparisons(run);
    let several = all.len() > 1;
    let mut columns = vec![Column::words("source"), Column::words("figure")];
    if several {
        columns.push(Column::words("at"));
    }
    columns.extend(["theirs", "ours", "ours/theirs"].map(|head| Column::numbers("", head)));
    columns.push(Column::words("note"));
    let mut rows = Vec::new();
    for figure in &run.published {
        for comparison in &all {
            let Some(group) = comparison
                .groups
                .iter()
                .find(|g| g.transport == figure.transport)
            else {
                continue;
            };
            let ours = group.median(&figure.metric);
            let ratio = ours
                .filter(|_| figure.value != 0.0)
                .map(|o| o / figure.value);
            let mut row = vec![
                figure.source.clone(),
                format!("{} {}", figure.transport, figure.metric),
            ];
            if several {
                row.push(comparison.label());
            }
            row.push(show::named(&figure.metric, Some(figure.value)));
            row.push(show::named(&figure.metric, ours));
            row.push(ratio.map_or_else(|| show::MISSING.to_owned(), |r| format!("{r:.2}")));
            row.push(figure.note.clone().unwrap_or_default());
            rows.push(row);
        }
    }
    Table { columns, rows }
}

/// Prediction beside measurement; empty when no model applies.
pub(crate) fn predictions(run: &RunResult) -> Table {
    let explained = run.trials.iter().any(|t| !t.explanations.is_empty());
    let mut columns = vec![
        Column::words("trial"),
        Column::words("figure"),
        Column::numbers("", "predicted"),
        Column::numbers("", "measured"),
        Column::numbers("", "deviation"),
    ];
    if explained {
        columns.push(Column::words("cause"));
    }
    let mut rows = Vec::new();
    for trial in in_order(run) {
        let (theory, off) = (&trial.predicted, &trial.deviation);
        for (name, what, predicted, deviation) in [
            (
                "delivery.mean",
                "mean delivery",
                theory.delivery_mean_ns,
                off.delivery_mean_ns,
            ),
            (
                "delivery.p99",
                "p99 delivery",
                theory.delivery_p99_ns,
                off.delivery_p99_ns,
            ),
            (
                "wire_bytes_per_message",
                "wire bytes per message",
                theory.wire_bytes_per_message,
                off.wire_bytes_per_message,
            ),
        ] {
            if predicted.is_some() {
                let measured = metric::find(name).and_then(|m| m.of(trial));
                rows.push(vec![
                    trial.id.clone(),
                    what.to_owned(),
                    show::named(name, predicted),
                    show::named(name, measured),
                    show::deviation(deviation),
                    cause(trial, name).to_owned(),
                ]);
            }
        }
        rows.extend(trial.uniformity.map(|law| {
            vec![
                trial.id.clone(),
                "distance from uniform".to_owned(),
                format!("≤ {:.3}", law.limit),
                format!("{:.3}", law.d),
                show::MISSING.to_owned(),
                if law.holds { "" } else { "not uniform" }.to_owned(),
            ]
        }));
    }
    for row in &mut rows {
        row.truncate(columns.len());
    }
    Table { columns, rows }
}

/// Why a figure is far from its prediction, in a word; empty when it is not.
fn cause(trial: &TrialResult, name: &str) -> &'static str {
    let found = trial.explanations.iter().find(|why| why.metric == name);
    found.map_or("", |why| why.cause.name())
}

/// Rules of trust that do not hold, with what was measured; empty when all hold.
pub(crate) fn broken_rules(run: &RunResult) -> Table {
    rules(run, |check| !check.holds)
}

/// Every rule of trust of every trial.
pub(crate) fn all_rules(run: &RunResult) -> Table {
    rules(run, |_| true)
}

fn rules(run: &RunResult, wanted: fn(&Check) -> bool) -> Table {
    let columns = vec![
        Column::words("trial"),
        Column::words("rule"),
        Column::numbers("", "measured"),
        Column::numbers("", "limit"),
        Column::words("holds"),
    ];
    let mut rows = Vec::new();
    for trial in in_order(run) {
        for check in trial.validity.iter().filter(|check| wanted(check)) {
            let bound = match check.bound {
                Bound::AtMost => "≤",
                Bound::AtLeast => "≥",
            };
            rows.push(vec![
                trial.id.clone(),
                check.rule.replace('_', " "),
                show::in_unit(&check.unit, check.measured),
                format!("{bound} {}", show::in_unit(&check.unit, check.limit)),
                if check.holds { "yes" } else { NOT_VALID }.to_owned(),
            ]);
        }
    }
    Table { columns, rows }
}

/// Gates: the rule, the worst value and its bound, and whether it holds.
pub(crate) fn gates(run: &RunResult) -> Table {
    let noted = run.gates.iter().any(|gate| gate.note.is_some());
    let mut columns = vec![
        Column::words("gate"),
        Column::numbers("", "worst measured"),
        Column::numbers("", "bound"),
        Column::words("in"),
        Column::words("holds"),
    ];
    if noted {
        columns.push(Column::words("note"));
    }
    let rows = run.gates.iter().map(|gate| {
        let mut row = vec![
            gate.rule.clone(),
            gates::measured(gate),
            gates::bound(gate),
            gates::place(gate),
            if gate.holds { "✓" } else { BROKEN }.to_owned(),
        ];
        row.extend(noted.then(|| gate.note.clone().unwrap_or_default()));
        row
    });
    Table {
        columns,
        rows: rows.collect(),
    }
}
