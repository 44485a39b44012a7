//! A figure against the number of clients, a line for each transport.

use std::collections::BTreeMap;

use super::axis::Axis;
use super::frame::{Frame, TOP, WIDTH, headline, legend, legend_width};
use super::palette::{self, SOFT};
use super::scene::{Point, Scene, Set};
use crate::report::comparison::Comparison;
use crate::result::metric;
use crate::scenario::Transport;

const HEIGHT: f64 = 500.0;
const DASH: (f64, f64) = (7.0, 5.0);

/// What a chart against clients shows.
pub(crate) struct Scaling {
    /// The title of the vertical axis, unit included.
    pub(crate) axis: &'static str,
    /// The metric of the full lines.
    pub(crate) metric: &'static str,
    /// The metric of the dashed lines, and what both are called.
    pub(crate) second: Option<(&'static str, &'static str, &'static str)>,
}

/// A transport's points: clients and value, ascending.
type Lines = BTreeMap<Transport, Vec<(f64, f64)>>;

pub(crate) fn draw(
    scaling: &Scaling,
    comparisons: &[&Comparison<'_>],
    title: &str,
    subtitle: &str,
) -> Option<Scene> {
    let full = lines(comparisons, scaling.metric);
    let dashed = scaling
        .second
        .map_or_else(Lines::new, |(metric, ..)| lines(comparisons, metric));
    let values = full.values().chain(dashed.values()).flatten();
    let unit = metric::find(scaling.metric)?.unit;
    let y = Axis::log(scaling.axis, unit, values.map(|(_, v)| *v))?;
    let clients: Vec<f64> = comparisons
        .iter()
        .filter_map(|c| c.number("clients"))
        .collect();
    let entries: Vec<_> = Transport::ALL
        .into_iter()
        .filter(|t| full.contains_key(t) || dashed.contains_key(t))
        .map(|t| (t, t.to_string()))
        .collect();
    let mut scene = Scene::new(WIDTH, HEIGHT);
    headline(&mut scene, title, subtitle);
    let frame = Frame {
        left: 96.0,
        top: TOP,
        right: WIDTH - legend_width(entries.iter().map(|(_, n)| n.as_str())),
        bottom: HEIGHT - 62.0,
        x: Axis::named("Clients", &clients)?,
        y,
    };
    frame.draw(&mut scene);
    trace(&mut scene, &frame, &dashed, Some(DASH));
    trace(&mut scene, &frame, &full, None);
    legend(&mut scene, frame.right, frame.top, &entries);
    if let Some((_, first, second)) = scaling.second {
        #[expect(clippy::cast_precision_loss, reason = "five transports at most")]
        let below = frame.top + entries.len() as f64 * 24.0 + 28.0;
        key(&mut scene, (frame.right + 18.0, below), first, second);
    }
    Some(scene)
}

fn trace(scene: &mut Scene, frame: &Frame, lines: &Lines, dash: Option<(f64, f64)>) {
    for (transport, line) in lines {
        let points: Vec<_> = line.iter().map(|(x, y)| frame.at(*x, *y)).collect();
        let color = palette::color(*transport);
        let width = 2.5 * palette::weight(*transport);
        match dash {
            Some(dash) => scene.dashes(&points, color, width * 0.8, dash),
            None => scene.line(&points, color, width),
        }
        for point in points {
            scene.marker(*transport, point);
        }
    }
}

/// What full and dashed lines mean, below the legend.
fn key(scene: &mut Scene, (x, y): Point, first: &str, second: &str) {
    let text = Set::new(13.5, SOFT);
    scene.line(&[(x, y), (x + 26.0, y)], SOFT, 2.5);
    scene.text(first, (x + 34.0, y), text);
    let y = y + 24.0;
    scene.dashes(&[(x, y), (x + 26.0, y)], SOFT, 2.0, DASH);
    scene.text(second, (x + 34.0, y), text);
}

/// The metric of valid groups that have it, above zero: a log axis has no place for others.
fn lines(comparisons: &[&Comparison<'_>], metric: &str) -> Lines {
    let mut lines = Lines::new();
    for comparison in comparisons {
        let Some(clients) = comparison.number("clients") else {
            continue;
        };
        for group in comparison.groups.iter().filter(|g| g.valid) {
            if let Some(value) = group.median(metric).filter(|v| *v > 0.0) {
                lines
                    .entry(group.transport)
                    .or_default()
                    .push((clients, value));
            }
        }
    }
    lines
}
