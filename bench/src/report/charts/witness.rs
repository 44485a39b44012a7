//! What a real browser saw, over what the simulated clients saw: delivery latency by percentile, twice for each transport.

use super::Chart;
use super::axis::Axis;
use super::frame::{Frame, TOP, WIDTH, headline, legend, legend_width};
use super::palette;
use super::scene::{Point, Scene};
use crate::result::metric::Unit;
use crate::result::{Side, Witnessed, WitnessedTrial};

const HEIGHT: f64 = 520.0;
const TITLE: &str = "What a real browser sees, and what simulated clients see";
/// A marker stands on the browser's line at each of these.
const MARKED: [f64; 4] = [0.5, 0.9, 0.99, 0.999];
/// Dashes of the simulated clients' lines, in pixels on and off.
const DASHES: (f64, f64) = (6.0, 4.0);

/// A curve: quantile and nanoseconds, ascending.
type Curve = Vec<(f64, f64)>;

/// The chart of both sides; `None` when the browser saw too little for a curve.
#[must_use]
pub fn chart(witnessed: &Witnessed) -> Option<Chart> {
    Some(Chart {
        name: "witness".to_owned(),
        title: TITLE.to_owned(),
        reading: "Where a full line lies on its dashed one, a simulated client is as late as a page; where it lies above, the page adds its own cost.",
        scene: draw(witnessed)?,
    })
}

fn draw(witnessed: &Witnessed) -> Option<Scene> {
    let pairs: Vec<(&WitnessedTrial, Curve, Curve)> = first_of_each(witnessed)
        .into_iter()
        .map(|trial| (trial, &trial.browser, &trial.simulated))
        .map(|(trial, browser, simulated)| (trial, curve(browser), curve(simulated)))
        .filter(|(_, browser, _)| browser.len() > 1)
        .collect();
    // Beyond the browser's last quantile there is nothing to compare.
    let last = pairs
        .iter()
        .filter_map(|(_, browser, _)| browser.last().map(|(quantile, _)| *quantile))
        .fold(0.5, f64::max);
    let points = pairs
        .iter()
        .flat_map(|(_, browser, simulated)| browser.iter().chain(upto(simulated, last)));
    let y = Axis::log(
        "Delivery latency",
        Unit::Nanoseconds,
        points.map(|(_, value)| *value),
    )?;
    let entries: Vec<_> = pairs
        .iter()
        .map(|(trial, _, _)| (trial.transport, trial.transport.to_string()))
        .collect();
    let mut scene = Scene::new(WIDTH, HEIGHT);
    let subtitle = format!(
        "Full lines: the relay pages' own code in {}. Dashed lines: simulated clients.",
        witnessed.browser
    );
    headline(&mut scene, TITLE, &subtitle);
    let frame = Frame {
        left: 96.0,
        top: TOP,
        right: WIDTH - legend_width(entries.iter().map(|(_, name)| name.as_str())),
        bottom: HEIGHT - 62.0,
        x: Axis::percentiles("Share of messages delivered within this time", last),
        y,
    };
    frame.draw(&mut scene);
    for (trial, browser, simulated) in &pairs {
        let color = palette::color(trial.transport);
        let width = 2.0 * palette::weight(trial.transport);
        let place = |(quantile, value): &(f64, f64)| frame.at(*quantile, *value);
        let dashed: Vec<Point> = upto(simulated, last).map(place).collect();
        scene.dashes(&dashed, color, width, DASHES);
        let full: Vec<Point> = browser.iter().map(place).collect();
        scene.line(&full, color, width);
        for quantile in MARKED {
            let reached = browser.iter().find(|(at, _)| *at >= quantile - 1e-9);
            if let Some((_, value)) = reached {
                scene.marker(trial.transport, frame.at(quantile, *value));
            }
        }
    }
    legend(&mut scene, frame.right, frame.top, &entries);
    Some(scene)
}

/// Of each transport the first trial, in the order of every chart.
fn first_of_each(witnessed: &Witnessed) -> Vec<&WitnessedTrial> {
    let mut trials: Vec<&WitnessedTrial> = witnessed.trials.iter().collect();
    trials.sort_by_key(|trial| trial.transport);
    trials.dedup_by_key(|trial| trial.transport);
    trials
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a position in a picture needs no more"
)]
fn curve(side: &Side) -> Curve {
    let points = side.percentiles.iter();
    points
        .map(|point| (point.quantile, point.delivery as f64))
        .collect()
}

fn upto(curve: &[(f64, f64)], last: f64) -> impl Iterator<Item = &(f64, f64)> {
    curve
        .iter()
        .take_while(move |(quantile, _)| *quantile <= last + 1e-9)
}
