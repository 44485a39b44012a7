//! The crossover map: over two numbers that the matrix varies, which transport is best where.

use super::boundary;
use super::cell::{Cell, DASH, Plane, pass_below, times};
use super::frame::{WIDTH, headline};
use super::grid::Grid;
use super::palette::{self, INK, SOFT};
use super::question::{Answer, Question, Theory};
use super::scene::{Align, Point, Scene, Set};
use super::{font, name};
use crate::scenario::Transport;

const ROW: f64 = 90.0;
const RIGHT: f64 = WIDTH - 24.0;
const BOUNDARY: &str = "model's boundary";
/// What costs so many times as much as the best is about as good: one run does not tell them apart.
const SAME: f64 = 1.1;
/// Squares of a cell's side in which the model's boundary is looked for.
const FINE: usize = 12;

/// Each cell's row, column and answer; `None` for what was not run.
type Answers<'a> = [(usize, usize, Option<Answer<'a>>)];

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
    if !answers
        .iter()
        .any(|(_, _, a)| a.as_ref().is_some_and(Answer::compared))
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

/// In how many cells the model is right: what it chooses costs hardly more than the best as measured.
#[expect(clippy::cast_precision_loss, reason = "a handful of cells")]
fn agreement(theory: &Theory, answers: &Answers<'_>) -> String {
    let both: Vec<bool> = answers
        .iter()
        .filter_map(|(row, column, answer)| {
            // Where one cannot be trusted, it might be the best.
            let answer = answer.as_ref().filter(|a| a.invalid.is_empty())?;
            let chosen = theory.best(*column as f64 + 0.5, *row as f64 + 0.5)?;
            let least = answer.best().map(|(cost, _)| cost);
            let taken = answer
                .ranked
                .iter()
                .find(|(_, g)| Some(g.transport) == chosen);
            Some(match (taken, least) {
                (Some((cost, _)), Some(least)) => *cost <= SAME * least,
                _ => chosen.is_none() && least.is_none(),
            })
        })
        .collect();
    if both.is_empty() {
        return BOUNDARY.to_owned();
    }
    let right = both.iter().filter(|right| **right).count();
    format!("{BOUNDARY}, right in {right} of {} cells", both.len())
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
fn winners(answers: &Answers<'_>) -> Vec<Transport> {
    let best = answers
        .iter()
        .filter_map(|(_, _, a)| a.as_ref()?.best())
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
        let fits = x + 42.0 + font::width(model, text.size, false) <= RIGHT;
        let model = if fits { model } else { BOUNDARY };
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

/// A row of the grid in a sentence.
fn tell(scene: &mut Scene, grid: &Grid<'_>, answers: &Answers<'_>) {
    for row in 0..grid.y.len() {
        let cells = answers.iter().filter(|(at, _, _)| *at == row);
        let cells: Vec<String> = cells
            .filter_map(|(_, column, answer)| {
                let answer = answer.as_ref()?;
                let best = match answer.best() {
                    Some((_, group)) => name(group.transport),
                    None if answer.compared() => "none".to_owned(),
                    None => "unknown".to_owned(),
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
