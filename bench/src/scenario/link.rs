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
    ///
    /// Round trip and bandwidth are others' figures:
    /// - `wifi`: bandwidth of the profile "Wi-Fi" in Firefox's developer tools; round trip: the median
    ///   of fixed broadband in the United States (Ookla, second quarter of 2021);
    /// - `4g`: the profile "Fast 4G" in Chrome's developer tools, without the factors by which it makes up for
    ///   delaying requests and not packets;
    /// - `3g`: the profile "Mobile 3G" of WebPageTest;
    /// - `satellite`: the medians of Viasat in the United States (Ookla, second quarter of 2021).
    ///
    /// None of them gives jitter or loss: these are our assumption of a link in fair condition.
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
            Self::Wifi => link(14, 5, 0.001, 30_000_000, 15_000_000),
            Self::FourG => link(60, 15, 0.003, 9_000_000, 1_500_000),
            Self::ThreeG => link(300, 50, 0.01, 1_600_000, 768_000),
            Self::Satellite => link(630, 20, 0.005, 18_000_000, 3_000_000),
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

    /// The longest that bytes take for a round trip when nothing is lost and nothing waits for the bandwidth.
    #[must_use]
    pub fn longest_round_trip(&self) -> Duration {
        self.rtt + self.jitter * 2
    }

    /// How long a lost message may make the last delivery late: the timeout of a sender that hears
    /// nothing (RFC 6298, section 2.3, with Linux's floor of 200 ms), as the emulation has it.
    #[must_use]
    pub fn retransmission_timeout(&self) -> Duration {
        self.rtt + Duration::from_millis(200).max(self.jitter * 4)
    }

    /// Whether there is anything to emulate.
    #[must_use]
    pub fn is_none(&self) -> bool {
        *self == Self::NONE
    }
}
