//! Where a plane that is coloured by a rule changes colour, as lines: marching squares over the rule itself.

use std::collections::BTreeMap;

use super::scene::Point;

/// Halvings that find a crossing between two points.
const HALVINGS: u32 = 24;

/// An edge of the lattice: its left or upper end, and whether it goes down.
type Edge = (usize, usize, bool);

/// The lines on which `color` changes within the rectangle from 0, 0 to `width`, `height`, looked
/// for on a lattice of `across` by `down` squares. No line is drawn along a part without colour.
pub(crate) fn lines<C: PartialEq + Copy>(
    (width, height): (f64, f64),
    (across, down): (usize, usize),
    color: impl Fn(f64, f64) -> Option<C>,
) -> Vec<Vec<Point>> {
    #[expect(clippy::cast_precision_loss, reason = "some hundred squares")]
    let place = |column: usize, row: usize| {
        (
            width * column as f64 / across as f64,
            height * row as f64 / down as f64,
        )
    };
    let at = |point: Point| color(point.0, point.1);
    let crossing = |(column, row, goes_down): Edge| {
        let from = place(column, row);
        let to = if goes_down {
            place(column, row + 1)
        } else {
            place(column + 1, row)
        };
        crossing(from, to, &at)
    };
    let mut pieces = Pieces::default();
    for row in 0..down {
        for column in 0..across {
            let edges = [
                (column, row, false),
                (column + 1, row, true),
                (column, row + 1, false),
                (column, row, true),
            ];
            let crossed: Vec<(Edge, Point)> = edges
                .into_iter()
                .filter_map(|edge| Some((edge, crossing(edge)?)))
                .collect();
            pieces.add(&crossed);
        }
    }
    pieces.joined()
}

/// Where the colour changes between two points; `None` when it does not, or is missing at an end.
fn crossing<C: PartialEq>(
    from: Point,
    to: Point,
    at: &impl Fn(Point) -> Option<C>,
) -> Option<Point> {
    let first = at(from)?;
    if at(to)? == first {
        return None;
    }
    let (mut low, mut high) = (0.0, 1.0);
    let point = |share: f64| {
        (
            from.0 + (to.0 - from.0) * share,
            from.1 + (to.1 - from.1) * share,
        )
    };
    for _ in 0..HALVINGS {
        let middle = f64::midpoint(low, high);
        if at(point(middle)).as_ref() == Some(&first) {
            low = middle;
        } else {
            high = middle;
        }
    }
    Some(point(f64::midpoint(low, high)))
}

/// Pieces of lines within squares, to be joined where they share an edge.
#[derive(Default)]
struct Pieces {
    points: BTreeMap<Edge, Point>,
    /// The neighbours of each edge that a line crosses: at most one in each of its two squares.
    next: BTreeMap<Edge, Vec<Edge>>,
    /// Pieces in squares where three lines meet.
    stars: Vec<Vec<Point>>,
}

impl Pieces {
    /// What crosses the edges of one square.
    fn add(&mut self, crossed: &[(Edge, Point)]) {
        match crossed {
            [(one, from), (other, to)] => {
                self.points.insert(*one, *from);
                self.points.insert(*other, *to);
                self.next.entry(*one).or_default().push(*other);
                self.next.entry(*other).or_default().push(*one);
            }
            [_, _, _, ..] => {
                #[expect(clippy::cast_precision_loss, reason = "three or four")]
                let count = crossed.len() as f64;
                let sum = crossed
                    .iter()
                    .fold((0.0, 0.0), |sum, (_, p)| (sum.0 + p.0, sum.1 + p.1));
                let middle = (sum.0 / count, sum.1 / count);
                let rays = crossed.iter().map(|(_, point)| vec![*point, middle]);
                self.stars.extend(rays);
            }
            _ => {}
        }
    }

    /// The pieces as lines, each as long as it goes: open ones first, from their ends, then rings.
    fn joined(mut self) -> Vec<Vec<Point>> {
        let mut lines = Vec::new();
        let ends = self.next.iter().filter(|(_, next)| next.len() == 1);
        let mut starts: Vec<Edge> = ends.map(|(edge, _)| *edge).collect();
        starts.extend(self.next.keys());
        for start in starts {
            let line = self.walk(start);
            if line.len() > 1 {
                lines.push(line);
            }
        }
        lines.append(&mut self.stars);
        lines
    }

    /// From an edge along what is left, taking it away.
    fn walk(&mut self, start: Edge) -> Vec<Point> {
        let mut line: Vec<Point> = self.points.get(&start).copied().into_iter().collect();
        let mut here = start;
        while let Some(there) = self.next.get_mut(&here).and_then(Vec::pop) {
            if let Some(back) = self.next.get_mut(&there) {
                back.retain(|edge| *edge != here);
            }
            line.extend(self.points.get(&there).copied());
            here = there;
        }
        line
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slanting_boundary_is_one_line_where_the_rule_changes() {
        let found = lines((4.0, 4.0), (16, 16), |x, y| Some(x + 2.0 * y > 5.0));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(
            found[0]
                .iter()
                .all(|(x, y)| (x + 2.0 * y - 5.0).abs() < 1e-3)
        );
        let (first, last) = (found[0][0], found[0][found[0].len() - 1]);
        assert!(
            (first.0 - last.0).abs() > 3.9,
            "from side to side: {found:?}"
        );
    }

    #[test]
    fn a_ring_comes_back_and_nothing_is_drawn_where_there_is_no_colour() {
        let inside = |x: f64, y: f64| (x - 2.0).hypot(y - 2.0) < 1.0;
        let ring = lines((4.0, 4.0), (20, 20), |x, y| Some(inside(x, y)));
        assert_eq!(ring.len(), 1);
        assert_eq!(ring[0].first(), ring[0].last());
        let half = lines((4.0, 4.0), (20, 20), |x, y| (x < 2.1).then(|| inside(x, y)));
        assert!(half.iter().flatten().all(|(x, _)| *x < 2.2));
        assert!(lines((4.0, 4.0), (9, 9), |_, _| Some(1)).is_empty());
    }

    #[test]
    fn three_colours_meet_in_a_point() {
        let color = |x: f64, y: f64| Some(if y < 2.0 { 0 } else { 1 + u8::from(x > 2.0) });
        let found = lines((4.0, 4.0), (5, 5), color);
        assert!(found.len() >= 3, "{found:?}");
    }
}
