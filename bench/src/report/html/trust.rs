//! Whether the run can be trusted, and its gates.

use maud::{Markup, html};

use super::table::view;
use super::{Section, list};
use crate::report::table;
use crate::result::RunResult;

pub(super) fn gates(run: &RunResult) -> Option<Section> {
    let table = table::gates(run);
    (!table.rows.is_empty()).then(|| Section {
        id: "gates",
        title: "Gates",
        body: view("Gates", &table, 0),
    })
}

pub(super) fn validity(run: &RunResult) -> Section {
    let rules = table::all_rules(run);
    let workers = table::workers(run);
    let body = html! {
        (doubts(run))
        @if !run.environment.kernel_timestamps {
            p { "The kernel gave no receive timestamps, so arrival times are missing." }
        }
        @if !workers.rows.is_empty() {
            p { "The clients were simulated by several processes. Each by itself:" }
            (view("Workers", &workers, 0))
        }
        @if !rules.rows.is_empty() {
            p { "Each rule of trust, and the trial that came nearest to its limit or broke it most:" }
            (view("Rules of trust", &table::worst_of_each_rule(run), 0))
            @if run.trials.len() > 1 {
                details { summary { "Every rule in every trial" } (view("Every rule in every trial", &rules, 0)) }
            }
        }
    };
    Section {
        id: "trust",
        title: "Can it be trusted?",
        body,
    }
}

fn doubts(run: &RunResult) -> Markup {
    let trials = table::in_order(run);
    let mut reasons = Vec::new();
    let mut warnings = Vec::new();
    for trial in trials {
        reasons.extend(
            trial
                .invalid_reasons
                .iter()
                .map(|reason| html! { li.bad { strong { (trial.id) } ", invalid: " (reason) } }),
        );
        let of = trial.warnings.iter();
        warnings.extend(of.map(|warning| html! { li { strong { (trial.id) } ": " (warning) } }));
    }
    html! {
        @if run.trials.is_empty() {
            p { "No trial ended." }
        } @else if reasons.is_empty() && warnings.is_empty() {
            p { "No trial raised a doubt." }
        }
        (list("Why trials are invalid", &reasons))
        (list("What else there is to know", &warnings))
    }
}
