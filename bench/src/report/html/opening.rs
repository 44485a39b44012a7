//! The top of the page: what a person has to know, in words.

use maud::{Markup, html};

use crate::report::choice::Choice;
use crate::report::story::{self, Story};
use crate::report::words;
use crate::result::{RunResult, Verdict};

/// The title, the verdict, and what to choose.
pub(super) fn opening(run: &RunResult) -> Markup {
    let (class, word) = match run.verdict {
        Verdict::Pass => ("pass", "Pass"),
        Verdict::Fail => ("fail", "Fail"),
        Verdict::Invalid => ("invalid", "Invalid"),
    };
    html! {
        header {
            h1 { (run.title) }
            p.soft { (run.environment.target) " · " (date(&run.started)) " · scenario " (run.scenario) }
            @if let Some(warning) = words::profile_warning(run) {
                p.warning role="alert" { (with_code(&warning)) }
            }
            p.verdict.(class) { strong { (word) } " " (words::verdict(run)) }
            @if let Some(doubt) = doubt(run) { p.doubt { (doubt) } }
        }
        @if run.searches.is_empty() { (comparison(run)) } @else {
            @for paragraph in story::paragraphs(run) { p.lead { (paragraph.text) } }
        }
    }
}

/// What a reader has to hold against the words of a run that cannot be trusted.
fn doubt(run: &RunResult) -> Option<&'static str> {
    let valid = run.trials.iter().filter(|trial| trial.valid).count();
    match run.verdict {
        Verdict::Invalid if valid == 0 => None,
        Verdict::Invalid if valid < run.trials.len() => Some(
            "What is said here speaks only of the trials that can be trusted; the others are marked in the tables.",
        ),
        Verdict::Invalid => Some("Take what is said here for a hint at most."),
        _ => None,
    }
}

fn comparison(run: &RunResult) -> Markup {
    html! {
        @if let Some(story) = story::first(run) {
            (told(&story))
        }
        @if let Some(all) = story::over_all(run) {
            p { (all.text) }
            ul { @for line in all.lines { li { (line) } } }
        }
    }
}

fn told(story: &Story) -> Markup {
    html! {
        p.lead { (story.lead) }
        @if !story.choices.is_empty() {
            div.choices { @for choice in &story.choices { (tile(choice)) } }
        }
        @for sentence in &story.rest { p { (sentence) } }
    }
}

fn tile(choice: &Choice) -> Markup {
    html! {
        div.choice {
            p.what { (choice.what) }
            p.who { (words::sentence_start(&choice.who)) }
            p.value { (choice.value) }
            @if let Some(tie) = choice.tie { p.soft { (words::sentence_start(tie)) "." } }
            @for other in choice.worst.iter().chain(&choice.unmeasured) { p.soft { (words::sentence_start(other)) "." } }
        }
    }
}

/// Text in which what stands between backticks is code.
fn with_code(text: &str) -> Markup {
    html! {
        @for (at, part) in text.split('`').enumerate() {
            @if at % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// `2026-11-22T20:31:05.123Z` as a person writes it.
fn date(started: &str) -> String {
    match started.split_once('T') {
        Some((day, time)) => format!("{day} {} UTC", time.get(..5).unwrap_or(time)),
        None => started.to_owned(),
    }
}
