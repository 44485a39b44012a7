//! What charts tell: their values under the pointer, all of them in words, and repeats.

use bench::report::charts;
use bench::result::{EventKind, EventResult, Second};

use crate::crossover::{chart, crossover, description};
use crate::fixture;

#[test]
fn events_are_named_where_they_happen() {
    let mut run = fixture::compare();
    for trial in &mut run.trials {
        trial.events = vec![EventResult {
            kind: EventKind::Freeze,
            at: 5_500_000_000,
            span: Some(1_000_000_000),
            rate: None,
            affected: 1000,
            back: 1000,
            time_until_all_back_ns: Some(1_100_000_000),
            catch_up_ns: None,
            missed: 0,
            missed_reports: Some(0),
        }];
    }
    let chart = chart(&run, "latency-over-time");
    // The measured phase begins with the second row.
    assert_eq!(
        description(&chart).matches("Freeze at second 7.5.").count(),
        1
    );
    let svg = chart.svg().unwrap();
    assert_eq!(
        svg.matches("\nfreeze\n").count(),
        5,
        "in the panel of each transport"
    );
}

#[test]
fn repeats_become_bands_and_whiskers_that_say_what_they_are() {
    let mut run = fixture::compare();
    for repeat in [2, 3] {
        for mut trial in fixture::compare().trials {
            trial.repeat = repeat;
            trial.server.cpu_ns = trial.server.cpu_ns.map(|ns| ns * u64::from(repeat));
            for point in &mut trial.percentiles {
                point.delivery *= u64::from(repeat);
            }
            run.trials.push(trial);
        }
    }
    let curves = chart(&run, "latency-percentiles");
    assert!(
        curves
            .svg()
            .unwrap()
            .contains("bands: lowest to highest of 3 repeats")
    );
    let told = description(&curves);
    assert!(
        told.contains("WebSocket: 50 % within 1.09 ms (547 µs–1.64 ms)"),
        "{told}"
    );
    let bars = description(&chart(&run, "server-cpu"));
    assert!(
        bars.contains("whiskers: lowest to highest of 3 repeats"),
        "{bars}"
    );
    assert!(
        bars.contains("WebSocket · 24.5 ms (12.3–36.8 ms)."),
        "{bars}"
    );
    let once = chart(&fixture::compare(), "latency-percentiles")
        .svg()
        .unwrap();
    assert!(!once.contains("bands"));
}

#[test]
fn a_chart_says_its_figures_and_tells_each_where_it_stands() {
    for run in [fixture::compare(), fixture::scale(), crossover()] {
        for chart in charts::all(&run).drawn {
            let svg = chart.svg().unwrap();
            assert!(svg.contains("role=\"img\""));
            let told = description(&chart);
            assert!(
                told.contains("WebSocket") && told.len() > 80,
                "{}: {told}",
                chart.name
            );
            let tips = svg.matches("class=\"mark\" data-tip=\"").count();
            assert!(tips >= 2, "{}: {tips} tips", chart.name);
        }
    }
    let svg = chart(&fixture::compare(), "latency-percentiles")
        .svg()
        .unwrap();
    assert!(svg.contains("data-tip=\"WebSocket · p99 · "), "{svg}");
}

#[test]
fn a_long_run_does_not_drown_its_page_in_tips() {
    let mut run = fixture::compare();
    for trial in &mut run.trials {
        let row = trial.timeline[5];
        trial.timeline = (0..7200).map(|second| Second { second, ..row }).collect();
    }
    let svg = chart(&run, "latency-over-time").svg().unwrap();
    let tips = svg.matches("class=\"mark\"").count();
    assert!((100..=5 * 121).contains(&tips), "{tips}");
    assert!(
        svg.contains("seconds 60 to 119"),
        "several seconds share a tip"
    );
}

#[test]
fn a_chart_turns_dark_with_the_screen_but_not_on_paper() {
    for chart in charts::all(&crossover()).drawn {
        let svg = chart.svg().unwrap();
        let dark = "@media screen and (prefers-color-scheme:dark){svg.chart [fill=\"#222222\"]";
        assert!(svg.contains(dark));
        // The rules name what plotters writes, to the letter.
        for color in ["fill=\"#FFFFFF\"", "fill=\"#222222\"", "fill=\"#5C5C5C\""] {
            assert!(svg.matches(color).count() > 1, "{}: {color}", chart.name);
        }
    }
}
