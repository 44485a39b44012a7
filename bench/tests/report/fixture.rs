//! Made-up runs with figures as real ones have them.

use std::collections::BTreeMap;
use std::time::Duration;

use bench::result::{
    Bytes, Clients, Environment, FORMAT, GateResult, GeneratorCost, Latencies, Messages,
    PercentilePoint, PhaseTimes, Prediction, Requests, RunResult, Second, ServerCost, Summary,
    TrialResult, Verdict, metric,
};
use bench::scenario::{Arrivals, Factor, Headers, Load, Publish, Published, Transport};

const RATE: f64 = 20.0;
pub(crate) const SECONDS: u64 = 20;

/// Five transports with 1,000 clients each.
pub(crate) fn compare() -> RunResult {
    let trials = Transport::ALL.map(|t| trial(t, 1000, &[])).to_vec();
    let mut run = run("compare", "Chat room: five transports compared", trials);
    run.published = vec![
        published(Transport::Polling, 871_000.0),
        published(Transport::Websocket, 2_000.0),
    ];
    run.gates = vec![
        gate(
            "websocket delivery.p99 <= 20ms",
            Some(1.9e6),
            "websocket",
            true,
        ),
        gate("* lost == 0", Some(0.0), "polling", true),
    ];
    run
}

/// Five transports, each with four numbers of clients.
pub(crate) fn scale() -> RunResult {
    let mut trials = Vec::new();
    for clients in [8000, 100, 2000, 500] {
        for transport in Transport::ALL {
            #[expect(clippy::cast_precision_loss, reason = "small")]
            let factor = Factor::Number(clients as f64);
            trials.push(trial(transport, clients, &[("clients", factor)]));
        }
    }
    run("scale", "From a hundred clients to eight thousand", trials)
}

/// Five repeats of the comparison at two loads, each a little different.
pub(crate) fn repeated() -> RunResult {
    let mut trials = scale().trials;
    trials.retain(|trial| [500, 8000].contains(&trial.load.clients));
    let once = trials.clone();
    for repeat in 2..=5 {
        for trial in &once {
            let mut again = trial.clone();
            again.repeat = repeat;
            again.id = format!("{}-r{repeat}", trial.id);
            if let Some(delivery) = &mut again.latency_ns.delivery {
                delivery.p50 += delivery.p50 * u64::from(repeat) / 50;
                delivery.p99 += delivery.p99 * u64::from(repeat) / 20;
            }
            again.server.cpu_ns = again
                .server
                .cpu_ns
                .map(|cpu| cpu + cpu * u64::from(repeat) / 40);
            trials.push(again);
        }
    }
    run("repeated", "Two loads, five repeats each", trials)
}

/// A run in which things went wrong: nothing delivered, nothing measured, not valid, not release.
pub(crate) fn broken() -> RunResult {
    let mut run = compare();
    run.verdict = Verdict::Invalid;
    run.environment.profile = "dev".to_owned();
    run.environment.kernel_timestamps = false;
    let dead = &mut run.trials[2];
    dead.valid = false;
    dead.invalid_reasons = vec!["20,000 of 20,000 messages were lost.".to_owned()];
    dead.messages.delivered = 0;
    dead.bytes.deliveries = 0;
    dead.messages.lost = dead.messages.expected;
    dead.latency_ns = Latencies::default();
    dead.timeline.clear();
    dead.percentiles.clear();
    dead.server = ServerCost::default();
    dead.clients.connected = 0;
    let blind = &mut run.trials[4];
    blind.bytes.wire_sent = None;
    blind.bytes.wire_received = None;
    blind.server = ServerCost::default();
    blind.warnings =
        vec!["The server's process is not known: its CPU and memory are missing.".to_owned()];
    run.gates[0] = gate("streaming delivery.p99 <= 20ms", None, "streaming", false);
    run.cells = metric::cells(&run.trials);
    run
}

/// No trial at all: stopped before the first one ended.
pub(crate) fn empty() -> RunResult {
    let mut run = run("compare", "Stopped at once", Vec::new());
    run.verdict = Verdict::Invalid;
    run
}

pub(crate) fn run(scenario: &str, title: &str, trials: Vec<TrialResult>) -> RunResult {
    RunResult {
        format: FORMAT,
        scenario: scenario.to_owned(),
        title: title.to_owned(),
        seed: 42,
        started: "2026-11-22T20:31:05Z".to_owned(),
        command: [
            "bench",
            "run",
            "scenarios/compare.toml",
            "--set",
            "title=\"a b\"",
        ]
        .map(str::to_owned)
        .to_vec(),
        verdict: Verdict::Pass,
        environment: Environment {
            kernel: "Linux 6.12.0".to_owned(),
            cpu: "AMD EPYC 7B13".to_owned(),
            cores: 2,
            memory: 8_000_000_000,
            profile: "release".to_owned(),
            version: "0.1.0".to_owned(),
            commit: Some("406a209".to_owned()),
            pinning: Some("server on core 0, swarm on core 1".to_owned()),
            target: "bundled relay 0.1.0".to_owned(),
            kernel_timestamps: true,
        },
        cells: metric::cells(&trials),
        trials,
        gates: Vec::new(),
        searches: Vec::new(),
        published: Vec::new(),
    }
}

pub(crate) fn gate(rule: &str, measured: Option<f64>, trial: &str, holds: bool) -> GateResult {
    GateResult {
        rule: rule.to_owned(),
        measured,
        bound: Some(if rule.ends_with("20ms") { 2e7 } else { 0.0 }),
        trial: Some(trial.to_owned()),
        holds,
        ..GateResult::default()
    }
}

fn published(transport: Transport, value: f64) -> Published {
    Published {
        source: "Lubbers & Greco 2010".to_owned(),
        transport,
        metric: "header_bytes_per_second".to_owned(),
        value,
        note: Some("theirs has no payload and no TCP/IP bytes".to_owned()),
    }
}

/// How a transport behaves: median ns, spread, framing and TCP bytes per message, CPU ns and memory.
fn character(transport: Transport) -> (f64, f64, f64, f64, f64, f64) {
    match transport {
        Transport::Polling => (502e6, 0.8, 6_900.0, 2_700.0, 310e6, 9_300.0),
        Transport::LongPolling => (0.62e6, 1.5, 880.0, 310.0, 41e6, 14_200.0),
        Transport::Streaming => (0.44e6, 1.3, 41.0, 141.0, 9.6e6, 7_700.0),
        Transport::Sse => (0.45e6, 1.3, 52.0, 141.0, 9.9e6, 7_800.0),
        Transport::Websocket => (0.41e6, 1.2, 43.0, 140.0, 9.2e6, 6_100.0),
    }
}

/// One trial.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures made up by hand, all of them small"
)]
pub(crate) fn trial(transport: Transport, clients: u64, factors: &[(&str, Factor)]) -> TrialResult {
    let (median, spread, framing, tcp, cpu, memory) = character(transport);
    let crowd = 1.0 + clients as f64 / 3000.0;
    let planned = (RATE * SECONDS as f64) as u64;
    let delivered = planned * clients / 10;
    let bytes = |each: f64| (each * delivered as f64) as u64;
    let at = |quantile: f64| latency(transport, median * crowd, spread, quantile);
    let mut all: BTreeMap<String, Factor> = factors
        .iter()
        .map(|(k, v)| ((*k).to_owned(), v.clone()))
        .collect();
    all.insert("transport".to_owned(), Factor::Text(transport.to_string()));
    let summary = Summary {
        count: delivered,
        negative: 0,
        mean: at(0.55) as f64,
        min: at(0.0),
        p50: at(0.5),
        p90: at(0.9),
        p95: Some(at(0.95)),
        p99: at(0.99),
        p99_9: Some(at(0.999)),
        max: at(0.99999),
        ..Summary::default()
    };
    TrialResult {
        id: if factors.is_empty() {
            transport.to_string()
        } else {
            format!("{transport}-clients-{clients}")
        },
        repeat: 1,
        transport,
        factors: all,
        valid: true,
        invalid_reasons: Vec::new(),
        validity: Vec::new(),
        warnings: Vec::new(),
        phases: PhaseTimes {
            ramp: 1_200_000_000,
            warm_up: 2_000_000_000,
            measure: SECONDS * 1_000_000_000,
            drain: 700_000_000,
        },
        load: load(transport, clients as usize),
        clients: Clients {
            asked: clients,
            connected: clients,
            reconnects: 0,
            connections_per_client: Some(1.0),
        },
        messages: Messages {
            planned,
            published: planned,
            expected: delivered,
            delivered,
            missed_reports: Some(0),
            ..Messages::default()
        },
        latency_ns: Latencies {
            delivery: Some(summary),
            arrival: Some(summary),
            publish: Some(summary),
            schedule_lag: Some(summary),
            connect: None,
        },
        requests: Requests {
            total: clients * SECONDS,
            empty: clients * SECONDS / 3,
            connections: 0,
        },
        bytes: Bytes {
            deliveries: delivered,
            payload: bytes(128.0),
            socket_sent: bytes(framing * 0.6),
            socket_received: bytes(framing * 0.4 + 128.0),
            wire_sent: Some(bytes(framing * 0.6 + tcp / 2.0)),
            wire_received: Some(bytes(framing * 0.4 + 128.0 + tcp / 2.0)),
            session_sent: None,
            session_received: None,
            trial_wire_sent: None,
            trial_wire_received: None,
            connect_socket: None,
            connect_wire: None,
        },
        server: ServerCost {
            cpu_ns: Some((cpu / 1e3 * crowd * delivered as f64) as u64),
            cores_busy: None,
            rss_base: Some(7_000_000),
            rss_loaded: Some(7_000_000 + (memory * clients as f64) as u64 + 900_000),
            rss_peak: Some(40_000_000),
            kernel_socket_memory: Some(clients * 5_100),
        },
        generator: GeneratorCost {
            cpu_ns: Some(9_000_000_000),
            rss_peak: Some(60_000_000),
            cores_busy: Some(0.45),
        },
        workers: Vec::new(),
        events: Vec::new(),
        predicted: Prediction {
            delivery_mean_ns: (transport == Transport::Polling).then_some(500e6),
            ..Prediction::default()
        },
        deviation: Prediction {
            delivery_mean_ns: (transport == Transport::Polling).then_some(0.031),
            ..Prediction::default()
        },
        floor: None,
        uniformity: None,
        explanations: Vec::new(),
        timeline: timeline(transport, &at),
        percentiles: [
            0.0, 0.1, 0.25, 0.5, 0.75, 0.9, 0.95, 0.99, 0.995, 0.999, 0.9995, 0.9999, 1.0,
        ]
        .map(|quantile| PercentilePoint {
            quantile,
            delivery: at(quantile),
            arrival: Some(at(quantile) * 9 / 10),
        })
        .to_vec(),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures made up by hand, all of them small"
)]
fn latency(transport: Transport, median: f64, spread: f64, quantile: f64) -> u64 {
    if transport == Transport::Polling {
        return (1e6 + 2.0 * median * quantile.min(0.9999)) as u64;
    }
    let nines = -(1.0 - quantile).max(1e-5).log10();
    (median * (0.55 + 0.45 * (nines / 0.301).powf(spread))) as u64
}

fn timeline(transport: Transport, at: &dyn Fn(f64) -> u64) -> Vec<Second> {
    (0..25)
        .map(|second| {
            let wave = 10 + u64::from(second * 7 % 5);
            let drained = second >= 23 && transport != Transport::Polling;
            Second {
                second,
                measured: (2..22).contains(&second),
                published: 20,
                delivered: 2000,
                delivery_p50: (!drained).then(|| at(0.5) * wave / 12),
                delivery_p99: (!drained).then(|| at(0.99) * (wave + 3) / 12),
                delivery_max: (!drained).then(|| at(0.99999)),
                schedule_lag_p99: Some(90_000),
                connected: 1000,
                received: 300_000,
                sent: 4_000,
                server_cpu_ns: Some(21_000_000),
                server_rss: None,
                generator_cpu_ns: Some(300_000_000),
            }
        })
        .collect()
}

fn load(transport: Transport, clients: usize) -> Load {
    Load {
        transport,
        clients,
        channels: 10,
        rate: RATE,
        arrivals: Arrivals::Poisson,
        payload: 128,
        publish: Publish::Same,
        publishers: 10,
        poll_interval: Duration::from_secs(1),
        hold: Duration::from_secs(25),
        headers: Headers::Browser,
        ..Load::default()
    }
}
