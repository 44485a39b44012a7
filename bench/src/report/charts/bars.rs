//! Costs as bars, a bar for each transport, its parts side by side and the sum at its end.

use super::axis::Axis;
use super::font;
use super::frame::{Frame, WIDTH, headline, with_absent};
use super::palette::{self, INK, SOFT};
use super::scene::{Align, Scene, Set};
use super::{interval, sentence};
use crate::report::comparison::{Comparison, Group};
use crate::report::show;
use crate::result::{TrialResult, metric};

/// A bar's height with what is around it.
const ROW: f64 = 62.0;
/// The same where there are many.
const CLOSE: f64 = 46.0;
/// Many bars.
const MANY: usize = 8;
const NAME: Set = Set::new(13.5, INK);
const SMALL: Set = Set::new(12.0, SOFT);

/// What a bar chart shows.
pub(crate) struct Bars {
    /// The title of the axis, unit included.
    pub(crate) axis: &'static str,
    /// The parts of a bar: a metric and what it is called.
    pub(crate) parts: &'static [(&'static str, &'static str)],
}

/// The parts' shades: the transport's colour, lighter for each further part.
const SHADES: [f64; 3] = [1.0, 0.58, 0.26];

struct Bar<'a> {
    group: &'a Group<'a>,
    /// `None` for a part that was not measured.
    parts: Vec<Option<f64>>,
    /// The ends of the sum's interval, when there are repeats.
    ends: Option<(f64, f64)>,
}

impl<'a> Bar<'a> {
    fn of(group: &'a Group<'a>, bars: &Bars) -> Self {
        let metrics: Vec<_> = bars
            .parts
            .iter()
            .map(|(name, _)| metric::find(name))
            .collect();
        let sum = |trial: &&TrialResult| {
            let parts = metrics
                .iter()
                .map(|metric| metric.and_then(|m| m.of(trial)));
            parts.sum::<Option<f64>>()
        };
        let sums = group.trials.iter().filter_map(sum).collect();
        Self {
            group,
            parts: bars
                .parts
                .iter()
                .map(|(name, _)| group.median(name))
                .collect(),
            ends: metric::spread(sums).and_then(|spread| interval::ends(&spread)),
        }
    }

    fn sum(&self) -> f64 {
        self.parts.iter().flatten().sum()
    }

    /// Where the bar or its whisker ends.
    fn reach(&self) -> f64 {
        self.ends
            .map_or(self.sum(), |(_, high)| high.max(self.sum()))
    }

    /// The sum as a person reads it, and its interval.
    fn said(&self, bars: &Bars) -> (String, String) {
        let named = bars.parts[0].0;
        let mut sum = show::named(named, Some(self.sum()));
        if self.parts.contains(&None) {
            sum = format!("≥ {sum}");
        }
        let ends = match (self.ends, metric::find(named)) {
            (Some((low, high)), Some(metric)) => format!(" ({})", show::range(metric, low, high)),
            _ => String::new(),
        };
        (sum, ends)
    }
}

pub(crate) fn draw(
    bars: &Bars,
    comparison: &Comparison<'_>,
    title: &str,
    subtitle: &str,
) -> Option<Scene> {
    let rows = measured(bars, comparison);
    let unit = metric::find(bars.parts.first()?.0)?.unit;
    let x = Axis::linear(bars.axis, unit, rows.iter().map(Bar::reach))?;
    let stacked = bars.parts.len() > 1;
    let mut scene = Scene::new(WIDTH, 0.0);
    let drawn: Vec<_> = rows.iter().map(|r| r.group).collect();
    let subtitle = with_absent(subtitle, &comparison.groups, &drawn);
    let subtitle = interval::with(&subtitle, "whiskers", &drawn);
    let top = headline(&mut scene, title, &subtitle);
    scene.say(format!("{}: {subtitle}.", bars.axis));
    if stacked {
        key(&mut scene, top, bars);
    }
    let top = if stacked { top + 30.0 } else { top - 6.0 };
    let high = if rows.len() > MANY { CLOSE } else { ROW };
    #[expect(clippy::cast_precision_loss, reason = "a handful of bars")]
    let bottom = top + rows.len() as f64 * high;
    scene.height = bottom + 62.0;
    let names = rows
        .iter()
        .map(|r| font::width(&r.group.label(), NAME.size, false));
    let frame = Frame {
        left: 20.0 + names.fold(0.0, f64::max) + 14.0,
        top,
        // Room for the sum at the end of the longest bar.
        right: WIDTH - 110.0,
        bottom,
        x,
        y: Axis::seconds("", 1.0),
    };
    for (value, _) in &frame.x.ticks {
        let at = frame.x(*value);
        scene.line(&[(at, top), (at, bottom)], palette::GRID, 1.0);
    }
    frame.x_labels(&mut scene);
    for (place, bar) in rows.iter().enumerate() {
        #[expect(clippy::cast_precision_loss, reason = "a handful of bars")]
        let y = top + place as f64 * high;
        row(&mut scene, &frame, bar, bars, (y, high));
        // Between transports, where each has several bars.
        let next = rows.get(place + 1).map(|next| next.group.transport);
        if high < ROW && next.is_some_and(|next| next != bar.group.transport) {
            let edge = y + high;
            scene.line(&[(20.0, edge), (frame.right, edge)], palette::GRID, 1.0);
        }
    }
    scene.line(&[(frame.left, top), (frame.left, bottom)], SOFT, 1.25);
    Some(scene)
}

/// A bar for each transport that has a part measured.
fn measured<'a>(bars: &Bars, comparison: &'a Comparison<'_>) -> Vec<Bar<'a>> {
    comparison
        .groups
        .iter()
        .map(|group| Bar::of(group, bars))
        .filter(|bar| bar.parts.iter().any(Option::is_some))
        .collect()
}

fn row(scene: &mut Scene, frame: &Frame, bar: &Bar<'_>, bars: &Bars, (y, high): (f64, f64)) {
    let stacked = bars.parts.len() > 1;
    let close = high < ROW;
    let (from, to) = match (stacked, close) {
        (true, false) => (y + 10.0, y + 34.0),
        (true, true) => (y + 6.0, y + 22.0),
        (false, false) => (y + 16.0, y + 44.0),
        (false, true) => (y + 12.0, y + 34.0),
    };
    let middle = f64::midpoint(from, to);
    scene.text(
        bar.group.label(),
        (frame.left - 10.0, middle),
        NAME.align(Align::End),
    );
    let color = palette::color(bar.group.transport);
    let mut reached = 0.0;
    for (part, shade) in bar.parts.iter().zip(SHADES) {
        let value = part.unwrap_or(0.0).max(0.0);
        let (left, right) = (frame.x(reached), frame.x(reached + value));
        scene.rect((left, from), (right, to), palette::tint(color, shade));
        if reached > 0.0 && right - left > 2.0 {
            scene.line(&[(left, from), (left, to)], palette::GROUND, 1.5);
        }
        reached += value;
    }
    if let Some((low, high)) = bar.ends {
        let (low, high) = ((frame.x(low), middle), (frame.x(high), middle));
        scene.whisker(low, high, INK);
    }
    let (sum, ends) = bar.said(bars);
    let end = frame.x(bar.reach()) + 8.0;
    scene.text(sum.clone(), (end, middle), NAME.bold());
    let parts: Vec<_> = bar
        .parts
        .iter()
        .zip(bars.parts)
        .map(|(value, (name, what))| format!("{what} {}", show::named(name, *value)))
        .collect();
    let parts = parts.join(" · ");
    let mut said = format!("{} · {sum}{ends}", sentence(&bar.group.name()));
    if stacked {
        said = format!("{said} · {parts}");
        let below = if close { 11.0 } else { 13.0 };
        scene.text(parts, (frame.left + 8.0, to + below), SMALL);
    }
    scene.say(format!("{said}."));
    scene.tip_in((frame.left, y + 4.0), (frame.right, y + high - 4.0), said);
}

/// The parts' names, with grey shades: each bar has them in its own colour.
fn key(scene: &mut Scene, y: f64, bars: &Bars) {
    let mut x = 20.0;
    for ((_, what), shade) in bars.parts.iter().zip(SHADES) {
        scene.rect(
            (x, y - 8.0),
            (x + 22.0, y + 8.0),
            palette::tint(SOFT, shade),
        );
        scene.text(*what, (x + 30.0, y), Set::new(13.0, SOFT));
        x += 30.0 + font::width(what, 13.0, false) + 26.0;
    }
}
