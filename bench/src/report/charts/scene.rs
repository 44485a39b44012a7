//! A picture as shapes in pixels, before it becomes SVG or PNG.

use super::palette::{self, Color, WHITE};
use crate::scenario::Transport;

/// A place in the picture: pixels from the left and from the top.
pub(crate) type Point = (f64, f64);

/// A picture.
#[derive(Debug)]
pub(crate) struct Scene {
    pub(crate) width: f64,
    pub(crate) height: f64,
    pub(crate) shapes: Vec<Shape>,
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

    /// A line of dashes `on` pixels long, `off` apart.
    pub(crate) fn dashes(
        &mut self,
        points: &[Point],
        color: Color,
        width: f64,
        (on, off): (f64, f64),
    ) {
        for dash in dash(points, on, off) {
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

    /// The transport's marker, with a white edge that parts it from what it lies on.
    pub(crate) fn marker(&mut self, transport: Transport, at: Point) {
        let size = 3.5 + palette::weight(transport);
        self.area(palette::marker(transport, at, size + 1.0), WHITE);
        self.area(
            palette::marker(transport, at, size),
            palette::color(transport),
        );
    }
}

fn dash(points: &[Point], on: f64, off: f64) -> Vec<Vec<Point>> {
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
