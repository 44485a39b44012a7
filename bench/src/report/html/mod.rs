//! The report as one page that needs no network: words first, then tables and charts.

mod environment;
mod figures;
mod opening;
mod results;
mod table;
mod theory;
mod trust;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::report::charts::{self, Charts, PaintError};
use crate::result::RunResult;

const CSS: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");
/// The page carries all that it shows; a browser that is told so asks for nothing.
const POLICY: &str = include_str!("policy.txt");
/// More lines than these of one kind are folded away.
const MANY: usize = 12;

/// A part of the page that the contents name.
struct Section {
    id: &'static str,
    title: &'static str,
    body: Markup,
}

/// The page, charts included.
///
/// # Errors
/// When a chart cannot be drawn.
pub fn render(run: &RunResult, charts: &Charts) -> Result<String, PaintError> {
    render_with(run, charts, None)
}

/// The page with the scenario as it was run, so that who gets only this file can run it again.
///
/// # Errors
/// When a chart cannot be drawn.
pub fn render_with(
    run: &RunResult,
    charts: &Charts,
    scenario: Option<&str>,
) -> Result<String, PaintError> {
    let mut sections = vec![results::results(run), results::searches(run)];
    if !run.searches.is_empty() {
        // The answer of a search comes before the trials on the way to it.
        sections.reverse();
    }
    sections.extend([
        results::protocols(run),
        results::events(run),
        Some(figures::charts(charts)?),
        results::published(run),
        theory::predictions(run),
        trust::gates(run),
        Some(trust::validity(run)),
        Some(environment::environment(run)),
        Some(environment::reproduce(run, scenario)),
    ]);
    let sections: Vec<Section> = sections.into_iter().flatten().collect();
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            (head(run))
            body {
                main {
                    (opening::opening(run))
                    nav aria-label="Contents" {
                        @for section in &sections { a href={ "#" (section.id) } { (section.title) } }
                    }
                    @for section in &sections {
                        section id=(section.id) {
                            h2 { (section.title) }
                            (section.body)
                        }
                    }
                }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    };
    Ok(page.into_string())
}

fn head(run: &RunResult) -> Markup {
    html! {
        head {
            meta charset="utf-8";
            meta name="viewport" content="width=device-width, initial-scale=1";
            meta http-equiv="Content-Security-Policy" content=(POLICY);
            meta name="color-scheme" content="light dark";
            meta name="generator" content=(format!("Pushmark bench {}", run.environment.version));
            // Without it a browser asks the server of the page for one.
            link rel="icon" href="data:,";
            title { (run.title) }
            style { (PreEscaped(charts::font_css())) (PreEscaped(CSS)) }
        }
    }
}

/// Sentences as a list, folded away when they are many; nothing without any.
fn list(name: &str, lines: &[Markup]) -> Markup {
    let all = html! { ul { @for line in lines { (line) } } };
    fold(name, lines.len(), &all)
}

/// What has this many rows or lines, folded away when they are many.
fn fold(name: &str, count: usize, body: &Markup) -> Markup {
    html! {
        @if count > MANY {
            details { summary { (name) " (" (count) ")" } (body) }
        } @else if count > 0 {
            (body)
        }
    }
}
