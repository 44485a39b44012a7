//! What a real browser saw, beside what the simulated clients saw: for a terminal, and as Markdown.

use std::path::Path;

use super::console::{Ink, Style, lay_out, wrap};
use super::table::{Column, Table};
use super::{ReportError, markdown, show, words, write as put};
use crate::result::{RunResult, Side, Summary, Verdict, Witnessed, WitnessedTrial};
use crate::scenario::Transport;
use crate::units::{show_bytes, show_count, show_nanos};

/// What the figures are, for whoever did not make them.
const READING: &str = "Delivery is from the instant that a message was due until the client's own code had it; in the browser that is \
     the code of the relay's pages. Bytes are those at the sockets of the subscribers, HTTP and WebSocket framing and requests \
     included; on the wire TCP/IP headers and acknowledgements too. All are the kernel's counts, the browser's read from outside.";

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
        Some(side.bytes.wire_sent? + side.bytes.wire_received?)
    }),
];

/// As a person reads it on a terminal, ending in a line break. `results` names where the files are.
#[must_use]
pub fn console(witnessed: &Witnessed, run: &RunResult, results: &str, style: Style) -> String {
    let ink = Ink(style.color);
    let mut out = format!("{}\n\n", ink.bold(&head(witnessed)));
    let paragraph = |text: &str| format!("{}\n", wrap(text, style.width));
    if let Some(warning) = words::profile_warning(run) {
        out.push_str(&ink.yellow(&paragraph(&format!("WARNING: {warning}"))));
        out.push('\n');
    }
    if witnessed.trials.is_empty() {
        out.push_str("The browser saw no trial to its end.\n");
    } else {
        out.push_str(&lay_out(&table(witnessed), style.width));
        out.push('\n');
    }
    for trial in &witnessed.trials {
        out.push_str(&paragraph(&sentence(trial)));
        for note in &trial.notes {
            out.push_str(&ink.yellow(&paragraph(&format!("{}: {note}", trial.id))));
        }
        for contradiction in &trial.contradictions {
            let text = format!("{}: CONTRADICTION: {contradiction}", trial.id);
            out.push_str(&ink.red(&paragraph(&text)));
        }
    }
    out.push_str(&format!("\n{}", paragraph(READING)));
    out.push_str(&paragraph(&clock(witnessed)));
    for trial in &run.trials {
        for reason in &trial.invalid_reasons {
            out.push_str(&ink.red(&paragraph(&format!("{}: invalid: {reason}", trial.id))));
        }
    }
    let word = match run.verdict {
        Verdict::Pass => ink.green("PASS"),
        Verdict::Fail => ink.red("FAIL"),
        Verdict::Invalid => ink.red("INVALID"),
    };
    out.push_str(&format!("\n{word}: {}\n", verdict(witnessed, run)));
    out.push_str(&format!("Results: {results}\n"));
    out
}

/// The same as Markdown.
#[must_use]
pub fn markdown(witnessed: &Witnessed) -> String {
    let mut out = format!("## {}\n\n", head(witnessed));
    markdown::lay_out(&mut out, &table(witnessed));
    out.push('\n');
    for trial in &witnessed.trials {
        out.push_str(&format!("- {}\n", sentence(trial)));
        let oddities = trial.notes.iter().chain(&trial.contradictions);
        for oddity in oddities {
            out.push_str(&format!("- **{}**: {oddity}\n", trial.id));
        }
    }
    out.push_str(&format!("\n{READING} {}\n", clock(witnessed)));
    out
}

/// Writes `witness.md` into a run's folder.
///
/// # Errors
/// When it cannot be written.
pub fn write(dir: &Path, witnessed: &Witnessed) -> Result<(), ReportError> {
    put(&dir.join("witness.md"), markdown(witnessed).as_bytes())
}

fn head(witnessed: &Witnessed) -> String {
    let subscribers = witnessed.trials.first().map(|trial| &trial.browser);
    let count = subscribers.map_or(0, |side| side.subscribers);
    format!(
        "{}: {} with {count} subscribers beside the simulated clients",
        witnessed.title, witnessed.browser
    )
}

/// Three rows for each trial: the simulated clients, the browser, and how far they are apart.
fn table(witnessed: &Witnessed) -> Table {
    let mut columns = vec![Column::words("transport"), Column::words("client")];
    columns.push(Column::numbers("", "messages"));
    columns.extend(QUANTILES.map(|(head, _)| Column {
        spare: head == "p90",
        ..Column::numbers("delivery latency", head)
    }));
    columns.push(Column::numbers("for each message", "requests"));
    columns.extend(COSTS.map(|(head, _)| Column::numbers("for each message", head)));
    columns.extend(["lost", "twice", "late"].map(|head| Column::numbers("", head)));
    let repeated = witnessed.trials.iter().any(|trial| trial.repeat > 1);
    let varied = witnessed.trials.iter().any(|trial| trial.factors.len() > 1);
    let rows = witnessed.trials.iter().flat_map(|trial| {
        let name = if repeated || varied {
            trial.id.clone()
        } else {
            trial.transport.to_string()
        };
        [
            side(name, "simulated", &trial.simulated),
            side(String::new(), "browser", &trial.browser),
            apart(trial),
        ]
    });
    Table {
        rows: rows.collect(),
        columns,
    }
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
    row.extend([side.lost, side.duplicated, side.reordered].map(show_count));
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
    row.extend([const { String::new() }; 3]);
    row
}

/// What the difference of the medians is.
fn sentence(trial: &WitnessedTrial) -> String {
    let Some(apart) = trial.apart() else {
        return format!("{}: nothing to compare.", trial.id);
    };
    let range = format!(
        "{} (between {} and {}, chance and the page's clock considered)",
        signed(apart.median),
        signed(apart.low),
        signed(apart.high)
    );
    let meaning = match trial.transport {
        Transport::Polling if apart.low <= 0.0 && apart.high >= 0.0 => {
            "no difference that can be told from chance: on both sides a message waits for the next poll"
        }
        Transport::Polling => {
            "on both sides a message waits for the next poll, and the page's own cost comes on top"
        }
        _ => {
            "a message's way from the browser's socket through its network process into the page's code"
        }
    };
    format!("{}: browser less simulated {range}: {meaning}.", trial.id)
}

/// How well the page's clock is known.
fn clock(witnessed: &Witnessed) -> String {
    let bounds = witnessed.trials.iter().map(|trial| trial.clock);
    let Some(worst) = bounds.max_by_key(|clock| clock.bound_ns) else {
        return String::new();
    };
    format!(
        "The page's clock moves in steps of {} and was off by at most {}, as {} readings of it between readings of the host's clock prove.",
        show_nanos(float(worst.resolution_ns)),
        show_nanos(float(worst.bound_ns)),
        worst.exchanges
    )
}

fn verdict(witnessed: &Witnessed, run: &RunResult) -> String {
    let contradictions: usize = witnessed
        .trials
        .iter()
        .map(|trial| trial.contradictions.len())
        .sum();
    match (run.verdict, contradictions) {
        (Verdict::Invalid, 1..) => {
            "The browser contradicts the simulated clients; see above.".to_owned()
        }
        (Verdict::Invalid, 0) => words::verdict(run),
        (Verdict::Pass | Verdict::Fail, _) => format!(
            "The browser bears the simulated clients out. {}",
            words::verdict(run)
        ),
    }
}

fn signed(nanos: f64) -> String {
    let sign = if nanos < 0.0 { "−" } else { "+" };
    format!("{sign}{}", show_nanos(nanos.abs()))
}

#[expect(
    clippy::cast_precision_loss,
    reason = "latencies stay far below 2^53 ns"
)]
fn float(nanos: u64) -> f64 {
    nanos as f64
}
