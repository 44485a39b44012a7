//! Tables of what a run is held against: its rules of trust and its gates.

use super::{BROKEN, Cell, Column, NOT_VALID, Table, in_order};
use crate::report::{gates as words, show};
use crate::result::{Bound, Check, RunResult, TrialResult};

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
            rows.push(vec![
                trial.id.as_str().into(),
                check.rule.replace('_', " ").into(),
                show::in_unit(&check.unit, check.measured).into(),
                limit(check).into(),
                if check.holds { "yes" } else { NOT_VALID }.into(),
            ]);
        }
    }
    Table {
        columns,
        rows: rows.into(),
    }
}

fn limit(check: &Check) -> String {
    let bound = match check.bound {
        Bound::AtMost => "≤",
        Bound::AtLeast => "≥",
    };
    format!("{bound} {}", show::in_unit(&check.unit, check.limit))
}

/// Each rule of trust once, in the trial that came nearest to breaking it or broke it most.
pub(crate) fn worst_of_each_rule(run: &RunResult) -> Table {
    let mut worst: Vec<(&Check, &TrialResult, usize)> = Vec::new();
    for trial in in_order(run) {
        for check in &trial.validity {
            match worst
                .iter_mut()
                .find(|(known, _, _)| known.rule == check.rule)
            {
                Some((known, of, count)) => {
                    *count += 1;
                    if worse(check, known) {
                        (*known, *of) = (check, trial);
                    }
                }
                None => worst.push((check, trial, 1)),
            }
        }
    }
    let row = |(check, trial, count): (&Check, &TrialResult, usize)| -> Vec<Cell> {
        vec![
            check.rule.replace('_', " ").into(),
            show::in_unit(&check.unit, check.measured).into(),
            limit(check).into(),
            trial.id.as_str().into(),
            count.to_string().into(),
            if check.holds { "✓" } else { BROKEN }.into(),
        ]
    };
    Table {
        columns: vec![
            Column::words("rule"),
            Column::numbers("", "worst measured"),
            Column::numbers("", "limit"),
            Column::words("in"),
            Column::numbers("", "trials"),
            Column::words("holds"),
        ],
        rows: worst.into_iter().map(row).collect(),
    }
}

/// A broken rule is worse than a kept one; of two alike, the one farther on the wrong side.
fn worse(check: &Check, than: &Check) -> bool {
    let beyond = |check: &Check| match check.bound {
        Bound::AtMost => check.measured - check.limit,
        Bound::AtLeast => check.limit - check.measured,
    };
    (!check.holds, beyond(check))
        .partial_cmp(&(!than.holds, beyond(than)))
        .is_some_and(std::cmp::Ordering::is_gt)
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
        let mut row: Vec<Cell> = vec![
            gate.rule.as_str().into(),
            words::measured(gate).into(),
            words::bound(gate).into(),
            words::place(gate).into(),
            if gate.holds { "✓" } else { BROKEN }.into(),
        ];
        row.extend(noted.then(|| gate.note.clone().unwrap_or_default().into()));
        row
    });
    Table {
        columns,
        rows: rows.collect(),
    }
}
