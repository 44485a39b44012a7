//! The report as one page that needs no network: words, tables and charts.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::report::charts::{self, Charts, PaintError};
use crate::report::table::{self, Table};
use crate::report::{incidents, repeats, searches, words};
use crate::result::{RunResult, Verdict};
use crate::units::show_bytes;

const CSS: &str = include_str!("page.css");

/// The page, charts included.
///
/// # Errors
/// When a chart cannot be drawn.
pub fn render(run: &RunResult, charts: &Charts) -> Result<String, PaintError> {
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="generator" content=(format!("Pushmark bench {}", run.environment.version));
                title { (run.title) }
                style { (PreEscaped(charts::font_css())) (PreEscaped(CSS)) }
            }
            body { main {
                (opening(run))
                (results(run))
                @if let Some(note) = words::link_note(run) { p.soft { (note) } }
                (section("Figures that others published, beside ours", &table::published(run)))
                (list("Search", &searches::sentences(run)))
                (list("Events", &incidents::sentences(run)))
                (figures(charts)?)
                (section("Prediction beside measurement", &table::predictions(run)))
                (explanations(run))
                (section("Gates", &table::gates(run)))
                (validity(run))
                (environment(run))
                (reproduce(run))
            } }
        }
    };
    Ok(page.into_string())
}

fn opening(run: &RunResult) -> Markup {
    let (class, word) = match run.verdict {
        Verdict::Pass => ("verdict pass", "Pass"),
        Verdict::Fail => ("verdict fail", "Fail"),
        Verdict::Invalid => ("verdict invalid", "Invalid"),
    };
    html! {
        h1 { (run.title) }
        p.soft { (run.environment.target) " · " (run.started) " · scenario " (run.scenario) }
        @if let Some(warning) = words::profile_warning(run) {
            p.warning role="alert" { (warning) }
        }
        div class=(class) {
            p { strong { (word) ". " } (words::verdict(run)) }
            @for paragraph in words::paragraphs(run) { p { (paragraph) } }
        }
    }
}

fn results(run: &RunResult) -> Markup {
    let results = table::results(run);
    html! {
        (section("Results", &results))
        @if let Some(legend) = repeats::legend(&results) { p.soft { (legend) } }
        @if table::repeated(run) {
            p.soft { "Medians over the repeats; below each the interval of the median, with its confidence." }
            details { summary { "Every trial" } (view(&table::trials(run))) }
        }
    }
}

fn section(title: &str, table: &Table) -> Markup {
    html! {
        @if !table.rows.is_empty() {
            h2 { (title) }
            (view(table))
        }
    }
}

/// Sentences under a head; nothing without any.
fn list(title: &str, sentences: &[String]) -> Markup {
    html! {
        @if !sentences.is_empty() {
            h2 { (title) }
            ul { @for sentence in sentences { li { (sentence) } } }
        }
    }
}

fn view(table: &Table) -> Markup {
    html! {
        div.wide { table {
            thead {
                @if table.columns.iter().any(|c| !c.over.is_empty()) {
                    tr.over { @for group in table.columns.chunk_by(|a, b| a.over == b.over && !a.over.is_empty()) {
                        th.right[group.len() == 1].middle[group.len() > 1] colspan=(group.len()) { (group[0].over) }
                    } }
                }
                tr { @for column in &table.columns {
                    th.right[column.right] scope="col" { (column.head) }
                } }
            }
            tbody {
                @for row in &table.rows {
                    @let last = row.last().map_or("", String::as_str);
                    tr.broken[last == table::NOT_VALID || row.iter().any(|cell| cell == table::BROKEN)] {
                        @for (cell, column) in row.iter().zip(&table.columns) {
                            td.right[column.right].prose[column.head == "note" || column.head == "source"] { (cell) }
                        }
                    }
                }
            }
        } }
    }
}

fn figures(charts: &Charts) -> Result<Markup, PaintError> {
    let drawn = charts
        .drawn
        .iter()
        .map(|chart| Ok((chart, chart.svg_element()?)))
        .collect::<Result<Vec<_>, PaintError>>()?;
    Ok(html! {
        h2 { "Charts" }
        @for (chart, svg) in drawn {
            figure id=(chart.name) {
                div.wide { (PreEscaped(svg)) }
                figcaption { (chart.reading) }
            }
        }
        @for note in &charts.left_out { p.soft { (note) } }
    })
}

/// A sentence for each figure that is far from its prediction.
fn explanations(run: &RunResult) -> Markup {
    let lines = words::explanations(run);
    html! {
        @if !lines.is_empty() {
            ul { @for line in lines { li { (line) } } }
        }
    }
}

fn validity(run: &RunResult) -> Markup {
    let trials = table::in_order(run);
    let quiet = trials
        .iter()
        .all(|t| t.invalid_reasons.is_empty() && t.warnings.is_empty());
    html! {
        h2 { "Can it be trusted?" }
        @if quiet {
            p { "No trial raised a doubt." }
        } @else {
            ul {
                @for trial in trials {
                    @for reason in &trial.invalid_reasons {
                        li.bad { strong { (trial.id) } ", invalid: " (reason) }
                    }
                    @for warning in &trial.warnings {
                        li { strong { (trial.id) } ": " (warning) }
                    }
                }
            }
        }
        @if !run.environment.kernel_timestamps {
            p { "The kernel gave no receive timestamps, so arrival times are missing." }
        }
        @let rules = table::all_rules(run);
        @if !rules.rows.is_empty() {
            details { summary { "Every rule, its limit and what was measured" } (view(&rules)) }
        }
    }
}

fn environment(run: &RunResult) -> Markup {
    let at = &run.environment;
    #[expect(clippy::cast_precision_loss, reason = "three figures are shown")]
    let memory = show_bytes(at.memory as f64);
    let entries = [
        ("Target", at.target.clone()),
        ("Processor", format!("{}, {} cores", at.cpu, at.cores)),
        ("Memory", memory),
        ("Kernel", at.kernel.clone()),
        (
            "Pinning",
            at.pinning.clone().unwrap_or_else(|| "none".to_owned()),
        ),
        (
            "Build",
            format!("bench {}, {} profile", at.version, at.profile),
        ),
        (
            "Commit",
            at.commit.clone().unwrap_or_else(|| "unknown".to_owned()),
        ),
    ];
    html! {
        h2 { "Environment" }
        dl { @for (name, value) in entries { dt { (name) } dd { (value) } } }
    }
}

fn reproduce(run: &RunResult) -> Markup {
    html! {
        h2 { "How to reproduce" }
        pre { (run.command.iter().map(|word| quote(word)).collect::<Vec<_>>().join(" ")) }
        p {
            "Seed " (run.seed) ". The scenario with every default spelled out is "
            code { "scenario.toml" } " beside this page, the data behind it "
            code { "summary.json" } " and the CSV files."
        }
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
