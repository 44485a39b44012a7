//! A picture as shapes in pixels, before it becomes SVG or PNG.

use super::mark::{Mark, Spot};
use super::palette::{self, Color, GROUND};
use crate::scenario::Transport;

/// A place in the picture: pixels from the left and from the top.
pub(crate) type Point = (f64, f64);

/// A picture.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) shapes: Vec<Shape>,
    /// Where a value can be asked for; nothing of them is seen.
    pub(crate) marks: Vec<Mark>,
    /// What the picture shows, in sentences with figures, for whoever does not see it.
    pub(crate) words: Vec<String>,
}

/// One thing to draw; later ones lie above earlier ones.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Shape {
    /// A line through points.
    Line {
        points: Vec<Point>,
        color: Color,
        width: f64,
    },
    /// A filled outline.
    Area { points: Vec<Point>, color: Color },
    /// A filled rectangle.
    Rect {
        from: Point,
        to: Point,
        color: Color,
    },
    /// A line of text, its middle at the height of `at`.
    Text { text: String, at: Point, set: Set },
}

/// How a text is set.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Set {
    /// Pixels of one em.
    pub(crate) size: f64,
    pub(crate) bold: bool,
    pub(crate) color: Color,
    pub(crate) align: Align,
    /// Reads from bottom to top.
    pub(crate) upright: bool,
}

/// Which part of a text stands at its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Align {
    Start,
    Middle,
    End,
}

impl Set {
    pub(crate) const fn new(size: f64, color: Color) -> Self {
        Self {
            size,
            bold: false,
            color,
            align: Align::Start,
            upright: false,
        }
    }

    pub(crate) const fn bold(mut self) -> Self {
        self.bold = true;
        self
    }

    pub(crate) const fn align(mut self, align: Align) -> Self {
        self.align = align;
        self
    }

    pub(crate) const fn upright(mut self) -> Self {
        self.upright = true;
        self
    }
}

impl Scene {
    pub(crate) fn new(width: f64, height: f64) -> Self {
        Self {
            width,
            height,
            shapes: Vec::new(),
            marks: Vec::new(),
            words: Vec::new(),
        }
    }

    pub(crate) fn line(&mut self, points: &[Point], color: Color, width: f64) {
        if points.len() > 1 {
            self.shapes.push(Shape::Line {
                points: points.to_vec(),
                color,
                width,
            });
        }
    }

    /// A line of dashes, so many pixels long and so many apart.
    pub(crate) fn dashes(
        &mut self,
        points: &[Point],
        color: Color,
        width: f64,
        pattern: (f64, f64),
    ) {
        for dash in dash(points, pattern) {
            self.line(&dash, color, width);
        }
    }

    pub(crate) fn area(&mut self, points: Vec<Point>, color: Color) {
        if points.len() > 2 {
            self.shapes.push(Shape::Area { points, color });
        }
    }

    pub(crate) fn rect(&mut self, from: Point, to: Point, color: Color) {
        self.shapes.push(Shape::Rect { from, to, color });
    }

    pub(crate) fn text(&mut self, text: impl Into<String>, at: Point, set: Set) {
        self.shapes.push(Shape::Text {
            text: text.into(),
            at,
            set,
        });
    }

    /// A sentence of the description.
    pub(crate) fn say(&mut self, sentence: impl Into<String>) {
        self.words.push(sentence.into());
    }

    /// Tells a value to whoever points at a point.
    pub(crate) fn tip_at(&mut self, at: Point, radius: f64, tip: impl Into<String>) {
        self.mark(Spot::Circle(at, radius), tip.into());
    }

    /// Tells a value to whoever points into a rectangle.
    pub(crate) fn tip_in(&mut self, from: Point, to: Point, tip: impl Into<String>) {
        self.mark(Spot::Rect(from, to), tip.into());
    }

    /// Tells a value to whoever points at a line.
    pub(crate) fn tip_along(&mut self, points: &[Point], tip: impl Into<String>) {
        if points.len() > 1 {
            self.mark(Spot::Path(points.to_vec()), tip.into());
        }
    }

    fn mark(&mut self, spot: Spot, tip: String) {
        self.marks.push(Mark { spot, tip });
    }

    /// A whisker: from one value to another, with an end at each.
    pub(crate) fn whisker(&mut self, from: Point, to: Point, color: Color) {
        const END: f64 = 4.0;
        self.line(&[from, to], palette::tint(GROUND, 0.7), 4.0);
        self.line(&[from, to], color, 1.5);
        let across = if (from.0 - to.0).abs() > (from.1 - to.1).abs() {
            (0.0, END)
        } else {
            (END, 0.0)
        };
        for (x, y) in [from, to] {
            let end = [(x - across.0, y - across.1), (x + across.0, y + across.1)];
            self.line(&end, color, 1.5);
        }
    }

    /// The transport's marker, with an edge of the ground that parts it from what it lies on.
    pub(crate) fn marker(&mut self, transport: Transport, at: Point) {
        let size = 3.5 + palette::weight(transport);
        self.area(palette::marker(transport, at, size + 1.0), GROUND);
        self.area(
            palette::marker(transport, at, size),
            palette::color(transport),
        );
    }
}

/// The dashes of a line, `on` pixels long and `off` apart.
pub(crate) fn dash(points: &[Point], (on, off): (f64, f64)) -> Vec<Vec<Point>> {
    let mut dashes = Vec::new();
    let (mut drawing, mut left) = (true, on);
    let mut current: Vec<Point> = points.first().copied().into_iter().collect();
    for pair in points.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        loop {
            let length = (to.0 - from.0).hypot(to.1 - from.1);
            if length <= left {
                left -= length;
                current.push(to);
                break;
            }
            let share = left / length;
            from = (
                from.0 + (to.0 - from.0) * share,
                from.1 + (to.1 - from.1) * share,
            );
            current.push(from);
            let done = std::mem::replace(&mut current, vec![from]);
            if drawing {
                dashes.push(done);
            }
            drawing = !drawing;
            left = if drawing { on } else { off };
        }
    }
    if drawing {
        dashes.push(current);
    }
    dashes
}
