//! Charts of a run: which there are, what they show and how to read them.
//!
//! A chart is a scene of shapes, which plotters paints as SVG and as PNG. The SVG also tells each value to
//! whoever points at it (`mark`), and all of them in words; it turns dark with the screen that shows it.

mod against;
mod axis;
mod bars;
mod boundary;
mod cell;
mod costs;
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
use factor::{NUMERIC, Numeric};
use grid::Grid;
use question::{Fresh, Question};
use scene::Scene;

use std::collections::BTreeSet;

use crate::report::comparison::{Comparison, Group, Over, shown, side_by_side};
use crate::report::{show, words};
use crate::result::RunResult;
use crate::scenario::{TargetName, Transport};
use crate::units::show_nanos;

/// A chart.
#[derive(Debug)]
pub struct Chart {
    /// The name of its files, without extension.
    pub name: String,
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
    /// Whose charts are being drawn, where servers are compared.
    of: Option<TargetName>,
}

impl Charts {
    /// A title that says whose chart it is.
    fn title(&self, title: &str) -> String {
        self.of
            .map_or_else(|| title.to_owned(), |of| format!("{title}: {of}"))
    }

    fn add(&mut self, name: &str, title: &str, reading: &'static str, scene: Option<Scene>) {
        match scene {
            Some(scene) => self.drawn.push(Chart {
                name: self
                    .of
                    .map_or_else(|| name.to_owned(), |of| format!("{name}-{of}")),
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
    let mut charts = Charts {
        drawn: Vec::new(),
        left_out: Vec::new(),
        of: None,
    };
    let Some(side_by_side) = shown(&whole) else {
        charts
            .left_out
            .push("No trial ran, so there are no charts.".to_owned());
        return charts;
    };
    // Lines of five transports over three protocols, or of several servers, would hide each other; bars have room for
    // all. Of protocols the newest is drawn, of servers each for itself.
    let servers = servers(&whole);
    let fresh = Fresh::of(run);
    if servers.is_empty() {
        let all: Vec<Comparison<'_>> = whole.iter().map(Comparison::narrowed).collect();
        lines(&mut charts, &all, side_by_side, fresh);
        costs::draw(&mut charts, side_by_side, all.len());
        against_numbers(&mut charts, &all);
        return charts;
    }
    costs::draw(&mut charts, side_by_side, whole.len());
    for server in servers {
        let over = Some(Over::Target(server));
        let all = whole.iter().map(|one| one.only(over));
        let all: Vec<Comparison<'_>> = all.filter(|one| !one.groups.is_empty()).collect();
        charts.of = Some(server);
        if let Some(shown) = shown(&all) {
            lines(&mut charts, &all, shown, fresh);
        }
        against_numbers(&mut charts, &all);
    }
    charts
}

/// The servers that are compared, by name.
fn servers(whole: &[Comparison<'_>]) -> BTreeSet<TargetName> {
    let groups = whole.iter().flat_map(|one| &one.groups);
    let target = |group: &Group<'_>| match group.over {
        Some(Over::Target(target)) => Some(target),
        Some(Over::Protocol(_)) | None => None,
    };
    groups.filter_map(target).collect()
}

/// What a chart of one combination says of it below its title.
fn some(what: &Comparison<'_>, protocols: &str, of: usize) -> String {
    let label = sentence(&what.label());
    match of {
        2.. => format!("{label}{protocols} (one of {of} combinations; the CSV files have all)"),
        _ => format!("{label}{protocols}"),
    }
}

/// The maps, and the lines of one combination.
fn lines(charts: &mut Charts, all: &[Comparison<'_>], whole: &Comparison<'_>, fresh: Fresh) {
    let Some(shown) = shown(all) else {
        return;
    };
    if let Some(grid) = Grid::of(all, shown) {
        maps(charts, &grid, shown, fresh);
    }
    let several = whole.groups.iter().any(|group| group.over.is_some());
    let one = if several {
        ", of the protocols compared"
    } else {
        ""
    };
    let subtitle = some(shown, one, all.len());
    let title = &charts.title("How late messages arrive, by percentile");
    charts.add(
        "latency-percentiles",
        title,
        "Lower is better; a line that climbs to the right has a long tail of late messages.",
        percentiles::draw(shown, title, &subtitle),
    );
    let title = &charts.title("How late messages arrive, over time");
    charts.add(
        "latency-over-time",
        title,
        "A flat band is a steady transport; the wider the band, the less predictable a message's delay.",
        timeline::draw(shown, title, &format!("{subtitle}{}", repeats(shown))),
    );
}

fn against_numbers(charts: &mut Charts, all: &[Comparison<'_>]) {
    let Some(shown) = shown(all) else {
        return;
    };
    for numeric in &NUMERIC {
        against_number(charts, all, shown, numeric);
    }
}

fn repeats(shown: &Comparison<'_>) -> &'static str {
    if shown.groups.iter().any(|g| g.trials.len() > 1) {
        " · one of the repeats"
    } else {
        ""
    }
}

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
        let title = charts.title(&title);
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
        let title = charts.title(&format!("{metric} {}", numeric.along));
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
