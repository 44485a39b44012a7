//! The crossover map: over two numbers that the matrix varies, which transport is best where.

use super::boundary;
use super::frame::{WIDTH, headline};
use super::grid::Grid;
use super::palette::{self, FAINT, GROUND, INK, SOFT};
use super::question::{Answer, Question, Theory};
use super::scene::{self, Align, Point, Scene, Set};
use super::{font, name};
use crate::scenario::Transport;
use crate::units::show_nanos;

const ROW: f64 = 90.0;
const RIGHT: f64 = WIDTH - 24.0;
const DASH: (f64, f64) = (6.0, 4.0);
/// Squares of a cell's side in which the model's boundary is looked for.
const FINE: usize = 12;
/// A lead of so many times has the deepest colour.
const CLEAR: f64 = 4.0;

/// The rectangle of the cells.
struct Plane {
    left: f64,
    top: f64,
    /// Width and height of a cell.
    cell: (f64, f64),
    rows: usize,
}

impl Plane {
    /// A place in cells from the lower left corner, in pixels.
    #[expect(clippy::cast_precision_loss, reason = "a handful of rows")]
    fn at(&self, x: f64, y: f64) -> Point {
        let down = self.rows as f64 - y;
        (self.left + x * self.cell.0, self.top + down * self.cell.1)
    }
}

pub(crate) fn draw(
    question: Question,
    grid: &Grid<'_>,
    title: &str,
    subtitle: &str,
) -> Option<Scene> {
    let answers: Vec<(usize, usize, Option<Answer<'_>>)> = grid
        .cells()
        .map(|(row, column, cell)| (row, column, cell.map(|cell| question.answer(cell))))
        .collect();
    let compared = |a: &Answer<'_>| a.ranked.len() + a.late.len() > 1;
    if !answers
        .iter()
        .any(|(_, _, a)| a.as_ref().is_some_and(compared))
    {
        return None;
    }
    let mut scene = Scene::new(WIDTH, 0.0);
    let top = headline(&mut scene, title, subtitle);
    scene.say(format!("{subtitle}."));
    let theory = Theory::of(question, grid);
    let lines = boundaries(&theory, grid);
    let model = (!lines.is_empty()).then(|| agreement(&theory, &answers));
    legend(&mut scene, top, &winners(&answers), model.as_deref());
    let plane = plane(grid, top + 26.0);
    scene.height = plane.at(0.0, 0.0).1 + 66.0;
    sides(&mut scene, &plane, grid);
    let mut taken = Vec::new();
    for (row, column, answer) in &answers {
        let cell = Cell {
            plane: &plane,
            question,
            place: (*row, *column),
        };
        let Some(answer) = answer else {
            cell.ground(&mut scene, None);
            continue;
        };
        cell.ground(&mut scene, Some(answer));
        cell.words(&mut scene, answer, &mut taken);
        cell.tip(&mut scene, answer, grid);
    }
    for line in &lines {
        let points: Vec<Point> = line.iter().map(|(x, y)| plane.at(*x, *y)).collect();
        pass_below(&mut scene, &points, &taken);
    }
    tell(&mut scene, grid, &answers);
    Some(scene)
}

fn plane(grid: &Grid<'_>, top: f64) -> Plane {
    let widest = grid.y.labels.iter().map(|l| font::width(l, 13.0, false));
    let left = 44.0 + widest.fold(0.0, f64::max) + 10.0;
    #[expect(clippy::cast_precision_loss, reason = "a handful of columns")]
    let columns = grid.x.len() as f64;
    Plane {
        left,
        top,
        cell: ((RIGHT - left) / columns, ROW),
        rows: grid.y.len(),
    }
}

/// In how many cells the model names the transport that was best as measured.
#[expect(clippy::cast_precision_loss, reason = "a handful of cells")]
fn agreement(theory: &Theory, answers: &[(usize, usize, Option<Answer<'_>>)]) -> String {
    let both: Vec<bool> = answers
        .iter()
        .filter_map(|(row, column, answer)| {
            let best = answer.as_ref()?.ranked.first().map(|(_, g)| g.transport);
            Some(theory.best(*column as f64 + 0.5, *row as f64 + 0.5)? == best)
        })
        .collect();
    let same = both.iter().filter(|same| **same).count();
    format!(
        "boundary by the model, which agrees in {same} of {} cells",
        both.len()
    )
}

/// Where the model changes its mind, in cells.
#[expect(clippy::cast_precision_loss, reason = "a handful of cells")]
fn boundaries(theory: &Theory, grid: &Grid<'_>) -> Vec<Vec<Point>> {
    let (columns, rows) = (grid.x.len(), grid.y.len());
    boundary::lines(
        (columns as f64, rows as f64),
        (columns * FINE, rows * FINE),
        |x, y| theory.best(x, y),
    )
}

/// The transports that are best somewhere.
fn winners(answers: &[(usize, usize, Option<Answer<'_>>)]) -> Vec<Transport> {
    let best = answers
        .iter()
        .filter_map(|(_, _, a)| a.as_ref()?.ranked.first())
        .map(|(_, group)| group.transport);
    let best: Vec<Transport> = best.collect();
    Transport::ALL
        .into_iter()
        .filter(|t| best.contains(t))
        .collect()
}

fn legend(scene: &mut Scene, y: f64, winners: &[Transport], model: Option<&str>) {
    let text = Set::new(13.0, SOFT);
    let mut x = 20.0;
    for transport in winners {
        let tint = palette::tint(palette::color(*transport), 0.45);
        scene.rect((x, y - 9.0), (x + 28.0, y + 9.0), tint);
        scene.marker(*transport, (x + 14.0, y));
        scene.text(transport.name(), (x + 36.0, y), text);
        x += 36.0 + font::width(transport.name(), text.size, false) + 22.0;
    }
    if let Some(model) = model {
        scene.say(format!("Dashed: {model}."));
        scene.dashes(&[(x, y), (x + 34.0, y)], INK, 2.5, DASH);
        scene.text(model, (x + 42.0, y), text);
    }
}

#[expect(clippy::cast_precision_loss, reason = "a handful of cells")]
fn sides(scene: &mut Scene, plane: &Plane, grid: &Grid<'_>) {
    let (label, title) = (Set::new(13.0, SOFT), Set::new(13.5, INK));
    for (place, text) in grid.x.labels.iter().enumerate() {
        let (x, y) = plane.at(place as f64 + 0.5, 0.0);
        scene.text(text.clone(), (x, y + 16.0), label.align(Align::Middle));
    }
    for (place, text) in grid.y.labels.iter().enumerate() {
        let (x, y) = plane.at(0.0, place as f64 + 0.5);
        scene.text(text.clone(), (x - 10.0, y), label.align(Align::End));
    }
    let middle = (grid.x.len() as f64 / 2.0, grid.y.len() as f64 / 2.0);
    let (x, y) = plane.at(middle.0, 0.0);
    let set = title.align(Align::Middle);
    scene.text(grid.x.title.clone(), (x, y + 42.0), set);
    let (_, y) = plane.at(0.0, middle.1);
    scene.text(grid.y.title.clone(), (20.0, y), set.upright());
}

/// A text's rectangle: its upper left and lower right corner.
type Taken = (Point, Point);

/// A dashed line that leaves out what would cross a text.
fn pass_below(scene: &mut Scene, points: &[Point], taken: &[Taken]) {
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
struct Cell<'a> {
    plane: &'a Plane,
    question: Question,
    /// Row from the bottom, and column.
    place: (usize, usize),
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
    fn ground(&self, scene: &mut Scene, answer: Option<&Answer<'_>>) {
        let best = answer.and_then(|a| Some((a, a.ranked.first()?)));
        let color = best.map_or(FAINT, |(answer, (_, group))| {
            let lead = answer.lead().unwrap_or(2.0).ln() / CLEAR.ln();
            let strength = 0.2 + 0.32 * lead.clamp(0.0, 1.0);
            palette::tint(palette::color(group.transport), strength)
        });
        let (from, to) = self.corners();
        scene.rect(from, to, color);
    }

    /// The best transport, what it costs, and who is next or too late.
    fn words(&self, scene: &mut Scene, answer: &Answer<'_>, taken: &mut Vec<Taken>) {
        let room = self.plane.cell.0 - 12.0;
        let Some((cost, group)) = answer.ranked.first() else {
            put(scene, "none", self.middle(-10.0), room, taken);
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
        let cost = self.question.unit().show(*cost);
        put(scene, &cost, self.middle(0.0), room, taken);
        put(scene, &below(answer), self.middle(19.0), room, taken);
    }

    fn tip(&self, scene: &mut Scene, answer: &Answer<'_>, grid: &Grid<'_>) {
        let (row, column) = self.place;
        let place = format!("{}, {}", grid.y.said(row), grid.x.said(column));
        let (from, to) = self.corners();
        let tip = format!("{place} · {}", said(self.question, answer));
        scene.tip_in(from, to, tip);
    }
}

/// The last line of a cell: who is too late, or who is next and how much dearer.
fn below(answer: &Answer<'_>) -> String {
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

fn times(ratio: f64) -> String {
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
    ranked.chain(late).collect::<Vec<_>>().join(" · ")
}

/// A row of the grid in a sentence.
fn tell(scene: &mut Scene, grid: &Grid<'_>, answers: &[(usize, usize, Option<Answer<'_>>)]) {
    for row in 0..grid.y.len() {
        let cells = answers.iter().filter(|(at, _, _)| *at == row);
        let cells: Vec<String> = cells
            .filter_map(|(_, column, answer)| {
                let answer = answer.as_ref()?;
                let best = match answer.ranked.first() {
                    Some((_, group)) => name(group.transport),
                    None => "none".to_owned(),
                };
                let lead = answer.lead().map_or_else(String::new, |lead| {
                    let next = name(answer.ranked[1].1.transport);
                    format!(" (next {next} {})", times(lead))
                });
                Some(format!("{best}{lead} at {}", grid.x.said(*column)))
            })
            .collect();
        scene.say(format!("With {}: {}.", grid.y.said(row), cells.join(", ")));
    }
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
