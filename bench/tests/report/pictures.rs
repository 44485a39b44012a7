//! Charts and the page.

use bench::report;

use crate::fixture;

/// Set `REPORT_OUT` to a folder to keep the files and look at them.
#[test]
fn every_view_is_written() {
    let kept = std::env::var_os("REPORT_OUT");
    let temporary = tempfile::tempdir().unwrap();
    let out = kept.map_or_else(|| temporary.path().to_path_buf(), Into::into);
    for (name, run) in [
        ("compare", fixture::compare()),
        ("scale", fixture::scale()),
        ("broken", fixture::broken()),
        ("empty", fixture::empty()),
    ] {
        let dir = out.join(name);
        std::fs::create_dir_all(&dir).unwrap();
        report::write_all(&dir, &run).unwrap();
        let text = report::console::render(
            &run,
            Some("results/latest"),
            report::console::Style::default(),
        );
        std::fs::write(dir.join("console.txt"), text).unwrap();
        for file in [
            "trials.csv",
            "timeline.csv",
            "percentiles.csv",
            "report.html",
        ] {
            assert!(dir.join(file).is_file(), "{name}: {file}");
        }
    }
}
