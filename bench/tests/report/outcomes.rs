//! What events and searches came to: sentences, metrics, and what they mean for a run.

use bench::judge::search;
use bench::report::console::{Style, render};
use bench::report::{charts, html};
use bench::result::{
    EventKind, EventResult, RunResult, SearchEnd, SearchResult, SearchTrial, Summary, Verdict,
    metric,
};

use crate::fixture;

fn cut() -> EventResult {
    EventResult {
        kind: EventKind::Disconnect,
        at: 5_000_000_000,
        span: Some(2_000_000_000),
        rate: None,
        affected: 500,
        back: 500,
        time_until_all_back_ns: Some(2_100_000_000),
        catch_up_ns: Some(Summary {
            p99: 7_000_000,
            max: 9_500_000,
            ..Summary::default()
        }),
        missed: 3,
        missed_reports: Some(1),
    }
}

/// Five transports; an event of each kind in the last of them.
fn stormy() -> RunResult {
    let mut run = fixture::compare();
    run.trials[4].events = vec![
        cut(),
        EventResult {
            kind: EventKind::Freeze,
            at: 9_000_000_000,
            span: Some(1_000_000_000),
            affected: 1000,
            back: 998,
            time_until_all_back_ns: None,
            missed: 0,
            missed_reports: Some(0),
            ..cut()
        },
        EventResult {
            kind: EventKind::Rate,
            at: 12_000_000_000,
            span: None,
            rate: Some(100.0),
            affected: 0,
            back: 0,
            time_until_all_back_ns: None,
            catch_up_ns: None,
            ..cut()
        },
        EventResult {
            kind: EventKind::Slow,
            at: 14_000_000_000,
            affected: 0,
            back: 0,
            time_until_all_back_ns: None,
            catch_up_ns: None,
            ..cut()
        },
    ];
    run
}

fn console(run: &RunResult) -> String {
    let style = Style {
        width: 400,
        color: false,
    };
    render(run, None, style)
}

#[test]
fn each_event_is_told_in_a_sentence_and_marked_in_the_chart() {
    let run = stormy();
    let text = console(&run);
    for line in [
        "websocket: at 5 s half of the clients (500) were cut, to come back within 2 s: all could receive again after 2.1 s, catching up took at most 9.5 ms, 3 deliveries missed (the server said so once).",
        "websocket: at 9 s the server was stopped for 1 s: only 998 of 1,000 could ever receive again, catching up took at most 9.5 ms, 0 deliveries missed.",
        "websocket: at 12 s the rate became 100/s.",
        "websocket: the slow readers at 14 s did not happen: the trial ended before it.",
    ] {
        assert!(text.contains(line), "{line}\n{text}");
    }
    let charts = charts::all(&run);
    let page = html::render(&run, &charts).unwrap();
    assert!(page.contains("at 12 s the rate became 100/s."));
    let chart = charts
        .drawn
        .iter()
        .find(|c| c.name == "latency-over-time")
        .unwrap();
    let svg = chart.svg().unwrap();
    for word in ["cut", "freeze", "100/s", "slow readers"] {
        assert!(svg.contains(word), "{word}");
    }
    assert!(!console(&fixture::compare()).contains("Events"));
}

#[test]
fn the_worst_event_counts_and_one_that_never_ended_has_no_time() {
    let of = |run: &RunResult, name: &str| metric::find(name).unwrap().of(&run.trials[4]);
    let mut run = stormy();
    assert_eq!(of(&run, "events.back"), None);
    run.trials[4].events[1].time_until_all_back_ns = Some(1_000_000_000);
    assert_eq!(of(&run, "events.back"), Some(2.1e9));
    assert_eq!(of(&run, "events.catch_up.p99"), Some(7e6));
    assert_eq!(of(&run, "events.missed"), Some(3.0));
    run.trials[4].events.clear();
    for name in ["events.back", "events.catch_up.p99", "events.missed"] {
        assert_eq!(of(&run, name), None, "{name}");
    }
}

/// The trials of `scale` as those of searches: each transport holds up to `holds` clients.
fn searched(holds: f64, ended: SearchEnd) -> RunResult {
    let mut run = fixture::scale();
    for trial in &mut run.trials {
        trial.valid = trial.load.clients as f64 <= holds;
    }
    let transports = run.trials.iter().map(|trial| trial.transport);
    let mut transports: Vec<_> = transports.collect();
    transports.sort();
    transports.dedup();
    run.searches = transports
        .into_iter()
        .map(|transport| {
            let trials = run
                .trials
                .iter()
                .filter(|trial| trial.transport == transport);
            let all = trials.map(|trial| SearchTrial {
                id: trial.id.clone(),
                value: trial.load.clients as f64,
                holds: Some(trial.load.clients as f64 <= holds),
                why: None,
            });
            let trials: Vec<SearchTrial> = all.collect();
            let values = || trials.iter().map(|trial| trial.value);
            SearchResult {
                transport,
                factors: run.trials[0].factors.clone(),
                vary: "clients".to_owned(),
                from: 100.0,
                to: 8000.0,
                condition: "delivery.p99 <= 500ms".to_owned(),
                precision: 0.05,
                holds: values().filter(|value| *value <= holds).reduce(f64::max),
                fails: values().filter(|value| *value > holds).reduce(f64::min),
                unmet: Some("delivery.p99 was 620 ms, not <= 500ms".to_owned()),
                ended,
                reason: "not even the first value holds".to_owned(),
                trials,
            }
        })
        .collect();
    for search in &mut run.searches {
        search.factors.remove("clients");
    }
    run
}

#[test]
fn a_search_is_told_in_a_sentence_and_stands_for_what_holds() {
    let run = searched(2000.0, SearchEnd::Found);
    let text = console(&run);
    let line = "WebSocket: holds at 2,000 clients, fails at 8,000 clients (delivery.p99 was 620 ms, not <= 500ms). Asked for: delivery.p99 <= 500ms;";
    assert!(text.contains(line), "{text}");
    let standing = search::standing(&run).unwrap();
    assert_eq!(standing.len(), run.searches.len());
    assert!(
        standing
            .iter()
            .all(|trial| trial.load.clients == 2000 && trial.valid)
    );
    assert_eq!(search::verdict(&run.searches, Verdict::Pass), Verdict::Pass);
    assert_eq!(search::verdict(&run.searches, Verdict::Fail), Verdict::Fail);
    assert!(search::standing(&fixture::scale()).is_none());
    let page = html::render(&run, &charts::all(&run)).unwrap();
    assert!(page.contains("“delivery.p99 &lt;= 500ms” holds up to 2,000 clients for polling, long polling, streaming, SSE and WebSocket."));
}

#[test]
fn a_search_without_a_value_fails_and_one_that_learnt_nothing_proves_nothing() {
    let run = searched(1.0, SearchEnd::NoneHolds);
    assert_eq!(search::verdict(&run.searches, Verdict::Pass), Verdict::Fail);
    assert!(
        console(&run).contains("fails at 100 clients"),
        "{}",
        console(&run)
    );
    let run = searched(1.0, SearchEnd::Doubtful);
    assert_eq!(
        search::verdict(&run.searches, Verdict::Pass),
        Verdict::Invalid
    );
}

#[test]
fn faults_that_no_gate_asks_about_are_told_above_the_verdict() {
    let mut run = fixture::compare();
    run.trials[2].messages.lost = 14;
    run.trials[3].messages.lost = 2;
    run.trials[4].messages.reordered = 1;
    // A gate on some transports leaves the others alone.
    run.gates.retain(|gate| !gate.rule.contains("lost"));
    let told = "WARNING: 16 deliveries never came in 2 of 5 trials, 1 delivery came out of order in 1 of 5 trials, \
                and no gate asks about that; with \"* lost\" = \"== 0\" and \"* reordered\" = \"== 0\" in [gate] the run would fail.";
    let text = console(&run).replace('\n', " ");
    assert!(text.contains(told), "{text}");
    let marked = bench::report::markdown::of_run(&run, None);
    assert!(marked.contains("16 deliveries never came"), "{marked}");
    for rule in ["* lost <= 100", "* missed_share <= 5%"] {
        run.gates[0].rule = rule.to_owned();
        let text = console(&run);
        assert!(!text.contains("never came in"), "{text}");
        assert!(text.contains("out of order"), "{text}");
    }
    run.gates[0].rule = "sse lost == 0".to_owned();
    let text = console(&run);
    assert!(
        text.contains("14 deliveries never came in 1 of 5"),
        "{text}"
    );
}
