//! Five transports over HTTP/1.1, HTTP/1.1 over TLS and HTTP/2 over TLS, side by side.

use bench::report::{charts, console, csv, html, markdown};
use bench::result::{RunResult, Summary, TrialResult};
use bench::scenario::{Factor, Http, Transport};

use crate::fixture;

/// What is spoken: TLS, the version, and what it does to a message's framing, to CPU time, and to opening.
const PROTOCOLS: [(bool, Http, f64, f64, u64); 3] = [
    (false, Http::One, 1.0, 1.0, 700_000),
    (true, Http::One, 1.04, 1.2, 1_900_000),
    (true, Http::Two, 0.3, 1.5, 2_100_000),
];

/// A made-up run of fifteen cells.
pub(crate) fn three() -> RunResult {
    let trials = Transport::ALL
        .into_iter()
        .flat_map(|transport| PROTOCOLS.map(|protocol| trial(transport, protocol)));
    fixture::run("http2", "Fifteen cells", trials.collect())
}

fn trial(
    transport: Transport,
    (tls, http, framing, cpu, opening): (bool, Http, f64, f64, u64),
) -> TrialResult {
    let text = |text: String| Factor::Text(text);
    let factors = [
        ("tls", text(tls.to_string())),
        ("http", text(http.to_string())),
    ];
    let mut trial = fixture::trial(transport, 1000, &factors);
    (trial.load.tls, trial.load.http) = (tls, http);
    trial.id = format!("{transport}-tls-{tls}-http-{http}");
    trial.clients.connections_per_client = Some(1.0);
    let summary = trial.latency_ns.delivery.unwrap();
    trial.latency_ns.connect = Some(Summary {
        count: 1000,
        p50: opening,
        ..summary
    });
    trial.bytes.connect_socket = Some(opening / 2);
    trial.bytes.connect_wire = Some(opening);
    // Streams have no headers to compress: what HTTP/2 changes there is a little more.
    let asks = matches!(transport, Transport::Polling | Transport::LongPolling);
    let times = if asks || http == Http::One {
        framing
    } else {
        1.1
    };
    trial.bytes.wire_sent = trial.bytes.wire_sent.map(|bytes| scaled(bytes, times));
    trial.bytes.wire_received = trial.bytes.wire_received.map(|bytes| scaled(bytes, times));
    trial.bytes.socket_sent = scaled(trial.bytes.socket_sent, times);
    trial.bytes.socket_received = scaled(trial.bytes.socket_received, times);
    trial.server.cpu_ns = trial.server.cpu_ns.map(|ns| scaled(ns, cpu));
    trial
}

#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "figures made up by hand, all of them small"
)]
fn scaled(value: u64, times: f64) -> u64 {
    (value as f64 * times) as u64
}

fn terminal(run: &RunResult) -> String {
    let style = console::Style {
        width: 140,
        ..console::Style::default()
    };
    console::render(run, None, style)
}

#[test]
fn cells_of_a_transport_stand_side_by_side_and_say_what_they_are_spoken_over() {
    let text = terminal(&three());
    let rows: Vec<&str> = text
        .lines()
        .skip_while(|line| !line.starts_with("transport"))
        .skip(1)
        .take(15)
        .collect();
    for (place, transport) in Transport::ALL.iter().enumerate() {
        let cells = &rows[3 * place..3 * place + 3];
        let ends = ["HTTP/1.1  ", "HTTP/1.1 over TLS", "HTTP/2 over TLS"];
        for (row, protocol) in cells.iter().zip(ends) {
            assert!(
                row.starts_with(transport.name()) && row.contains(protocol),
                "{row}"
            );
        }
    }
    assert!(
        !text.contains("tls true") && !text.contains("http 2"),
        "{text}"
    );
}

#[test]
fn words_say_what_tls_and_http_2_change_by_the_figures() {
    let text = terminal(&three()).replace('\n', " ").replace("    ", "");
    for said in [
        "polling from 10.1 kB to 2.92 kB, 3.5 times fewer",
        "WebSocket from",
        "What TLS and HTTP/2 change",
        "by WebSocket, a connection took 700 µs and 700 B over HTTP/1.1, 1.90 ms and 1.90 kB over HTTP/1.1 over TLS and 2.10 ms \
         and 2.10 kB over HTTP/2 over TLS",
        "shared with no other: 1 open at once.",
        "at most six connections to a host",
        "Least server CPU: WebSocket (HTTP/1.1), streaming (HTTP/1.1) and SSE (HTTP/1.1) (a tie",
    ] {
        assert!(text.contains(said), "{said} not in {text}");
    }
}

#[test]
fn a_cell_that_cannot_be_trusted_keeps_its_place_and_is_in_no_figure() {
    let mut run = three();
    let secure = |trial: &TrialResult| trial.load.tls && trial.load.http == Http::One;
    for trial in run.trials.iter_mut().filter(|trial| secure(trial)) {
        trial.valid = trial.transport != Transport::Sse;
    }
    let text = terminal(&run).replace('\n', " ").replace("    ", "");
    assert!(text.contains("SSE 13.2 ms, –, 19.8 ms"), "{text}");
    assert!(!text.contains("SSE from"), "{text}");
}

#[test]
fn a_tie_over_every_protocol_names_a_transport_once() {
    let mut run = three();
    run.trials
        .retain(|trial| trial.transport != Transport::Polling);
    let text = terminal(&run);
    assert!(
        text.contains("Fastest: WebSocket, streaming and SSE, over each protocol (a tie"),
        "{text}"
    );
}

#[test]
fn a_run_over_one_protocol_says_nothing_of_them_and_names_it_once() {
    let mut run = three();
    run.trials.retain(|trial| trial.load.http == Http::Two);
    let text = terminal(&run);
    assert!(!text.contains("What TLS and HTTP/2 change"), "{text}");
    assert!(text.contains("20 messages/s and HTTP/2 over TLS"), "{text}");
    // Nor of the six connections, which HTTP/2 lifts.
    let page = |run: &RunResult| html::render(run, &charts::all(run)).unwrap();
    assert!(!page(&run).contains("six connections"));
    assert!(page(&fixture::compare()).contains("six connections"));
}

#[test]
fn a_page_markdown_and_csv_name_them_alike() {
    let run = three();
    let page = html::render(&run, &charts::all(&run)).unwrap();
    assert!(page.contains("<h2>What TLS and HTTP/2 change</h2>"));
    assert!(
        page.contains("<dt>Protocol</dt><dd>HTTP/1.1, HTTP/1.1 over TLS, HTTP/2 over TLS</dd>")
    );
    assert!(page.contains("sse, HTTP/2 over TLS"), "a bar's name");
    let marked = markdown::of_run(&run, None);
    assert!(
        marked.contains("### What TLS and HTTP/2 change"),
        "{marked}"
    );
    assert!(marked.contains("| sse | HTTP/1.1 over TLS |"), "{marked}");
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let trials = text(csv::trials(&run).unwrap());
    assert!(
        trials.contains("factor_http,factor_tls,protocol,"),
        "{trials}"
    );
    assert!(trials.contains(",2,true,HTTP/2 over TLS,"), "{trials}");
    assert!(text(csv::cells(&run).unwrap()).contains("sse,2,true,HTTP/2 over TLS,lost,"));
}

#[test]
fn lines_are_drawn_of_one_protocol_and_bars_of_all() {
    let charts = charts::all(&three()).drawn;
    let svg = |name: &str| {
        let chart = charts.iter().find(|chart| chart.name == name).unwrap();
        chart.svg().unwrap()
    };
    let lines = svg("latency-percentiles");
    assert!(
        lines.contains("HTTP/2 over TLS, of the protocols compared"),
        "{lines}"
    );
    assert!(!lines.contains("sse, HTTP/1.1"));
    for bars in [
        "bytes-per-message",
        "server-cpu",
        "connect-time",
        "connect-bytes",
    ] {
        for name in [
            "polling, HTTP/1.1",
            "polling, HTTP/1.1 over TLS",
            "websocket, HTTP/2 over TLS",
        ] {
            assert!(
                svg(bars).contains(&format!(">{name}<")) || svg(bars).contains(name),
                "{bars}: {name}"
            );
        }
    }
}
