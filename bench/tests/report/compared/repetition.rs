//! A candidate measured again: what that confirms, and what it cannot.

use bench::judge::compare::confirm;
use bench::judge::question::Settings;
use bench::result::compared::{Compared, Conclusion};

use super::{Bench, LAUNCHES, base, judged, named, repeated, slower, with};

#[test]
fn a_repetition_that_is_not_worse_acquits_and_one_that_is_confirms() {
    let bench = Bench::new();
    bench.keep("before", &base());
    bench.keep("after", &slower(0.1));
    let mut launches = LAUNCHES;
    launches.reverse();
    bench.keep("well", &repeated(&["websocket"], &launches));
    let (code, text, _) = bench.compare(&["before", "after", "well"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("? worse, not confirmed"), "{text}");
    assert!(
        text.replace('\n', " ")
            .contains("3 worse at first, which the repetition does not confirm"),
        "{text}"
    );
    bench.keep("again", &slower(0.12));
    let (code, text, _) = bench.compare(&["before", "after", "again"]);
    assert_eq!(code, 5, "{text}");
    assert!(text.contains("✗ worse, confirmed"), "{text}");
    assert!(
        text.contains("WORSE: 3 of 8 rows, and the repetition says so too"),
        "{text}"
    );
}

#[test]
fn a_row_is_confirmed_by_itself_and_not_by_another() {
    // At first the latency is worse, the second time the memory.
    let latency = with(base(), |t| {
        let delivery = t.latency_ns.delivery.as_mut().unwrap();
        delivery.p50 = delivery.p50 * 3 / 2;
    });
    let memory = with(base(), |t| {
        t.server.rss_loaded = t.server.rss_loaded.map(|r| r * 2)
    });
    let settings = Settings::default();
    let first = judged(&base(), &latency);
    assert_eq!(first.verdict, Conclusion::Worse);
    let both = confirm(first, named(&base()), named(&memory), &settings).unwrap();
    assert_eq!(both.verdict, Conclusion::NotEnoughEvidence);
}

#[test]
fn a_repetition_elsewhere_is_named_loudly() {
    let bench = Bench::new();
    bench.keep("before", &base());
    let mut after = slower(0.1);
    after.environment.commit = None;
    bench.keep("after", &after);
    let mut again = slower(0.12);
    again.environment.cpu = "Another 9000".to_owned();
    again.environment.profile = "dev".to_owned();
    again.environment.commit = None;
    again.trials[0].valid = false;
    bench.keep("again", &again);
    let (code, text, _) = bench.compare(&["before", "after", "again", "--json", "verdict.json"]);
    assert_eq!(code, 5, "{text}");
    let text = text.replace('\n', " ");
    for told in [
        "WARNING: not the same processor: AMD EPYC 7B13 in the base, Another 9000 in the confirmation",
        "WARNING: not the same build profile: release in the base, dev in the confirmation",
        "Note: 1 of 8 trials of the confirmation cannot be trusted",
    ] {
        assert!(text.contains(told), "{told}: {text}");
    }
    // What the candidate differs in likewise is said once.
    assert_eq!(text.matches("Other commit of bench").count(), 1, "{text}");
    let json = std::fs::read(bench.0.path().join("verdict.json")).unwrap();
    let document: Compared = serde_json::from_slice(&json).unwrap();
    let again = document.differences.iter().filter(|d| d.confirmation);
    assert_eq!(again.count(), 2);
    let marked = bench::report::markdown::of_comparison(&document);
    assert!(
        marked.contains("AMD EPYC 7B13 against Another 9000 of the confirmation"),
        "{marked}"
    );
}

#[test]
fn nothing_is_confirmed_by_itself() {
    let bench = Bench::new();
    bench.keep("before", &base());
    bench.keep("after", &slower(0.1));
    // A copy is no other run.
    bench.keep("copy", &slower(0.1));
    for (again, side) in [
        ("after", "candidate"),
        ("copy", "candidate"),
        ("before", "base"),
    ] {
        let (code, _, told) = bench.compare(&["before", "after", again]);
        assert_eq!(code, 2, "{told}");
        let why = format!("`{again}` is the {side} itself and confirms nothing");
        assert!(told.contains(&why), "{told}");
    }
}
