//! What CI reads: JUnit XML, Markdown and GitHub's annotations, of a run and of a comparison.

use bench::report::alarms::{self, Alarm, Severity};
use bench::report::{annotations, junit, markdown};
use bench::result::RunResult;
use bench::result::compared::{Compared, Conclusion};

use crate::{comparisons, fixture, xml};

/// A run with a gate that fails beside ones that hold.
fn failed() -> RunResult {
    let mut run = fixture::compare();
    run.verdict = bench::result::Verdict::Fail;
    let gate = &mut run.gates[0];
    gate.holds = false;
    gate.measured = Some(31e6);
    gate.note = Some("2 of 4 combinations break it".to_owned());
    run
}

/// A name with everything in it that some form must escape.
const NASTY: &str = "a<b> & \"c\", 'd': 100%\n::error::|`*_[e](f)\u{1}";

fn nasty() -> RunResult {
    let mut run = fixture::broken();
    run.title = NASTY.to_owned();
    run.scenario = NASTY.to_owned();
    run.trials[2].id = NASTY.to_owned();
    run.trials[2].invalid_reasons = vec![NASTY.to_owned()];
    run.gates[0].rule = NASTY.to_owned();
    run.command = vec![NASTY.to_owned()];
    run
}

/// Counts elements of a name, and compares with what the root claims.
fn check_counts(xml: &str) {
    let found = xml::read(xml);
    assert_eq!(found[0].name, "testsuites");
    for (claimed, element) in [
        ("tests", "testcase"),
        ("failures", "failure"),
        ("errors", "error"),
        ("skipped", "skipped"),
    ] {
        let counted = found.iter().filter(|e| e.name == element).count();
        let claim = counted.to_string();
        assert!(found[0].has(claimed, &claim), "{claimed} {counted}: {xml}");
    }
}

#[test]
fn junit_of_runs() {
    let (good, bad) = (failed(), fixture::broken());
    let xml = junit::of_runs(&[&good, &bad]);
    check_counts(&xml);
    insta::assert_snapshot!(xml);
}

#[test]
fn junit_of_a_comparison() {
    let xml = junit::of_comparison(&comparisons::mixed(), false);
    check_counts(&xml);
    insta::assert_snapshot!(xml);
}

#[test]
fn junit_is_read_back_as_it_was_whatever_a_name_holds() {
    let xml = junit::of_runs(&[&nasty(), &fixture::empty()]);
    check_counts(&xml);
    let found = xml::read(&xml);
    // XML has no way to write U+0001; attributes are as they were otherwise.
    let name = NASTY.replace('\u{1}', "\u{fffd}");
    let holds = |element: &str, key: &str, value: &str| {
        let mut elements = found.iter();
        elements.any(|e| e.name == element && e.has(key, value))
    };
    assert!(holds("testsuite", "name", &name), "{xml}");
    assert!(holds("testcase", "name", &name), "{xml}");
    assert!(holds("error", "message", &name), "{xml}");
    // A run without a trial still has something that failed.
    assert!(
        holds("testcase", "name", "the run ends as planned"),
        "{xml}"
    );
    let failure = found.iter().find(|e| e.name == "failure").unwrap();
    assert!(failure.text.starts_with(&name), "{failure:?}");
}

#[test]
fn markdown_of_a_run() {
    insta::assert_snapshot!(markdown::of_run(&failed(), Some("results/compare-1")));
}

#[test]
fn markdown_of_a_run_that_went_wrong() {
    insta::assert_snapshot!(markdown::of_run(&fixture::broken(), None));
}

#[test]
fn markdown_of_a_comparison() {
    insta::assert_snapshot!(markdown::of_comparison(&comparisons::mixed()));
}

#[test]
fn a_table_in_markdown_keeps_its_columns_whatever_a_name_holds() {
    for text in [
        markdown::of_run(&nasty(), Some(NASTY)),
        markdown::of_comparison(&comparisons::named(NASTY)),
    ] {
        let mut columns = None;
        for line in text.lines() {
            if !line.starts_with('|') {
                columns = None;
                continue;
            }
            let bars = line.replace("\\|", "").matches('|').count();
            assert_eq!(*columns.get_or_insert(bars), bars, "{line}");
        }
        assert!(!text.lines().any(|line| line.starts_with("::")), "{text}");
        // Between backticks a sign is only a sign.
        let plain = text.replace("\\`", "");
        let outside: String = plain.split('`').step_by(2).collect();
        assert!(!outside.contains("<b>"), "{text}");
    }
    let page = markdown::of_run(&fixture::empty(), None);
    assert!(page.contains("No trial ended."), "{page}");
}

#[test]
fn annotations_of_a_run() {
    insta::assert_snapshot!(annotations::render(&alarms::of_run(&failed())), @"::error title=compare%3A gate failed::websocket delivery.p99 <= 20ms: measured 31.0 ms, bound 20.0 ms, in websocket (2 of 4 combinations break it)");
    insta::assert_snapshot!(annotations::render(&alarms::of_run(&fixture::broken())), @r#"
    ::error title=compare%3A gate failed::streaming delivery.p99 <= 20ms: not measured, bound 20.0 ms, in streaming
    ::error title=compare%3A invalid trial::streaming: 20,000 of 20,000 messages were lost.
    ::warning title=compare::Built with the dev profile: these numbers are NOT those of an optimised program. Run again with `cargo run --release`.
    ::warning title=compare%3A websocket::The server's process is not known: its CPU and memory are missing.
    "#);
    insta::assert_snapshot!(annotations::render(&alarms::of_run(&fixture::empty())), @"::error title=compare%3A not as planned::The run cannot be trusted.");
    assert_eq!(
        annotations::render(&alarms::of_run(&fixture::compare())),
        ""
    );
}

#[test]
fn annotations_of_a_comparison() {
    insta::assert_snapshot!(annotations::render(&alarms::of_comparison(&comparisons::mixed(), false)), @r#"
    ::error title=compare%3A delivery.p99 is worse::delivery.p99 of websocket, 1,000 clients: worse, confirmed, 2.60 ms against 2.00 ms of the base, +30.0 %25 (+26.0 %25 to +34.0 %25), p 0.040
    ::warning title=compare%3A delivery.p50 was not confirmed::delivery.p50 of websocket, 1,000 clients: worse, not confirmed, 440 µs against 400 µs of the base, +10.0 %25 (+6.0 %25 to +14.0 %25), p 0.040
    ::warning title=compare%3A the runs differ in kernel::Linux 6.12.0 against Linux 6.13.0
    ::warning title=compare%3A comparison::the base has no trial of sse
    "#);
}

#[test]
fn annotations_are_escaped_and_never_too_many() {
    let text = annotations::render(&alarms::of_run(&nasty()));
    // One line each, and nothing that GitHub would take for another command.
    assert!(text.lines().all(|line| line.starts_with("::")), "{text}");
    assert!(
        text.contains("title=a<b> & \"c\"%2C 'd'%3A 100%25%0A%3A%3Aerror"),
        "{text}"
    );
    assert!(text.contains("'d': 100%25%0A::error::|"), "{text}");

    let alarm = |severity| Alarm {
        severity,
        title: "t".to_owned(),
        text: "x".to_owned(),
    };
    let lines = |errors: usize, warnings: usize| {
        let mut all = vec![alarm(Severity::Warning); warnings];
        all.extend(vec![alarm(Severity::Error); errors]);
        annotations::render(&all)
    };
    assert_eq!(lines(10, 0).lines().count(), 10);
    let many = lines(37, 3);
    assert_eq!(many.lines().count(), 13);
    assert_eq!(
        many.lines().nth(9).unwrap(),
        "::error title=bench::and 28 more errors"
    );
    assert!(many.lines().nth(10).unwrap().starts_with("::warning"));
}

#[test]
fn a_comparison_of_doubtful_runs_is_an_error_in_every_form() {
    let doubtful = Compared {
        verdict: Conclusion::Invalid,
        ..comparisons::mixed()
    };
    let xml = junit::of_comparison(&doubtful, false);
    check_counts(&xml);
    assert!(
        xml.contains("<error message=\"A run cannot be trusted"),
        "{xml}"
    );
    assert!(markdown::of_comparison(&doubtful).contains("Invalid"));
    let first = alarms::of_comparison(&doubtful, false).remove(0);
    assert_eq!(first.severity, Severity::Error);
}

#[test]
fn too_little_evidence_fails_those_who_are_strict() {
    let unknown = Compared {
        verdict: Conclusion::NotEnoughEvidence,
        ..comparisons::mixed()
    };
    for (strict, severity, failures) in [(false, Severity::Warning, 1), (true, Severity::Error, 2)]
    {
        let alarms = alarms::of_comparison(&unknown, strict);
        let told = alarms
            .iter()
            .find(|a| a.text.contains("not enough evidence"));
        assert_eq!(told.unwrap().severity, severity);
        let xml = junit::of_comparison(&unknown, strict);
        check_counts(&xml);
        assert_eq!(xml.matches("<failure ").count(), failures, "{xml}");
    }
}
