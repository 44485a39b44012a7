//! Why a trial is not what the model says: each cause alone, with its figures.

use bench::judge::deviation;
use bench::result::{Cause, TrialResult};
use bench::scenario::{Arrivals, Transport};

use crate::validity::{change, trial};

/// A trial with this predicted mean, and a measured mean delivery, arrival and lag, in milliseconds.
fn delayed(predicted: f64, delivery: f64, arrival: f64, lag: f64) -> TrialResult {
    let mut trial = trial(Transport::Websocket);
    trial.predicted.delivery_mean_ns = Some(predicted * 1e6);
    trial.predicted.delivery_p99_ns = None;
    trial.predicted.wire_bytes_per_message = None;
    let latency = &mut trial.latency_ns;
    change(&mut latency.delivery, |series| series.mean = delivery * 1e6);
    change(&mut latency.arrival, |series| series.mean = arrival * 1e6);
    change(&mut latency.schedule_lag, |series| series.mean = lag * 1e6);
    trial.server.cpu_ns = Some(0);
    trial
}

/// The cause of the only deviation, and its sentence.
fn cause(trial: &TrialResult) -> (Cause, String) {
    let mut found = deviation::explain(trial, 1, 1);
    assert_eq!(found.len(), 1, "{found:?}");
    let found = found.remove(0);
    (found.cause, found.text)
}

#[test]
fn a_deviation_is_the_measured_share_of_the_prediction() {
    let mut trial = delayed(2.0, 3.0, 3.0, 0.0);
    trial.predicted.wire_bytes_per_message = Some(100.0);
    let off = deviation::deviation(&trial);
    assert!((off.delivery_mean_ns.unwrap() - 0.5).abs() < 1e-9);
    assert_eq!(off.delivery_p99_ns, None);
    let measured = (trial.bytes.wire_sent.unwrap() + trial.bytes.wire_received.unwrap()) as f64
        / trial.bytes.deliveries as f64;
    let wire = off.wire_bytes_per_message.unwrap();
    assert!((wire - (measured / 100.0 - 1.0)).abs() < 1e-9);
}

#[test]
fn small_deviations_need_no_explanation() {
    // Above a tenth and below a millisecond, and the other way round.
    assert!(deviation::explain(&delayed(0.3, 1.2, 1.2, 0.0), 1, 1).is_empty());
    assert!(deviation::explain(&delayed(500.0, 520.0, 520.0, 0.0), 1, 1).is_empty());
}

#[test]
fn a_model_of_one_server_does_not_say_why_several_are_slower_or_faster() {
    for (delivery, arrival) in [(9.0, 9.0), (0.5, 0.5)] {
        let mut trial = delayed(3.0, delivery, arrival, 0.0);
        let told = |trial: &TrialResult, nodes| deviation::explain(trial, 1, nodes).remove(0);
        assert_ne!(told(&trial, 1).cause, Cause::Nodes);
        let several = told(&trial, 16);
        assert_eq!(several.cause, Cause::Nodes);
        let says = "the model knows one server, and this one is 16 nodes";
        assert!(several.text.contains(says), "{}", several.text);
        // What was measured is a better reason.
        trial.server.cores_busy = Some(0.9);
        let busy = told(&trial, 16).cause;
        assert_eq!(busy == Cause::Queueing, delivery > 3.0, "{busy:?}");
    }
}

#[test]
fn each_cause_is_named_with_its_figures() {
    let (found, text) = cause(&delayed(1.0, 11.0, 3.0, 1.0));
    assert_eq!(found, Cause::Generator, "{text}");
    assert!(
        text.contains("1.00 ms late") && text.contains("8.00 ms after"),
        "{text}"
    );

    let mut busy = delayed(1.0, 11.0, 11.0, 0.0);
    busy.server.cpu_ns = Some(18_000_000_000);
    let (found, text) = cause(&busy);
    assert_eq!(found, Cause::Queueing, "{text}");
    assert!(text.contains("90 %"), "{text}");

    // A hundred subscribers of a channel, 100 µs each.
    let mut crowd = delayed(1.0, 6.0, 6.0, 0.0);
    crowd.server.cpu_ns = Some(crowd.bytes.deliveries * 100_000);
    let (found, text) = cause(&crowd);
    assert_eq!(found, Cause::Queueing, "{text}");
    assert!(
        text.contains("100 subscribers") && text.contains("4.95 ms"),
        "{text}"
    );

    let (found, text) = cause(&delayed(1.0, 51.0, 51.0, 0.0));
    assert_eq!(found, Cause::Queueing, "{text}");
    assert!(text.contains("50.0 ms later"), "{text}");

    let mut blind = delayed(1.0, 51.0, 51.0, 0.0);
    blind.latency_ns.arrival = None;
    assert_eq!(cause(&blind).0, Cause::Unexplained);
    assert_eq!(cause(&delayed(51.0, 1.0, 1.0, 0.0)).0, Cause::Unexplained);
}

#[test]
fn few_polls_prove_nothing() {
    let mut polling = delayed(500.0, 600.0, 600.0, 0.0);
    (polling.transport, polling.load.transport) = (Transport::Polling, Transport::Polling);
    polling.messages.delivered = 30;
    assert_eq!(cause(&polling).0, Cause::Chance);
    polling.messages.delivered = 40_000;
    assert_eq!(cause(&polling).0, Cause::Queueing);
    // All messages at one phase of the interval: as many samples as clients.
    polling.load.arrivals = Arrivals::Constant;
    polling.load.clients = 50;
    assert_eq!(cause(&polling).0, Cause::Chance);
}

#[test]
fn long_polls_that_batch_under_load_are_told_from_shorter_answers() {
    let mut long = trial(Transport::LongPolling);
    let wire = long.bytes.wire_sent.unwrap() + long.bytes.wire_received.unwrap();
    long.predicted.wire_bytes_per_message = Some(1.5 * wire as f64 / long.bytes.deliveries as f64);
    (long.requests.total, long.requests.empty) = (long.bytes.deliveries / 2 + 10, 10);
    let (found, text) = cause(&long);
    assert_eq!(found, Cause::Queueing, "{text}");
    assert!(text.contains("2.0 messages"), "{text}");
    long.requests.total = long.bytes.deliveries + 10;
    assert_eq!(cause(&long).0, Cause::Unexplained);
    // Unless its messages waited.
    long.predicted.delivery_mean_ns = Some(1.0);
    change(&mut long.latency_ns.delivery, |series| series.mean = 50e6);
    change(&mut long.latency_ns.arrival, |series| series.mean = 50e6);
    let causes = deviation::explain(&long, 1, 1);
    assert!(
        causes.iter().all(|why| why.cause == Cause::Queueing),
        "{causes:?}"
    );
    assert_eq!(causes.len(), 2);
}
