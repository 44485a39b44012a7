//! Runs that differ in more than the program, and runs that cannot be compared.

use std::time::Duration;

use bench::judge::compare::compare;
use bench::judge::question::Settings;
use bench::result::{EventKind, EventResult, RunResult, Verdict};

use super::{Bench, LAUNCHES, base, judged, named, repeated, slower, with};

#[test]
fn another_machine_is_named_loudly() {
    let bench = Bench::new();
    bench.keep("before", &base());
    let mut candidate = base();
    candidate.environment.cpu = "Another 9000".to_owned();
    candidate.environment.profile = "dev".to_owned();
    candidate.environment.commit = None;
    bench.keep("after", &candidate);
    let (code, text, _) = bench.compare(&["before", "after"]);
    assert_eq!(code, 0);
    let text = text.replace('\n', " ");
    for told in [
        "WARNING: not the same processor: AMD EPYC 7B13 in the base, Another 9000 in the candidate",
        "WARNING: not the same build profile: release in the base, dev in the candidate",
        "Other commit of bench: 406a209 in the base, unknown in the candidate",
    ] {
        assert!(text.contains(told), "{text}");
    }
}

#[test]
fn runs_of_different_loads_are_refused() {
    let bench = Bench::new();
    bench.keep("before", &base());
    bench.keep("after", &with(base(), |trial| trial.load.rate *= 2.0));
    let (code, _, told) = bench.compare(&["before", "after"]);
    assert_eq!(code, 2);
    assert!(
        told.contains("at `websocket` the two runs had different loads: rate was 20.0 and is 40.0"),
        "{told}"
    );
    // What has no meaning for the transport asks nothing of the server.
    let idle = with(base(), |trial| trial.load.poll_interval *= 2);
    judged(&base(), &idle);
    let held = |seconds| {
        let all = repeated(&["long-polling"], &LAUNCHES);
        with(all, |trial| {
            trial.load.hold = Duration::from_millis(seconds)
        })
    };
    let refused = compare(
        named(&held(25_000)),
        named(&held(1500)),
        &Settings::default(),
    );
    let told = refused.unwrap_err().to_string();
    assert!(told.contains("hold was 25s and is 1500ms"), "{told}");
    bench.keep("other", &repeated(&["sse"], &LAUNCHES));
    let (code, _, told) = bench.compare(&["before", "other"]);
    assert_eq!(code, 2);
    assert!(
        told.contains("no combination of factors in common"),
        "{told}"
    );
    // What both have is compared, and what only one has is named.
    bench.keep("more", &repeated(&["sse", "websocket"], &LAUNCHES));
    let (code, text, _) = bench.compare(&["before", "more"]);
    assert_eq!(code, 0, "{text}");
    assert!(
        text.contains("Note: sse: only the candidate has it"),
        "{text}"
    );
}

#[test]
fn nothing_is_concluded_from_a_run_that_cannot_be_trusted() {
    let bench = Bench::new();
    bench.keep("before", &base());
    let mut candidate = slower(0.25);
    candidate.trials[0].valid = false;
    candidate.verdict = Verdict::Invalid;
    bench.keep("after", &candidate);
    let (code, text, _) = bench.compare(&["before", "after"]);
    assert_eq!(code, 4, "{text}");
    assert!(text.contains("INVALID: a run cannot be trusted"), "{text}");
    assert!(
        text.contains("1 of 8 trials of the candidate cannot be trusted"),
        "{text}"
    );
    let (code, text, _) = bench.compare(&["before", "after", "--allow-invalid"]);
    assert_eq!(code, 5, "{text}");
}

#[test]
fn runs_with_different_events_are_refused() {
    let cut = |affected| EventResult {
        kind: EventKind::Disconnect,
        at: 5_000_000_000,
        span: Some(2_000_000_000),
        rate: None,
        affected,
        back: affected,
        time_until_all_back_ns: Some(1),
        catch_up_ns: None,
        missed: 0,
        missed_reports: Some(0),
    };
    let of = |affected| with(base(), |trial| trial.events = vec![cut(affected)]);
    let refused = |base: &RunResult, candidate: &RunResult| {
        let refused = compare(named(base), named(candidate), &Settings::default());
        refused.unwrap_err().to_string()
    };
    let told = refused(&base(), &of(500));
    assert!(
        told.contains("events was none and is disconnect of 500 clients at 5.00 s, within 2.00 s"),
        "{told}"
    );
    assert!(refused(&of(100), &of(500)).contains("disconnect of 100 clients"));
    // Of a trial that ended before its event nobody was affected; the load was the same all the same.
    judged(&of(0), &of(500));
    judged(&of(500), &of(500));
}

#[test]
fn a_run_against_itself_says_so() {
    let bench = Bench::new();
    bench.keep("before", &base());
    let (code, text, _) = bench.compare(&["before", "before"]);
    assert_eq!(code, 0);
    assert!(
        text.contains("Note: the candidate is the base itself: there is nothing to find"),
        "{text}"
    );
}
