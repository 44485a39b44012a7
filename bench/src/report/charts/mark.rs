//! Places in a picture that tell their value: transparent shapes over the data, for whoever
//! points at it or steps through it.
//!
//! They are `<circle|rect|path class="mark" data-tip="WebSocket · p99 · 2.10 ms">`; the page shows the tip. A PNG
//! has none of them.

use std::fmt::Write as _;

use super::paint::escape;
use super::scene::Point;

/// How far from a line a pointer still touches it, in pixels.
const REACH: f64 = 6.0;

/// A place with its value in words.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Mark {
    pub(crate) spot: Spot,
    pub(crate) tip: String,
}

/// The shape that is pointed at.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Spot {
    /// Around a point, with a radius.
    Circle(Point, f64),
    /// From corner to corner.
    Rect(Point, Point),
    /// Along a line.
    Path(Vec<Point>),
}

impl Mark {
    /// The mark as an element of an SVG.
    pub(crate) fn svg(&self) -> String {
        let tip = format!("class=\"mark\" data-tip=\"{}\"", escape(&self.tip));
        match &self.spot {
            Spot::Circle((x, y), radius) => {
                format!("<circle {tip} cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius:.1}\"/>")
            }
            Spot::Rect(from, to) => format!(
                "<rect {tip} x=\"{:.1}\" y=\"{:.1}\" width=\"{:.1}\" height=\"{:.1}\"/>",
                from.0.min(to.0),
                from.1.min(to.1),
                (to.0 - from.0).abs(),
                (to.1 - from.1).abs()
            ),
            Spot::Path(points) => {
                let mut line = String::new();
                for (place, (x, y)) in points.iter().enumerate() {
                    let pen = if place == 0 { 'M' } else { 'L' };
                    // Writing to a string cannot fail.
                    let _ = write!(line, "{pen}{x:.1} {y:.1}");
                }
                format!(
                    "<path {tip} d=\"{line}\" fill=\"none\" stroke=\"#000\" stroke-opacity=\"0\" stroke-width=\"{}\"/>",
                    2.0 * REACH
                )
            }
        }
    }
}
