//! What a real browser saw, beside what the simulated clients saw: for a terminal, and as Markdown.

use std::path::Path;

use super::console::{Ink, Style, lay_out, wrap};
use super::table::{Column, Table};
use super::{ReportError, charts, markdown, show, words, write as put};
use crate::result::{RunResult, Side, Summary, Verdict, Witnessed, WitnessedTrial};
use crate::scenario::Transport;
use crate::units::{show_bytes, show_count, show_nanos};

/// What the figures are, for whoever did not make them.
const READING: &str = "Delivery is from the instant that a message was due until the client's own code had it: in the browser, the code of the \
     relay's pages. Bytes are those of the subscribers' sockets, the browser's by the kernel's counters: requests, HTTP and WebSocket \
     framing included; on the wire TCP/IP headers and acknowledgements too. Faults are messages lost, come twice, or out of order.";

/// What a page adds to a delivery.
const OWN_COST: &str = "The page's own cost is a message's way from the browser's socket through its network process and the page's \
     event loop into the page's code. At least and at most: what chance and the bound of the page's clock leave of a difference.";

/// The latencies of the table: its head, and which one.
type Quantile = (&'static str, fn(&Summary) -> u64);
const QUANTILES: [Quantile; 4] = [
    ("p50", |summary| summary.p50),
    ("p90", |summary| summary.p90),
    ("p99", |summary| summary.p99),
    ("max", |summary| summary.max),
];

/// The bytes of the table for each message.
type Cost = (&'static str, fn(&Side) -> Option<u64>);
const COSTS: [Cost; 3] = [
    ("sent", |side| side.bytes.socket_sent),
    ("received", |side| side.bytes.socket_received),
    ("wire", |side| {
        let bytes = side.bytes;
        Some(bytes.wire_sent?.saturating_add(bytes.wire_received?))
    }),
];

/// As a person reads it on a terminal, ending in a line break. `results` names where the files are.
#[must_use]
pub fn console(witnessed: &Witnessed, run: &RunResult, results: &str, style: Style) -> String {
    let ink = Ink(style.color);
    let paragraph = |text: &str| format!("{}\n", wrap(text, style.width));
    let mut out = format!("{}\n{}\n", ink.bold(&witnessed.title), who(witnessed));
    if let Some(warning) = words::profile_warning(run) {
        let text = paragraph(&format!("WARNING: {warning}"));
        out.push_str(&format!("\n{}", ink.yellow(&text)));
    }
    if witnessed.trials.is_empty() {
        out.push_str("\nThe browser saw no trial to its end.\n");
    } else {
        for table in [sides(witnessed), medians(witnessed)] {
            out.push_str(&format!("\n{}", lay_out(&table, style.width)));
        }
        for text in [OWN_COST, READING, &clock(witnessed)] {
            out.push_str(&format!("\n{}", paragraph(text)));
        }
    }
    let notes = notes(witnessed, run);
    if !notes.is_empty() {
        out.push('\n');
    }
    for note in notes {
        out.push_str(&ink.yellow(&paragraph(&note)));
    }
    for line in contradictions(witnessed) {
        out.push_str(&ink.red(&paragraph(&format!("CONTRADICTION: {line}"))));
    }
    let word = match run.verdict {
        Verdict::Pass => ink.green("PASS"),
        Verdict::Fail => ink.red("FAIL"),
        Verdict::Invalid => ink.red("INVALID"),
    };
    let verdict = verdict(witnessed, run);
    out.push_str(&format!("\n{word}: {verdict}\nResults: {results}\n"));
    out
}

/// The same as Markdown.
#[must_use]
pub fn markdown(witnessed: &Witnessed, run: &RunResult) -> String {
    let mut out = format!("## {}\n\n{}\n", witnessed.title, who(witnessed));
    for table in [sides(witnessed), medians(witnessed)] {
        out.push('\n');
        markdown::lay_out(&mut out, &table);
    }
    for text in [OWN_COST, READING, &clock(witnessed)] {
        out.push_str(&format!("\n{text}\n"));
    }
    let contradictions = contradictions(witnessed).into_iter();
    let lines: Vec<String> = notes(witnessed, run)
        .into_iter()
        .chain(contradictions.map(|line| format!("**Contradiction**: {line}")))
        .map(|line| format!("- {line}\n"))
        .collect();
    if !lines.is_empty() {
        out.push_str(&format!("\n{}", lines.concat()));
    }
    out
}

/// Writes `witness.md` and `charts/witness.svg` and `.png` into a run's folder that has its other views.
///
/// # Errors
/// When a file cannot be written or the chart cannot be drawn.
pub fn write(dir: &Path, witnessed: &Witnessed, run: &RunResult) -> Result<(), ReportError> {
    let text = markdown(witnessed, run);
    put(&dir.join("witness.md"), text.as_bytes())?;
    if let Some(chart) = charts::of_witness(witnessed) {
        let file = dir.join("charts").join(&chart.name);
        put(&file.with_extension("svg"), chart.svg()?.as_bytes())?;
        put(&file.with_extension("png"), &chart.png()?)?;
    }
    Ok(())
}

/// Who was there.
fn who(witnessed: &Witnessed) -> String {
    let first = witnessed.trials.first();
    let count = |of: fn(&WitnessedTrial) -> &Side| first.map_or(0, |trial| of(trial).subscribers);
    format!(
        "{} with {} subscribers, beside {} simulated clients",
        witnessed.browser,
        count(|trial| &trial.browser),
        show_count(count(|trial| &trial.simulated))
    )
}

/// A trial's name: its transport alone when that tells it from the others.
fn name(witnessed: &Witnessed, trial: &WitnessedTrial) -> String {
    let same = |other: &&WitnessedTrial| other.transport == trial.transport;
    if witnessed.trials.iter().filter(same).count() > 1 {
        trial.id.clone()
    } else {
        trial.transport.to_string()
    }
}

/// Three rows for each trial: the simulated clients, the browser, and how far they are apart.
fn sides(witnessed: &Witnessed) -> Table {
    let mut columns = vec![Column::words("transport"), Column::words("client")];
    columns.push(Column::numbers("", "messages"));
    columns.extend(QUANTILES.map(|(head, _)| Column {
        spare: head == "p90",
        ..Column::numbers("delivery latency", head)
    }));
    columns.push(Column::numbers("for each message", "requests"));
    columns.extend(COSTS.map(|(head, _)| Column::numbers("for each message", head)));
    columns.push(Column::numbers("", "faults"));
    let rows = witnessed.trials.iter().flat_map(|trial| {
        [
            side(name(witnessed, trial), "simulated", &trial.simulated),
            side(String::new(), "browser", &trial.browser),
            apart(trial),
        ]
    });
    Table {
        rows: rows.collect(),
        columns,
    }
}

/// What the difference of the medians is.
fn medians(witnessed: &Witnessed) -> Table {
    let mut columns = vec![Column::words("browser less simulated")];
    columns.extend(["p50", "at least", "at most"].map(|head| Column::numbers("", head)));
    columns.push(Column::words("what it comes from"));
    let rows = witnessed.trials.iter().map(|trial| {
        let mut row = vec![name(witnessed, trial)];
        let Some(apart) = trial.apart() else {
            row.extend([show::MISSING; 3].map(str::to_owned));
            row.push("nothing to compare".to_owned());
            return row;
        };
        row.extend([apart.median, apart.low, apart.high].map(signed));
        let certain = apart.low > 0.0;
        row.push(
            match trial.transport {
                Transport::Polling if certain => "a poll of the page waits for its own cost too",
                Transport::Polling => "chance: on both sides a message waits for the next poll",
                _ if certain => "the page's own cost",
                _ => "the page's own cost, if any: chance alone could do it",
            }
            .to_owned(),
        );
        row
    });
    Table {
        rows: rows.collect(),
        columns,
    }
}

/// What a reader should know of the browser, and why trials cannot be trusted.
fn notes(witnessed: &Witnessed, run: &RunResult) -> Vec<String> {
    let of_browser = witnessed.trials.iter().flat_map(|trial| {
        let notes = trial.notes.iter();
        notes.map(|note| format!("{}: {note}", trial.id))
    });
    let of_run = run.trials.iter().flat_map(|trial| {
        let reasons = trial.invalid_reasons.iter();
        reasons.map(|reason| format!("{}: invalid: {reason}", trial.id))
    });
    of_browser.chain(of_run).collect()
}

fn contradictions(witnessed: &Witnessed) -> Vec<String> {
    let of = |trial: &WitnessedTrial| {
        let lines = trial.contradictions.iter();
        lines
            .map(|line| format!("{}: {line}", trial.id))
            .collect::<Vec<_>>()
    };
    witnessed.trials.iter().flat_map(of).collect()
}

fn side(name: String, who: &str, side: &Side) -> Vec<String> {
    let missing = || show::MISSING.to_owned();
    let mut row = vec![name, who.to_owned(), show_count(side.delivered)];
    row.extend(QUANTILES.map(|(_, of)| {
        side.delivery
            .as_ref()
            .map_or_else(missing, |summary| show_nanos(float(of(summary))))
    }));
    let requests = side.per_message(Some(side.requests));
    row.push(requests.map_or_else(missing, |count| format!("{count:.2}")));
    row.extend(COSTS.map(|(_, of)| side.per_message(of(side)).map_or_else(missing, show_bytes)));
    let faults = side.lost.saturating_add(side.duplicated);
    row.push(show_count(faults.saturating_add(side.reordered)));
    row
}

/// Browser less simulated: times as a difference, bytes as a share.
fn apart(trial: &WitnessedTrial) -> Vec<String> {
    let (simulated, browser) = (&trial.simulated, &trial.browser);
    let mut row = vec![String::new(), "apart".to_owned(), String::new()];
    row.extend(QUANTILES.map(|(_, of)| {
        let both = browser.delivery.as_ref().zip(simulated.delivery.as_ref());
        both.map_or_else(String::new, |(browser, simulated)| {
            signed(float(of(browser)) - float(of(simulated)))
        })
    }));
    row.push(String::new());
    row.extend(COSTS.map(|(_, of)| {
        let both = browser
            .per_message(of(browser))
            .zip(simulated.per_message(of(simulated)));
        both.filter(|(_, simulated)| *simulated > 0.0)
            .map_or_else(String::new, |(browser, simulated)| {
                show::deviation(Some(browser / simulated - 1.0))
            })
    }));
    row.push(String::new());
    row
}

/// How well the page's clock is known.
fn clock(witnessed: &Witnessed) -> String {
    let bounds = witnessed.trials.iter().map(|trial| trial.clock);
    let Some(worst) = bounds.max_by_key(|clock| clock.bound_ns) else {
        return String::new();
    };
    format!(
        "The page's clock moves in steps of {}, and {} readings of it between readings of the host's clock prove that it was off by at most {}.",
        show_nanos(float(worst.resolution_ns)),
        worst.exchanges,
        show_nanos(float(worst.bound_ns))
    )
}

fn verdict(witnessed: &Witnessed, run: &RunResult) -> String {
    let contradicted = !contradictions(witnessed).is_empty();
    match run.verdict {
        Verdict::Invalid if contradicted => {
            "The browser contradicts the simulated clients.".to_owned()
        }
        Verdict::Invalid => words::verdict(run),
        Verdict::Pass | Verdict::Fail => format!(
            "The browser bears the simulated clients out. {}",
            words::verdict(run)
        ),
    }
}

fn signed(nanos: f64) -> String {
    let sign = if nanos < 0.0 { "-" } else { "+" };
    format!("{sign}{}", show_nanos(nanos.abs()))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "latencies stay far below 2^53 ns"
)]
fn float(nanos: u64) -> f64 {
    nanos as f64
}
