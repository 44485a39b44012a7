//! Delivery latency by percentile, a line for each transport.

use super::axis::Axis;
use super::frame::{Frame, TOP, WIDTH, headline, legend, legend_width, with_absent};
use super::palette;
use super::scene::Scene;
use crate::report::comparison::{Comparison, Group};
use crate::result::metric::{self, Unit};

const HEIGHT: f64 = 520.0;
/// A marker stands at each of these.
const MARKED: [f64; 5] = [0.5, 0.9, 0.99, 0.999, 0.9999];

/// A curve: quantile and nanoseconds, ascending.
type Curve = Vec<(f64, f64)>;

pub(crate) fn draw(comparison: &Comparison<'_>, title: &str, subtitle: &str) -> Option<Scene> {
    let curves: Vec<(&Group<'_>, Curve)> = comparison
        .groups
        .iter()
        .map(|group| (group, curve(group)))
        .filter(|(_, curve)| curve.len() > 1)
        .collect();
    let values = || curves.iter().flat_map(|(_, c)| c.iter().map(|(_, v)| *v));
    let y = Axis::log("Delivery latency", Unit::Nanoseconds, values())?;
    let last = curves
        .iter()
        .filter_map(|(_, c)| c.last().map(|(q, _)| *q))
        .fold(0.9, f64::max);
    let entries: Vec<_> = curves
        .iter()
        .map(|(g, _)| (g.transport, g.label()))
        .collect();
    let mut scene = Scene::new(WIDTH, HEIGHT);
    let drawn: Vec<_> = curves.iter().map(|(g, _)| *g).collect();
    let subtitle = with_absent(subtitle, &comparison.groups, &drawn);
    headline(&mut scene, title, &subtitle);
    let frame = Frame {
        left: 96.0,
        top: TOP,
        right: WIDTH - legend_width(entries.iter().map(|(_, n)| n.as_str())),
        bottom: HEIGHT - 62.0,
        x: Axis::percentiles("Share of messages delivered within this time", last),
        y,
    };
    frame.draw(&mut scene);
    for (group, curve) in &curves {
        let color = palette::color(group.transport);
        let points: Vec<_> = curve.iter().map(|(q, v)| frame.at(*q, *v)).collect();
        scene.line(&points, color, 2.5 * palette::weight(group.transport));
        for quantile in MARKED {
            if let Some(value) = at(curve, quantile) {
                scene.marker(group.transport, frame.at(quantile, value));
            }
        }
    }
    legend(&mut scene, frame.right, frame.top, &entries);
    Some(scene)
}

/// The median curve over the repeats, as far as there are samples beyond the quantile.
fn curve(group: &Group<'_>) -> Curve {
    let Some(first) = group.trials.first() else {
        return Vec::new();
    };
    let fewest = group
        .trials
        .iter()
        .map(|t| t.latency_ns.delivery.as_ref().map_or(0, |s| s.count))
        .min()
        .unwrap_or(0);
    first
        .percentiles
        .iter()
        .filter(|point| point.quantile <= 0.9999 && supported(point.quantile, fewest))
        .filter_map(|point| {
            let values = group.trials.iter().filter_map(|t| {
                t.percentiles
                    .iter()
                    .find(|p| (p.quantile - point.quantile).abs() < 1e-9)
            });
            #[expect(
                clippy::cast_precision_loss,
                reason = "a position in a picture needs no more"
            )]
            let values = values.map(|p| p.delivery as f64).collect();
            Some((point.quantile, metric::median(values)?))
        })
        .collect()
}

/// Whether at least ten samples lie beyond the quantile: fewer say nothing about it.
#[expect(clippy::cast_precision_loss, reason = "a rule of thumb")]
fn supported(quantile: f64, samples: u64) -> bool {
    (1.0 - quantile) * samples as f64 >= 9.99
}

/// The curve's value at a quantile that it reaches.
fn at(curve: &Curve, quantile: f64) -> Option<f64> {
    curve
        .iter()
        .find(|(q, _)| *q >= quantile - 1e-9)
        .map(|(_, value)| *value)
}
