//! A gate in words: what was measured, against what, and where.

use crate::report::show;
use crate::result::{GateResult, metric};

/// The worst measured value.
pub(crate) fn measured(gate: &GateResult) -> String {
    gate.measured
        .map_or_else(|| "not measured".to_owned(), |value| shown(gate, value))
}

/// The bound in numbers.
pub(crate) fn bound(gate: &GateResult) -> String {
    gate.bound
        .map_or_else(|| show::MISSING.to_owned(), |value| shown(gate, value))
}

fn shown(gate: &GateResult, value: f64) -> String {
    // The rule begins with a selector; the metric is the word that the table knows.
    let metric = gate.rule.split_whitespace().find_map(metric::find);
    metric.map_or_else(|| value.to_string(), |metric| metric.unit.show(value))
}

/// The trial that gave the value, or the combination whose median it is.
pub(crate) fn place(gate: &GateResult) -> String {
    if let Some(trial) = &gate.trial {
        return trial.clone();
    }
    if gate.cell.is_empty() {
        return String::new();
    }
    format!("{}, median", show::factors(&gate.cell))
}

/// Why a gate does not hold, in one line.
pub(crate) fn complaint(gate: &GateResult) -> String {
    let place = place(gate);
    let place = if place.is_empty() {
        place
    } else {
        format!(", in {place}")
    };
    let bound = gate.bound.map_or_else(String::new, |value| {
        format!(", bound {}", shown(gate, value))
    });
    let measured = match gate.measured {
        Some(value) => format!("measured {}", shown(gate, value)),
        None => "not measured".to_owned(),
    };
    let note = gate.note.iter().map(|note| format!(" ({note})"));
    format!("{measured}{bound}{place}{}", note.collect::<String>())
}
