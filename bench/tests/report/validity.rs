//! What a trial is trusted for: each rule broken alone, and none of them by the stored runs.

use std::fs;
use std::path::Path;
use std::time::Duration;

use bench::judge::validity;
use bench::result::{
    Bound, ClockReading, EventKind, EventResult, RunResult, Summary, TrialResult, Uniformity,
    WorkerResult,
};
use bench::scenario::{Arrivals, Poll, Transport};

use crate::fixture;

pub(crate) fn trial(transport: Transport) -> TrialResult {
    let run = fixture::compare();
    let trial = run.trials.into_iter().find(|t| t.transport == transport);
    // The wave of the fixture's seconds is for charts.
    let flat = |trial: &mut TrialResult| {
        for (at, second) in trial.timeline.iter_mut().enumerate() {
            second.delivery_p50 = Some(600_000 + at as u64 * 7919 % 13 * 1000);
        }
    };
    let mut trial = trial.expect("the fixture has every transport");
    flat(&mut trial);
    change(&mut trial.latency_ns.schedule_lag, |lag| lag.p99 = 90_000);
    trial
}

/// The rules that a changed trial breaks, and the sentences for them.
fn broken(change: impl FnOnce(&mut TrialResult)) -> (Vec<String>, Vec<String>) {
    let mut trial = trial(Transport::Websocket);
    change(&mut trial);
    let (checks, reasons) = validity::check(&trial, 2);
    for check in &checks {
        let right = match check.bound {
            Bound::AtMost => check.measured <= check.limit,
            Bound::AtLeast => check.measured >= check.limit,
        };
        assert!(check.holds || !right, "{check:?}");
    }
    let broken = checks.into_iter().filter(|check| !check.holds);
    (broken.map(|check| check.rule).collect(), reasons)
}

/// Breaks one rule, and expects its name and a sentence with each of `says`.
fn breaks(rule: &str, says: &[&str], change: impl FnOnce(&mut TrialResult)) {
    let (rules, reasons) = broken(change);
    assert_eq!(rules, [rule], "{reasons:?}");
    assert_eq!(reasons.len(), 1);
    for part in says {
        assert!(reasons[0].contains(part), "{part}: {}", reasons[0]);
    }
}

pub(crate) fn change(series: &mut Option<Summary>, change: impl FnOnce(&mut Summary)) {
    change(series.as_mut().expect("the fixture has every series"));
}

#[test]
fn a_sound_trial_breaks_no_rule_and_says_what_was_checked() {
    let (checks, reasons) = validity::check(&trial(Transport::Websocket), 2);
    assert_eq!(reasons, [""; 0]);
    let rules: Vec<&str> = checks.iter().map(|check| check.rule.as_str()).collect();
    let all = "connected published rate delivered schedule_lag negative_delivery negative_arrival negative_publish generator_busy steady";
    assert_eq!(rules.join(" "), all);
}

#[test]
fn each_rule_is_broken_alone_and_tells_figure_and_limit() {
    breaks("connected", &["only 999 of 1000"], |t| {
        t.clients.connected = 999
    });
    breaks("published", &["only 399 of 400"], |t| {
        t.messages.published = 399
    });
    // Half of what was asked for was planned, and all of that published: a schedule that is wrong.
    breaks("rate", &["10.0", "20", "50.0 % off", "26.0 %"], |t| {
        (t.messages.planned, t.messages.published) = (200, 200);
    });
    breaks("rate", &["1.00", "95.0 % off", "1.2 %"], |t| {
        t.load.arrivals = Arrivals::Constant;
        (t.messages.planned, t.messages.published) = (20, 20);
    });
    breaks("delivered", &["none of 40000"], |t| {
        t.messages.delivered = 0
    });
    breaks("schedule_lag", &["20.1 ms", "20.0 ms"], |t| {
        change(&mut t.latency_ns.schedule_lag, |lag| lag.p99 = 20_100_000);
    });
    breaks("negative_delivery", &["3 of 40000 delivery"], |t| {
        change(&mut t.latency_ns.delivery, |series| series.negative = 3);
    });
    breaks("negative_arrival", &["1 of 40000 arrival"], |t| {
        change(&mut t.latency_ns.arrival, |series| series.negative = 1);
    });
    breaks("negative_publish", &["2 of 40000 publish"], |t| {
        change(&mut t.latency_ns.publish, |series| series.negative = 2);
    });
    breaks(
        "generator_busy",
        &["1.96 processors", "98.0 %", "95 %"],
        |t| {
            t.generator.cores_busy = Some(1.96);
        },
    );
    breaks("steady", &["45.0 ms", "185 ms", "4.1 times", "1.5"], |t| {
        queue(t, 0.0, 10e6);
    });
}

/// A change of the rate at a second of the measured phase, for some seconds.
fn changed(at: u64, span: Option<u64>, rate: f64) -> EventResult {
    EventResult {
        kind: EventKind::Rate,
        at: at * 1_000_000_000,
        span: span.map(|span| span * 1_000_000_000),
        rate: Some(rate),
        affected: 0,
        back: 0,
        time_until_all_back_ns: None,
        catch_up_ns: None,
        missed: 0,
        missed_reports: Some(0),
    }
}

#[test]
fn a_planned_change_of_the_rate_is_what_was_asked_for() {
    let planned = |t: &mut TrialResult| {
        t.load.arrivals = Arrivals::Constant;
        t.load.rate = 100.0;
        t.phases.measure = 10_000_000_000;
        // 4 s of 100, 2 s of 1,000, 4 s of 100.
        t.events = vec![changed(4, Some(2), 1000.0)];
        (t.messages.planned, t.messages.published) = (2800, 2800);
    };
    assert_eq!(broken(planned).0, [""; 0]);
    breaks("rate", &["100.00", "280.00", "64.3 %"], |t| {
        planned(t);
        (t.messages.planned, t.messages.published) = (1000, 1000);
    });
    breaks("rate", &["280.00", "though 100 were"], |t| {
        planned(t);
        t.events.clear();
    });
}

#[test]
fn a_trial_with_events_is_not_asked_for_a_steady_state() {
    let grown = |t: &mut TrialResult| queue(t, 0.0, 10e6);
    assert_eq!(broken(grown).0, ["steady"]);
    let mut trial = trial(Transport::Websocket);
    grown(&mut trial);
    trial.events = vec![changed(0, None, trial.load.rate)];
    let (checks, reasons) = validity::check(&trial, 2);
    assert_eq!(reasons, [""; 0]);
    assert!(checks.iter().all(|check| check.rule != "steady"));
    assert_eq!(validity::warnings(&trial), [""; 0]);
}

#[test]
fn loss_duplicates_and_order_are_warnings_and_no_reason_for_doubt() {
    let faulty = |t: &mut TrialResult| {
        (t.messages.expected, t.messages.delivered) = (40_000, 1000);
        (t.messages.lost, t.messages.duplicated) = (39_000, 1);
        t.messages.reordered = 500;
    };
    assert_eq!(broken(faulty).0, [""; 0]);
    let mut polled = trial(Transport::Polling);
    faulty(&mut polled);
    let rest = [
        "1 delivery came again",
        "500 deliveries came after a later one of the same publisher",
    ];
    let lost = "39,000 of 40,000 expected deliveries never came (97.50 %)";
    assert_eq!(
        validity::warnings(&polled),
        [[lost].as_slice(), &rest].concat()
    );
    // Who asks for the newest alone wishes to miss the others.
    polled.load.poll = Poll::Latest;
    assert_eq!(validity::warnings(&polled), rest);
}

/// Makes the median delivery grow by `each` nanoseconds a second of the measured phase.
fn queue(trial: &mut TrialResult, start: f64, each: f64) {
    let mut measured: Vec<_> = trial.timeline.iter_mut().filter(|s| s.measured).collect();
    for (at, second) in measured.iter_mut().enumerate() {
        second.delivery_p50 = Some((start + each * (at + 2) as f64) as u64);
    }
}

#[test]
fn a_queue_that_has_long_grown_is_still_found_and_a_step_of_noise_is_not() {
    // An overload of a tenth that began ten seconds before the measured phase.
    let (rules, _) = broken(|t| queue(t, 1e9, 100e6));
    assert_eq!(rules, ["steady"]);
    // It falls: a cache warms up.
    let (rules, _) = broken(|t| queue(t, 300e6, -10e6));
    assert_eq!(rules, [""; 0]);
    // Microseconds that double are no queue.
    let (rules, _) = broken(|t| queue(t, 100e3, 10e3));
    assert_eq!(rules, [""; 0]);
    // One bad second is none either.
    let (rules, _) = broken(|t| t.timeline[20].delivery_p50 = Some(3_000_000_000));
    assert_eq!(rules, [""; 0]);
}

#[test]
fn a_drift_is_a_warning() {
    let mut drifting = trial(Transport::Sse);
    queue(&mut drifting, 4e6, 200e3);
    assert_eq!(validity::check(&drifting, 2).1, [""; 0]);
    let warnings = validity::warnings(&drifting).join(" ");
    assert!(
        warnings.contains("drifted from 4.90 ms") && warnings.contains("7.70 ms"),
        "{warnings}"
    );
    assert_eq!(validity::warnings(&trial(Transport::Sse)), [""; 0]);
}

#[test]
fn polling_of_few_messages_scatters_without_being_a_queue() {
    // Medians of single messages: anywhere in the interval, drawn by an odd multiplier.
    let quiet = trial(Transport::Polling);
    for seed in 0..500_u64 {
        let mut polling = quiet.clone();
        let mut state = seed * 2 + 1;
        for second in &mut polling.timeline {
            state = state
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            second.delivery_p50 = Some(((state >> 33) * 1_000_000_000) >> 31);
        }
        let (checks, reasons) = validity::check(&polling, 2);
        assert!(checks.iter().any(|check| check.rule == "steady"));
        assert_eq!(reasons, [""; 0], "{seed}");
    }
    // The first interval shows only short waits; that is no growth.
    let mut polling = trial(Transport::Polling);
    polling.load.poll_interval = Duration::from_secs(10);
    let measured = polling.timeline.iter_mut().filter(|s| s.measured);
    for (at, second) in measured.enumerate() {
        second.delivery_p50 = Some(at.min(10) as u64 * 500_000_000);
    }
    assert_eq!(validity::check(&polling, 2).1, [""; 0]);
}

#[test]
fn stored_runs_break_no_rule() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../results/reference");
    let mut trials = 0;
    let stored = fs::read_dir(folder).unwrap().flatten();
    // Beside the runs stand what scripts printed.
    let stored = stored.map(|entry| entry.path().join("summary.json"));
    for path in stored.filter(|path| path.exists()) {
        let text = fs::read_to_string(&path).unwrap();
        let run: RunResult = serde_json::from_str(&text).unwrap();
        for trial in run.trials.iter().filter(|trial| trial.valid) {
            let (_, reasons) = validity::check(trial, 1);
            assert_eq!(reasons, [""; 0], "{path:?} {}", trial.id);
            trials += 1;
        }
    }
    assert!(trials > 30, "{trials}");
}

#[test]
fn delays_that_are_not_uniform_are_told() {
    let mut polling = trial(Transport::Polling);
    polling.uniformity = Some(Uniformity {
        d: 0.2,
        p: 1e-9,
        samples: 1000,
        limit: 0.07,
        holds: false,
    });
    let warnings = validity::warnings(&polling).join(" ");
    assert!(
        warnings.contains("0.200") && warnings.contains("0.070"),
        "{warnings}"
    );
}

#[test]
fn a_clock_that_is_not_well_known_is_told_and_one_that_is_hardly_known_is_not_trusted() {
    let worker = |number, bound_ns| WorkerResult {
        number,
        name: Some(format!("host-{number}")),
        pid: None,
        processors: None,
        clients: 1,
        publishes: false,
        delivery: None,
        cpu_ns: None,
        cores_busy: None,
        rss_peak: None,
        clock: Some(ClockReading {
            offset_ns: 0,
            bound_ns,
        }),
        lost: None,
    };
    for (percent, warned, invalid) in [(9, 0, 0), (11, 1, 0), (24, 1, 0), (26, 0, 1)] {
        let mut trial = trial(Transport::Websocket);
        let median = trial.latency_ns.delivery.unwrap().p50;
        trial.workers = vec![worker(1, median / 100), worker(2, median * percent / 100)];
        let told = |text: &String| text.starts_with("the clock of worker 2 (host-2) is known to ");
        let warnings = validity::warnings(&trial);
        assert_eq!(warnings.iter().filter(|one| told(one)).count(), warned);
        let (_, reasons) = validity::check(&trial, 2);
        assert_eq!(reasons.iter().filter(|one| told(one)).count(), invalid);
    }
}
