//! Results files, and every view of them.

use std::path::Path;
use std::sync::LazyLock;

use bench::judge::compare::compare;
use bench::judge::question::{Named, Settings};
use bench::report::{alarms, annotations, charts, compared, console, csv, html, junit, markdown};
use bench::result::RunResult;
use bench::result::compared::Finding;

use super::changes::Changeable;

/// A run with two trials, as `bench run` wrote it.
pub(crate) static RUN: LazyLock<Changeable> =
    LazyLock::new(|| Changeable::of(include_str!("run.json")));

pub(crate) const STYLE: console::Style = console::Style {
    width: 100,
    color: false,
};

/// A document is refused, or every view of it can be made and it is written as it was read.
///
/// The bytes are a document, or changes to one: in each line the number of a place, and JSON to stand there.
pub(crate) fn check(data: &[u8]) {
    let Some(document) = RUN.changed(data) else {
        return;
    };
    let Ok(run) = serde_json::from_slice::<RunResult>(&document) else {
        return;
    };
    let written = serde_json::to_vec(&run).expect("it came from JSON");
    let again: RunResult = serde_json::from_slice(&written).expect("it is written as it is read");
    assert_eq!(again, run);
    views(&run);
    comparison(&run);
}

fn views(run: &RunResult) {
    assert!(!console::render(run, Some("results/x"), STYLE).is_empty());
    for table in [
        csv::trials(run),
        csv::cells(run),
        csv::timeline(run),
        csv::percentiles(run),
    ] {
        assert!(!table.expect("a table in memory").is_empty());
    }
    assert!(!markdown::of_run(run, None).is_empty());
    assert!(!junit::of_runs(&[run]).is_empty());
    let _ = annotations::render(&alarms::of_run(run)); // none when all is well
    let page = html::render(run, &charts::all(run)).expect("charts in memory");
    assert!(
        page.ends_with("</html>") || page.ends_with("</html>\n"),
        "half a page"
    );
}

/// Two runs that are the same differ in nothing, and a comparison has every view.
fn comparison(run: &RunResult) {
    let named = Named {
        path: Path::new("results/x"),
        run,
    };
    let settings = Settings::default();
    if let Ok(same) = compare(named, named, &settings) {
        for row in &same.rows {
            assert!(
                !matches!(row.verdict, Finding::Worse | Finding::Better),
                "{row:?}"
            );
        }
        views_of_comparison(&same);
    }
    let base: RunResult = serde_json::from_value(RUN.document.clone()).expect("a file of ours");
    let base = Named {
        path: Path::new("results/base"),
        run: &base,
    };
    if let Ok(compared) = compare(base, named, &settings) {
        views_of_comparison(&compared);
    }
}

fn views_of_comparison(found: &bench::result::compared::Compared) {
    assert!(!compared::render(found, true, STYLE).is_empty());
    assert!(!markdown::of_comparison(found).is_empty());
    assert!(!junit::of_comparison(found, true).is_empty());
    let _ = annotations::render(&alarms::of_comparison(found, true));
}
