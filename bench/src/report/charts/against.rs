//! A figure against a number that the matrix varies, a line for each transport.

use std::collections::BTreeMap;

use super::axis::Axis;
use super::factor::Numeric;
use super::frame::{Frame, WIDTH, headline, legend, legend_width};
use super::palette::{self, SOFT};
use super::scene::{Point, Scene, Set};
use super::{interval, name};
use crate::report::comparison::Comparison;
use crate::report::show;
use crate::result::metric::{self, Metric};
use crate::scenario::{Factor, Transport};

const HEIGHT: f64 = 500.0;
const DASH: (f64, f64) = (7.0, 5.0);

/// What such a chart shows.
pub(crate) struct Against {
    /// The title of the vertical axis, unit included.
    pub(crate) axis: &'static str,
    /// The metric of the full lines.
    pub(crate) metric: &'static str,
    /// The metric of the dashed lines, and what both are called.
    pub(crate) second: Option<(&'static str, &'static str, &'static str)>,
}

/// A value at a number.
struct Stop {
    at: f64,
    value: f64,
    ends: Option<(f64, f64)>,
}

/// A transport's stops, ascending.
#[derive(Default)]
struct Line {
    stops: Vec<Stop>,
    /// Whether the number is nothing to this transport, which was measured without it.
    aside: bool,
}

impl Line {
    /// Its name in the legend, with its slope where there are stops enough to have one.
    fn called(&self, transport: Transport) -> String {
        self.slope().map_or_else(
            || transport.to_string(),
            // A hyphen is no minus.
            |slope| {
                format!(
                    "{transport}, slope {}",
                    format!("{slope:+.2}").replace('-', "−")
                )
            },
        )
    }

    /// The power of the number that the figure grows with: the slope of logarithms by least squares.
    fn slope(&self) -> Option<f64> {
        if self.stops.len() < 3 || self.stops.iter().any(|stop| stop.at <= 0.0) {
            return None;
        }
        #[expect(clippy::cast_precision_loss, reason = "a handful")]
        let count = self.stops.len() as f64;
        let points = || {
            self.stops
                .iter()
                .map(|stop| (stop.at.ln(), stop.value.ln()))
        };
        let (x, y) = points().fold((0.0, 0.0), |(x, y), point| (x + point.0, y + point.1));
        let (x, y) = (x / count, y / count);
        let (both, square) = points().fold((0.0, 0.0), |(both, square), point| {
            let dx = point.0 - x;
            (both + dx * (point.1 - y), square + dx * dx)
        });
        (square > 0.0).then(|| both / square)
    }
}

type Lines = BTreeMap<Transport, Line>;

pub(crate) fn draw(
    against: &Against,
    numeric: &Numeric,
    row: &[&Comparison<'_>],
    title: &str,
    subtitle: &str,
) -> Option<Scene> {
    let full = lines(row, numeric.key, against.metric);
    let dashed = against
        .second
        .map_or_else(Lines::new, |(metric, ..)| lines(row, numeric.key, metric));
    let metric = metric::find(against.metric)?;
    let stops = full.values().chain(dashed.values());
    let values = stops.flat_map(|line| &line.stops).flat_map(|stop| {
        let (low, high) = stop.ends.unwrap_or((stop.value, stop.value));
        [low, stop.value, high]
    });
    let y = Axis::log(against.axis, metric.unit, values)?;
    let numbers: Vec<(f64, String)> = row
        .iter()
        .filter_map(|c| c.number(numeric.key))
        .map(|at| (at, show::factor_value(numeric.key, &Factor::Number(at))))
        .collect();
    let entries: Vec<_> = Transport::ALL
        .into_iter()
        .filter(|t| full.contains_key(t) || dashed.contains_key(t))
        .map(|t| {
            (
                t,
                full.get(&t)
                    .map_or_else(|| t.to_string(), |line| line.called(t)),
            )
        })
        .collect();
    let mut scene = Scene::new(WIDTH, HEIGHT);
    let groups: Vec<_> = row.iter().flat_map(|c| &c.groups).collect();
    let subtitle = interval::with(subtitle, "whiskers", &groups);
    let sloped = full.values().any(|line| line.slope().is_some());
    let slopes = if sloped {
        "; slope 0 stays as it is, 1 grows in proportion"
    } else {
        ""
    };
    let top = headline(&mut scene, title, &format!("{subtitle}{slopes}"));
    let frame = Frame {
        left: 96.0,
        top,
        right: WIDTH - legend_width(entries.iter().map(|(_, n)| n.as_str())),
        bottom: scene.height - 62.0,
        x: Axis::named(numeric.axis, &numbers)?,
        y,
    };
    frame.draw(&mut scene);
    scene.say(format!("{subtitle}."));
    let (first, second) = against
        .second
        .map_or(("", ""), |(_, first, second)| (first, second));
    let shown = (metric, numeric);
    trace(&mut scene, &frame, &dashed, shown, second, Some(DASH));
    trace(&mut scene, &frame, &full, shown, first, None);
    legend(&mut scene, frame.right, frame.top, &entries);
    if against.second.is_some() {
        #[expect(clippy::cast_precision_loss, reason = "five transports at most")]
        let below = frame.top + entries.len() as f64 * 24.0 + 28.0;
        key(&mut scene, (frame.right + 18.0, below), first, second);
    }
    Some(scene)
}

fn trace(
    scene: &mut Scene,
    frame: &Frame,
    lines: &Lines,
    (metric, numeric): (&Metric, &Numeric),
    which: &str,
    dash: Option<(f64, f64)>,
) {
    for (transport, line) in lines {
        let points: Vec<_> = line.stops.iter().map(|s| frame.at(s.at, s.value)).collect();
        let color = palette::color(*transport);
        let width = 2.5 * palette::weight(*transport);
        match dash {
            Some(dash) => scene.dashes(&points, color, width * 0.8, dash),
            None => scene.line(&points, color, width),
        }
        let who = if which.is_empty() {
            name(*transport)
        } else {
            format!("{} · {which}", name(*transport))
        };
        let value = |stop: &Stop| show::value(metric, Some(stop.value));
        if let (true, Some(stop)) = (line.aside, line.stops.last()) {
            let said = format!(
                "{who} · {} · without {}",
                value(stop),
                numeric.key.replace('_', " ")
            );
            scene.say(format!("{said}."));
            scene.tip_along(&points, said);
            scene.marker(*transport, frame.at(stop.at, stop.value));
            continue;
        }
        let mut said = Vec::new();
        for (stop, point) in line.stops.iter().zip(&points) {
            let at = show::factor(numeric.key, &Factor::Number(stop.at));
            let mut words = value(stop);
            if let Some((low, high)) = stop.ends {
                let (x, _) = *point;
                scene.whisker((x, frame.y(low)), (x, frame.y(high)), color);
                words = format!("{words} ({})", show::range(metric, low, high));
            }
            scene.marker(*transport, *point);
            scene.tip_at(*point, 10.0, format!("{who} · {at} · {words}"));
            said.push(format!("{words} at {at}"));
        }
        scene.say(format!("{who}: {}.", said.join(", ")));
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
fn lines(row: &[&Comparison<'_>], key: &str, metric: &str) -> Lines {
    let mut lines = Lines::new();
    for comparison in row {
        let Some(at) = comparison.number(key) else {
            continue;
        };
        for group in comparison.groups.iter().filter(|g| g.valid) {
            let Some(spread) = interval::of(group, metric).filter(|s| s.median > 0.0) else {
                continue;
            };
            let line = lines.entry(group.transport).or_default();
            line.aside = group.trials.iter().all(|t| !t.factors.contains_key(key));
            line.stops.push(Stop {
                at,
                value: spread.median,
                ends: interval::ends(&spread).filter(|(low, _)| *low > 0.0),
            });
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slope_is_the_power_that_a_figure_grows_with() {
        let line = |power: f64| Line {
            stops: [1000.0, 10_000.0, 300_000.0]
                .map(|at: f64| Stop {
                    at,
                    value: 7.0 * at.powf(power),
                    ends: None,
                })
                .into(),
            aside: false,
        };
        assert_eq!(line(-0.5).called(Transport::Sse), "sse, slope −0.50");
        assert_eq!(
            line(1.0).called(Transport::LongPolling),
            "long-polling, slope +1.00"
        );
        let mut two = line(1.0);
        two.stops.pop();
        assert_eq!(two.called(Transport::Sse), "sse");
    }
}
