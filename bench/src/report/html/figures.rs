//! The charts of the page.

use maud::{Markup, PreEscaped, html};

use super::Section;
use crate::report::charts::{Charts, PaintError};

/// With more charts than these the section begins with a list of them.
const LISTED: usize = 3;

pub(super) fn charts(charts: &Charts) -> Result<Section, PaintError> {
    let drawn = charts
        .drawn
        .iter()
        .map(|chart| Ok((chart, chart.svg_element()?)))
        .collect::<Result<Vec<_>, PaintError>>()?;
    let body: Markup = html! {
        @if drawn.len() > LISTED {
            ul.jump { @for (chart, _) in &drawn {
                li { a href={ "#" (chart.name) } { (chart.title) } }
            } }
        }
        @for (chart, svg) in &drawn {
            figure id=(chart.name) {
                div.wide.plot { (PreEscaped(svg)) }
                figcaption { (chart.reading) }
            }
        }
        @for note in &charts.left_out { p.soft { (note) } }
    };
    Ok(Section {
        id: "charts",
        title: "Charts",
        body,
    })
}
