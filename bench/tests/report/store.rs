//! The folder of a run.

use std::fs;
use std::path::Path;

use bench::result::{Store, StoreError, load};
use jiff::Timestamp;

use crate::fixture;

fn now() -> Timestamp {
    "2026-11-22T20:31:05.7Z".parse().expect("a time")
}

#[test]
fn a_run_is_written_and_read_again() {
    let out = tempfile::tempdir().unwrap();
    let out = out.path().join("deep/results");
    let store = Store::create(&out, "compare", now()).unwrap();
    assert_eq!(store.dir(), out.join("compare-2026-11-22T20-31-05Z"));
    let run = fixture::broken();
    store.checkpoint(&run).unwrap();
    assert!(
        !out.join("latest").exists(),
        "a run that goes on is not the latest"
    );
    let logs = [("polling.hlog".to_owned(), b"#log".to_vec())];
    store.write(&run, &logs, "title = \"x\"\n").unwrap();
    assert_eq!(load(store.dir()).unwrap(), run);
    assert_eq!(
        names(store.dir()),
        ["polling.hlog", "scenario.toml", "summary.json"]
    );
    for way in [
        "latest",
        "latest/summary.json",
        "compare-2026-11-22T20-31-05Z",
    ] {
        let again = Store::open(&out.join(way)).unwrap();
        assert_eq!(again.load().unwrap().title, run.title, "{way}");
    }
}

#[test]
fn a_second_run_in_the_same_second_has_its_own_folder_and_becomes_the_latest() {
    let out = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let store = Store::create(out.path(), "smoke", now()).unwrap();
        store.write(&fixture::empty(), &[], "").unwrap();
    }
    assert_eq!(
        names(out.path()),
        [
            "latest",
            "smoke-2026-11-22T20-31-05Z",
            "smoke-2026-11-22T20-31-05Z-2"
        ]
    );
    let latest = fs::read_link(out.path().join("latest")).unwrap();
    assert_eq!(latest, Path::new("smoke-2026-11-22T20-31-05Z-2"));
}

#[test]
fn a_folder_that_cannot_be_written_is_refused_before_the_run() {
    let out = tempfile::tempdir().unwrap();
    let file = out.path().join("results");
    fs::write(&file, "in the way").unwrap();
    let error = Store::create(&file, "smoke", now()).unwrap_err();
    assert!(matches!(error, StoreError::Unwritable { .. }));
    let text = error.to_string();
    assert!(text.contains(&file.display().to_string()), "{text}");
    assert!(text.contains("--out DIR"), "{text}");
    // A file system where nobody, not even root, may make a folder.
    let error = Store::create(Path::new("/proc/results"), "smoke", now()).unwrap_err();
    assert!(error.to_string().contains("/proc/results"), "{error}");
}

#[test]
fn something_else_named_latest_is_left_alone() {
    let out = tempfile::tempdir().unwrap();
    fs::create_dir(out.path().join("latest")).unwrap();
    let error = Store::create(out.path(), "smoke", now()).unwrap_err();
    assert!(matches!(error, StoreError::LatestTaken(_)));
    assert_eq!(names(out.path()), ["latest"]);
}

#[test]
fn a_document_of_a_newer_program_is_refused_by_its_format() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(
        dir.path().join("summary.json"),
        r#"{"format": 7, "new": []}"#,
    )
    .unwrap();
    let text = load(dir.path()).unwrap_err().to_string();
    assert!(
        text.contains("format 7") && text.contains("newer bench"),
        "{text}"
    );
}

#[test]
fn what_is_no_result_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("summary.json");
    let missing = load(dir.path()).unwrap_err().to_string();
    fs::write(&file, "{\"format\": 1,").unwrap();
    let broken = load(dir.path()).unwrap_err().to_string();
    for text in [&missing, &broken] {
        assert!(text.contains(&file.display().to_string()), "{text}");
    }
    assert!(broken.contains("line 1"), "{broken}");
    assert!(Store::open(&dir.path().join("nowhere")).is_err());
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<_> = fs::read_dir(dir)
        .expect("a folder that can be read")
        .map(|entry| {
            entry
                .expect("an entry")
                .file_name()
                .to_string_lossy()
                .into_owned()
        })
        .collect();
    names.sort();
    names
}
