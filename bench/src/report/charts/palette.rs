//! One colour and one marker for each transport, the same in every chart.

use crate::scenario::Transport;

/// Red, green, blue.
pub(crate) type Color = (u8, u8, u8);

pub(crate) const INK: Color = (0x22, 0x22, 0x22);
pub(crate) const SOFT: Color = (0x5c, 0x5c, 0x5c);
pub(crate) const GRID: Color = (0xdd, 0xdd, 0xdd);
pub(crate) const FAINT: Color = (0xf0, 0xf0, 0xf0);
pub(crate) const WHITE: Color = (0xff, 0xff, 0xff);

/// The transport's colour, of Okabe and Ito's set that colour-blind people can tell apart.
pub(crate) fn color(transport: Transport) -> Color {
    match transport {
        Transport::Polling => (0xd5, 0x5e, 0x00),
        Transport::LongPolling => (0xe6, 0x9f, 0x00),
        Transport::Streaming => (0x00, 0x9e, 0x73),
        Transport::Sse => (0xcc, 0x79, 0xa7),
        Transport::Websocket => (0x00, 0x72, 0xb2),
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

/// A colour mixed with white: 1 is the colour itself, 0 is white.
pub(crate) fn tint(color: Color, strength: f64) -> Color {
    let mix = |channel: u8| {
        let mixed = 255.0 - (255.0 - f64::from(channel)) * strength;
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "clamped to 0..=255"
        )]
        let byte = mixed.round().clamp(0.0, 255.0) as u8;
        byte
    };
    (mix(color.0), mix(color.1), mix(color.2))
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
