//! The scenarios that come with the project.

use std::fs;
use std::time::Duration;

use bench::scenario::{Headers, Load, Protocol, Transport, Trial, describe, read, read_text};

use crate::{folder, known, shipped};

#[test]
fn every_shipped_scenario_asks_a_question_and_tells_its_duration() {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder()).unwrap() {
        let file = entry.unwrap().path();
        // What a scenario needs besides itself is in a folder of its name.
        if file.is_dir() {
            continue;
        }
        let source = fs::read_to_string(&file).unwrap();
        let mut comment = source.lines().take_while(|line| line.starts_with('#'));
        assert!(
            comment.any(|line| line.contains('?')),
            "{}: begin with a comment that asks the question",
            file.display()
        );
        let plan = read(&file, &[], &known()).unwrap_or_else(|error| panic!("{error}"));
        let told = describe(&plan);
        assert!(
            told.contains("trials in about ") || told.contains(" searches in about "),
            "{told}"
        );
        assert!(told.contains(&plan.title), "{told}");
        let again = read_text(&plan.resolved, &file, &[], &known())
            .unwrap_or_else(|error| panic!("{error}\n{}", plan.resolved));
        assert_eq!(again, plan, "{}", file.display());
        names.push(plan.name);
    }
    names.sort();
    assert_eq!(
        names,
        [
            "abril-2017",
            "bozdag-2007",
            "bozdag-2007-push",
            "chat",
            "compare",
            "costs",
            "crossover",
            "fan-out",
            "http2",
            "idle-2026",
            "lubbers-2010",
            "nchan",
            "regression",
            "scale",
            "scale-out",
            "shootout-2016",
            "smoke",
            "storm",
            "witness"
        ]
    );
}

#[test]
fn the_main_job_takes_less_than_three_minutes_and_the_smoke_test_ten_seconds() {
    let compare = shipped("compare.toml", &[]);
    assert!(compare.longest_time() < Duration::from_secs(180));
    assert_eq!(compare.trials.len(), 5);
    let smoke = shipped("smoke.toml", &[]);
    assert!(smoke.longest_time() < Duration::from_secs(13));
    assert!(smoke.expected_time() <= Duration::from_secs(10));
}

#[test]
fn the_budget_of_eight_thousand_clients_is_in_scale() {
    let scale = shipped("scale.toml", &[]);
    let loads: Vec<&Load> = scale.trials.iter().map(|trial| &trial.load).collect();
    let largest = loads.iter().filter(|load| load.clients == 8_000);
    let largest: Vec<_> = largest.collect();
    assert_eq!(largest.len(), 5);
    assert!(largest.iter().all(|load| load.channels == 80));
    assert!(largest.iter().all(|load| (load.rate - 80.0).abs() < 1e-9));
    assert_eq!(scale.trials[0].id, "polling-clients-100");
    assert_eq!(scale.trials[4].id, "websocket-clients-100");
    assert_eq!(scale.trials[5].id, "polling-clients-1000");
}

#[test]
fn the_published_table_stands_beside_ours() {
    let plan = shipped("lubbers-2010.toml", &[]);
    assert_eq!(plan.trials[0].load.headers, Headers::PadExchangeTo(871));
    let values: Vec<f64> = plan.published.iter().map(|figure| figure.value).collect();
    assert_eq!(values, [871_000.0, 2_000.0]);
}

#[test]
fn the_crossover_takes_less_than_ten_minutes_and_pushes_once_a_rate() {
    let plan = shipped("crossover.toml", &[]);
    assert!(plan.longest_time() < Duration::from_secs(600));
    let of = |transport| {
        let trials = plan.trials.iter();
        trials
            .filter(move |t| t.load.transport == transport)
            .count()
    };
    assert_eq!(of(Transport::Polling), 20);
    assert_eq!(of(Transport::Websocket), 5);
}

#[test]
fn three_protocols_of_five_transports_take_less_than_fifteen_minutes() {
    let plan = shipped("http2.toml", &[]);
    assert!(plan.longest_time() < Duration::from_secs(900));
    assert_eq!(plan.trials.len(), 45);
    let speaks = |protocol| {
        let of = move |trial: &&Trial| Protocol::of(&trial.load) == Some(protocol);
        plan.trials.iter().filter(of).count()
    };
    let all = [Protocol::Http1, Protocol::Http1Tls, Protocol::Http2Tls];
    assert_eq!(all.map(speaks), [15, 15, 15]);
}

#[test]
fn a_browser_can_do_what_the_witness_scenario_asks() {
    let plan = shipped("witness.toml", &[]);
    assert_eq!(bench::witness::fits(&plan), Ok(()));
    let transports: Vec<Transport> = plan.trials.iter().map(|t| t.load.transport).collect();
    assert_eq!(transports, Transport::ALL);
    assert!(plan.expected_time() < Duration::from_secs(180));
    let cannot = |set: &str| bench::witness::fits(&shipped("witness.toml", &[set])).unwrap_err();
    assert!(cannot("link.rtt=50ms").contains("leave out link"));
    assert!(cannot("load.poll=latest").contains("leave out load.poll"));
    assert!(cannot("load.keep_alive=false").contains("leave out load.keep_alive"));
    assert!(bench::witness::fits(&shipped("storm.toml", &[])).is_err());
}
