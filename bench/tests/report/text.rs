//! The console and the CSV files, letter by letter.

use bench::report::console::{Style, render};
use bench::report::{charts, csv, html};
use bench::result::RunResult;
use bench::scenario::Preset;

use crate::fixture;

fn console(run: &RunResult) -> String {
    render(run, Some("results/latest"), Style::default())
}

#[test]
fn a_comparison_on_the_console() {
    insta::assert_snapshot!(console(&fixture::compare()), @r#"
    Chat room: five transports compared

                     delivery latency                wire bytes  server CPU   memory
    transport        p50      p90      p99      max    /message      /1,000  /client  delivered  lost  valid
    polling       670 ms   1.21 s   1.33 s   1.34 s     9.73 kB      413 ms  10.2 kB     40,000     0  yes
    long-polling  827 µs  2.71 ms  6.83 ms  25.6 ms     1.32 kB     54.7 ms  15.1 kB     40,000     0  yes
    streaming     587 µs  1.58 ms  3.42 ms  10.5 ms       310 B     12.8 ms  8.60 kB     40,000     0  yes
    sse           600 µs  1.62 ms  3.50 ms  10.8 ms       321 B     13.2 ms  8.70 kB     40,000     0  yes
    websocket     547 µs  1.34 ms  2.69 ms  7.47 ms       311 B     12.3 ms  7.00 kB     40,000     0  yes

    At 1,000 clients and 20 messages/s, WebSocket delivered half of all messages within 547 µs at 311 B each; polling every
    second took 670 ms and 9.73 kB.
      Fastest: WebSocket, streaming and SSE (a tie: within 10 %), half of all messages within 547–600 µs; polling took
        670 ms, 1,226 times as long.
      Fewest bytes: streaming, WebSocket and SSE (a tie: within 10 %), 310–321 B on the wire for each delivered message;
        polling moved 9.73 kB, 31 times as many.
      Least server CPU: WebSocket, streaming and SSE (a tie: within 10 %), 12.3–13.2 ms of CPU time for a thousand
        deliveries; polling cost 413 ms, 34 times as much.
      WebSocket, streaming and SSE are best, or not told apart from the best, in all three: choose among them by what else
        you need.
      Measured once: how far figures scatter from run to run is not known, so take no small difference for one; five
        repeats or more give intervals.

    Prediction beside measurement
    trial    figure         predicted  measured  deviation
    polling  mean delivery     500 ms    737 ms     +3.1 %

    Figures that others published, beside ours
    source                figure                                theirs       ours  ours/theirs  note
    Lubbers & Greco 2010  polling header_bytes_per_second     871 kB/s  13.8 MB/s        15.84  theirs has no payload and no
                                                                                                TCP/IP bytes
    Lubbers & Greco 2010  websocket header_bytes_per_second  2.00 kB/s  86.0 kB/s        43.00  theirs has no payload and no
                                                                                                TCP/IP bytes

    Gates
    gate                            worst measured    bound  in         holds
    websocket delivery.p99 <= 20ms         1.90 ms  20.0 ms  websocket  ✓
    * lost == 0                                  0        0  polling    ✓

    PASS: The run can be trusted and both gates hold.
    Results: results/latest
    "#);
}

#[test]
fn arrivals_over_emulated_links_are_not_taken_for_the_kernels() {
    let mut run = fixture::compare();
    let told = |run: &RunResult| {
        console(run)
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert!(!told(&run).contains("emulated"));
    run.trials[0].load.link = Preset::FourG.link();
    assert!(told(&run).contains(
        "In 1 of 5 trials the subscribers were behind emulated links: arrival is the emulated arrival, computed \
         from the kernel's receive stamp. Publishers were not, and wire bytes are those of loopback, \
         without retransmissions."
    ));
    for trial in &mut run.trials {
        trial.load.link = Preset::FourG.link();
    }
    let note = "The subscribers were behind emulated links";
    assert!(told(&run).contains(note));
    let page = html::render(&run, &charts::all(&run)).unwrap();
    assert!(page.contains(note));
}

#[test]
fn a_run_that_went_wrong_says_so() {
    insta::assert_snapshot!(console(&fixture::broken()), @r#"
    Chat room: five transports compared

    WARNING: Built with the dev profile: these numbers are NOT those of an optimised program. Run again with `cargo run
    --release`.

                     delivery latency                wire bytes  server CPU   memory
    transport        p50      p90      p99      max    /message      /1,000  /client  delivered    lost  valid
    polling       670 ms   1.21 s   1.33 s   1.34 s     9.73 kB      413 ms  10.2 kB     40,000       0  yes
    long-polling  827 µs  2.71 ms  6.83 ms  25.6 ms     1.32 kB     54.7 ms  15.1 kB     40,000       0  yes
    streaming          –        –        –        –           –           –        –          0  40,000  NO
    sse           600 µs  1.62 ms  3.50 ms  10.8 ms       321 B     13.2 ms  8.70 kB     40,000       0  yes
    websocket     547 µs  1.34 ms  2.69 ms  7.47 ms           –           –        –     40,000       0  yes

    At 1,000 clients and 20 messages/s, WebSocket delivered half of all messages within 547 µs; polling every second took
    670 ms.
      Fastest: WebSocket and SSE (a tie: within 10 %), half of all messages within 547–600 µs; polling took 670 ms, 1,226
        times as long.
      Fewest bytes: SSE, 321 B on the wire for each delivered message; polling moved 9.73 kB, 30 times as many; not
        measured for WebSocket.
      Least server CPU: SSE, 13.2 ms of CPU time for a thousand deliveries; polling cost 413 ms, 31 times as much; not
        measured for WebSocket.
      Measured once: how far figures scatter from run to run is not known, so take no small difference for one; five
        repeats or more give intervals.
      Left out as invalid: streaming.

    Prediction beside measurement
    trial    figure         predicted  measured  deviation
    polling  mean delivery     500 ms    737 ms     +3.1 %

    Figures that others published, beside ours
    source                figure                                theirs       ours  ours/theirs  note
    Lubbers & Greco 2010  polling header_bytes_per_second     871 kB/s  13.8 MB/s        15.84  theirs has no payload and no
                                                                                                TCP/IP bytes
    Lubbers & Greco 2010  websocket header_bytes_per_second  2.00 kB/s  86.0 kB/s        43.00  theirs has no payload and no
                                                                                                TCP/IP bytes

    Notes
      The kernel gave no receive timestamps: arrival times are missing.
      streaming: invalid: 20,000 of 20,000 messages were lost.
      websocket: The server's process is not known: its CPU and memory are missing.

    Gates
    gate                            worst measured    bound  in         holds
    streaming delivery.p99 <= 20ms    not measured  20.0 ms  streaming  ✗ FAILED
    * lost == 0                                  0        0  polling    ✓

    INVALID: The run cannot be trusted: 1 of 5 trials is invalid.
    Results: results/latest
    "#);
}

#[test]
fn a_run_without_a_trial_says_so() {
    insta::assert_snapshot!(console(&fixture::empty()), @r#"
    Stopped at once

    No trial ended.

    INVALID: The run cannot be trusted.
    Results: results/latest
    "#);
}

#[test]
fn repeats_become_medians_with_intervals_and_factors_have_columns() {
    let mut run = fixture::scale();
    run.trials.retain(|t| t.load.clients <= 500);
    let mut second = run.trials.clone();
    for trial in &mut second {
        trial.repeat = 2;
        let delivery = trial.latency_ns.delivery.as_mut().unwrap();
        delivery.p50 += delivery.p50 / 20;
    }
    run.trials.extend(second);
    let text = console(&run);
    let table: Vec<_> = text.lines().skip(2).take(8).collect();
    insta::assert_snapshot!(table.join("\n"), @r#"
                                       delivery latency                    wire bytes  server CPU   memory
    transport     clients  repeats         p50      p90      p99      max    /message      /1,000  /client  lost  valid
    polling           100        2      533 ms   935 ms   1.03 s   1.04 s     9.73 kB      320 ms  18.3 kB     0  yes
                              50 %  520–546 ms
    long-polling      100        2      657 µs  2.10 ms  5.29 ms  19.9 ms     1.32 kB     42.4 ms  23.2 kB     0  yes
                              50 %  641–673 µs
    streaming         100        2      466 µs  1.22 ms  2.65 ms  8.15 ms       310 B     9.92 ms  16.7 kB     0  yes
                              50 %  455–477 µs
    "#);
}

#[test]
fn a_percentile_beyond_which_few_deliveries_lie_is_marked() {
    let mut run = fixture::compare();
    assert!(!console(&run).contains('~'));
    run.trials[4].latency_ns.delivery.as_mut().unwrap().count = 999;
    let text = console(&run);
    let line = text
        .lines()
        .find(|line| line.starts_with("websocket"))
        .unwrap();
    assert!(
        line.contains(" ~2.69 ms") && line.contains("  1.34 ms"),
        "{line}"
    );
    assert!(
        text.contains("~ fewer than ten deliveries of a trial lie beyond"),
        "{text}"
    );
}

#[test]
fn lines_fit_the_width_and_a_narrow_console_gets_fewer_columns() {
    for run in [fixture::compare(), fixture::scale(), fixture::broken()] {
        for width in [120, 100] {
            let text = render(
                &run,
                None,
                Style {
                    width,
                    color: false,
                },
            );
            for line in text.lines() {
                assert!(line.chars().count() <= width, "{width}: {line}");
            }
        }
    }
    let narrow = render(
        &fixture::scale(),
        None,
        Style {
            width: 80,
            color: false,
        },
    );
    let head = narrow.lines().nth(3).unwrap();
    assert!(head.contains("p99") && !head.contains("p90"), "{head}");
}

#[test]
fn colours_are_only_there_when_wanted() {
    let run = fixture::broken();
    assert!(!console(&run).contains('\x1b'));
    let style = Style {
        color: true,
        ..Style::default()
    };
    assert!(render(&run, None, style).contains("\x1b[31mINVALID\x1b[0m"));
}

#[test]
fn csv_columns_are_stable_and_missing_values_are_empty() {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let run = fixture::broken();
    let trials = text(csv::trials(&run).unwrap());
    let lines: Vec<_> = trials.lines().collect();
    insta::assert_snapshot!(lines[0].replace(',', "\n"), @r#"
    trial
    repeat
    transport
    valid
    delivery_mean_ns
    delivery_min_ns
    delivery_p50_ns
    delivery_p90_ns
    delivery_p95_ns
    delivery_p99_ns
    delivery_p99_9_ns
    delivery_max_ns
    arrival_mean_ns
    arrival_min_ns
    arrival_p50_ns
    arrival_p90_ns
    arrival_p95_ns
    arrival_p99_ns
    arrival_p99_9_ns
    arrival_max_ns
    publish_mean_ns
    publish_min_ns
    publish_p50_ns
    publish_p90_ns
    publish_p95_ns
    publish_p99_ns
    publish_p99_9_ns
    publish_max_ns
    schedule_lag_mean_ns
    schedule_lag_min_ns
    schedule_lag_p50_ns
    schedule_lag_p90_ns
    schedule_lag_p95_ns
    schedule_lag_p99_ns
    schedule_lag_p99_9_ns
    schedule_lag_max_ns
    connect_mean_ns
    connect_min_ns
    connect_p50_ns
    connect_p90_ns
    connect_p95_ns
    connect_p99_ns
    connect_p99_9_ns
    connect_max_ns
    clients
    planned
    published
    expected
    delivered
    lost
    missed_share
    duplicated
    reordered
    reconnects
    connections_per_client
    bytes_per_connect
    wire_bytes_per_connect
    requests
    empty_polls
    empty_share
    connections
    payload_bytes_per_message
    framing_bytes_per_message
    tcp_bytes_per_message
    socket_bytes_per_message
    wire_bytes_per_message
    wire_bytes_per_client_second
    session_bytes_per_client
    header_bytes_per_second
    server_cpu_per_thousand_ns
    server_cores
    server_memory_per_client_bytes
    kernel_memory_per_client_bytes
    generator_cores
    generator_cpu_per_thousand_ns
    missed_reports
    publish_errors
    negative
    events_back_ns
    events_catch_up_mean_ns
    events_catch_up_min_ns
    events_catch_up_p50_ns
    events_catch_up_p90_ns
    events_catch_up_p95_ns
    events_catch_up_p99_ns
    events_catch_up_p99_9_ns
    events_catch_up_max_ns
    events_missed
    "#);
    insta::assert_snapshot!(lines[3], @r#"streaming,1,streaming,false,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,,0,400,400,40000,0,40000,1,0,0,0,1,,,20000,6666,0.3333,0,,,,,,,,337999.95,,,,,0.45,,0,0,0,,,,,,,,,,"#);
}

#[test]
fn seconds_and_percentiles_have_rows_of_their_own() {
    let text = |bytes| String::from_utf8(bytes).unwrap();
    let run = fixture::compare();
    let timeline = text(csv::timeline(&run).unwrap());
    let head: Vec<_> = timeline.lines().take(2).collect();
    insta::assert_snapshot!(head.join("\n"), @r#"
    trial,repeat,transport,second,measured,published,delivered,delivery_p50_ns,delivery_p99_ns,delivery_max_ns,schedule_lag_p99_ns,connected,received_bytes,sent_bytes,server_cpu_ns,server_rss_bytes,generator_cpu_ns
    polling,1,polling,0,false,20,2000,558611110,1436803332,1339532799,90000,1000,300000,4000,21000000,,300000000
    "#);
    let percentiles = text(csv::percentiles(&run).unwrap());
    let head: Vec<_> = percentiles.lines().take(2).collect();
    insta::assert_snapshot!(head.join("\n"), @r#"
    trial,repeat,transport,quantile,delivery_ns,arrival_ns
    polling,1,polling,0,1000000,900000
    "#);
}
