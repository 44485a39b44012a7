//! What a report says of the transports, in words.

use bench::report::console::{Style, render};
use bench::report::{charts, html};
use bench::result::{RunResult, Verdict};
use bench::scenario::{Factor, Transport};

use crate::fixture;

/// The console's text as one long line.
fn told(run: &RunResult) -> String {
    let text = render(run, None, Style::default());
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn page(run: &RunResult) -> String {
    html::render(run, &charts::all(run)).unwrap()
}

#[test]
fn what_intervals_do_not_tell_apart_is_a_tie() {
    let run = fixture::repeated();
    let text = told(&run);
    assert!(
        text.contains("Fastest: WebSocket, streaming and SSE (a tie: intervals overlap)"),
        "{text}"
    );
    assert!(!text.contains("Measured once"), "{text}");
    let mut far = run;
    for trial in &mut far.trials {
        if trial.transport != Transport::Websocket {
            trial.latency_ns.delivery.as_mut().unwrap().p50 *= 2;
        }
    }
    let text = told(&far);
    assert!(
        text.contains("Fastest: WebSocket, half of all messages within"),
        "{text}"
    );
    assert!(
        text.contains("WebSocket is best, or not told apart from the best, in all three."),
        "{text}"
    );
}

#[test]
fn two_repeats_have_intervals_too_narrow_to_part_what_is_close() {
    let mut run = fixture::repeated();
    run.trials.retain(|trial| trial.repeat <= 2);
    let text = told(&run);
    assert!(text.contains("(a tie: within 10 %)"), "{text}");
    assert!(!text.contains("intervals overlap"), "{text}");
}

#[test]
fn a_transport_that_lost_messages_is_not_recommended() {
    let advice = "in all three";
    let mut run = fixture::compare();
    assert!(told(&run).contains(advice));
    for trial in &mut run.trials {
        trial.messages.lost = trial.messages.expected / 100;
        trial.messages.delivered = trial.messages.expected - trial.messages.lost;
    }
    let text = told(&run);
    assert!(!text.contains(advice), "{text}");
    assert!(
        text.contains("WebSocket lost 400 of its deliveries (1.0 %)"),
        "{text}"
    );
}

#[test]
fn what_cannot_be_trusted_is_neither_compared_nor_recommended() {
    let mut run = fixture::compare();
    run.verdict = Verdict::Invalid;
    run.trials[4].valid = false;
    let text = told(&run);
    assert!(!text.contains("in all three"), "{text}");
    assert!(text.contains("Fastest: streaming and SSE"), "{text}");
    assert!(text.contains("Left out as invalid: WebSocket."), "{text}");
    assert!(page(&run).contains("speaks only of the trials that can be trusted"));
    for trial in &mut run.trials {
        trial.valid = false;
    }
    let text = told(&run);
    assert!(
        !text.contains("Fastest") && !text.contains("half of all"),
        "{text}"
    );
    assert!(!page(&run).contains("class=\"best"));
}

#[test]
fn one_transport_alone_is_told_by_what_its_figures_go_from_and_to() {
    let mut run = fixture::scale();
    run.trials.retain(|trial| trial.transport == Transport::Sse);
    let text = told(&run);
    assert!(
        text.contains(
            "Over 4 combinations of SSE: Median delay: from 465 µs (100 clients, 20 messages/s) to"
        ),
        "{text}"
    );
    assert!(page(&run).contains("Over 4 combinations of SSE:"));
}

#[test]
fn many_combinations_are_told_by_the_largest_and_by_how_often_each_is_best() {
    let run = fixture::scale();
    let text = told(&run);
    assert!(
        text.contains("At 8,000 clients and 20 messages/s, WebSocket"),
        "{text}"
    );
    assert!(!text.contains("At 100 clients"), "{text}");
    assert!(
        text.contains("Over 4 combinations, a tie counting for each in it: Fastest: streaming, SSE and WebSocket in all."),
        "{text}"
    );
    assert!(page(&run).contains("Which transport is best where"));
    assert!(!page(&fixture::compare()).contains("Which transport is best where"));
}

#[test]
fn a_factor_that_does_not_end_is_cut_short() {
    let mut run = fixture::scale();
    for trial in &mut run.trials {
        let rate = if trial.load.clients > 500 {
            20.0
        } else {
            20.0 / 3.0
        };
        trial.load.rate = rate;
        trial
            .factors
            .insert("rate".to_owned(), Factor::Number(rate));
    }
    let text = told(&run);
    assert!(text.contains("6.667") && !text.contains("6.6666"), "{text}");
    // What a table sorts by is exact.
    let page = page(&run);
    assert!(page.contains(">6.667<") && !page.contains(">6.6666"));
}

#[test]
fn a_page_carries_the_scenario_that_stands_beside_it() {
    let folder = tempfile::tempdir().unwrap();
    let scenario = "title = \"x < y\"\n";
    std::fs::write(folder.path().join("scenario.toml"), scenario).unwrap();
    bench::report::write_all(folder.path(), &fixture::compare()).unwrap();
    let page = std::fs::read_to_string(folder.path().join("report.html")).unwrap();
    assert!(page.contains("title = \"x &lt; y\"") || page.contains("title = &quot;x &lt; y&quot;"));
}
