//! Delivery latency by percentile: a line for each transport, and a band over its repeats.

use super::axis::Axis;
use super::frame::{Frame, WIDTH, headline, legend, legend_width, with_absent};
use super::palette;
use super::scene::{Point, Scene};
use super::{interval, name};
use crate::report::comparison::{Comparison, Group};
use crate::report::show;
use crate::result::metric::{self, Unit};
use crate::units::show_nanos;

const HEIGHT: f64 = 520.0;
/// A marker stands at each of these.
const MARKED: [f64; 5] = [0.5, 0.9, 0.99, 0.999, 0.9999];

/// A point of a curve: the median over the repeats, in nanoseconds.
struct Stop {
    quantile: f64,
    value: f64,
    /// The ends of its interval, when there are repeats.
    ends: Option<(f64, f64)>,
}

/// By ascending quantile.
type Curve = Vec<Stop>;

pub(crate) fn draw(comparison: &Comparison<'_>, title: &str, subtitle: &str) -> Option<Scene> {
    let curves: Vec<(&Group<'_>, Curve)> = comparison
        .groups
        .iter()
        .map(|group| (group, curve(group)))
        .filter(|(_, curve)| curve.len() > 1)
        .collect();
    let stops = || curves.iter().flat_map(|(_, curve)| curve.iter());
    let ends = stops().filter_map(|stop| stop.ends);
    let values = stops()
        .map(|stop| stop.value)
        .chain(ends.flat_map(|(low, high)| [low, high]));
    let y = Axis::log("Delivery latency", Unit::Nanoseconds, values)?;
    let last = stops().map(|stop| stop.quantile).fold(0.9, f64::max);
    let entries: Vec<_> = curves
        .iter()
        .map(|(g, _)| (g.transport, g.label()))
        .collect();
    let mut scene = Scene::new(WIDTH, HEIGHT);
    let drawn: Vec<_> = curves.iter().map(|(g, _)| *g).collect();
    let subtitle = with_absent(subtitle, &comparison.groups, &drawn);
    let subtitle = interval::with(&subtitle, "bands", &drawn);
    let top = headline(&mut scene, title, &subtitle);
    let frame = Frame {
        left: 96.0,
        top,
        right: WIDTH - legend_width(entries.iter().map(|(_, n)| n.as_str())),
        bottom: scene.height - 62.0,
        x: Axis::percentiles("Share of messages delivered within this time", last),
        y,
    };
    frame.draw(&mut scene);
    scene.say(format!("{subtitle}."));
    for (group, curve) in &curves {
        band(&mut scene, &frame, group, curve);
    }
    for (group, curve) in &curves {
        line(&mut scene, &frame, group, curve);
    }
    legend(&mut scene, frame.right, frame.top, &entries);
    Some(scene)
}

fn band(scene: &mut Scene, frame: &Frame, group: &Group<'_>, curve: &[Stop]) {
    let ends = |stop: &Stop| stop.ends.unwrap_or((stop.value, stop.value));
    if curve.iter().all(|stop| stop.ends.is_none()) {
        return;
    }
    let below = curve.iter().map(|stop| (stop.quantile, ends(stop).0));
    let above = curve.iter().rev().map(|stop| (stop.quantile, ends(stop).1));
    let outline: Vec<Point> = below.chain(above).map(|(q, v)| frame.at(q, v)).collect();
    scene.area(
        outline,
        palette::tint(palette::color(group.transport), 0.22),
    );
}

fn line(scene: &mut Scene, frame: &Frame, group: &Group<'_>, curve: &[Stop]) {
    let color = palette::color(group.transport);
    let points: Vec<_> = curve
        .iter()
        .map(|s| frame.at(s.quantile, s.value))
        .collect();
    scene.line(&points, color, 2.5 * palette::weight(group.transport));
    let marked: Vec<&Stop> = MARKED.iter().filter_map(|q| at(curve, *q)).collect();
    let who = name(group.transport);
    let said = marked.iter().map(|stop| {
        let share = percent(stop.quantile);
        format!("{share} within {}{}", show_nanos(stop.value), between(stop))
    });
    let said = said.collect::<Vec<_>>().join(", ");
    scene.tip_along(&points, format!("{who} · {said}"));
    for stop in curve {
        let radius = if marked.iter().any(|m| std::ptr::eq(*m, stop)) {
            scene.marker(group.transport, frame.at(stop.quantile, stop.value));
            9.0
        } else {
            5.0
        };
        scene.tip_at(
            frame.at(stop.quantile, stop.value),
            radius,
            format!(
                "{who} · p{} · {}{}",
                percent(stop.quantile).trim_end_matches(" %"),
                show_nanos(stop.value),
                between(stop)
            ),
        );
    }
    scene.say(format!("{who}: {said}."));
}

/// The interval in words, after a value.
fn between(stop: &Stop) -> String {
    match (stop.ends, metric::find("delivery.p50")) {
        (Some((low, high)), Some(metric)) => format!(" ({})", show::range(metric, low, high)),
        _ => String::new(),
    }
}

/// A quantile as a person says it, such as `99.9 %`.
fn percent(quantile: f64) -> String {
    let places = if quantile < 0.99 { 10.0 } else { 1000.0 };
    format!("{} %", (quantile * 100.0 * places).round() / places)
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
            let spread = metric::spread(values)?;
            Some(Stop {
                quantile: point.quantile,
                value: spread.median,
                ends: interval::ends(&spread),
            })
        })
        .collect()
}

/// Whether at least ten samples lie beyond the quantile: fewer say nothing about it.
#[expect(clippy::cast_precision_loss, reason = "a rule of thumb")]
fn supported(quantile: f64, samples: u64) -> bool {
    (1.0 - quantile) * samples as f64 >= 9.99
}

/// The curve's stop at a quantile that it reaches.
fn at(curve: &[Stop], quantile: f64) -> Option<&Stop> {
    curve.iter().find(|stop| stop.quantile >= quantile - 1e-9)
}
