//! One colour and one marker for each transport, the same in every chart, on paper and in the dark.

use std::fmt::Write as _;
use std::sync::OnceLock;

use crate::scenario::Transport;

/// A colour, and how much it hides of what lies below it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Color {
    /// Red, green, blue.
    pub(crate) rgb: (u8, u8, u8),
    /// 1 hides all; less lets the ground through, be it white or dark.
    pub(crate) strength: f64,
}

impl Color {
    const fn solid(red: u8, green: u8, blue: u8) -> Self {
        Self {
            rgb: (red, green, blue),
            strength: 1.0,
        }
    }
}

pub(crate) const INK: Color = Color::solid(0x22, 0x22, 0x22);
pub(crate) const SOFT: Color = Color::solid(0x5c, 0x5c, 0x5c);
pub(crate) const GRID: Color = Color::solid(0xdd, 0xdd, 0xdd);
pub(crate) const FAINT: Color = Color::solid(0xf0, 0xf0, 0xf0);
/// The ground of every chart.
pub(crate) const GROUND: Color = Color::solid(0xff, 0xff, 0xff);
/// The ground of the measured phase.
pub(crate) const MEASURED: Color = Color::solid(0xee, 0xf2, 0xf7);

/// What stands for a colour where the reader's screen is dark; all others are seen on both.
const IN_THE_DARK: [(Color, &str); 7] = [
    (INK, "#e8e8ea"),
    (SOFT, "#a9abb2"),
    (GRID, "#3d4047"),
    (FAINT, "#2a2d33"),
    (GROUND, "#202226"),
    (MEASURED, "#292e37"),
    // WebSocket's blue is too dark there.
    (Color::solid(0x00, 0x72, 0xb2), "#4aa8e2"),
];

/// Rules that turn a chart dark with the reader's screen; on paper it stays light.
///
/// They override the attributes that each shape carries, so that a viewer without style sheets
/// shows the light chart.
pub(crate) fn css() -> &'static str {
    static CSS: OnceLock<String> = OnceLock::new();
    CSS.get_or_init(|| {
        let mut rules = String::new();
        for (color, dark) in IN_THE_DARK {
            let (red, green, blue) = color.rgb;
            let light = format!("#{red:02X}{green:02X}{blue:02X}");
            for what in ["fill", "stroke"] {
                // Writing to a string cannot fail.
                let _ = write!(rules, "svg.chart [{what}=\"{light}\"]{{{what}:{dark}}}");
            }
        }
        format!("@media screen and (prefers-color-scheme:dark){{{rules}}}")
    })
}

/// The transport's colour, of Okabe and Ito's set that colour-blind people can tell apart.
pub(crate) fn color(transport: Transport) -> Color {
    match transport {
        Transport::Polling => Color::solid(0xd5, 0x5e, 0x00),
        Transport::LongPolling => Color::solid(0xe6, 0x9f, 0x00),
        Transport::Streaming => Color::solid(0x00, 0x9e, 0x73),
        Transport::Sse => Color::solid(0xcc, 0x79, 0xa7),
        Transport::Websocket => Color::solid(0x00, 0x72, 0xb2),
    }
}

/// How bold the transport is drawn. Transports that often measure alike differ, the
/// later ones being thinner, so that a line is seen even when another lies on it.
pub(crate) fn weight(transport: Transport) -> f64 {
    match transport {
        Transport::Polling | Transport::LongPolling => 1.0,
        Transport::Streaming => 1.7,
        Transport::Sse => 1.2,
        Transport::Websocket => 0.75,
    }
}

/// A colour mixed with the ground: 1 is the colour itself, 0 is the ground.
pub(crate) fn tint(color: Color, strength: f64) -> Color {
    Color { strength, ..color }
}

/// The outline of the transport's marker around a point.
pub(crate) fn marker(transport: Transport, (x, y): (f64, f64), size: f64) -> Vec<(f64, f64)> {
    // The radius of each shape is chosen so that all look equally large.
    let (corners, turn, radius) = match transport {
        Transport::Polling => (4, 0.125, 1.2),
        Transport::LongPolling => (3, 0.25, 1.35),
        Transport::Streaming => (3, 0.75, 1.35),
        Transport::Sse => (4, 0.0, 1.3),
        Transport::Websocket => (24, 0.0, 1.0),
    };
    (0..corners)
        .map(|corner| {
            let angle = (f64::from(corner) / f64::from(corners) + turn) * std::f64::consts::TAU;
            (
                x + angle.cos() * radius * size,
                y - angle.sin() * radius * size,
            )
        })
        .collect()
}
