//! The emulated network between a client and the server.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A link as `[link]` describes it; each client has one of its own.
#[derive(Debug, Clone, Copy, PartialEq, Default, Serialize, Deserialize)]
pub struct Link {
    /// Round-trip time added, half of it in each direction.
    pub rtt: Duration,
    /// The largest random addition to a one-way delay.
    pub jitter: Duration,
    /// The share of segments that are lost, and come a retransmission later.
    pub loss: f64,
    /// Bits a second from the server to the client; `None` without limit.
    pub down: Option<u64>,
    /// Bits a second from the client to the server; `None` without limit.
    pub up: Option<u64>,
}

/// A link that many people have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preset {
    /// Nothing is emulated.
    None,
    /// A home's wireless network and broadband.
    Wifi,
    /// A mobile network of the fourth generation.
    FourG,
    /// A mobile network of the third generation.
    ThreeG,
    /// A geostationary satellite.
    Satellite,
}

/// The presets by name.
pub(super) const PRESETS: [(&str, Preset); 5] = [
    ("none", Preset::None),
    ("wifi", Preset::Wifi),
    ("4g", Preset::FourG),
    ("3g", Preset::ThreeG),
    ("satellite", Preset::Satellite),
];

impl Preset {
    /// Its figures: round trip, jitter, loss, down and up.
    #[must_use]
    pub fn link(self) -> Link {
        let ms = Duration::from_millis;
        let link = |rtt, jitter, loss, down, up| Link {
            rtt: ms(rtt),
            jitter: ms(jitter),
            loss,
            down: Some(down),
            up: Some(up),
        };
        match self {
            Self::None => Link::NONE,
            Self::Wifi => link(10, 5, 0.001, 50_000_000, 20_000_000),
            Self::FourG => link(60, 15, 0.003, 20_000_000, 8_000_000),
            Self::ThreeG => link(200, 50, 0.01, 1_600_000, 750_000),
            Self::Satellite => link(600, 20, 0.005, 20_000_000, 3_000_000),
        }
    }
}

impl Link {
    /// No emulation: loopback as it is.
    pub const NONE: Self = Self {
        rtt: Duration::ZERO,
        jitter: Duration::ZERO,
        loss: 0.0,
        down: None,
        up: None,
    };

    /// Whether there is anything to emulate.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }
}
