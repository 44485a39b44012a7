//! Draws a scene with plotters, on any of its backends: SVG text and PNG bytes come from the same code.

use plotters::backend::{BitMapBackend, DrawingBackend, SVGBackend};
use plotters::coord::Shift;
use plotters::element::{PathElement, Polygon, Rectangle, Text};
use plotters::prelude::{DrawingArea, IntoDrawingArea as _};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{Color as _, FontTransform, RGBAColor, ShapeStyle};

use super::font;
use super::palette::{self, Color, GROUND};
use super::scene::{Align, Point, Scene, Set, Shape};

/// Why a chart could not be drawn.
#[derive(Debug, thiserror::Error)]
pub enum PaintError {
    /// Plotters or the font failed.
    #[error("cannot draw a chart: {0}")]
    Draw(String),
    /// The PNG could not be encoded.
    #[error("cannot encode a PNG: {0}")]
    Png(#[from] png::EncodingError),
}

/// Plotters draws on whole pixels: a scene is drawn this many times larger.
const FINE: u32 = 4;
/// A PNG has this many pixels for each of the scene's, for dense screens and print.
const DENSE: u32 = 2;

/// The scene as an SVG element, without the font: with its title, its words, and marks that tell values.
pub(crate) fn svg(scene: &Scene, title: &str) -> Result<String, PaintError> {
    let mut out = String::new();
    let (width, height) = size(scene, FINE);
    {
        let area = SVGBackend::with_string(&mut out, (width, height)).into_drawing_area();
        paint(scene, &area, 0.0)?;
    }
    // Drawn large for precision, shown at the scene's own size, and shrinking with the page.
    let head = format!("<svg width=\"{width}\" height=\"{height}\"");
    let shown = format!(
        "<svg class=\"chart\" role=\"img\" aria-label=\"{0}\" width=\"{1}\" height=\"{2}\"",
        escape(title),
        scene.width,
        scene.height
    );
    let out = out.replacen(&head, &shown, 1).replacen(NAMESPACE, "", 1);
    let family = format!("font-family=\"{}\"", font::FAMILY);
    let fallback = format!("font-family=\"'{}', sans-serif\"", font::FAMILY);
    let out = out.replace(&family, &fallback);
    let intro = format!(
        "<title>{}</title>\n<desc>{}</desc>\n<style>{}</style>\n",
        escape(title),
        escape(&scene.words.join(" ")),
        palette::css()
    );
    let Some((head, body)) = out.split_once(">\n") else {
        return Err(PaintError::Draw("an SVG without a body".to_owned()));
    };
    let body = body.trim_end().trim_end_matches("</svg>");
    Ok(format!("{head}>\n{intro}{body}{}</svg>\n", marks(scene)))
}

/// The marks, above all else and unseen.
fn marks(scene: &Scene) -> String {
    if scene.marks.is_empty() {
        return String::new();
    }
    let all: String = scene.marks.iter().map(|m| m.svg() + "\n").collect();
    format!("<g transform=\"scale({FINE})\" fill=\"#000\" fill-opacity=\"0\">\n{all}</g>\n")
}

/// An SVG element as a file that carries its font.
pub(crate) fn with_font(svg: &str) -> String {
    let style = format!("<style>{}", font::css());
    svg.replacen("<svg", &format!("<svg{NAMESPACE}"), 1)
        .replacen("<style>", &style, 1)
}

/// The scene as a PNG file, its edges smoothed by drawing it larger first.
pub(crate) fn png(scene: &Scene) -> Result<Vec<u8>, PaintError> {
    let (width, height) = size(scene, FINE);
    let mut pixels = vec![0; width as usize * height as usize * 3];
    {
        let backend = BitMapBackend::with_buffer(&mut pixels, (width, height));
        // Bitmap text sits higher than SVG text by this share of its size.
        paint(scene, &backend.into_drawing_area(), 0.13)?;
    }
    let small = shrink(&pixels, width as usize, (FINE / DENSE) as usize);
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, width / FINE * DENSE, height / FINE * DENSE);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    // Flat colours pack twenty times better so than with the fast default.
    encoder.set_compression(png::Compression::Default);
    encoder.set_filter(png::FilterType::NoFilter);
    encoder.write_header()?.write_image_data(&small)?;
    Ok(out)
}

/// Averages squares of `by` times `by` pixels.
///
/// Plain loops over indices: this touches every byte of large pictures, and iterators that the dev
/// profile does not inline, or `map` over an array, took more than half of a report's time there.
fn shrink(pixels: &[u8], width: usize, by: usize) -> Vec<u8> {
    let (line, square) = (width * 3, by * by);
    let mut out = Vec::with_capacity(pixels.len() / square);
    for rows in pixels.chunks_exact(line * by) {
        let mut left = 0;
        while left + by * 3 <= line {
            let mut sums = [0; 3];
            let mut at = left;
            while at < rows.len() {
                let mut pixel = 0;
                while pixel < by * 3 {
                    sums[0] += usize::from(rows[at + pixel]);
                    sums[1] += usize::from(rows[at + pixel + 1]);
                    sums[2] += usize::from(rows[at + pixel + 2]);
                    pixel += 3;
                }
                at += line;
            }
            let [red, green, blue] = sums;
            let small = [red / square, green / square, blue / square];
            out.extend_from_slice(&[small[0] as u8, small[1] as u8, small[2] as u8]);
            left += by * 3;
        }
    }
    out
}

/// What makes an SVG element a file of its own; a page does without.
const NAMESPACE: &str = " xmlns=\"http://www.w3.org/2000/svg\"";

type Area<B> = DrawingArea<B, Shift>;

fn paint<B: DrawingBackend>(scene: &Scene, area: &Area<B>, nudge: f64) -> Result<(), PaintError> {
    font::register();
    let failed = |e: &dyn std::fmt::Display| PaintError::Draw(e.to_string());
    area.fill(&rgb(GROUND)).map_err(|e| failed(&e))?;
    for shape in &scene.shapes {
        draw(shape, area, nudge).map_err(|e| failed(&e))?;
    }
    area.present().map_err(|e| failed(&e))
}

fn draw<B: DrawingBackend>(
    shape: &Shape,
    area: &Area<B>,
    nudge: f64,
) -> Result<(), plotters::drawing::DrawingAreaErrorKind<B::ErrorType>> {
    match shape {
        Shape::Line {
            points,
            color,
            width,
        } => area.draw(&PathElement::new(all(points), stroke(*color, *width))),
        Shape::Area { points, color } => {
            area.draw(&Polygon::new(all(points), rgb(*color).filled()))
        }
        Shape::Rect { from, to, color } => area.draw(&Rectangle::new(
            [pixel(*from), pixel(*to)],
            rgb(*color).filled(),
        )),
        Shape::Text { text, at, set } => {
            let down = set.size * nudge;
            let at = if set.upright {
                (at.0 + down, at.1)
            } else {
                (at.0, at.1 + down)
            };
            area.draw(&Text::new(text.as_str(), pixel(at), style(*set)))
        }
    }
}

fn style(set: Set) -> plotters::style::TextStyle<'static> {
    let font = font::sized(set.size * f64::from(FINE), set.bold);
    let font = if set.upright {
        font.transform(FontTransform::Rotate270)
    } else {
        font
    };
    let across = match set.align {
        Align::Start => HPos::Left,
        Align::Middle => HPos::Center,
        Align::End => HPos::Right,
    };
    font.color(&rgb(set.color))
        .pos(Pos::new(across, VPos::Center))
}

fn stroke(color: Color, width: f64) -> ShapeStyle {
    let wide = (width * f64::from(FINE)).round().clamp(1.0, 1000.0);
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "clamped to 1..=1000"
    )]
    rgb(color).stroke_width(wide as u32)
}

fn rgb(color: Color) -> RGBAColor {
    let (red, green, blue) = color.rgb;
    RGBAColor(red, green, blue, color.strength)
}

fn all(points: &[Point]) -> Vec<(i32, i32)> {
    points.iter().map(|p| pixel(*p)).collect()
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "`as` saturates, and such a place is outside of the picture"
)]
fn pixel((x, y): Point) -> (i32, i32) {
    let fine = f64::from(FINE);
    ((x * fine).round() as i32, (y * fine).round() as i32)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "pictures are some hundred pixels wide"
)]
fn size(scene: &Scene, times: u32) -> (u32, u32) {
    (
        scene.width.round() as u32 * times,
        scene.height.round() as u32 * times,
    )
}

pub(crate) fn escape(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('"', "&quot;")
}
