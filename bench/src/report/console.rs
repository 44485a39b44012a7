//! The summary of a run for a terminal.

use crate::report::table::{self, Table};
use crate::report::{faults, incidents, protocols, searches, story, words};
use crate::result::{RunResult, Verdict};

/// Rows of workers that a terminal is shown; the page has all.
const MOST_WORKERS: usize = 24;

/// How the text is set.
#[derive(Debug, Clone, Copy)]
pub struct Style {
    /// Columns of the terminal; wide tables leave out what they can spare.
    pub width: usize,
    /// Whether ANSI colours are wanted.
    pub color: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            width: 120,
            color: false,
        }
    }
}

/// The run as a person reads it on a terminal, ending in a line break.
///
/// `results` names where the files are; it stands in the last line.
#[must_use]
pub fn render(run: &RunResult, results: Option<&str>, style: Style) -> String {
    let ink = Ink(style.color);
    let mut out = String::new();
    out.push_str(&format!("{}\n\n", ink.bold(&run.title)));
    if let Some(warning) = words::profile_warning(run) {
        out.push_str(&ink.yellow(&wrap(&format!("WARNING: {warning}"), style.width)));
        out.push_str("\n\n");
    }
    if run.trials.is_empty() {
        out.push_str("No trial ended.\n");
    } else {
        let results = table::results(run);
        let text = lay_out(&results, style.width);
        out.push_str(&mark_invalid(&text, ink));
        if let Some(legend) = table::legend(&results) {
            out.push_str(&format!("{}\n", wrap(legend, style.width)));
        }
    }
    if let Some(note) = words::link_note(run) {
        out.push_str(&format!("\n{}\n", wrap(&note, style.width)));
    }
    for paragraph in story::paragraphs(run) {
        out.push_str(&format!(
            "\n{}\n",
            spaced(&wrap(&paragraph.text, style.width))
        ));
        for line in paragraph.lines {
            out.push_str(&spaced(&indented(&line, style)));
        }
    }
    let changed = protocols::sentences(run);
    let changed: Vec<String> = changed.iter().map(|line| spaced(line)).collect();
    list(&mut out, "What TLS and HTTP/2 change", &changed, style);
    list(&mut out, "Search", &searches::sentences(run), style);
    list(&mut out, "Events", &incidents::sentences(run), style);
    section(
        &mut out,
        "Prediction beside measurement",
        &table::predictions(run),
        style,
    );
    explanations(&mut out, run, style);
    section(
        &mut out,
        "Figures that others published, beside ours",
        &table::published(run),
        style,
    );
    let workers = table::workers(run);
    if workers.rows.len() <= MOST_WORKERS {
        section(&mut out, "Workers", &workers, style);
    }
    notes(&mut out, run, style, ink);
    section(
        &mut out,
        "Rules that do not hold",
        &table::broken_rules(run),
        style,
    );
    section(&mut out, "Gates", &table::gates(run), style);
    if let Some(text) = faults::ungated(run) {
        let text = wrap(&format!("WARNING: {text}"), style.width);
        out.push_str(&format!("\n{}\n", ink.yellow(&text)));
    }
    out.push_str(&format!("\n{}\n", verdict(run, ink)));
    if let Some(results) = results {
        out.push_str(&format!("Results: {results}\n"));
    }
    out
}

fn verdict(run: &RunResult, ink: Ink) -> String {
    let (word, text) = match run.verdict {
        Verdict::Pass => (ink.green("PASS"), words::verdict(run)),
        Verdict::Fail => (ink.red("FAIL"), words::verdict(run)),
        Verdict::Invalid => (ink.red("INVALID"), words::verdict(run)),
    };
    format!("{word}: {text}")
}

/// A line for each figure that is far from its prediction.
fn explanations(out: &mut String, run: &RunResult, style: Style) {
    for line in words::explanations(run) {
        out.push_str(&indented(&line, style));
    }
}

fn notes(out: &mut String, run: &RunResult, style: Style, ink: Ink) {
    let mut lines = Vec::new();
    if !run.environment.kernel_timestamps {
        lines.push("The kernel gave no receive timestamps: arrival times are missing.".to_owned());
    }
    for trial in table::in_order(run) {
        for reason in &trial.invalid_reasons {
            lines.push(ink.red(&format!("{}: invalid: {reason}", trial.id)));
        }
        for warning in &trial.warnings {
            lines.push(ink.yellow(&format!("{}: {warning}", trial.id)));
        }
    }
    list(out, "Notes", &lines, style);
}

/// Sentences under a head; nothing without any.
fn list(out: &mut String, title: &str, lines: &[String], style: Style) {
    if lines.is_empty() {
        return;
    }
    out.push_str(&format!("\n{title}\n"));
    for line in lines {
        out.push_str(&indented(line, style));
    }
}

/// A sentence of a list: what runs over stands deeper.
fn indented(line: &str, style: Style) -> String {
    let text = wrap(line, style.width.saturating_sub(4));
    format!("  {}\n", text.replace('\n', "\n    "))
}

/// A value that was kept on one line with its unit, for a terminal.
fn spaced(text: &str) -> String {
    text.replace('\u{a0}', " ").replace('\u{2060}', "")
}

fn section(out: &mut String, title: &str, table: &Table, style: Style) {
    if !table.rows.is_empty() {
        out.push_str(&format!("\n{title}\n{}", lay_out(table, style.width)));
    }
}

/// Sets a table in columns two spaces apart. When it is too wide, the columns it
/// can spare are left out; then the last one is wrapped.
pub(super) fn lay_out(table: &Table, width: usize) -> String {
    let mut kept: Vec<usize> = (0..table.columns.len()).collect();
    let widths: Vec<usize> = kept.iter().map(|c| column_width(table, *c)).collect();
    let total = |kept: &[usize]| kept.iter().map(|c| widths[*c] + 2).sum::<usize>() - 2;
    while total(&kept) > width {
        let Some(spare) = kept.iter().rposition(|c| table.columns[*c].spare) else {
            break;
        };
        kept.remove(spare);
    }
    let mut out = over_line(table, &kept, &widths);
    let heads: Vec<&str> = table.columns.iter().map(|c| c.head.as_str()).collect();
    line(&mut out, table, &kept, &widths, &heads, width);
    for row in table.rows.iter() {
        let cells: Vec<&str> = row.iter().map(|cell| cell.text.as_str()).collect();
        line(&mut out, table, &kept, &widths, &cells, width);
        let below: Vec<&str> = row.iter().map(|cell| cell.below.as_str()).collect();
        if below.iter().any(|text| !text.is_empty()) {
            line(&mut out, table, &kept, &widths, &below, width);
        }
    }
    out
}

fn column_width(table: &Table, column: usize) -> usize {
    let wide = |text: &String| text.chars().count();
    let cells = table.rows.iter().map(|row| {
        let cell = &row[column];
        wide(&cell.text).max(wide(&cell.below))
    });
    let head = &table.columns[column];
    let over = if head.over.len() > 12 {
        0
    } else {
        head.over.len()
    };
    cells
        .chain([head.head.chars().count(), over])
        .max()
        .unwrap_or(0)
}

/// The upper heads: one over several columns stands at their left edge.
fn over_line(table: &Table, kept: &[usize], widths: &[usize]) -> String {
    let mut out = String::new();
    let mut at = 0;
    let mut last = "";
    for column in kept {
        let head = &table.columns[*column];
        if head.over != last && !head.over.is_empty() {
            let long = head.over.len() > widths[*column];
            let start = if long {
                at + 3
            } else {
                at + widths[*column] - head.over.len()
            };
            out.push_str(&" ".repeat(start.saturating_sub(out.chars().count())));
            out.push_str(head.over);
        }
        last = head.over;
        at += widths[*column] + 2;
    }
    if !out.is_empty() {
        out.push('\n');
    }
    out
}

fn line(
    out: &mut String,
    table: &Table,
    kept: &[usize],
    widths: &[usize],
    cells: &[&str],
    width: usize,
) {
    let mut at = 0;
    let mut text = String::new();
    for (place, column) in kept.iter().enumerate() {
        let (cell, wide) = (cells[*column], widths[*column]);
        let last = place + 1 == kept.len();
        if table.columns[*column].right {
            text.push_str(&format!("{cell:>wide$}  "));
        } else if last && at + cell.chars().count() > width {
            text.push_str(&last_cell(cell, at, width));
        } else {
            text.push_str(&format!("{cell:<wide$}  "));
        }
        at += wide + 2;
    }
    out.push_str(text.trim_end());
    out.push('\n');
}

/// The last cell of a line that is too long: wrapped in its column, or below the
/// line when the column is narrow.
fn last_cell(cell: &str, at: usize, width: usize) -> String {
    let (lead, indent) = if at + 20 <= width {
        (String::new(), " ".repeat(at))
    } else {
        ("\n    ".to_owned(), " ".repeat(4))
    };
    let text = wrap(cell, width.saturating_sub(indent.len()));
    format!("{lead}{}", text.replace('\n', &format!("\n{indent}")))
}

/// Breaks text at spaces so that no line is longer than `width`, where words allow.
pub(super) fn wrap(text: &str, width: usize) -> String {
    let mut out = String::new();
    let mut used = 0;
    for word in text.split(' ') {
        let long = word.chars().count();
        if used > 0 && used + 1 + long > width {
            out.push('\n');
            used = 0;
        } else if used > 0 {
            out.push(' ');
            used += 1;
        }
        out.push_str(word);
        used += long;
    }
    out
}

fn mark_invalid(table: &str, ink: Ink) -> String {
    let mark = |line: &str| match line.strip_suffix(table::NOT_VALID) {
        Some(_) => format!("{}\n", ink.red(line)),
        None => format!("{line}\n"),
    };
    table.lines().map(mark).collect()
}

/// ANSI colours, or none.
#[derive(Clone, Copy)]
pub(super) struct Ink(pub(super) bool);

impl Ink {
    pub(super) fn bold(self, text: &str) -> String {
        self.set("1", text)
    }
    pub(super) fn red(self, text: &str) -> String {
        self.set("31", text)
    }
    pub(super) fn green(self, text: &str) -> String {
        self.set("32", text)
    }
    pub(super) fn yellow(self, text: &str) -> String {
        self.set("33", text)
    }
    fn set(self, code: &str, text: &str) -> String {
        if self.0 {
            format!("\x1b[{code}m{text}\x1b[0m")
        } else {
            text.to_owned()
        }
    }
}
