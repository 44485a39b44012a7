//! The furniture of a chart: title, axes, grid and legend.

use super::axis::Axis;
use super::font;
use super::palette::{self, FAINT, GRID, INK, SOFT};
use super::scene::{Align, Point, Scene, Set};
use crate::report::comparison::Group;
use crate::scenario::Transport;

/// The width of every chart.
pub(crate) const WIDTH: f64 = 900.0;
/// Where a chart's own part begins, under title and subtitle.
pub(crate) const TOP: f64 = 84.0;

const LABEL: Set = Set::new(13.0, SOFT);
const NAME: Set = Set::new(13.5, INK);

/// The rectangle between the axes.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) left: f64,
    pub(crate) top: f64,
    pub(crate) right: f64,
    pub(crate) bottom: f64,
    pub(crate) x: Axis,
    pub(crate) y: Axis,
}

impl Frame {
    /// Where a pair of values stands.
    pub(crate) fn at(&self, x: f64, y: f64) -> Point {
        (self.x(x), self.y(y))
    }

    pub(crate) fn x(&self, value: f64) -> f64 {
        self.left + (self.right - self.left) * self.x.place(value)
    }

    pub(crate) fn y(&self, value: f64) -> f64 {
        self.bottom - (self.bottom - self.top) * self.y.place(value)
    }

    /// Grid lines, labels and titles of both axes.
    pub(crate) fn draw(&self, scene: &mut Scene) {
        self.grid(scene);
        self.x_labels(scene);
        self.y_labels(scene);
        let middle = f64::midpoint(self.top, self.bottom);
        let upright = NAME.align(Align::Middle).upright();
        scene.text(self.y.title.clone(), (20.0, middle), upright);
    }

    pub(crate) fn grid(&self, scene: &mut Scene) {
        for value in &self.y.minor {
            self.across(scene, *value, FAINT);
        }
        for value in &self.x.minor {
            self.down(scene, *value, FAINT);
        }
        for (value, _) in &self.y.ticks {
            self.across(scene, *value, GRID);
        }
        for (value, _) in &self.x.ticks {
            self.down(scene, *value, GRID);
        }
        let axes = [
            (self.left, self.top),
            (self.left, self.bottom),
            (self.right, self.bottom),
        ];
        scene.line(&axes, SOFT, 1.25);
    }

    fn across(&self, scene: &mut Scene, value: f64, color: palette::Color) {
        let y = self.y(value);
        scene.line(&[(self.left, y), (self.right, y)], color, 1.0);
    }

    fn down(&self, scene: &mut Scene, value: f64, color: palette::Color) {
        let x = self.x(value);
        scene.line(&[(x, self.top), (x, self.bottom)], color, 1.0);
    }

    /// Labels under the frame; one that would touch its neighbour is left out.
    pub(crate) fn x_labels(&self, scene: &mut Scene) {
        let mut free = f64::NEG_INFINITY;
        for (value, label) in &self.x.ticks {
            let half = font::width(label, LABEL.size, false) / 2.0;
            let x = self.x(*value);
            if x - half >= free {
                scene.text(
                    label.clone(),
                    (x, self.bottom + 16.0),
                    LABEL.align(Align::Middle),
                );
                free = x + half + 10.0;
            }
        }
        let middle = f64::midpoint(self.left, self.right);
        let at = (middle, self.bottom + 40.0);
        scene.text(self.x.title.clone(), at, NAME.align(Align::Middle));
    }

    /// Labels left of the frame, from the bottom up; one that would touch its neighbour is left out.
    pub(crate) fn y_labels(&self, scene: &mut Scene) {
        let mut free = f64::INFINITY;
        for (value, label) in &self.y.ticks {
            let y = self.y(*value);
            if y + 8.0 <= free {
                scene.text(label.clone(), (self.left - 8.0, y), LABEL.align(Align::End));
                free = y - 8.0;
            }
        }
    }
}

/// The title in plain words, and below it what is shown, on as many lines as that takes.
///
/// Where the chart's own part begins: [`TOP`], or lower when there is more than one such line.
pub(crate) fn headline(scene: &mut Scene, title: &str, subtitle: &str) -> f64 {
    const LINE: f64 = 19.0;
    scene.text(title, (20.0, 28.0), Set::new(19.0, INK).bold());
    let set = Set::new(13.5, SOFT);
    let mut y = 54.0;
    for line in lines(subtitle, WIDTH - 40.0, set.size) {
        scene.text(line, (20.0, y), set);
        y += LINE;
    }
    let extra = (y - 54.0 - LINE).max(0.0);
    scene.height += extra;
    TOP + extra
}

/// A text in lines no wider than `width`, broken between words.
fn lines(text: &str, width: f64, size: f64) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in text.split(' ') {
        match lines.last_mut() {
            Some(line) if font::width(&format!("{line} {word}"), size, false) <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

/// A subtitle that also names the transports for which there is nothing to draw.
pub(crate) fn with_absent(subtitle: &str, all: &[Group<'_>], drawn: &[&Group<'_>]) -> String {
    let absent: Vec<_> = all
        .iter()
        .filter(|group| drawn.iter().all(|d| d.who() != group.who()))
        .map(Group::label)
        .collect();
    if absent.is_empty() {
        subtitle.to_owned()
    } else {
        format!("{subtitle} · no data: {}", absent.join(", "))
    }
}

/// The legend right of a frame that ends at `right`: a marker and a name for each transport.
pub(crate) fn legend(scene: &mut Scene, right: f64, top: f64, entries: &[(Transport, String)]) {
    let mut y = top + 12.0;
    for (transport, name) in entries {
        let x = right + 18.0;
        let width = 2.5 * palette::weight(*transport);
        scene.line(&[(x, y), (x + 26.0, y)], palette::color(*transport), width);
        scene.marker(*transport, (x + 13.0, y));
        scene.text(name.clone(), (x + 34.0, y), NAME);
        y += 24.0;
    }
}

/// The room that a legend needs right of its frame.
pub(crate) fn legend_width<'a>(names: impl IntoIterator<Item = &'a str>) -> f64 {
    let widest = names
        .into_iter()
        .map(|name| font::width(name, NAME.size, false))
        .fold(0.0, f64::max);
    18.0 + 34.0 + widest + 18.0
}
