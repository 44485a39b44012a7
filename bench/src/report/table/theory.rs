//! Tables of measurements beside what theory or others say.

use super::{Cell, Column, Table, in_order};
use crate::report::comparison::comparisons;
use crate::report::show;
use crate::result::{RunResult, TrialResult, metric};

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
            let mut row: Vec<Cell> = vec![
                figure.source.as_str().into(),
                format!("{} {}", figure.transport, figure.metric).into(),
            ];
            if several {
                row.push(comparison.label().into());
            }
            let named = |value| Cell::number(show::named(&figure.metric, value), value);
            row.push(named(Some(figure.value)));
            row.push(named(ours));
            row.push(Cell::number(
                ratio.map_or_else(|| show::MISSING.to_owned(), |r| format!("{r:.2}")),
                ratio,
            ));
            row.push(figure.note.clone().unwrap_or_default().into());
            rows.push(row);
        }
    }
    Table {
        columns,
        rows: rows.into(),
    }
}

/// A figure of which theory has something to say.
pub(super) struct Figure {
    /// The metric's name.
    pub(super) metric: &'static str,
    /// The same for a person.
    pub(super) what: &'static str,
    pub(super) predicted: Option<f64>,
    pub(super) deviation: Option<f64>,
}

/// The figures of a trial that have a model.
pub(super) fn figures(trial: &TrialResult) -> [Figure; 3] {
    let (theory, off) = (&trial.predicted, &trial.deviation);
    [
        Figure {
            metric: "delivery.mean",
            what: "mean delivery",
            predicted: theory.delivery_mean_ns,
            deviation: off.delivery_mean_ns,
        },
        Figure {
            metric: "delivery.p99",
            what: "p99 delivery",
            predicted: theory.delivery_p99_ns,
            deviation: off.delivery_p99_ns,
        },
        Figure {
            metric: "wire_bytes_per_message",
            what: "wire bytes per message",
            predicted: theory.wire_bytes_per_message,
            deviation: off.wire_bytes_per_message,
        },
    ]
}

impl Figure {
    pub(super) fn measured(&self, trial: &TrialResult) -> Option<f64> {
        metric::find(self.metric).and_then(|m| m.of(trial))
    }
}

/// How far each figure of a run is from its prediction.
pub(crate) fn deviations(run: &RunResult) -> Vec<f64> {
    let of = |trial: &TrialResult| figures(trial).map(|figure| figure.deviation);
    run.trials.iter().flat_map(of).flatten().collect()
}

/// Prediction beside measurement, a row for each figure; empty when no model applies.
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
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for trial in in_order(run) {
        for figure in figures(trial) {
            if figure.predicted.is_some() {
                rows.push(vec![
                    trial.id.as_str().into(),
                    figure.what.into(),
                    show::named(figure.metric, figure.predicted).into(),
                    show::named(figure.metric, figure.measured(trial)).into(),
                    show::deviation(figure.deviation).into(),
                    cause(trial, figure.metric).into(),
                ]);
            }
        }
        rows.extend(trial.uniformity.map(|law| {
            vec![
                trial.id.as_str().into(),
                "distance from uniform".into(),
                format!("≤ {:.3}", law.limit).into(),
                format!("{:.3}", law.d).into(),
                show::MISSING.into(),
                if law.holds { "" } else { "not uniform" }.into(),
            ]
        }));
    }
    for row in &mut rows {
        row.truncate(columns.len());
    }
    Table {
        columns,
        rows: rows.into(),
    }
}

/// Why a figure is far from its prediction, in a word; empty when it is not.
pub(super) fn cause(trial: &TrialResult, name: &str) -> &'static str {
    let found = trial.explanations.iter().find(|why| why.metric == name);
    found.map_or("", |why| why.cause.name())
}
