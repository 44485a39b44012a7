//! The bound of a rule: a value of its own, or a share of what something else measured.

use super::keys::{brief, nearest};
use super::known::{Kind, Known};
use super::setting::transports;
use super::{TargetName, Transport};
use crate::units::{parse_bytes, parse_duration};

/// The word that stands for a stored run in a bound.
const BASELINE: &str = "baseline";
/// What stands before the name of a server in one.
const TARGET: &str = "target.";

/// What a metric is held against.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Bound {
    /// A value in the metric's own unit: nanoseconds, bytes or plain; 5% is 0.05.
    Absolute(f64),
    /// So many times what the same metric is elsewhere, at equal other factors.
    Relative {
        /// Above zero; 20% is 0.2.
        factor: f64,
        /// Where else.
        to: Reference,
    },
}

/// Where the other value of a relative bound comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reference {
    /// Another transport of the same run.
    Transport(Transport),
    /// The same transport at another server of the same run.
    Target(TargetName),
    /// The same trials of a run that was stored before.
    Baseline,
}

impl Bound {
    /// The transport that the bound refers to, if it does.
    #[must_use]
    pub fn transport(self) -> Option<Transport> {
        match self {
            Self::Relative {
                to: Reference::Transport(transport),
                ..
            } => Some(transport),
            Self::Relative { .. } | Self::Absolute(_) => None,
        }
    }

    /// The server that the bound refers to, if it does.
    #[must_use]
    pub fn target(self) -> Option<TargetName> {
        match self {
            Self::Relative {
                to: Reference::Target(target),
                ..
            } => Some(target),
            Self::Relative { .. } | Self::Absolute(_) => None,
        }
    }

    /// Whether a stored run is needed to know the bound.
    #[must_use]
    pub fn needs_baseline(self) -> bool {
        matches!(
            self,
            Self::Relative {
                to: Reference::Baseline,
                ..
            }
        )
    }

    /// Reads what stands behind the sign, such as `20ms`, `polling` or `0.2 * polling`, for a metric that it has to fit.
    pub(super) fn parse(written: &str, metric: Known<'_>) -> Result<Self, String> {
        if let Some((factor, other)) = written.split_once('*') {
            let factor = parse_factor(factor.trim()).ok_or_else(|| {
                format!(
                    "\"{}\" does not begin with a number above zero and up to 1,000,000; write it like \"<= 0.2 * polling\" or \"<= 110% * baseline\"",
                    brief(written)
                )
            })?;
            let to = parse_reference(other.trim())?;
            return Ok(Self::Relative { factor, to });
        }
        // A misspelt name without a factor is no different from a misspelt number.
        if names_a_reference(written) {
            let to = parse_reference(written)?;
            return Ok(Self::Relative { factor: 1.0, to });
        }
        let (value, kind) = parse_value(written)?;
        metric.takes(value, kind, written)?;
        Ok(Self::Absolute(value))
    }
}

fn names_a_reference(written: &str) -> bool {
    let mut names = transports().map(|(name, _)| name).into_iter();
    written.starts_with(BASELINE)
        || written.starts_with(TARGET)
        || names.any(|name| written.starts_with(name))
}

fn parse_factor(written: &str) -> Option<f64> {
    let factor = match written.strip_suffix('%') {
        Some(percent) => plain(percent)? / 100.0,
        None => plain(written)?,
    };
    (factor > 0.0 && factor <= 1e6).then_some(factor)
}

fn parse_reference(written: &str) -> Result<Reference, String> {
    if written == BASELINE {
        return Ok(Reference::Baseline);
    }
    if let Some(name) = written.strip_prefix(TARGET) {
        return TargetName::new(name).map(Reference::Target).ok_or_else(|| {
            format!(
                "\"{}\" is no name of a target; write one of [targets], such as target.relay",
                brief(name)
            )
        });
    }
    let choices = transports();
    if let Some((_, transport)) = choices.iter().find(|(name, _)| *name == written) {
        return Ok(Reference::Transport(*transport));
    }
    let mut names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
    names.push(BASELINE);
    let first = written.split(['.', ' ']).next().unwrap_or(written);
    if first != written && names.contains(&first) {
        return Err(format!(
            "a gate compares a metric with the same metric elsewhere, so name no other; write \"{first}\" instead of \"{}\"",
            brief(written)
        ));
    }
    Err(match nearest(written, &names) {
        Some(near) => format!(
            "\"{}\" is no transport; did you mean \"{near}\"?",
            brief(written)
        ),
        None => format!(
            "\"{}\" is nothing to compare with; write one of {}",
            brief(written),
            names.join(", ")
        ),
    })
}

fn plain(text: &str) -> Option<f64> {
    let number = text.trim().parse::<f64>().ok()?;
    number.is_finite().then_some(number)
}

/// Reads a value: a number, a share (`5%`), a span of time in nanoseconds or an amount of bytes; and which of them,
/// where a unit says so.
#[expect(
    clippy::cast_precision_loss,
    reason = "spans and sizes are read from a float in the first place"
)]
fn parse_value(written: &str) -> Result<(f64, Option<Kind>), String> {
    if let Some(number) = plain(written) {
        return Ok((number, None));
    }
    if let Some(percent) = written.strip_suffix('%').and_then(plain) {
        return Ok((percent / 100.0, Some(Kind::Share)));
    }
    if let Ok(span) = parse_duration(written) {
        return Ok((span.as_nanos() as f64, Some(Kind::Time)));
    }
    let bytes = parse_bytes(written).map_err(|_| {
        format!(
            "\"{}\" is not a bound; write a number (0), a share (5%), a span of time (20ms), an amount of bytes (4KiB), another transport (0.2 * polling) or a stored run (1.1 * baseline)",
            brief(written)
        )
    })?;
    Ok((bytes as f64, Some(Kind::Bytes)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIME: Known<'_> = Known {
        name: "delivery.p99",
        kind: Kind::Time,
    };

    #[test]
    fn a_bound_is_a_value_or_a_share_of_another() {
        let polling = Reference::Transport(Transport::Polling);
        let long = Reference::Transport(Transport::LongPolling);
        for (written, factor, to) in [
            ("polling", 1.0, polling),
            ("0.2 * polling", 0.2, polling),
            ("0.2*long-polling", 0.2, long),
            ("110 % * baseline", 1.1, Reference::Baseline),
            ("baseline", 1.0, Reference::Baseline),
        ] {
            let bound = Bound::parse(written, TIME).unwrap();
            let Bound::Relative {
                factor: read,
                to: of,
            } = bound
            else {
                panic!("{written} is relative");
            };
            assert!((read - factor).abs() < 1e-12, "{written}");
            assert_eq!(of, to, "{written}");
            assert_eq!(bound.needs_baseline(), to == Reference::Baseline);
        }
        assert_eq!(Bound::parse("20ms", TIME).unwrap(), Bound::Absolute(2e7));
        assert_eq!(Bound::parse("20ms", TIME).unwrap().transport(), None);
    }

    #[test]
    fn a_wrong_bound_says_how_it_is_written() {
        for (written, part) in [
            ("0.2 * poling", "did you mean \"polling\"?"),
            ("0.2 * yesterday", "write one of polling, long-polling"),
            ("polling * 0.2", "does not begin with a number"),
            ("-1 * polling", "above zero"),
            ("0 * polling", "above zero"),
            ("inf * polling", "above zero"),
            ("1e308 * baseline", "up to 1,000,000"),
            ("20ms * polling", "does not begin with a number"),
            ("0.2 * polling.delivery.p50", "write \"polling\" instead"),
            ("baseline delivery.p50", "write \"baseline\" instead"),
            ("poling", "another transport (0.2 * polling)"),
            ("0.2 *", "nothing to compare with"),
        ] {
            let text = Bound::parse(written, TIME).unwrap_err();
            assert!(text.contains(part), "{written}: {text}");
        }
    }

    #[test]
    fn a_bound_has_the_unit_of_its_metric() {
        let metric = |name, kind| Known { name, kind };
        let (lost, share) = (metric("lost", Kind::Number), metric("s", Kind::Share));
        let bytes = metric("b", Kind::Bytes);
        for (metric, good, bad) in [
            (
                TIME,
                vec!["20ms", "0", "0s", "-0"],
                vec!["20", "5%", "4KiB"],
            ),
            (lost, vec!["0", "12", "-3"], vec!["5%", "0%", "1s", "1kB"]),
            (share, vec!["5%", "0.05", "0"], vec!["5ms", "5B"]),
            (bytes, vec!["4KiB", "4096", "0"], vec!["5%", "1s"]),
        ] {
            for written in good {
                assert!(Bound::parse(written, metric).is_ok(), "{written}");
            }
            for written in bad {
                let text = Bound::parse(written, metric).unwrap_err();
                assert!(text.contains("does not fit"), "{written}: {text}");
            }
        }
        let text = Bound::parse("5%", lost).unwrap_err();
        assert!(text.contains("missed_share"), "{text}");
    }
}
