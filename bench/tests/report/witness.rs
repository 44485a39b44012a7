//! What a real browser saw, beside the simulated clients: the table, its words and the chart.

use bench::report::console::Style;
use bench::report::{charts, witness};
use bench::result::{
    ClockBound, FORMAT, RunResult, Side, Store, Summary, Verdict, Witnessed, WitnessedTrial,
};

use crate::fixture;

const MS: u64 = 1_000_000;

/// A median that is certain to a fiftieth of it.
fn certain(summary: Summary) -> Summary {
    Summary {
        p50_low: Some(summary.p50 - summary.p50 / 50),
        p50_high: Some(summary.p50 + summary.p50 / 50),
        ..summary
    }
}

/// The five transports of the fixture, and a page that is half a millisecond later in all but polling.
fn witnessed(run: &RunResult) -> Witnessed {
    let trial = |trial: &bench::result::TrialResult| {
        let mut simulated = Side::simulated(trial);
        simulated.delivery = simulated.delivery.map(certain);
        let own = if trial.id.starts_with("polling") {
            0
        } else {
            MS / 2
        };
        let later = |mut summary: Summary| {
            for value in [
                &mut summary.p50,
                &mut summary.p90,
                &mut summary.p99,
                &mut summary.max,
            ] {
                *value += own;
            }
            certain(summary)
        };
        let mut browser = Side {
            subscribers: 4,
            expected: 800,
            delivered: 800,
            delivery: simulated.delivery.map(later),
            ..simulated.clone()
        };
        for point in &mut browser.percentiles {
            point.delivery += own;
        }
        WitnessedTrial {
            id: trial.id.clone(),
            repeat: trial.repeat,
            transport: trial.transport,
            factors: trial.factors.clone(),
            load: trial.load.clone(),
            simulated,
            browser,
            clock: ClockBound {
                exchanges: 200,
                bound_ns: MS / 5,
                resolution_ns: MS / 10,
            },
            notes: Vec::new(),
            contradictions: Vec::new(),
        }
    };
    Witnessed {
        format: FORMAT,
        title: "Chat room".to_owned(),
        browser: "Chromium 156.0.8078.79".to_owned(),
        trials: run.trials.iter().map(trial).collect(),
    }
}

fn shown(witnessed: &Witnessed, run: &RunResult) -> String {
    witness::console(witnessed, run, "results/latest", Style::default())
}

#[test]
fn both_sides_stand_under_each_other_with_what_they_are_apart() {
    let run = fixture::compare();
    let text = shown(&witnessed(&run), &run);
    insta::assert_snapshot!(text, @"
    Chat room
    Chromium 156.0.8078.79 with 4 subscribers, beside 1,000 simulated clients

                                          delivery latency                    for each message
    transport     client     messages      p50      p90      p99      max  requests     sent  received     wire  faults
    polling       simulated    40,000   670 ms   1.21 s   1.33 s   1.34 s      0.50  4.14 kB   2.89 kB  9.73 kB       0
                  browser         800   670 ms   1.21 s   1.33 s   1.34 s      0.50  4.14 kB   2.89 kB  9.73 kB       0
                  apart                  +0 ns    +0 ns    +0 ns    +0 ns             +0.0 %    +0.0 %   +0.0 %
    long-polling  simulated    40,000   827 µs  2.71 ms  6.83 ms  25.6 ms      0.50    528 B     480 B  1.32 kB       0
                  browser         800  1.33 ms  3.21 ms  7.33 ms  26.1 ms      0.50    528 B     480 B  1.32 kB       0
                  apart                +500 µs  +500 µs  +500 µs  +500 µs             +0.0 %    +0.0 %   +0.0 %
    streaming     simulated    40,000   587 µs  1.58 ms  3.42 ms  10.5 ms      0.50     25 B     144 B    310 B       0
                  browser         800  1.09 ms  2.08 ms  3.92 ms  11.0 ms      0.50     25 B     144 B    310 B       0
                  apart                +500 µs  +500 µs  +500 µs  +500 µs             +0.0 %    +0.0 %   +0.0 %
    sse           simulated    40,000   600 µs  1.62 ms  3.50 ms  10.8 ms      0.50     31 B     149 B    321 B       0
                  browser         800  1.10 ms  2.12 ms  4.00 ms  11.3 ms      0.50     31 B     149 B    321 B       0
                  apart                +500 µs  +500 µs  +500 µs  +500 µs             +0.0 %    +0.0 %   +0.0 %
    websocket     simulated    40,000   547 µs  1.34 ms  2.69 ms  7.47 ms      0.50     26 B     145 B    311 B       0
                  browser         800  1.05 ms  1.84 ms  3.19 ms  7.97 ms      0.50     26 B     145 B    311 B       0
                  apart                +500 µs  +500 µs  +500 µs  +500 µs             +0.0 %    +0.0 %   +0.0 %

    browser less simulated      p50  at least   at most  what it comes from
    polling                   +0 ns  -27.0 ms  +27.0 ms  chance: on both sides a message waits for the next poll
    long-polling            +500 µs   +257 µs   +743 µs  the page's own cost
    streaming               +500 µs   +267 µs   +733 µs  the page's own cost
    sse                     +500 µs   +266 µs   +734 µs  the page's own cost
    websocket               +500 µs   +268 µs   +732 µs  the page's own cost

    The page's own cost is a message's way from the browser's socket through its network process and the page's event loop
    into the page's code. At least and at most: what chance and the bound of the page's clock leave of a difference.

    Delivery is from the instant that a message was due until the client's own code had it: in the browser, the code of the
    relay's pages. Bytes are those of the subscribers' sockets, the browser's by the kernel's counters: requests, HTTP and
    WebSocket framing included; on the wire TCP/IP headers and acknowledgements too. Faults are messages lost, come twice,
    or out of order.

    The page's clock moves in steps of 100 µs, and 200 readings of it between readings of the host's clock prove that it was
    off by at most 200 µs.

    PASS: The browser bears the simulated clients out. The run can be trusted and both gates hold.
    Results: results/latest
    ");
}

#[test]
fn a_contradiction_is_said_where_nobody_overlooks_it() {
    let mut run = fixture::compare();
    run.verdict = Verdict::Invalid;
    let mut witnessed = witnessed(&run);
    witnessed.trials[4].browser.lost = 3;
    witnessed.trials[4].contradictions = vec!["3 of the browser's messages were lost".to_owned()];
    let text = shown(&witnessed, &run);
    assert!(text.contains("CONTRADICTION: websocket: 3 of the browser's messages were lost"));
    assert!(text.contains("INVALID: The browser contradicts the simulated clients."));
    let markdown = witness::markdown(&witnessed, &run);
    assert!(
        markdown.contains("- **Contradiction**: websocket: 3 of"),
        "{markdown}"
    );
}

#[test]
fn a_browser_that_saw_no_trial_has_no_table_and_no_chart() {
    let run = fixture::compare();
    let nothing = Witnessed {
        trials: Vec::new(),
        ..witnessed(&run)
    };
    assert!(shown(&nothing, &run).contains("saw no trial to its end"));
    assert!(charts::of_witness(&nothing).is_none());
}

#[test]
fn what_is_stored_is_read_back_and_drawn() {
    let run = fixture::compare();
    let folder = tempfile::tempdir().unwrap();
    let now = "2026-01-02T03:04:05Z".parse().unwrap();
    let store = Store::create(folder.path(), "witness", now).unwrap();
    assert_eq!(store.load_witness().unwrap(), None);
    let before = witnessed(&run);
    store.put_witness(&before).unwrap();
    assert_eq!(store.load_witness().unwrap().as_ref(), Some(&before));
    bench::report::write_all(store.dir(), &run).unwrap();
    witness::write(store.dir(), &before, &run).unwrap();
    let svg = std::fs::read_to_string(store.dir().join("charts/witness.svg")).unwrap();
    assert!(
        svg.contains("Dashed lines"),
        "the two kinds of line are explained"
    );
    let png = std::fs::metadata(store.dir().join("charts/witness.png")).unwrap();
    assert!(png.len() > 10_000);
    // The folder of a run that had no browser has no such chart.
    let text = std::fs::read_to_string(store.dir().join("witness.md")).unwrap();
    assert!(text.contains("| websocket | simulated |"), "{text}");
}

#[test]
fn what_a_newer_bench_wrote_is_said_to_be_newer() {
    let folder = tempfile::tempdir().unwrap();
    let now = "2026-01-02T03:04:05Z".parse().unwrap();
    let store = Store::create(folder.path(), "witness", now).unwrap();
    let newer = format!("{{\"format\": {}}}\n", FORMAT + 1);
    std::fs::write(store.dir().join("witness.json"), newer).unwrap();
    let error = store.load_witness().unwrap_err().to_string();
    assert!(error.contains("use a newer bench"), "{error}");
}
