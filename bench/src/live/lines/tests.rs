use std::collections::BTreeMap;

use super::*;
use crate::fleet::{Event, Phase, Progress};
use crate::result::Second;
use crate::scenario::{self, Plan, Trial};

fn plan() -> Plan {
    let text = r#"
title = "Chat room: three transports compared"
[matrix]
transport = ["polling", "sse", "websocket"]
[phases]
ramp = "1s"
warm_up = "1s"
measure = "20s"
"#;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("chat.toml");
    std::fs::write(&file, text).unwrap();
    scenario::read(&file, &[], &[]).unwrap()
}

/// A run in the middle of its second trial, whose first has not been told the end of.
fn state() -> State {
    let (plan, mut state) = (plan(), State::default());
    state.plan(&plan, "");
    let trial = |transport: &str| -> Trial {
        let mut trials = plan.trials.iter();
        let found = trials.find(|trial| trial.load.transport.name() == transport);
        found.unwrap().clone()
    };
    for (number, transport, p99) in [(1, "polling", 990_000_000), (2, "sse", 2_100_000)] {
        let trial = trial(transport);
        state.take(&Event::Trial {
            number,
            of: Some(3),
            trial: &trial,
        });
        state.take(&Event::Second {
            at: 7.0,
            whole: true,
            second: &Second {
                published: 20,
                delivered: 20_000,
                delivery_p50: Some(410_000),
                delivery_p99: Some(p99),
                schedule_lag_p99: Some(210_000),
                generator_cpu_ns: Some(340_000_000),
                received: 6_200_000,
                ..Second::default()
            },
        });
        state.take(&Event::Phase(Progress {
            phase: Phase::Measure,
            elapsed: 8.0,
            of: 20.0,
            left: 12.0,
            connected: 1000,
            clients: 1000,
            published: 160,
            delivered: 160_000,
        }));
    }
    state
}

fn room(width: usize, height: usize) -> Room {
    Room {
        width,
        height,
        color: false,
    }
}

fn view(width: usize, height: usize) -> String {
    lines(&state(), room(width, height)).join("\n")
}

#[test]
fn a_usual_terminal_shows_everything() {
    insta::assert_snapshot!(view(80, 24), @r"
    Chat room: three transports compared
    trial 2 of 3 · sse
    measuring [===========>                ] trial 12 s left · run 35 s left
    connected 1,000 of 1,000 · 20 messages/s · 20,000 deliveries/s · 6.20 MB/s
    generator 210 µs late (p99) · 0.34 processors

                    p50       p99    delivered
    polling      410 µs    990 ms     20,000/s
    sse          410 µs   2.10 ms     20,000/s  now
    websocket         –         –            –
    ");
}

#[test]
fn a_narrow_one_shows_less_of_each_line() {
    insta::assert_snapshot!(view(60, 20), @r"
    Chat room: three transports compared
    trial 2 of 3 · sse
    measuring [=====>        ] trial 12 s left · run 35 s left
    connected 1,000 of 1,000 · 20 messages/s
    generator 210 µs late (p99) · 0.34 processors

                    p50       p99    delivered
    polling      410 µs    990 ms     20,000/s
    sse          410 µs   2.10 ms     20,000/s  now
    websocket         –         –            –
    ");
}

#[test]
fn a_low_one_shows_what_goes_on_now() {
    insta::assert_snapshot!(view(80, 5), @r"
    trial 2 of 3 · sse
    measuring [===========>                ] trial 12 s left · run 35 s left
    connected 1,000 of 1,000 · 20 messages/s · 20,000 deliveries/s · 6.20 MB/s
    sse          410 µs   2.10 ms     20,000/s  now
    ");
}

#[test]
fn no_line_is_wider_than_the_terminal_and_the_cursor_has_a_row() {
    for width in [1, 2, 9, 20, 59, 60, 100, 300] {
        for height in [1, 2, 3, 10, 50] {
            for color in [false, true] {
                let room = Room {
                    color,
                    ..room(width, height)
                };
                let lines = lines(&state(), room);
                assert!(lines.len() < height.max(2), "{width}x{height}: {lines:?}");
                for line in lines {
                    assert!(measure_text_width(&line) <= width, "{width}: {line:?}");
                }
            }
        }
    }
}

#[test]
fn without_colours_there_are_no_escapes() {
    assert!(!view(100, 30).contains('\x1b'));
}

#[test]
fn before_the_first_trial_there_is_a_view_too() {
    assert!(!lines(&State::default(), room(80, 24)).is_empty());
}

#[test]
fn spans_are_read_at_a_glance() {
    let cases = BTreeMap::from([
        (0, "0 s"),
        (99, "99 s"),
        (600, "10 min 0 s"),
        (9000, "2 h 30 min"),
    ]);
    for (seconds, text) in cases {
        assert_eq!(span(f64::from(seconds)), text);
    }
}
