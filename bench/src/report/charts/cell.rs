//! A cell of a crossover map: its colour, its words, and what passes below them.

use super::grid::Grid;
use super::palette::{self, FAINT, GROUND, INK};
use super::question::{Answer, Question};
use super::scene::{self, Align, Point, Scene, Set};
use super::{font, name};
use crate::units::show_nanos;

/// The dashes of a boundary.
pub(super) const DASH: (f64, f64) = (6.0, 4.0);
/// A lead of so many times has the deepest colour.
const CLEAR: f64 = 4.0;
/// How deep the colour is where a transport cannot be trusted, and might be the best.
const DOUBTFUL: f64 = 0.1;

/// The rectangle of the cells.
pub(super) struct Plane {
    pub(super) left: f64,
    pub(super) top: f64,
    /// Width and height of a cell.
    pub(super) cell: (f64, f64),
    pub(super) rows: usize,
}

impl Plane {
    /// A place in cells from the lower left corner, in pixels.
    #[expect(clippy::cast_precision_loss, reason = "a handful of rows")]
    pub(super) fn at(&self, x: f64, y: f64) -> Point {
        let down = self.rows as f64 - y;
        (self.left + x * self.cell.0, self.top + down * self.cell.1)
    }
}

/// A text's rectangle: its upper left and lower right corner.
pub(super) type Taken = (Point, Point);

/// A dashed line that leaves out what would cross a text.
pub(super) fn pass_below(scene: &mut Scene, points: &[Point], taken: &[Taken]) {
    let inside = |(x, y): Point| {
        let within = |(from, to): &Taken| from.0 <= x && x <= to.0 && from.1 <= y && y <= to.1;
        taken.iter().any(within)
    };
    for dash in scene::dash(points, DASH) {
        if !dash.iter().copied().any(inside) {
            scene.line(&dash, palette::tint(GROUND, 0.7), 5.0);
            scene.line(&dash, INK, 2.5);
        }
    }
}

/// One cell of a map.
pub(super) struct Cell<'a> {
    pub(super) plane: &'a Plane,
    pub(super) question: Question,
    /// Row from the bottom, and column.
    pub(super) place: (usize, usize),
}

impl Cell<'_> {
    /// A place in the cell, in pixels from its middle downwards.
    #[expect(clippy::cast_precision_loss, reason = "a handful of cells")]
    fn middle(&self, down: f64) -> Point {
        let (row, column) = self.place;
        let (x, y) = self.plane.at(column as f64 + 0.5, row as f64 + 0.5);
        (x, y + down)
    }

    /// Its corners, apart from its neighbours'.
    fn corners(&self) -> (Point, Point) {
        let (x, y) = self.middle(0.0);
        let half = (self.plane.cell.0 / 2.0 - 1.0, self.plane.cell.1 / 2.0 - 1.0);
        ((x - half.0, y - half.1), (x + half.0, y + half.1))
    }

    /// The colour of the best transport, the deeper the clearer its lead.
    pub(super) fn ground(&self, scene: &mut Scene, answer: Option<&Answer<'_>>) {
        let best = answer.and_then(|a| Some((a, a.best()?)));
        let color = best.map_or(FAINT, |(answer, (_, group))| {
            let lead = answer.lead().unwrap_or(2.0).ln() / CLEAR.ln();
            let strength = if answer.invalid.is_empty() {
                0.2 + 0.32 * lead.clamp(0.0, 1.0)
            } else {
                DOUBTFUL
            };
            palette::tint(palette::color(group.transport), strength)
        });
        let (from, to) = self.corners();
        scene.rect(from, to, color);
    }

    /// The best transport, what it costs, and who is next or too late.
    pub(super) fn words(&self, scene: &mut Scene, answer: &Answer<'_>, taken: &mut Vec<Taken>) {
        let room = self.plane.cell.0 - 12.0;
        let Some((cost, group)) = answer.best() else {
            let none = if answer.compared() { "none" } else { "unknown" };
            put(scene, none, self.middle(-10.0), room, taken);
            put(scene, &below(answer), self.middle(10.0), room, taken);
            return;
        };
        let (name, bold) = (group.transport.name(), Set::new(14.0, INK).bold());
        let set = fitted(name, bold, room - 18.0);
        let half = font::width(name, set.size, true) / 2.0;
        let (x, y) = self.middle(-21.0);
        scene.marker(group.transport, (x - half - 2.0, y));
        scene.text(name, (x + 9.0, y), set.align(Align::Middle));
        taken.push(((x - half - 10.0, y - 9.0), (x + half + 12.0, y + 9.0)));
        let cost = self.question.unit().show(cost);
        put(scene, &cost, self.middle(0.0), room, taken);
        put(scene, &below(answer), self.middle(19.0), room, taken);
    }

    pub(super) fn tip(&self, scene: &mut Scene, answer: &Answer<'_>, grid: &Grid<'_>) {
        let (row, column) = self.place;
        let place = format!("{}, {}", grid.y.said(row), grid.x.said(column));
        let (from, to) = self.corners();
        let tip = format!("{place} · {}", said(self.question, answer));
        scene.tip_in(from, to, tip);
    }
}

/// The last line of a cell: who cannot be trusted, who is too late, or who is next and how much dearer.
fn below(answer: &Answer<'_>) -> String {
    match answer.invalid.as_slice() {
        [] => {}
        [only] => return format!("invalid: {only}"),
        several => return format!("{} are invalid", several.len()),
    }
    let late: Vec<&str> = answer
        .late
        .iter()
        .map(|(_, g)| g.transport.name())
        .collect();
    if !late.is_empty() {
        return format!("late: {}", late.join(", "));
    }
    match (answer.ranked.get(1), answer.lead()) {
        (Some((_, next)), Some(lead)) => format!("{} {}", next.transport, times(lead)),
        _ => String::new(),
    }
}

pub(super) fn times(ratio: f64) -> String {
    if ratio < 9.95 {
        format!("× {ratio:.2}")
    } else {
        format!("× {ratio:.0}")
    }
}

/// All that a cell knows, in words.
fn said(question: Question, answer: &Answer<'_>) -> String {
    let best = answer.ranked.first().map_or(0.0, |(cost, _)| *cost);
    let ranked = answer.ranked.iter().map(|(cost, group)| {
        let shown = question.unit().show(*cost);
        let ratio = if *cost > best && best > 0.0 {
            format!(" ({})", times(cost / best))
        } else {
            String::new()
        };
        format!("{} {shown}{ratio}", name(group.transport))
    });
    let late = answer
        .late
        .iter()
        .map(|(age, group)| format!("{} too late, {}", name(group.transport), show_nanos(*age)));
    let invalid = answer
        .invalid
        .iter()
        .map(|t| format!("{} invalid", name(*t)));
    ranked
        .chain(late)
        .chain(invalid)
        .collect::<Vec<_>>()
        .join(" · ")
}

fn put(scene: &mut Scene, text: &str, at: Point, room: f64, taken: &mut Vec<Taken>) {
    let set = fitted(text, Set::new(12.5, INK), room);
    scene.text(text, at, set.align(Align::Middle));
    let half = font::width(text, set.size, false) / 2.0 + 3.0;
    taken.push(((at.0 - half, at.1 - 8.0), (at.0 + half, at.1 + 8.0)));
}

/// The text's set, small enough for its room.
fn fitted(text: &str, set: Set, room: f64) -> Set {
    let width = font::width(text, set.size, set.bold);
    let size = set.size * (room / width.max(1.0)).min(1.0);
    Set { size, ..set }
}
