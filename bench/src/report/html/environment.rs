//! Where the run took place, and how to make it again.

use std::collections::BTreeSet;

use maud::html;

use super::Section;
use crate::result::RunResult;
use crate::scenario::Protocol;
use crate::units::show_bytes;

pub(super) fn environment(run: &RunResult) -> Section {
    let at = &run.environment;
    #[expect(clippy::cast_precision_loss, reason = "three figures are shown")]
    let memory = show_bytes(at.memory as f64);
    let or = |text: &Option<String>, none: &str| text.clone().unwrap_or_else(|| none.to_owned());
    let entries = [
        ("Target", at.target.clone()),
        ("Protocol", protocols(run)),
        ("Processor", format!("{}, {} cores", at.cpu, at.cores)),
        ("Memory", memory),
        ("Kernel", at.kernel.clone()),
        ("Pinning", or(&at.pinning, "none")),
        (
            "Build",
            format!("bench {}, {} profile", at.version, at.profile),
        ),
        ("Commit", or(&at.commit, "unknown")),
    ];
    Section {
        id: "environment",
        title: "Environment",
        body: html! {
            dl { @for (name, value) in entries { dt { (name) } dd { (value) } } }
        },
    }
}

/// What the trials were spoken over.
fn protocols(run: &RunResult) -> String {
    let all = run
        .trials
        .iter()
        .filter_map(|trial| Protocol::of(&trial.load));
    let names: BTreeSet<Protocol> = all.collect();
    let names: Vec<&str> = names.iter().map(|one| one.name()).collect();
    names.join(", ")
}

pub(super) fn reproduce(run: &RunResult, scenario: Option<&str>) -> Section {
    let body = html! {
        pre { code { (run.command.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ")) } }
        p {
            "Seed " (run.seed) ": the same messages are due at the same instants. The scenario with every default spelled \
             out is " code { "scenario.toml" } " beside this page, the data behind it " code { "summary.json" }
            " and the CSV files; " code { "bench report" } " makes this page from them again."
        }
        @if let Some(scenario) = scenario {
            details {
                summary { "The scenario, every default spelled out" }
                pre { code { (scenario) } }
                p.soft { "Saved as a file, " code { "bench run FILE" } " runs it again." }
            }
        }
    };
    Section {
        id: "reproduce",
        title: "How to reproduce",
        body,
    }
}

/// A word of a command as a shell takes it.
fn quote(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}
