//! Values as a person reads them.

use std::collections::BTreeMap;

use crate::report::comparison::WHO;
use crate::result::metric::{self, Metric, Unit};
use crate::scenario::Factor;
use crate::units::{show_bytes, show_nanos, write_bandwidth};

/// What stands where nothing was measured.
pub(crate) const MISSING: &str = "–";

/// A metric's value, or a dash.
pub(crate) fn value(metric: &Metric, value: Option<f64>) -> String {
    value.map_or_else(|| MISSING.to_owned(), |v| metric.unit.show(v))
}

/// A value of the metric of that name; plain when there is no such metric.
pub(crate) fn named(name: &str, value: Option<f64>) -> String {
    match (metric::find(name), value) {
        (Some(metric), value) => self::value(metric, value),
        (None, Some(value)) => value.to_string(),
        (None, None) => MISSING.to_owned(),
    }
}

/// A value in the unit of a rule of trust.
pub(crate) fn in_unit(unit: &str, value: f64) -> String {
    match unit {
        "ns" => Unit::Nanoseconds.show(value),
        // Rates and connections are told apart at a tenth of a per cent.
        "share" => format!("{:.2} %", value * 100.0),
        "ratio" => format!("{value:.2}"),
        _ => count(value),
    }
}

/// A factor's value alone, for a column that its key heads.
pub(crate) fn factor_value(key: &str, factor: &Factor) -> String {
    match (key, factor) {
        (_, Factor::Text(text)) => text.clone(),
        ("linger" | "rtt" | "jitter", Factor::Number(0.0)) => "0 s".to_owned(),
        ("poll_interval" | "hold" | "linger" | "rtt" | "jitter", Factor::Number(nanos)) => {
            tidy(&show_nanos(*nanos))
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a bandwidth was a whole number of bits"
        )]
        ("down" | "up", Factor::Number(bits)) => write_bandwidth(*bits as u64),
        ("payload", Factor::Number(bytes)) => tidy(&show_bytes(*bytes)),
        ("loss", Factor::Number(share)) => format!("{} %", share * 100.0),
        (_, Factor::Number(number)) => count(*number),
    }
}

/// A factor as a part of a sentence, such as `1,000 clients`.
pub(crate) fn factor(key: &str, factor: &Factor) -> String {
    let value = factor_value(key, factor);
    match key {
        "clients" | "channels" | "publishers" if value == "1" => {
            format!("1 {}", key.trim_end_matches('s'))
        }
        "clients" | "channels" | "publishers" => format!("{value} {key}"),
        "rate" if value == "1" => "1 message/s".to_owned(),
        "rate" => format!("{value} messages/s"),
        _ => format!("{} {value}", key.replace('_', " ")),
    }
}

/// A combination of factors, the transport first, such as `sse, 1,000 clients`.
pub(crate) fn factors(factors: &BTreeMap<String, Factor>) -> String {
    let transport = factors.get("transport").map(ToString::to_string);
    let target = factors.get("target").map(ToString::to_string);
    let others = factors
        .iter()
        .filter(|(key, _)| !WHO.contains(&key.as_str()))
        .map(|(key, value)| factor(key, value));
    transport
        .into_iter()
        .chain(target)
        .chain(protocol(factors))
        .chain(others)
        .collect::<Vec<_>>()
        .join(", ")
}

/// What factors say of what a transport is spoken over; nothing when they do not.
fn protocol(factors: &BTreeMap<String, Factor>) -> Option<String> {
    let text = |key: &str| factors.get(key).map(ToString::to_string);
    match (text("http"), text("tls").as_deref()) {
        (None, None) => None,
        (Some(http), None) => Some(format!("HTTP/{http}")),
        (None, Some("true")) => Some("over TLS".to_owned()),
        (None, Some(_)) => Some("without TLS".to_owned()),
        (Some(http), Some("true")) => Some(format!("HTTP/{http} over TLS")),
        (Some(http), Some(_)) => Some(format!("HTTP/{http}")),
    }
}

/// A signed share, such as `+3.1 %`; from ten times on a factor, such as `× 37`.
pub(crate) fn deviation(share: Option<f64>) -> String {
    match share {
        None => MISSING.to_owned(),
        Some(share) if share >= 9.0 => format!("× {}", count((share + 1.0).round())),
        Some(share) => format!("{:+.1} %", share * 100.0),
    }
}

/// A number without needless zeros, its thousands apart when it is whole; of one that does not end, three places.
pub(crate) fn count(number: f64) -> String {
    let short = (number * 1e3).round() / 1e3;
    if number.fract() == 0.0 {
        Unit::Count.show(number)
    } else if short == 0.0 {
        number.to_string()
    } else {
        short.to_string()
    }
}

/// A value with unit without the zeros that carry nothing: `1.00 ms` becomes `1 ms`.
pub(crate) fn tidy(text: &str) -> String {
    match text.split_once(' ') {
        Some((number, unit)) if number.contains('.') => {
            let number = number.trim_end_matches('0').trim_end_matches('.');
            format!("{number} {unit}")
        }
        _ => text.to_owned(),
    }
}

/// Two values of a metric with one unit where they share it: `1.20–1.31 ms`; one when they look alike.
pub(crate) fn range(metric: &Metric, low: f64, high: f64) -> String {
    let (low, high) = (metric.unit.show(low), metric.unit.show(high));
    if low == high {
        return low;
    }
    match (low.split_once(' '), high.split_once(' ')) {
        (Some((number, unit)), Some((_, other))) if unit == other => format!("{number}–{high}"),
        _ => format!("{low}–{high}"),
    }
}
