//! What a browser saw, and every view of it.

use std::path::Path;
use std::sync::LazyLock;

use bench::judge::witness::contradictions;
use bench::report::{charts, witness};
use bench::result::{FORMAT, RunResult, StoreError, Witnessed, WitnessedTrial, document};
use serde_json::Value;

use super::changes::Changeable;
use super::results::{RUN, STYLE};

/// Two trials, as `bench witness` wrote them.
static WITNESSED: LazyLock<Changeable> =
    LazyLock::new(|| Changeable::of(include_str!("witness.json")));
static BESIDE: LazyLock<RunResult> =
    LazyLock::new(|| serde_json::from_value(RUN.document.clone()).expect("a file of ours"));

/// A document is refused, and a newer one as such; or every view of it can be made and it is written as it was read.
///
/// The bytes are a document, or changes to one.
pub(crate) fn check(data: &[u8]) {
    let Some(text) = WITNESSED.changed(data) else {
        return;
    };
    let read = document::<Witnessed>(Path::new("witness.json"), &text);
    // A change to a document of ours names no field twice, and a list has no names.
    if let Ok(Value::Object(fields)) = serde_json::from_slice(&text)
        && !data.starts_with(b"{")
    {
        let format = fields.get("format").and_then(Value::as_u64);
        let newer = u64::from(FORMAT) + 1..=u64::from(u32::MAX);
        let is_newer = format.is_some_and(|format| newer.contains(&format));
        assert_eq!(matches!(read, Err(StoreError::Newer { .. })), is_newer);
    }
    let Ok(witnessed) = read else {
        return;
    };
    let written = serde_json::to_vec(&witnessed).expect("it came from JSON");
    let again = document::<Witnessed>(Path::new("witness.json"), &written);
    assert_eq!(again.expect("it is written as it is read"), witnessed);
    views(&witnessed);
    for trial in &witnessed.trials {
        mirrored(trial);
    }
}

fn views(witnessed: &Witnessed) {
    let text = witness::console(witnessed, &BESIDE, "results/x", STYLE);
    let page = witness::markdown(witnessed, &BESIDE);
    // No trial and no contradiction is left out.
    for trial in &witnessed.trials {
        let line = |line: &String| format!("{}: {line}", trial.id);
        for said in trial.contradictions.iter().map(line) {
            assert!(page.contains(&said), "{said} is not in {page}");
        }
    }
    let rows = text
        .lines()
        .chain(page.lines())
        .filter(|line| line.contains("simulated"));
    assert!(rows.count() >= 2 * witnessed.trials.len());
    if let Some(chart) = charts::of_witness(witnessed) {
        let picture = chart.svg().expect("a chart in memory");
        assert!(picture.trim_end().ends_with("</svg>"), "half a picture");
        assert!(
            !picture.contains("NaN") && !picture.contains("inf"),
            "{picture}"
        );
    }
}

/// A browser that saw what simulated clients saw contradicts them in nothing; and how far they are apart is what it is the other way
/// round, with the other sign.
fn mirrored(trial: &WitnessedTrial) {
    let _ = contradictions(trial);
    let same = WitnessedTrial {
        browser: trial.simulated.clone(),
        ..trial.clone()
    };
    let apart = same.apart();
    assert!(apart.is_none_or(|apart| apart.median == 0.0));
    let holds = trial.simulated.uniformity.is_none_or(|law| law.holds);
    let in_order = apart.is_none_or(|apart| apart.low <= 0.0 && apart.high >= 0.0);
    if trial.simulated.delivered > 0 && holds && in_order {
        assert_eq!(contradictions(&same), Vec::<String>::new());
    }
    let swapped = WitnessedTrial {
        simulated: trial.browser.clone(),
        browser: trial.simulated.clone(),
        ..trial.clone()
    };
    match (trial.apart(), swapped.apart()) {
        (Some(one), Some(other)) => {
            assert_eq!(one.median, -other.median);
            assert_eq!((one.low, one.high), (-other.high, -other.low));
        }
        (None, None) => {}
        both => unreachable!("{both:?}"),
    }
}
