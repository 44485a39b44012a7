//! Delivery latency over time: a panel for each transport, p50 and p99 of each second.

use super::axis::Axis;
use super::font;
use super::frame::{Frame, TOP, WIDTH, headline, with_absent};
use super::palette::{self, FAINT, INK, MEASURED, SOFT};
use super::scene::{Align, Point, Scene, Set};
use super::{name, sentence};
use crate::report::comparison::{Comparison, Group};
use crate::report::incidents;
use crate::result::metric::{self, Unit};
use crate::result::{EventResult, Second, TrialResult};
use crate::units::show_nanos;

const PANEL: f64 = 116.0;
const GAP: f64 = 34.0;
const RIGHT: f64 = WIDTH - 30.0;
/// Over how many places of a panel values can be asked for; in a longer run each tells several seconds.
const TIPS: usize = 120;

pub(crate) fn draw(comparison: &Comparison<'_>, title: &str, subtitle: &str) -> Option<Scene> {
    let panels: Vec<(&Group<'_>, &[Second])> = comparison
        .groups
        .iter()
        .filter_map(|g| Some((g, g.trials.first()?.timeline.as_slice())))
        .filter(|(_, rows)| rows.iter().any(|r| r.delivery_p50.is_some()))
        .collect();
    let rows = || panels.iter().flat_map(|(_, rows)| rows.iter());
    let values = rows().flat_map(|r| [r.delivery_p50, r.delivery_p99]);
    let y = Axis::log(
        "Delivery latency",
        Unit::Nanoseconds,
        values.flatten().map(float),
    )?;
    let last = rows()
        .map(|r| f64::from(r.second) + 1.0)
        .fold(1.0, f64::max);
    let x = Axis::seconds("Time since publishing began", last);
    #[expect(clippy::cast_precision_loss, reason = "a handful of panels")]
    let height = TOP + 46.0 + panels.len() as f64 * (PANEL + GAP) - GAP + 62.0;
    let mut scene = Scene::new(WIDTH, height);
    let drawn: Vec<_> = panels.iter().map(|(g, _)| *g).collect();
    let subtitle = with_absent(subtitle, &comparison.groups, &drawn);
    let above = headline(&mut scene, title, &subtitle);
    key(&mut scene, above);
    let mut top = above + 46.0;
    scene.say(format!("{subtitle}."));
    for (group, _) in panels.iter().take(1) {
        events(group).for_each(|event| scene.say(event));
    }
    let middle = f64::midpoint(top, scene.height - 62.0);
    scene.text(
        y.title.clone(),
        (20.0, middle),
        Set::new(13.5, INK).align(Align::Middle).upright(),
    );
    for (place, (group, rows)) in panels.iter().enumerate() {
        let frame = Frame {
            left: 96.0,
            top,
            right: RIGHT,
            bottom: top + PANEL,
            x: x.clone(),
            y: y.clone(),
        };
        panel(&mut scene, &frame, group, rows);
        if place + 1 == panels.len() {
            frame.x_labels(&mut scene);
        }
        top += PANEL + GAP;
    }
    Some(scene)
}

/// What the marks mean, in one line above the panels.
fn key(scene: &mut Scene, y: f64) {
    let text = Set::new(13.0, SOFT);
    scene.line(&[(96.0, y), (122.0, y)], INK, 2.5);
    scene.text("p50 of each second", (130.0, y), text);
    scene.dashes(&[(286.0, y), (312.0, y)], INK, 1.75, (6.0, 4.0));
    scene.text("p99 of each second", (320.0, y), text);
    scene.rect((476.0, y - 7.0), (502.0, y + 7.0), MEASURED);
    scene.text("measured phase", (510.0, y), text);
}

fn panel(scene: &mut Scene, frame: &Frame, group: &Group<'_>, rows: &[Second]) {
    for row in rows.iter().filter(|r| r.measured) {
        let second = f64::from(row.second);
        let (from, to) = (frame.x(second), frame.x(second + 1.0));
        scene.rect((from, frame.top), (to, frame.bottom), MEASURED);
    }
    frame.grid(scene);
    frame.y_labels(scene);
    let name = Set::new(13.5, INK).bold();
    scene.marker(group.transport, (frame.left + 6.0, frame.top - 12.0));
    scene.text(group.label(), (frame.left + 18.0, frame.top - 12.0), name);
    marks(scene, frame, group);
    let color = palette::color(group.transport);
    for run in unbroken(rows) {
        let p50 = line(frame, run, |r| r.delivery_p50);
        let p99 = line(frame, run, |r| r.delivery_p99);
        let mut band = p50.clone();
        band.extend(p99.iter().rev());
        if p50.len() == p99.len() {
            scene.area(band, palette::tint(color, 0.22));
        }
        scene.dashes(&p99, color, 1.75, (6.0, 4.0));
        scene.line(&p50, color, 2.5);
        if let ([only], true) = (p50.as_slice(), run.len() == 1) {
            scene.marker(group.transport, *only);
        }
    }
    tips(scene, frame, group, rows);
    let edge = [(frame.left, frame.bottom), (frame.right, frame.bottom)];
    scene.line(&edge, FAINT, 0.5);
}

/// The values of each second, or of several in a long run, and the panel in words.
fn tips(scene: &mut Scene, frame: &Frame, group: &Group<'_>, rows: &[Second]) {
    let who = name(group.transport);
    for some in rows.chunks(rows.len().div_ceil(TIPS).max(1)) {
        let (Some(first), Some(last)) = (some.first(), some.last()) else {
            continue;
        };
        let when = if first.second == last.second {
            format!("second {}", first.second)
        } else {
            format!("seconds {} to {}", first.second, last.second)
        };
        let worst = |read: fn(&Second) -> Option<u64>| {
            let most = some.iter().filter_map(read).max();
            most.map_or_else(|| "none".to_owned(), |v| show_nanos(float(v)))
        };
        let tip = if some.iter().any(|r| r.delivery_p50.is_some()) {
            let (p50, p99) = (worst(|r| r.delivery_p50), worst(|r| r.delivery_p99));
            format!("{who} · {when} · p50 {p50} · p99 {p99}")
        } else {
            format!("{who} · {when} · nothing delivered")
        };
        let to = f64::from(last.second) + 1.0;
        scene.tip_in(
            (frame.x(f64::from(first.second)), frame.top),
            (frame.x(to), frame.bottom),
            tip,
        );
    }
    let of = |read: fn(&Second) -> Option<u64>| {
        let measured = rows.iter().filter(|r| r.measured);
        let values: Vec<f64> = measured.filter_map(read).map(float).collect();
        let low = values.iter().copied().reduce(f64::min)?;
        let high = values.iter().copied().reduce(f64::max)?;
        Some((metric::median(values)?, low, high))
    };
    if let (Some(p50), Some(p99)) = (of(|r| r.delivery_p50), of(|r| r.delivery_p99)) {
        let said = |(middle, low, high)| {
            let [middle, low, high] = [middle, low, high].map(show_nanos);
            format!("mostly {middle} ({low} to {high})")
        };
        scene.say(format!(
            "{who}: p50 of a second {}, p99 {}.",
            said(p50),
            said(p99)
        ));
    }
}

/// A thin line with a word at each event.
fn marks(scene: &mut Scene, frame: &Frame, group: &Group<'_>) {
    let Some(trial) = group.trials.first() else {
        return;
    };
    let start = start(trial);
    let (mut free, mut y) = (f64::NEG_INFINITY, frame.top);
    for event in &trial.events {
        let from = start + float(event.at) / 1e9;
        let x = frame.x(from);
        lasting(scene, frame, event, from);
        scene.line(&[(x, frame.top), (x, frame.bottom)], INK, 1.25);
        let (word, set) = (incidents::word(event), Set::new(12.5, INK).bold());
        let width = font::width(&word, set.size, true);
        // A word that would touch the one before it stands a line lower.
        y = if x < free { y + 15.0 } else { frame.top + 10.0 };
        free = x + width + 12.0;
        // Lines may pass below: the word has a ground of its own.
        let ground = palette::tint(palette::GROUND, 0.75);
        scene.rect((x + 1.0, y - 8.0), (x + width + 7.0, y + 8.0), ground);
        scene.text(word, (x + 4.0, y), set);
    }
}

/// When each event of a trial was, the same in each panel: they are the scenario's.
fn events(group: &Group<'_>) -> impl Iterator<Item = String> {
    let start = group.trials.first().map_or(0.0, |trial| start(trial));
    let events = group.trials.iter().take(1).flat_map(|t| &t.events);
    events.map(move |event| {
        let at = ((start + float(event.at) / 1e9) * 10.0).round() / 10.0;
        format!("{} at second {at}.", sentence(&incidents::word(event)))
    })
}

/// The second in which the measured phase begins: rows count from the warm-up.
fn start(trial: &TrialResult) -> f64 {
    let first = trial.timeline.iter().find(|row| row.measured);
    first.map_or(0.0, |row| f64::from(row.second))
}

/// A shade for as long as an event lasts, or its clients take to come back.
fn lasting(scene: &mut Scene, frame: &Frame, event: &EventResult, from: f64) {
    if let Some(span) = event.span.filter(|span| *span > 0) {
        let to = frame.x(from + float(span) / 1e9);
        let ground = palette::tint(SOFT, 0.18);
        scene.rect((frame.x(from), frame.top), (to, frame.bottom), ground);
    }
}

/// The stretches of seconds in which something was delivered: a line does not bridge a gap.
fn unbroken(rows: &[Second]) -> impl Iterator<Item = &[Second]> {
    rows.split(|r| r.delivery_p50.is_none())
        .filter(|run| !run.is_empty())
}

fn line(frame: &Frame, rows: &[Second], read: fn(&Second) -> Option<u64>) -> Vec<Point> {
    rows.iter()
        .filter_map(|r| Some(frame.at(f64::from(r.second) + 0.5, float(read(r)?))))
        .collect()
}

#[expect(
    clippy::cast_precision_loss,
    reason = "a position in a picture needs no more"
)]
fn float(nanos: u64) -> f64 {
    nanos as f64
}
