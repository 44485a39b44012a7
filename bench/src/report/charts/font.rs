//! The font of every chart, carried in the program so that no system font is needed.

use std::sync::OnceLock;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use plotters::style::{FontDesc, FontFamily, FontStyle, register_font};

/// The family's name in charts and pages.
pub(crate) const FAMILY: &str = "Pushmark Sans";

const REGULAR: &[u8] = include_bytes!("../fonts/regular.ttf");
const BOLD: &[u8] = include_bytes!("../fonts/bold.ttf");

/// Plotters' text size of one em: it takes the line height, and SVG has 1.24 of them to the em.
pub(crate) const LINE: f64 = 1.24;

/// Makes the font known to plotters; later calls do nothing.
pub(crate) fn register() {
    static DONE: OnceLock<()> = OnceLock::new();
    DONE.get_or_init(|| {
        // A font that does not parse shows as an error when the first text is drawn.
        let _ = register_font(FAMILY, FontStyle::Normal, REGULAR);
        let _ = register_font(FAMILY, FontStyle::Bold, BOLD);
    });
}

/// The font at a size in pixels of one em.
pub(crate) fn sized(em: f64, bold: bool) -> FontDesc<'static> {
    let style = if bold {
        FontStyle::Bold
    } else {
        FontStyle::Normal
    };
    FontDesc::new(FontFamily::Name(FAMILY), em * LINE, style)
}

/// The width of a text in pixels; a guess when the font fails.
pub(crate) fn width(text: &str, em: f64, bold: bool) -> f64 {
    register();
    // Measured large: the layout is in whole pixels.
    match sized(em * 16.0, bold).layout_box(text) {
        Ok(((left, _), (right, _))) => f64::from(right - left) / 16.0,
        Err(_) => em * 0.6 * text.chars().map(|_| 1.0).sum::<f64>(),
    }
}

/// The `@font-face` rules that carry the font, for a `<style>` element.
pub(crate) fn css() -> &'static str {
    static CSS: OnceLock<String> = OnceLock::new();
    CSS.get_or_init(|| {
        [(REGULAR, "normal"), (BOLD, "bold")]
            .map(|(font, weight)| {
                format!(
                    "@font-face{{font-family:\"{FAMILY}\";font-weight:{weight};\
                     src:url(data:font/ttf;base64,{}) format(\"truetype\")}}",
                    STANDARD.encode(font)
                )
            })
            .concat()
    })
}
