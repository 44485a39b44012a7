//! Charts of a run: which there are, what they show and how to read them.

mod axis;
mod bars;
mod font;
mod frame;
mod paint;
mod palette;
mod percentiles;
mod scaling;
mod scene;
mod timeline;

pub(crate) use font::css as font_css;
pub use paint::PaintError;

use bars::Bars;
use scaling::Scaling;
use scene::Scene;

use crate::report::comparison::{Comparison, comparisons, shown};
use crate::result::RunResult;

/// A chart.
#[derive(Debug)]
pub struct Chart {
    /// The name of its files, without extension.
    pub name: &'static str,
    /// What it shows, in plain words.
    pub title: String,
    /// How to read it, in one sentence.
    pub reading: &'static str,
    scene: Scene,
}

impl Chart {
    /// The chart as an SVG element for a page that has the font.
    ///
    /// # Errors
    /// When plotters cannot draw it.
    pub(crate) fn svg_element(&self) -> Result<String, PaintError> {
        paint::svg(&self.scene, &self.title)
    }

    /// The chart as an SVG file that carries its font.
    ///
    /// # Errors
    /// When plotters cannot draw it.
    pub fn svg(&self) -> Result<String, PaintError> {
        Ok(paint::with_font(&self.svg_element()?))
    }

    /// The chart as a PNG file.
    ///
    /// # Errors
    /// When plotters cannot draw it or it cannot be encoded.
    pub fn png(&self) -> Result<Vec<u8>, PaintError> {
        paint::png(&self.scene)
    }
}

/// The charts that a run's data allow, and what could not be drawn.
#[derive(Debug)]
pub struct Charts {
    /// In the order of the report.
    pub drawn: Vec<Chart>,
    /// A sentence for each chart that had no data.
    pub left_out: Vec<String>,
}

impl Charts {
    fn add(
        &mut self,
        name: &'static str,
        title: &str,
        reading: &'static str,
        scene: Option<Scene>,
    ) {
        match scene {
            Some(scene) => self.drawn.push(Chart {
                name,
                title: title.to_owned(),
                reading,
                scene,
            }),
            None => self.left_out.push(format!("{title}: not measured.")),
        }
    }
}

/// Every chart of a run.
#[must_use]
pub fn all(run: &RunResult) -> Charts {
    let all = comparisons(run);
    let mut charts = Charts {
        drawn: Vec::new(),
        left_out: Vec::new(),
    };
    let Some(shown) = shown(&all) else {
        charts
            .left_out
            .push("No trial ran, so there are no charts.".to_owned());
        return charts;
    };
    single(&mut charts, shown, all.len());
    against_clients(&mut charts, &all, shown);
    charts
}

/// The charts of one combination of factors.
fn single(charts: &mut Charts, shown: &Comparison<'_>, of: usize) {
    let mut subtitle = sentence(&shown.label());
    if of > 1 {
        subtitle = format!("{subtitle} (one of {of} combinations; the CSV files have all)");
    }
    let title = "How late messages arrive, by percentile";
    charts.add(
        "latency-percentiles",
        title,
        "Lower is better; a line that climbs to the right has a long tail of late messages.",
        percentiles::draw(shown, title, &subtitle),
    );
    let title = "How late messages arrive, over time";
    charts.add(
        "latency-over-time",
        title,
        "A flat band is a steady transport; the wider the band, the less predictable a message's delay.",
        timeline::draw(shown, title, &format!("{subtitle}{}", repeats(shown))),
    );
    for (name, title, reading, bars) in BARS {
        charts.add(
            name,
            title,
            reading,
            bars::draw(&bars, shown, title, &subtitle),
        );
    }
}

fn repeats(shown: &Comparison<'_>) -> &'static str {
    if shown.groups.iter().any(|g| g.trials.len() > 1) {
        " · one of the repeats"
    } else {
        ""
    }
}

const BARS: [(&str, &str, &str, Bars); 3] = [
    (
        "bytes-per-message",
        "What one delivered message costs on the wire",
        "Shorter is better; framing is HTTP headers and WebSocket frames, empty polls included, \
         and TCP/IP is packet headers and acknowledgements.",
        Bars {
            axis: "Bytes per delivered message, both directions",
            parts: &[
                ("payload_bytes_per_message", "payload"),
                ("framing_bytes_per_message", "framing"),
                ("tcp_bytes_per_message", "TCP/IP"),
            ],
        },
    ),
    (
        "server-cpu",
        "Server CPU time for a thousand deliveries",
        "Shorter is better; the time includes answering polls that bring nothing.",
        Bars {
            axis: "CPU time per 1,000 deliveries",
            parts: &[("server_cpu_per_thousand", "CPU")],
        },
    ),
    (
        "server-memory",
        "Server memory for each client",
        "Shorter is better; kernel memory is what the sockets hold beside the process.",
        Bars {
            axis: "Bytes per connected client",
            parts: &[
                ("server_memory_per_client", "server process"),
                ("kernel_memory_per_client", "kernel sockets"),
            ],
        },
    ),
];

/// The charts against the number of clients, when the matrix varies it.
fn against_clients(charts: &mut Charts, all: &[Comparison<'_>], shown: &Comparison<'_>) {
    let same_but_clients = |c: &&Comparison<'_>| {
        let rest = |c: &Comparison<'_>| {
            let mut factors = c.factors.clone();
            factors.remove("clients");
            factors
        };
        c.number("clients").is_some() && rest(c) == rest(shown)
    };
    let row: Vec<_> = all.iter().filter(same_but_clients).collect();
    if row.len() < 2 {
        return;
    }
    let label = shown.label();
    let mut subtitle = sentence(label.split_once(", ").map_or("", |(_, rest)| rest));
    if row.iter().any(|c| c.groups.iter().any(|g| !g.valid)) {
        subtitle.push_str(" · invalid trials left out");
    }
    for (name, title, reading, scaling) in SCALINGS {
        let scene = scaling::draw(&scaling, &row, title, &subtitle);
        charts.add(name, title, reading, scene);
    }
}

const SCALINGS: [(&str, &str, &str, Scaling); 4] = [
    (
        "scale-latency",
        "Delivery latency as clients are added",
        "A line that stays flat scales; full lines are the median, dashed lines the slowest percent.",
        Scaling {
            axis: "Delivery latency",
            metric: "delivery.p50",
            second: Some(("delivery.p99", "p50", "p99")),
        },
    ),
    (
        "scale-bytes",
        "Wire bytes per delivered message as clients are added",
        "A line that falls spreads a fixed cost over more deliveries.",
        Scaling {
            axis: "Bytes per delivered message",
            metric: "wire_bytes_per_message",
            second: None,
        },
    ),
    (
        "scale-cpu",
        "Server CPU time per thousand deliveries as clients are added",
        "A line that rises means that each delivery gets dearer with more clients.",
        Scaling {
            axis: "CPU time per 1,000 deliveries",
            metric: "server_cpu_per_thousand",
            second: None,
        },
    ),
    (
        "scale-memory",
        "Server memory per client as clients are added",
        "A line that falls spreads a fixed cost over more clients; dashed lines are the kernel's socket memory.",
        Scaling {
            axis: "Bytes per connected client",
            metric: "server_memory_per_client",
            second: Some(("kernel_memory_per_client", "process", "kernel")),
        },
    ),
];

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}
