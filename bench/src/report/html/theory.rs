//! Prediction beside measurement.

use maud::{Markup, html};

use super::table::view;
use super::{Section, fold, list};
use crate::report::{table, words};
use crate::result::RunResult;

pub(super) fn predictions(run: &RunResult) -> Option<Section> {
    let theory = table::theory(run);
    if theory.rows.is_empty() {
        return None;
    }
    let lines: Vec<Markup> = words::explanations(run)
        .into_iter()
        .map(|line| html! { li { (line) } })
        .collect();
    let factors = table::keys(run).len();
    Some(Section {
        id: "theory",
        title: "Prediction beside measurement",
        body: html! {
            p { (words::agreement(run)) }
            (fold("Every trial that theory predicts", theory.rows.len(), &view("Prediction beside measurement", &theory, factors)))
            @if !lines.is_empty() {
                p { "Why figures are far from what was predicted:" }
                (list("Every explanation", &lines))
            }
        },
    })
}
