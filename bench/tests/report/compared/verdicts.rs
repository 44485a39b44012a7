//! What is found of two runs, and what is not.

use bench::judge::compare::compare;
use bench::judge::question::Settings;
use bench::result::compared::{Compared, Conclusion, Finding};

use super::{Bench, LAUNCHES, base, found, judged, named, repeated, slower};

#[test]
fn a_planted_regression_is_worse_and_ends_with_the_code_of_a_gate() {
    let bench = Bench::new();
    bench.keep("before", &base());
    bench.keep("after", &slower(0.10));
    let (code, text, _) = bench.compare(&["before", "after", "--json", "verdict.json"]);
    assert_eq!(code, 5, "{text}");
    let first = text
        .lines()
        .find(|line| line.starts_with("websocket"))
        .unwrap();
    assert!(
        first.ends_with("✗ worse") && first.contains("+10.0 %"),
        "{text}"
    );
    assert!(text.contains("WORSE: 3 of 8 rows"), "{text}");
    assert!(
        text.contains("5 rows show no difference (--all lists them)"),
        "{text}"
    );
    let json = std::fs::read(bench.0.path().join("verdict.json")).unwrap();
    let document: Compared = serde_json::from_slice(&json).unwrap();
    assert_eq!((document.format, document.verdict), (1, Conclusion::Worse));
    assert_eq!(document.rule.tests, 5);
    let row = document
        .rows
        .iter()
        .find(|row| row.metric == "delivery.p99")
        .unwrap();
    let effect = row.effect.unwrap();
    assert!((effect.ratio - 0.1).abs() < 0.005 && effect.low > Some(0.05));
    assert_eq!((row.base.repeats, row.unit.as_str()), (8, "ns"));
    assert!(row.p_corrected < Some(0.05) && row.p < row.p_corrected);
}

#[test]
fn the_same_program_shows_no_difference_whatever_the_order_of_its_launches() {
    let mut launches = LAUNCHES;
    launches.reverse();
    launches[0] *= 1.001;
    let bench = Bench::new();
    bench.keep("before", &base());
    bench.keep("after", &repeated(&["websocket"], &launches));
    let (code, text, _) = bench.compare(&["before", "after"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("NO DIFFERENCE: in any row"), "{text}");
    let (_, text, _) = bench.compare(&["before", "after", "--all"]);
    assert_eq!(text.matches("= no difference").count(), 8, "{text}");
}

#[test]
fn three_repeats_are_not_enough_and_the_number_that_would_be_is_told() {
    let bench = Bench::new();
    bench.keep("before", &repeated(&["websocket"], &LAUNCHES[..3]));
    bench.keep(
        "after",
        &repeated(&["websocket"], &LAUNCHES.map(|l| l * 1.25)[..3]),
    );
    let (code, text, _) = bench.compare(&["before", "after"]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("NOT ENOUGH EVIDENCE"), "{text}");
    // Of 3 and 3 that do not overlap p is 0.1, five times that 0.5; from 5 and 5 on it is 5 * 2/252.
    let told =
        "3 and 3 repeats cannot give a smaller p than 0.50, 5 tests considered; about 5 repeats";
    assert!(text.replace("\n    ", " ").contains(told), "{text}");
    let (code, _, _) = bench.compare(&["before", "after", "--strict"]);
    assert_eq!(code, 5);
    bench.keep("one", &repeated(&["websocket"], &[1.0]));
    let (code, text, _) = bench.compare(&["one", "one"]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("a single repeat says nothing of chance; about 5 repeats"),
        "{text}"
    );
}

#[test]
fn one_bad_launch_of_eight_is_not_a_regression() {
    let mut launches = LAUNCHES;
    launches[3] = 9.0;
    let compared = judged(&base(), &repeated(&["websocket"], &launches));
    assert_ne!(compared.verdict, Conclusion::Worse);
    assert_ne!(found(&compared, "delivery.p50"), Finding::Worse);
}

#[test]
fn a_sure_change_smaller_than_the_least_effect_is_no_difference() {
    let compared = judged(&base(), &slower(0.02));
    assert_eq!(found(&compared, "delivery.p50"), Finding::NoDifference);
    let strict = Settings {
        min_effect: 0.01,
        ..Settings::default()
    };
    let compared = compare(named(&base()), named(&slower(0.025)), &strict).unwrap();
    assert_eq!(found(&compared, "delivery.p50"), Finding::Worse);
}

#[test]
fn an_improvement_is_better_and_does_not_fail() {
    let bench = Bench::new();
    bench.keep("before", &base());
    bench.keep("after", &slower(-0.2));
    let (code, text, _) = bench.compare(&["before", "after"]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("✓ better") && text.contains("BETTER: 3 of 8 rows, and none is worse"),
        "{text}"
    );
}

#[test]
fn messages_lost_where_none_were_are_worse_whatever_their_number() {
    let mut candidate = base();
    candidate.trials[5].messages.lost = 2;
    let compared = judged(&base(), &candidate);
    assert_eq!(found(&compared, "lost"), Finding::Worse);
    let row = compared
        .rows
        .iter()
        .find(|row| row.metric == "lost")
        .unwrap();
    assert_eq!(
        row.reason.as_deref(),
        Some("base: none; candidate: 2 in 1 of 8 repeats")
    );
    assert_eq!(found(&judged(&candidate, &base()), "lost"), Finding::Better);
}
