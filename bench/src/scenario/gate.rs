//! The rules of `[gate]`: which metric of which trials must keep which bound.

use std::fmt;

use super::keys::{brief, nearest};
use super::known::{self, Known};
use super::setting::transports;
use super::{Bound, TargetName, Transport};

/// A bound that a metric must keep, in each combination of factors that the selector names.
#[derive(Debug, Clone, PartialEq)]
pub struct GateRule {
    /// The server whose trials are held to it, where a scenario has several; `None` is each of them.
    pub target: Option<TargetName>,
    /// The transport whose trials are held to it; `None` (written `*`) is every
    /// transport but the one that the bound refers to.
    pub selector: Option<Transport>,
    /// The metric's name, such as `delivery.p99`.
    pub metric: String,
    /// How the measured value must compare with the bound.
    pub op: Op,
    /// What it is compared with.
    pub bound: Bound,
    /// The rule in one line, such as `websocket delivery.p99 <= 20ms`.
    pub text: String,
}

/// A comparison.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Op {
    /// `<=`
    AtMost,
    /// `>=`
    AtLeast,
    /// `<`
    Below,
    /// `>`
    Above,
    /// `==`
    Equal,
    /// `!=`
    NotEqual,
}

/// Longer signs first: `<=` begins with `<`.
const OPS: [(&str, Op); 6] = [
    ("<=", Op::AtMost),
    (">=", Op::AtLeast),
    ("==", Op::Equal),
    ("!=", Op::NotEqual),
    ("<", Op::Below),
    (">", Op::Above),
];

impl Op {
    /// Whether `measured` keeps `bound`. A measured NaN keeps no bound.
    #[expect(
        clippy::float_cmp,
        reason = "== and != are for counts, which floats hold exactly"
    )]
    #[must_use]
    pub fn holds(self, measured: f64, bound: f64) -> bool {
        match self {
            Self::AtMost => measured <= bound,
            Self::AtLeast => measured >= bound,
            Self::Below => measured < bound,
            Self::Above => measured > bound,
            Self::Equal => measured == bound,
            Self::NotEqual => !measured.is_nan() && measured != bound,
        }
    }

    /// The sign, such as `<=`.
    #[must_use]
    pub fn sign(self) -> &'static str {
        OPS.iter()
            .find(|(_, op)| *op == self)
            .map_or("", |(sign, _)| sign)
    }
}

impl fmt::Display for GateRule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl GateRule {
    /// Reads the two sides of a rule: `websocket delivery.p99` and `<= 20ms`.
    ///
    /// # Errors
    /// Says which side is wrong and how it is written.
    pub fn parse(left: &str, right: &str, known: &[Known<'_>]) -> Result<Self, GateFault> {
        let (target, selector, metric) = parse_left(left, known).map_err(GateFault::Left)?;
        let (op, written) = parse_comparison(right).map_err(GateFault::Right)?;
        let bound = Bound::parse(written, metric).map_err(GateFault::Right)?;
        if let Some(itself) = target.filter(|_| bound.target() == target) {
            return Err(GateFault::Right(format!(
                "a gate cannot compare {itself} with itself; name another target, or baseline"
            )));
        }
        if let Some(itself) = selector.filter(|_| bound.transport() == selector) {
            return Err(GateFault::Right(format!(
                "a gate cannot compare {itself} with itself; name another transport, or baseline"
            )));
        }
        let who = named(target, selector);
        Ok(Self {
            text: format!("{who} {} {} {written}", metric.name, op.sign()),
            target,
            selector,
            metric: metric.name.to_owned(),
            op,
            bound,
        })
    }

    /// The left side as a scenario writes it, such as `websocket delivery.p99`.
    #[must_use]
    pub fn left(&self) -> String {
        format!("{} {}", named(self.target, self.selector), self.metric)
    }

    /// The right side as a scenario writes it, such as `<= 20ms`.
    #[must_use]
    pub fn right(&self) -> &str {
        let start = self.left().len() + 1;
        self.text.get(start..).unwrap_or_default()
    }
}

/// The side of a rule that is wrong, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateFault {
    /// The transport and the metric.
    Left(String),
    /// The comparison and the bound.
    Right(String),
}

/// Whose trials, as a scenario writes it, such as `nchan websocket`.
fn named(target: Option<TargetName>, selector: Option<Transport>) -> String {
    let who = selector.map_or("*", Transport::name);
    target.map_or_else(|| who.to_owned(), |target| format!("{target} {who}"))
}

/// The server, the transport and the metric that a rule is about.
type Left<'a> = (Option<TargetName>, Option<Transport>, Known<'a>);

fn parse_left<'a>(left: &str, known: &[Known<'a>]) -> Result<Left<'a>, String> {
    let mut words: Vec<&str> = left.split_whitespace().collect();
    let mut target = None;
    if let [name, _, _] = words[..] {
        target = Some(TargetName::new(name).ok_or_else(|| {
            format!(
                "\"{}\" is no name of a target; write a gate like \"nchan websocket lost\"",
                brief(name)
            )
        })?);
        words.remove(0);
    }
    let [who, metric] = words[..] else {
        let metric = words.first().and_then(|word| known::find(word, known).ok());
        return Err(format!(
            "a gate names a transport (or * for all) and a metric, such as \"* {}\"",
            metric.map_or("delivery.p99", |metric| metric.name)
        ));
    };
    let choices = transports();
    let selector = match choices.iter().find(|(name, _)| *name == who) {
        Some((_, transport)) => Some(*transport),
        None if who == "*" => None,
        None => {
            let names = choices.map(|(name, _)| name);
            return Err(match nearest(who, &names) {
                Some(near) => format!(
                    "unknown transport \"{}\" in a gate; did you mean \"{near}\"?",
                    brief(who)
                ),
                None => format!(
                    "unknown transport \"{}\" in a gate; write * for all, or one of {}",
                    brief(who),
                    names.join(", ")
                ),
            });
        }
    };
    Ok((target, selector, known::find(metric, known)?))
}

/// Splits a comparison into its sign and what stands behind it, such as `<=` and `20ms`.
pub(super) fn parse_comparison(right: &str) -> Result<(Op, &str), String> {
    let right = right.trim();
    let Some((sign, op)) = OPS.iter().find(|(sign, _)| right.starts_with(sign)) else {
        return Err(format!(
            "\"{}\" begins with no comparison; write it like \"<= 20ms\", with <=, >=, <, >, == or !=",
            brief(right)
        ));
    };
    Ok((*op, right[sign.len()..].trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::known::Kind;

    const fn known(name: &'static str, kind: Kind) -> Known<'static> {
        Known { name, kind }
    }

    const KNOWN: [Known<'_>; 4] = [
        known("delivery.p99", Kind::Time),
        known("lost", Kind::Number),
        known("missed_share", Kind::Share),
        known("wire_bytes_per_message", Kind::Bytes),
    ];

    #[test]
    fn rules_are_read_with_their_units() {
        for (left, right, bound, text) in [
            (
                "websocket delivery.p99",
                "<= 20ms",
                2e7,
                "websocket delivery.p99 <= 20ms",
            ),
            ("*  lost", "==0", 0.0, "* lost == 0"),
            (
                "sse wire_bytes_per_message",
                "< 4KiB",
                4096.0,
                "sse wire_bytes_per_message < 4KiB",
            ),
            ("* missed_share", "!= 5 %", 0.05, "* missed_share != 5 %"),
            ("* lost", ">= -1.5", -1.5, "* lost >= -1.5"),
        ] {
            let rule = GateRule::parse(left, right, &KNOWN).unwrap();
            let Bound::Absolute(read) = rule.bound else {
                panic!("{right} is a value");
            };
            assert!((read - bound).abs() < 1e-12, "{right}");
            assert_eq!(rule.text, text);
            assert_eq!(
                GateRule::parse(&rule.left(), rule.right(), &KNOWN).unwrap(),
                rule
            );
        }
    }

    #[test]
    fn a_wrong_rule_says_how_it_is_written() {
        for (left, right, part) in [
            ("delivery.p99", "<= 20ms", "such as \"* delivery.p99\""),
            ("websokcet lost", "== 0", "did you mean \"websocket\"?"),
            (
                "* delivery.99",
                "<= 20ms",
                "did you mean \"delivery.p99\"? The metrics are",
            ),
            ("* lost", "0", "begins with no comparison"),
            ("* lost", "<= many", "is not a bound"),
            ("* lost", "<= inf", "is not a bound"),
            ("* lost", "<= 0.2 * poling", "did you mean \"polling\"?"),
            ("sse lost", "<= 0.5 * sse", "cannot compare sse with itself"),
        ] {
            let (GateFault::Left(text) | GateFault::Right(text)) =
                GateRule::parse(left, right, &KNOWN).unwrap_err();
            assert!(text.contains(part), "{text}");
        }
    }

    #[test]
    fn comparisons_are_what_their_signs_say() {
        assert!(Op::AtMost.holds(1.0, 1.0) && !Op::Below.holds(1.0, 1.0));
        assert!(Op::AtLeast.holds(1.0, 1.0) && !Op::Above.holds(1.0, 1.0));
        assert!(Op::Equal.holds(0.0, 0.0) && Op::NotEqual.holds(1.0, 0.0));
        for (_, op) in OPS {
            assert!(!op.holds(f64::NAN, 0.0), "{}", op.sign());
        }
    }
}
