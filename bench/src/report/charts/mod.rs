//! Charts of a run: which there are, what they show and how to read them.
//!
//! A chart is a scene of shapes, which plotters paints as SVG and as PNG. The SVG also tells each value to
//! whoever points at it (`mark`), and all of them in words; it turns dark with the screen that shows it.

mod against;
mod axis;
mod bars;
mod boundary;
mod cell;
mod factor;
mod font;
mod frame;
mod grid;
mod interval;
mod map;
mod mark;
mod paint;
mod palette;
mod percentiles;
mod question;
mod scene;
mod timeline;
mod witness;

pub(crate) use font::css as font_css;
pub use paint::PaintError;
pub use witness::chart as of_witness;

use against::Against;
use bars::Bars;
use factor::{NUMERIC, Numeric};
use grid::Grid;
use question::{Fresh, Question};
use scene::Scene;

use crate::report::comparison::{Comparison, shown, side_by_side};
use crate::report::{show, words};
use crate::result::RunResult;
use crate::scenario::Transport;
use crate::units::show_nanos;

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
    let whole = side_by_side(run);
    // Lines of five transports over three protocols would hide each other; bars have room for all.
    let all: Vec<Comparison<'_>> = whole.iter().map(Comparison::narrowed).collect();
    let mut charts = Charts {
        drawn: Vec::new(),
        left_out: Vec::new(),
    };
    let (Some(side_by_side), Some(shown)) = (shown(&whole), shown(&all)) else {
        charts
            .left_out
            .push("No trial ran, so there are no charts.".to_owned());
        return charts;
    };
    if let Some(grid) = Grid::of(&all, shown) {
        maps(&mut charts, &grid, shown, Fresh::of(run));
    }
    single(&mut charts, shown, side_by_side, all.len());
    for numeric in &NUMERIC {
        against_number(&mut charts, &all, shown, numeric);
    }
    charts
}

/// The charts of one combination of factors.
fn single(charts: &mut Charts, shown: &Comparison<'_>, whole: &Comparison<'_>, of: usize) {
    let several = whole.groups.iter().any(|group| group.over.is_some());
    let some = |what: &Comparison<'_>, protocols: &str| {
        let label = sentence(&what.label());
        match of {
            2.. => format!("{label}{protocols} (one of {of} combinations; the CSV files have all)"),
            _ => format!("{label}{protocols}"),
        }
    };
    let one = if several {
        ", of the protocols compared"
    } else {
        ""
    };
    let subtitle = some(shown, one);
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
    let subtitle = some(whole, "");
    let opening = OPENING.iter().filter(|_| several);
    for (name, title, reading, bars) in BARS.iter().chain(opening) {
        let scene = bars::draw(bars, whole, title, &subtitle);
        charts.add(name, title, reading, scene);
    }
}

/// What opening a connection costs, where protocols are compared.
const OPENING: [(&str, &str, &str, Bars); 2] = [
    (
        "connect-time",
        "How long a client takes to open its connection",
        "Shorter is better; from dialling until it can receive, the handshakes of TCP and TLS, the first request and its \
         answer included.",
        Bars {
            axis: "Time to connect, median",
            parts: &[("connect.p50", "connecting")],
        },
    ),
    (
        "connect-bytes",
        "What opening a connection moves on the wire",
        "Shorter is better; a TLS handshake carries the server's certificate.",
        Bars {
            axis: "Bytes per connection until able to receive, both directions",
            parts: &[("wire_bytes_per_connect", "wire")],
        },
    ),
];

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

/// The crossover maps, when the matrix varies two numbers.
fn maps(charts: &mut Charts, grid: &Grid<'_>, shown: &Comparison<'_>, fresh: Fresh) {
    let held = sentence(&shown.label_without(&[grid.x.key, grid.y.key]));
    let held = |rest: &str| match held.as_str() {
        "" => sentence(rest),
        held => format!("{held} · {rest}"),
    };
    let within = format!(
        "{} within {}",
        fresh.short(),
        show::tidy(&show_nanos(fresh.bound))
    );
    let bound = if fresh.asked {
        "the bound is a gate's"
    } else {
        "a gate on \"* delivery.p99\" sets another bound"
    };
    for (name, title, reading, question, subtitle) in [
        (
            "crossover-bytes",
            "Which transport moves the fewest bytes".to_owned(),
            "Each cell names the transport that moves the fewest wire bytes for the same messages, and by how much the \
             next one is dearer; the deeper the colour, the clearer the lead.",
            Question::Bytes,
            held(
                "wire bytes for each client and second, and how many times as many the next one moves",
            ),
        ),
        (
            "crossover-cpu",
            "Which transport takes the least server CPU".to_owned(),
            "Each cell names the transport that takes the least server CPU time for the same messages, and by how much \
             the next one is dearer; the deeper the colour, the clearer the lead.",
            Question::Cpu,
            held(
                "server CPU time for each client and second, and how many times as much the next one takes",
            ),
        ),
        (
            "crossover-fresh",
            format!("Which transport is cheapest and still fresh: {within}"),
            "Each cell names the transport that moves the fewest wire bytes among those that are fresh enough, and those \
             that are late.",
            Question::Fresh(fresh),
            held(&format!("wire bytes for each client and second; {bound}")),
        ),
    ] {
        let scene = map::draw(question, grid, &title, &subtitle);
        charts.add(name, &title, reading, scene);
    }
}

/// The charts against a number, when the matrix varies it.
fn against_number(
    charts: &mut Charts,
    all: &[Comparison<'_>],
    shown: &Comparison<'_>,
    numeric: &Numeric,
) {
    let rest = |c: &Comparison<'_>| {
        let mut factors = c.factors.clone();
        factors.remove(numeric.key);
        factors
    };
    let in_row = |c: &&Comparison<'_>| c.number(numeric.key).is_some() && rest(c) == rest(shown);
    let row: Vec<_> = all.iter().filter(in_row).collect();
    if row.len() < 2 {
        return;
    }
    let mut subtitle = sentence(&shown.label_without(&[numeric.key]));
    if row.iter().any(|c| c.groups.iter().any(|g| !g.valid)) {
        subtitle.push_str(" · invalid trials left out");
    }
    for ((metric, reading, against), name) in AGAINST.iter().zip(numeric.charts) {
        // Memory is a client's; nothing else that varies changes it much.
        if against.metric == "server_memory_per_client" && numeric.key != "clients" {
            continue;
        }
        let title = format!("{metric} {}", numeric.along);
        let scene = against::draw(against, numeric, &row, &title, &subtitle);
        charts.add(name, &title, reading, scene);
    }
}

const AGAINST: [(&str, &str, Against); 4] = [
    (
        "Delivery latency",
        "A line that stays flat scales; full lines are the median, dashed lines the slowest percent.",
        Against {
            axis: "Delivery latency",
            metric: "delivery.p50",
            second: Some(("delivery.p99", "p50", "p99")),
        },
    ),
    (
        "Wire bytes per delivered message",
        "A line that falls spreads a fixed cost over more deliveries.",
        Against {
            axis: "Bytes per delivered message",
            metric: "wire_bytes_per_message",
            second: None,
        },
    ),
    (
        "Server CPU time per thousand deliveries",
        "A line that rises means that each delivery gets dearer.",
        Against {
            axis: "CPU time per 1,000 deliveries",
            metric: "server_cpu_per_thousand",
            second: None,
        },
    ),
    (
        "Server memory per client",
        "A line that falls spreads a fixed cost over more clients; dashed lines are the kernel's socket memory.",
        Against {
            axis: "Bytes per connected client",
            metric: "server_memory_per_client",
            second: Some(("kernel_memory_per_client", "process", "kernel")),
        },
    ),
];

/// The transport's name at the beginning of a sentence.
fn name(transport: Transport) -> String {
    sentence(words::name(transport))
}

fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| {
        first.to_uppercase().chain(chars).collect()
    })
}
