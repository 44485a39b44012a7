//! The lines of the terminal view, for a terminal of any size.

use std::borrow::Cow;

use console::{Style, measure_text_width, truncate_str};

use super::state::{Figures, Kind, State};
use crate::units::{show_bytes, show_count, show_nanos};

/// The bar is never longer.
const BAR: usize = 30;
/// Nor shorter: it is left out instead.
const SHORTEST_BAR: usize = 8;
/// Columns for a latency and for a count.
const LATENCY: usize = 10;
const COUNT: usize = 13;

/// A terminal's size, and whether it shows colours.
#[derive(Debug, Clone, Copy)]
pub(super) struct Room {
    pub(super) width: usize,
    pub(super) height: usize,
    pub(super) color: bool,
}

/// A line, and how soon it is left out where there is no room for all: the highest rank first.
struct Line {
    rank: u8,
    text: String,
}

/// The lines of the view. None is wider than the room, and one row stays free for the cursor.
pub(super) fn lines(state: &State, room: Room) -> Vec<String> {
    let mut lines = head(state, room);
    lines.extend(table(state, room));
    while lines.len() + 1 > room.height.max(2) {
        let least = lines.iter().map(|line| line.rank).max();
        let Some(last) = lines.iter().rposition(|line| Some(line.rank) == least) else {
            break;
        };
        lines.remove(last);
    }
    let fitting = lines.iter().map(|line| fit(&line.text, room.width));
    fitting.collect()
}

fn fit(text: &str, width: usize) -> String {
    truncate_str(text, width, "…").into_owned()
}

fn paint(style: &Style, text: &str, room: Room) -> String {
    style
        .clone()
        .force_styling(room.color)
        .apply_to(text)
        .to_string()
}

fn head(state: &State, room: Room) -> Vec<Line> {
    let line = |rank, text| Line { rank, text };
    let mut lines = vec![
        line(3, paint(&Style::new().bold(), state.title(), room)),
        line(0, phase(state, room)),
    ];
    let Some(current) = &state.current else {
        return lines;
    };
    let of = current
        .of
        .map_or_else(String::new, |of| format!(" of {of}"));
    let place = format!("trial {}{of}", current.number);
    lines.insert(1, line(2, joined(&[place, current.id.clone()], room)));
    if let Some(load) = load(state, room) {
        lines.push(line(1, load));
    }
    if let Some(second) = &current.second {
        let late = second
            .schedule_lag_p99
            .map(|lag| format!("{} late (p99)", nanos(lag)));
        let busy = second
            .generator_cpu_ns
            .map(|cpu| format!("{:.2} processors", cpu as f64 / 1e9));
        let parts: Vec<String> = late.into_iter().chain(busy).collect();
        if !parts.is_empty() {
            lines.push(line(4, format!("generator {}", joined(&parts, room))));
        }
    }
    lines
}

/// What the trial is doing, how far that is, and the time that is left.
fn phase(state: &State, room: Room) -> String {
    let doing = state.doing();
    let left =
        |what: &str, left: Option<f64>| left.map(|left| format!("{what} {} left", span(left)));
    let times = [
        left("trial", state.trial_left()),
        left("run", state.run_left()),
    ];
    let times: Vec<String> = times.into_iter().flatten().collect();
    let text = joined(&times, room);
    let taken = measure_text_width(doing) + measure_text_width(&text) + 4;
    let free = room.width.saturating_sub(taken).min(BAR);
    let share = state.progress().map(|progress| {
        if progress.of > 0.0 {
            (progress.elapsed / progress.of).clamp(0.0, 1.0)
        } else {
            1.0
        }
    });
    match share.filter(|_| free >= SHORTEST_BAR) {
        Some(share) => format!("{doing} {} {text}", bar(share, free)),
        None => joined(
            &[doing.to_owned()]
                .into_iter()
                .chain(times)
                .collect::<Vec<_>>(),
            room,
        ),
    }
}

fn bar(share: f64, width: usize) -> String {
    let inner = width - 2;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a few columns"
    )]
    let done = (share * inner as f64) as usize;
    let head = if done < inner { ">" } else { "" };
    format!("[{:<inner$}]", format!("{}{head}", "=".repeat(done)))
}

/// Who is connected and what goes on.
fn load(state: &State, room: Room) -> Option<String> {
    let progress = state.progress()?;
    let mut parts = vec![format!(
        "connected {} of {}",
        show_count(progress.connected),
        show_count(progress.clients)
    )];
    let second = state.current.as_ref()?.second.as_ref();
    match second.filter(|_| state.publishes()) {
        Some(second) => parts.extend([
            format!("{} messages/s", show_count(second.published)),
            format!("{} deliveries/s", show_count(second.delivered)),
            format!("{}/s", show_bytes((second.received + second.sent) as f64)),
        ]),
        None if progress.published > 0 => parts.extend([
            format!("{} published", show_count(progress.published)),
            format!("{} delivered", show_count(progress.delivered)),
        ]),
        None => {}
    }
    Some(joined(&parts, room))
}

/// As many parts as there is room for, from the first.
fn joined(parts: &[String], room: Room) -> String {
    let mut text = String::new();
    for part in parts {
        let next = if text.is_empty() {
            part.clone()
        } else {
            format!("{text} · {part}")
        };
        if !text.is_empty() && measure_text_width(&next) > room.width {
            break;
        }
        text = next;
    }
    text
}

/// The newest of each transport.
fn table(state: &State, room: Room) -> Vec<Line> {
    let names = state.rows.iter().map(|row| measure_text_width(&row.name));
    let name = names.max().unwrap_or(0);
    let dim = Style::new().dim();
    let head = format!(
        "{:name$}{:>LATENCY$}{:>LATENCY$}{:>COUNT$}",
        "", "p50", "p99", "delivered"
    );
    let mut lines = vec![
        Line {
            rank: 8,
            text: String::new(),
        },
        Line {
            rank: 6,
            text: paint(&dim, &head, room),
        },
    ];
    for (place, row) in state.rows.iter().enumerate() {
        let Figures {
            p50,
            p99,
            delivered,
            kind,
        } = row.figures;
        let now = state.goes_on(place);
        let count = delivered.map_or(Cow::Borrowed("–"), |count| {
            let unit = if kind == Kind::Second { "/s" } else { "" };
            Cow::Owned(format!("{}{unit}", show_count(count)))
        });
        let latency = |value: Option<u64>| value.map_or_else(|| "–".to_owned(), nanos);
        let text = format!(
            "{:name$}{:>LATENCY$}{:>LATENCY$}{count:>COUNT$}",
            row.name,
            latency(p50),
            latency(p99),
        );
        let style = match kind {
            _ if now => Style::new().bold(),
            Kind::None => dim.clone(),
            Kind::Second | Kind::Trial | Kind::Invalid => Style::new(),
        };
        let state = match kind {
            _ if now => "now".to_owned(),
            Kind::Invalid => paint(&Style::new().red(), "INVALID", room),
            Kind::None | Kind::Second => String::new(),
            Kind::Trial if row.ended > 1 => format!("last of {}", row.ended),
            Kind::Trial => "done".to_owned(),
        };
        let text = format!("{}  {state}", paint(&style, &text, room));
        lines.push(Line {
            rank: match kind {
                _ if now => 1,
                Kind::None => 7,
                Kind::Second | Kind::Trial | Kind::Invalid => 5,
            },
            text: text.trim_end().to_owned(),
        });
    }
    lines
}

fn nanos(nanos: u64) -> String {
    show_nanos(nanos as f64)
}

/// Seconds as a person reads them.
fn span(seconds: f64) -> String {
    let seconds = seconds.ceil();
    if seconds < 100.0 {
        return format!("{seconds:.0} s");
    }
    let (minutes, rest) = ((seconds / 60.0).floor(), seconds % 60.0);
    if minutes < 60.0 {
        format!("{minutes:.0} min {rest:.0} s")
    } else {
        format!(
            "{:.0} h {:.0} min",
            (minutes / 60.0).floor(),
            minutes % 60.0
        )
    }
}

#[cfg(test)]
mod tests;
