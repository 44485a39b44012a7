//! JUnit XML, which CI servers read: a suite for each run or comparison, a test case for each thing that may fail.

use std::io;

use quick_xml::Writer;
use quick_xml::events::{BytesDecl, BytesText, Event};

use crate::report::{self, evidence, gates, words};
use crate::result::compared::{Better, Compared, Conclusion, Finding};
use crate::result::{Environment, PhaseTimes, RunResult, TrialResult, Verdict};

/// A suite for each run, and in it a case for each trial, which may be invalid, and for each gate.
#[must_use]
pub fn of_runs(runs: &[&RunResult]) -> String {
    let suites: Vec<Suite> = runs.iter().map(|run| suite_of_run(run)).collect();
    render(&suites)
}

/// One suite, and in it a case for each metric of each combination of which one way is better.
/// A case of too little evidence is skipped; for those who are `strict` it fails.
#[must_use]
pub fn of_comparison(compared: &Compared, strict: bool) -> String {
    let name = format!("{} compare", compared.candidate.scenario);
    let trusted = if compared.verdict == Conclusion::Invalid {
        let text = evidence::conclusion(compared);
        Outcome::Error("invalid", text.clone(), text)
    } else {
        Outcome::Passed
    };
    let mut cases = vec![Case {
        class: name.clone(),
        name: "both runs can be trusted".to_owned(),
        nanos: 0,
        outcome: trusted,
    }];
    let judged = compared
        .rows
        .iter()
        .filter(|row| row.better != Better::Neither);
    cases.extend(judged.map(|row| Case {
        class: format!("{name}: {}", report::compared::label(row)),
        name: row.metric.clone(),
        nanos: 0,
        outcome: match row.verdict {
            _ if row.fails() => {
                let change = format!(
                    "{} against {} of the base",
                    evidence::median(row, &row.candidate),
                    evidence::median(row, &row.base)
                );
                Outcome::Failed("worse", change, evidence::sentence(row))
            }
            Finding::NotEnoughEvidence if strict => {
                let text = evidence::sentence(row);
                Outcome::Failed("not enough evidence", text.clone(), text)
            }
            Finding::NotEnoughEvidence => Outcome::Skipped(evidence::sentence(row)),
            Finding::Worse | Finding::Better | Finding::NoDifference => Outcome::Passed,
        },
    }));
    let mut properties = environment(&compared.candidate.environment);
    for difference in &compared.differences {
        let what = format!("differs: {}", difference.what);
        properties.push((what, evidence::against(difference)));
    }
    render(&[Suite {
        name,
        timestamp: compared.candidate.started.clone(),
        properties,
        cases,
    }])
}

struct Suite {
    name: String,
    /// RFC 3339 in UTC.
    timestamp: String,
    properties: Vec<(String, String)>,
    cases: Vec<Case>,
}

struct Case {
    class: String,
    name: String,
    nanos: u64,
    outcome: Outcome,
}

/// What became of a case: its kind, its message and the whole text.
enum Outcome {
    Passed,
    Failed(&'static str, String, String),
    Error(&'static str, String, String),
    Skipped(String),
}

fn suite_of_run(run: &RunResult) -> Suite {
    let mut cases: Vec<Case> = run.trials.iter().map(|t| case_of_trial(run, t)).collect();
    cases.extend(run.gates.iter().map(|gate| Case {
        class: format!("{}.gates", run.scenario),
        name: gate.rule.clone(),
        nanos: 0,
        outcome: if gate.holds {
            Outcome::Passed
        } else {
            let complaint = gates::complaint(gate);
            let text = format!("{}: {complaint}", gate.rule);
            Outcome::Failed("gate", complaint, text)
        },
    }));
    // A run that ended early has no trial to blame.
    if run.verdict == Verdict::Invalid && run.trials.iter().all(|trial| trial.valid) {
        let text = words::verdict(run);
        cases.push(Case {
            class: run.scenario.clone(),
            name: "the run ends as planned".to_owned(),
            nanos: 0,
            outcome: Outcome::Error("invalid", text.clone(), text),
        });
    }
    let mut properties = environment(&run.environment);
    properties.push(("seed".to_owned(), run.seed.to_string()));
    Suite {
        name: run.scenario.clone(),
        timestamp: run.started.clone(),
        properties,
        cases,
    }
}

fn case_of_trial(run: &RunResult, trial: &TrialResult) -> Case {
    let PhaseTimes {
        ramp,
        warm_up,
        measure,
        drain,
    } = trial.phases;
    let reasons = trial.invalid_reasons.join("; ");
    let outcome = match (trial.valid, run.verdict) {
        (true, _) => Outcome::Passed,
        (false, Verdict::Invalid) => Outcome::Error("invalid", reasons.clone(), reasons),
        (false, Verdict::Pass | Verdict::Fail) => Outcome::Skipped(reasons),
    };
    Case {
        class: format!("{}.trials", run.scenario),
        name: format!("{} can be trusted", trial.id),
        nanos: ramp + warm_up + measure + drain,
        outcome,
    }
}

fn environment(at: &Environment) -> Vec<(String, String)> {
    let commit = at.commit.clone().unwrap_or_else(|| "unknown".to_owned());
    [
        ("target", at.target.clone()),
        ("commit", commit),
        ("profile", at.profile.clone()),
        ("processor", format!("{}, {} cores", at.cpu, at.cores)),
        ("kernel", at.kernel.clone()),
    ]
    .map(|(name, value)| (name.to_owned(), value))
    .to_vec()
}

fn render(suites: &[Suite]) -> String {
    let mut writer = Writer::new_with_indent(Vec::new(), b' ', 2);
    write(&mut writer, suites).expect("invariant: a vector takes all that is written to it");
    let mut text = String::from_utf8_lossy(&writer.into_inner()).into_owned();
    text.push('\n');
    text
}

fn write(writer: &mut Writer<Vec<u8>>, suites: &[Suite]) -> io::Result<()> {
    writer.write_event(Event::Decl(BytesDecl::new("1.0", Some("UTF-8"), None)))?;
    let all: Vec<&Case> = suites.iter().flat_map(|suite| &suite.cases).collect();
    let mut root = writer
        .create_element("testsuites")
        .with_attribute(("name", "bench"));
    for (name, value) in counts(&all) {
        root = root.with_attribute((name, value.as_str()));
    }
    root.write_inner_content(|writer| {
        suites
            .iter()
            .try_for_each(|suite| write_suite(writer, suite))
    })?;
    Ok(())
}

fn write_suite(writer: &mut Writer<Vec<u8>>, suite: &Suite) -> io::Result<()> {
    let cases: Vec<&Case> = suite.cases.iter().collect();
    let mut element = writer
        .create_element("testsuite")
        .with_attribute(("name", &*legal(&suite.name)));
    for (name, value) in counts(&cases) {
        element = element.with_attribute((name, value.as_str()));
    }
    // JUnit's schema has no zone here: the time is UTC.
    let timestamp = legal(suite.timestamp.trim_end_matches('Z'));
    element = element.with_attribute(("timestamp", &*timestamp));
    element.write_inner_content(|writer| {
        writer
            .create_element("properties")
            .write_inner_content(|writer| {
                suite.properties.iter().try_for_each(|(name, value)| {
                    writer
                        .create_element("property")
                        .with_attribute(("name", &*legal(name)))
                        .with_attribute(("value", &*legal(value)))
                        .write_empty()
                        .map(drop)
                })
            })?;
        cases.iter().try_for_each(|case| write_case(writer, case))
    })?;
    Ok(())
}

fn write_case(writer: &mut Writer<Vec<u8>>, case: &Case) -> io::Result<()> {
    let element = writer
        .create_element("testcase")
        .with_attribute(("classname", &*legal(&case.class)))
        .with_attribute(("name", &*legal(&case.name)))
        .with_attribute(("time", &*seconds(case.nanos)));
    let (tag, kind, message, text) = match &case.outcome {
        Outcome::Passed => return element.write_empty().map(drop),
        Outcome::Skipped(message) => ("skipped", None, message, None),
        Outcome::Failed(kind, message, text) => ("failure", Some(*kind), message, Some(text)),
        Outcome::Error(kind, message, text) => ("error", Some(*kind), message, Some(text)),
    };
    element.write_inner_content(|writer| {
        let mut inner = writer
            .create_element(tag)
            .with_attribute(("message", &*legal(message)));
        if let Some(kind) = kind {
            inner = inner.with_attribute(("type", kind));
        }
        match text {
            Some(text) => inner.write_text_content(BytesText::new(&legal(text)))?,
            None => inner.write_empty()?,
        };
        Ok(())
    })?;
    Ok(())
}

fn counts(cases: &[&Case]) -> [(&'static str, String); 5] {
    let count = |is: fn(&Outcome) -> bool| cases.iter().filter(|case| is(&case.outcome)).count();
    [
        ("tests", cases.len().to_string()),
        (
            "failures",
            count(|o| matches!(o, Outcome::Failed(..))).to_string(),
        ),
        (
            "errors",
            count(|o| matches!(o, Outcome::Error(..))).to_string(),
        ),
        (
            "skipped",
            count(|o| matches!(o, Outcome::Skipped(_))).to_string(),
        ),
        ("time", seconds(cases.iter().map(|case| case.nanos).sum())),
    ]
}

fn seconds(nanos: u64) -> String {
    format!("{:.3}", nanos as f64 / 1e9)
}

/// Without the characters that no escape makes legal in XML 1.0 (section 2.2, `Char`).
fn legal(text: &str) -> String {
    let allowed = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..);
    text.chars()
        .map(|c| if allowed(c) { c } else { '\u{fffd}' })
        .collect()
}
