//! Charts over the numbers that a matrix varies: maps of who is best where, and curves.

use std::time::Duration;

use bench::judge::gate::evaluate;
use bench::report::charts::{self, Chart};
use bench::result::{RunResult, TrialResult, metric};
use bench::scenario::{Factor, GateRule, Transport};

use crate::fixture::{self, SECONDS};

const CLIENTS: u64 = 100;
const RATES: [f64; 4] = [5.0, 20.0, 80.0, 320.0];
const INTERVALS: [f64; 3] = [0.2, 1.0, 5.0];

/// Polling at three intervals and WebSocket at four rates, of which a client gets a tenth. A poll costs
/// 1,000 bytes and each of its messages 170, a pushed message 270: so polling is cheaper from 10 messages a poll on.
pub(crate) fn crossover() -> RunResult {
    let mut trials = Vec::new();
    for rate in RATES {
        for interval in INTERVALS {
            let bytes = 1000.0 / interval + 170.0 * rate / 10.0;
            trials.push(trial(Transport::Polling, rate, Some(interval), bytes));
        }
        trials.push(trial(Transport::Websocket, rate, None, 27.0 * rate));
    }
    fixture::run("crossover", "Rate against poll interval", trials)
}

/// `bytes` are those of a client and second, as measured and as the model has it.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures made up by hand, all of them small"
)]
fn trial(transport: Transport, rate: f64, interval: Option<f64>, bytes: f64) -> TrialResult {
    let mut factors = vec![("rate", Factor::Number(rate))];
    if let Some(interval) = interval {
        factors.push(("poll_interval", Factor::Number(interval * 1e9)));
    }
    let mut trial = fixture::trial(transport, CLIENTS, &factors);
    trial.id = format!("{transport}-rate-{rate}-poll-interval-{interval:?}");
    trial.load.rate = rate;
    let each = rate / 10.0;
    let p99 = interval.map_or(2e6, |interval| interval * 0.99e9);
    if let Some(interval) = interval {
        trial.load.poll_interval = Duration::from_secs_f64(interval);
    }
    let total = bytes * (CLIENTS * SECONDS) as f64;
    (trial.bytes.wire_sent, trial.bytes.wire_received) = (Some(0), Some(total as u64));
    trial.bytes.deliveries = (each * (CLIENTS * SECONDS) as f64) as u64;
    let each_second = interval.map_or(each * 30e3, |interval| 60e3 / interval);
    trial.server.cpu_ns = Some((each_second * (CLIENTS * SECONDS) as f64) as u64);
    trial.latency_ns.delivery.as_mut().unwrap().p99 = p99 as u64;
    trial.predicted.wire_bytes_per_message = Some(bytes / each);
    trial.predicted.delivery_p99_ns = Some(p99);
    trial
}

pub(crate) fn chart(run: &RunResult, name: &str) -> Chart {
    let drawn = charts::all(run).drawn;
    let names: Vec<_> = drawn.iter().map(|c| c.name.as_str()).collect();
    let found = drawn.iter().position(|c| c.name == name);
    assert!(found.is_some(), "no {name} among {names:?}");
    let place = found.unwrap();
    drawn.into_iter().nth(place).unwrap()
}

/// What a chart says to whoever does not see it.
pub(crate) fn description(chart: &Chart) -> String {
    let svg = chart.svg().unwrap();
    let (_, rest) = svg.split_once("<desc>").unwrap();
    rest.split_once("</desc>").unwrap().0.to_owned()
}

#[test]
fn a_map_names_the_cheapest_transport_of_each_cell() {
    let told = description(&chart(&crossover(), "crossover-bytes"));
    // 2 messages a second: 0.4 a poll, 2 and 10, where both cost the same but for the headers.
    for sentence in [
        "With poll interval 200 ms: WebSocket (next Polling × 38.0) at 0.5 messages/s",
        "With poll interval 1 s: WebSocket (next Polling × 8.04) at 0.5 messages/s, \
         WebSocket (next Polling × 2.48) at 2 messages/s, WebSocket (next Polling × 1.09) at 8 messages/s, \
         Polling (next WebSocket × 1.34) at 32 messages/s.",
    ] {
        let sentence = sentence.replace("× 38.0", "× 38");
        assert!(told.contains(&sentence), "{sentence}\n{told}");
    }
    let told = description(&chart(&crossover(), "crossover-cpu"));
    // 60 µs a poll and 30 µs a message: two messages a poll.
    let row = "WebSocket (next Polling × 4.00) at 0.5 messages/s, ";
    assert!(told.contains(row), "{told}");
    assert!(
        told.contains("Polling (next WebSocket × 4.00) at 8 messages/s"),
        "{told}"
    );
}

#[test]
fn what_comes_too_late_is_not_the_best_however_cheap() {
    let mut run = crossover();
    let told = description(&chart(&run, "crossover-fresh"));
    assert!(
        told.contains("With poll interval 5 s: WebSocket at 0.5 messages/s, WebSocket at 2 messages/s, WebSocket at 8"),
        "{told}"
    );
    assert!(
        told.contains("Polling (next WebSocket × 1.34) at 32 messages/s"),
        "{told}"
    );
    // A gate on every transport says how old a message may be.
    run.gates = vec![fixture::gate(
        "* delivery.p99 <= 20ms",
        None,
        "polling",
        false,
    )];
    let strict = chart(&run, "crossover-fresh");
    assert!(
        strict.title.ends_with("p99 within 20 ms"),
        "{}",
        strict.title
    );
    assert!(
        !description(&strict).contains("Polling"),
        "{}",
        description(&strict)
    );
}

#[test]
fn the_boundary_of_the_model_crosses_the_map_where_both_cost_the_same() {
    let drawn = |run: &RunResult| chart(run, "crossover-bytes").svg().unwrap();
    let run = crossover();
    // The made-up predictions are the made-up measurements.
    assert!(drawn(&run).contains("Dashed: model's boundary, right in 12 of 12 cells."));
    // Were a pushed message taken for twice as dear, polling would be chosen where it costs a fifth more.
    let mut wrong = run.clone();
    for trial in &mut wrong.trials {
        if trial.transport == Transport::Websocket {
            trial.predicted.wire_bytes_per_message = Some(540.0);
        }
    }
    assert!(drawn(&wrong).contains("right in 11 of 12 cells."));
    // Without predictions there is no line, nor a word of it.
    let mut silent = run.clone();
    for trial in &mut silent.trials {
        trial.predicted.wire_bytes_per_message = None;
    }
    assert!(!drawn(&silent).contains("boundary"));
    // Where one is always the cheaper there is nothing to cross.
    let mut dear = run;
    for trial in dear
        .trials
        .iter_mut()
        .filter(|t| t.transport == Transport::Polling)
    {
        trial.predicted.wire_bytes_per_message = Some(1e6);
    }
    assert!(!drawn(&dear).contains("boundary"));
}

#[test]
fn a_cell_that_was_not_measured_or_cannot_be_trusted_names_nobody() {
    let mut run = crossover();
    run.trials.remove(0);
    let bad = |t: &&mut TrialResult| t.transport == Transport::Websocket && t.load.rate > 300.0;
    for trial in run.trials.iter_mut().filter(bad) {
        trial.valid = false;
    }
    let map = chart(&run, "crossover-bytes");
    let told = description(&map);
    assert!(told.contains("unknown at 32 messages/s"), "{told}");
    let svg = map.svg().unwrap();
    assert!(svg.contains("\ninvalid: websocket\n") && svg.contains(" · WebSocket invalid\""));
    // Of 11 cells that were run, eight can be trusted.
    assert!(told.contains("right in 8 of 8 cells"), "{told}");
    for chart in charts::all(&run).drawn {
        assert!(!chart.svg().unwrap().contains("NaN"), "{}", chart.name);
    }
}

#[test]
fn a_cell_tells_all_it_knows_to_whoever_points_at_it() {
    let svg = chart(&crossover(), "crossover-bytes").svg().unwrap();
    let tip = "data-tip=\"Poll interval 1 s, 32 messages/s · Polling 6.44 kB/s · WebSocket 8.64 kB/s (× 1.34)\"";
    assert!(
        svg.contains(&tip.replace("Poll interval", "poll interval")),
        "{svg}"
    );
}

#[test]
fn there_are_curves_against_each_number_and_others_are_held() {
    let run = crossover();
    let told = description(&chart(&run, "rate-bytes"));
    assert!(
        told.starts_with("100 clients, poll interval 1 s."),
        "{told}"
    );
    assert!(
        told.contains("Polling: 2.17 kB at 5 messages/s, 670 B at 20 messages/s"),
        "{told}"
    );
    let told = description(&chart(&run, "interval-latency"));
    assert!(told.starts_with("100 clients, 20 messages/s."), "{told}");
    assert!(
        told.contains("WebSocket · p99 · 2.00 ms · without poll interval."),
        "{told}"
    );
    let drawn = charts::all(&run).drawn;
    let names: Vec<_> = drawn.iter().map(|c| c.name.as_str()).collect();
    assert!(!names.contains(&"interval-memory") && !names.contains(&"scale-latency"));
}

#[test]
fn a_number_that_begins_at_nothing_stands_on_a_straight_axis() {
    let trials = [0.0, 50e6, 200e6].map(|rtt| {
        let factors = [("rtt", Factor::Number(rtt))];
        fixture::trial(Transport::Websocket, CLIENTS, &factors)
    });
    let run = fixture::run("far", "Further and further away", trials.to_vec());
    let chart = chart(&run, "rtt-latency");
    let told = description(&chart);
    assert!(
        told.contains("at rtt 0 s, ") && told.contains("at rtt 50 ms, "),
        "{told}"
    );
    let svg = chart.svg().unwrap();
    let places: Vec<f64> = svg
        .split("data-tip=\"WebSocket · p50 · rtt")
        .skip(1)
        .filter_map(|mark| mark.split("cx=\"").nth(1)?.split('"').next()?.parse().ok())
        .collect();
    let [zero, fifty, all] = places[..] else {
        unreachable!("three marks: {places:?}");
    };
    assert!(
        ((fifty - zero) / (all - zero) - 0.25).abs() < 0.01,
        "{places:?}"
    );
    // One number is no plane.
    assert!(
        charts::all(&run)
            .drawn
            .iter()
            .all(|c| !c.name.starts_with("crossover"))
    );
}

#[test]
fn a_gate_holds_each_interval_against_what_was_run_once() {
    let run = crossover();
    let known = metric::known();
    let check = |bound| {
        let rule = GateRule::parse("polling wire_bytes_per_client_second", bound, &known);
        evaluate(&[rule.unwrap()], &run, None).remove(0)
    };
    // At worst 5,085 B/s against 135.
    let generous = check("<= 38 * websocket");
    assert!(generous.holds, "{generous:?}");
    let strict = check("<= 30 * websocket");
    assert!(!strict.holds && strict.bound.is_some(), "{strict:?}");
    assert_eq!(
        strict.note.as_deref(),
        Some("1 of 12 combinations breaks it")
    );
}
