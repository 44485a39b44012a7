//! The metrics that a scenario may name. What they say is not its business, but for the bounds that fit them.

use super::keys::{brief, listed, nearest};

/// A metric that gates, searches and published figures may name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known<'a> {
    /// Its name, such as `delivery.p99`.
    pub name: &'a str,
    /// What its number counts.
    pub kind: Kind,
}

/// What a number counts, as far as a bound written beside it has to fit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Spans of time.
    Time,
    /// Amounts of bytes, also each second.
    Bytes,
    /// A part of a whole.
    Share,
    /// A number of things.
    Number,
}

/// The metric of that name.
///
/// # Errors
/// Says that there is none, and which it may have been meant to be.
pub(super) fn find<'a>(name: &str, known: &[Known<'a>]) -> Result<Known<'a>, String> {
    let found = known.iter().find(|metric| metric.name == name);
    found.copied().ok_or_else(|| {
        let names: Vec<&str> = known.iter().map(|metric| metric.name).collect();
        let hint = nearest(name, &names).map_or_else(
            || "the metrics are".to_owned(),
            |near| format!("did you mean \"{near}\"? The metrics are"),
        );
        format!(
            "unknown metric \"{}\"; {hint} {}",
            brief(name),
            listed(&names)
        )
    })
}

impl Known<'_> {
    /// Why a `value` that was written with a unit of `kind`, or with none, is no bound of it.
    ///
    /// # Errors
    /// When nothing can be meant by it: a share of a count, bytes of time, or a time without its unit.
    pub(super) fn takes(self, value: f64, kind: Option<Kind>, written: &str) -> Result<(), String> {
        let fits = match kind {
            None => self.kind != Kind::Time || value == 0.0,
            Some(kind) => kind == self.kind,
        };
        if fits {
            return Ok(());
        }
        let (what, example) = match self.kind {
            Kind::Time => ("a span of time", "20ms"),
            Kind::Bytes => ("an amount of bytes", "4KiB"),
            Kind::Share => ("a share", "5%"),
            Kind::Number => ("a number without a unit", "0"),
        };
        let hint = if self.name == "lost" && kind == Some(Kind::Share) {
            "; the share is \"missed_share\""
        } else {
            ""
        };
        Err(format!(
            "\"{}\" does not fit \"{}\", which is {what}: write it like \"{example}\"{hint}",
            brief(written),
            self.name
        ))
    }
}
