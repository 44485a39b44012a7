//! Made-up comparisons of two runs.

use std::collections::BTreeMap;
use std::path::Path;

use bench::result::compared::{
    Better, Compared, Conclusion, Difference, Effect, FORMAT, Finding, Row, Rule, Sample, Side,
};
use bench::scenario::Factor;

use crate::fixture;

/// One metric of each finding, on runs of two kernels.
pub(crate) fn mixed() -> Compared {
    let mut rows = vec![
        row("delivery.p99", 2e6, 2.6e6, Finding::Worse),
        row("delivery.p50", 4e5, 4.4e5, Finding::Worse),
        row(
            "wire_bytes_per_message",
            311.0,
            311.0,
            Finding::NoDifference,
        ),
        row("server_cpu_per_thousand", 1.2e7, 1.0e7, Finding::Better),
        row(
            "server_memory_per_client",
            7e3,
            7.2e3,
            Finding::NotEnoughEvidence,
        ),
        row("clients", 1e3, 1e3, Finding::NoDifference),
    ];
    rows[0].confirmed = Some(true);
    rows[1].confirmed = Some(false);
    rows[4].reason = Some("the interval holds both 5 % and none".to_owned());
    rows[4].repeats_needed = Some(12);
    rows[5].better = Better::Neither;
    rows[5].effect = None;
    let run = fixture::compare();
    let base = Side::of(Path::new("results/base"), &run);
    let mut candidate = Side::of(Path::new("results/candidate"), &run);
    candidate.environment.kernel = "Linux 6.13.0".to_owned();
    Compared {
        format: FORMAT,
        base,
        candidate,
        confirmation: None,
        rule: Rule {
            min_effect: 0.05,
            alpha: 0.05,
            tests: 5,
        },
        differences: vec![Difference {
            what: "kernel".to_owned(),
            base: "Linux 6.12.0".to_owned(),
            candidate: "Linux 6.13.0".to_owned(),
            serious: true,
            confirmation: false,
        }],
        notes: vec!["the base has no trial of sse".to_owned()],
        rows,
        verdict: Conclusion::Worse,
    }
}

/// The same with this name wherever a name may stand.
pub(crate) fn named(name: &str) -> Compared {
    let mut compared = mixed();
    compared.candidate.title = name.to_owned();
    compared.candidate.scenario = name.to_owned();
    compared.candidate.path = name.to_owned();
    compared.notes = vec![name.to_owned()];
    compared.differences[0].base = name.to_owned();
    for row in &mut compared.rows {
        row.factors
            .insert("headers".to_owned(), Factor::Text(name.to_owned()));
    }
    compared
}

fn row(metric: &str, base: f64, candidate: f64, verdict: Finding) -> Row {
    let sample = |median: f64| Sample {
        repeats: 5,
        median,
        low: Some(median * 0.97),
        high: Some(median * 1.03),
        confidence: Some(0.95),
    };
    let ratio = candidate / base - 1.0;
    let tested = verdict != Finding::NoDifference;
    Row {
        factors: BTreeMap::from([
            ("transport".to_owned(), Factor::Text("websocket".to_owned())),
            ("clients".to_owned(), Factor::Number(1000.0)),
        ]),
        metric: metric.to_owned(),
        unit: "ns".to_owned(),
        better: Better::Lower,
        base: sample(base),
        candidate: sample(candidate),
        effect: Some(Effect {
            ratio,
            low: Some(ratio - 0.04),
            high: Some(ratio + 0.04),
            confidence: Some(0.95),
        }),
        p: tested.then_some(0.0079),
        p_corrected: tested.then_some(0.0397),
        verdict,
        confirmed: None,
        reason: None,
        repeats_needed: None,
    }
}
