//! Values of kinds that only one key has.

use crate::scenario::error::Fault;
use crate::scenario::tree::Value;
use crate::scenario::value::Wanted;
use crate::scenario::{Headers, Http};

/// Fewer messages a second are none in the longest run, a day.
const SLOWEST: f64 = 1e-5;

pub(in crate::scenario) fn rate(wanted: &Wanted<'_>) -> Result<f64, Fault> {
    let rate = wanted.number()?;
    if (SLOWEST..=1e6).contains(&rate) {
        return Ok(rate);
    }
    // Hundreds of digits help nobody.
    let shown = if rate != 0.0 && !(1e-9..1e15).contains(&rate.abs()) {
        format!("{rate:e}")
    } else {
        rate.to_string()
    };
    Err(wanted.fault(format!(
        "\"{}\" is {shown}; it must be from {SLOWEST} to 1,000,000 messages a second",
        wanted.path
    )))
}

pub(super) fn headers(wanted: &Wanted<'_>) -> Result<Headers, Fault> {
    let known = [("minimal", Headers::Minimal), ("browser", Headers::Browser)];
    match &wanted.node.value {
        Value::Text(_) => wanted.word(&known),
        Value::Table(table) => match table.as_slice() {
            [entry] if entry.key == "pad_to" || entry.key == "pad_exchange_to" => {
                let bytes = Wanted {
                    path: &format!("{}.{}", wanted.path, entry.key),
                    example: "headers = { pad_to = 871 }",
                    node: &entry.node,
                }
                .count(64..=16_384)?;
                Ok(if entry.key == "pad_to" {
                    Headers::PadTo(bytes)
                } else {
                    Headers::PadExchangeTo(bytes)
                })
            }
            _ => Err(wanted.fault(format!(
                "\"{}\" as a table takes one key: {{ pad_to = 871 }} or {{ pad_exchange_to = 871 }}",
                wanted.path
            ))),
        },
        _ => Err(wanted.wrong_kind("\"minimal\", \"browser\" or { pad_to = 871 }")),
    }
}

/// A version of HTTP; a shell takes the quotes away, so the number is taken for the text.
pub(super) fn http(wanted: &Wanted<'_>) -> Result<Http, Fault> {
    match wanted.node.value {
        Value::Whole(2) => Ok(Http::Two),
        Value::Number(number) if (number - 1.1).abs() < 1e-9 => Ok(Http::One),
        Value::Text(_) => wanted.word(&[("1.1", Http::One), ("2", Http::Two)]),
        _ => Err(wanted.wrong_kind("\"1.1\" or \"2\"")),
    }
}

/// A `Cookie` header's value: visible ASCII and spaces (RFC 6265, section 4.2.1).
pub(super) fn cookies(wanted: &Wanted<'_>) -> Result<String, Fault> {
    let text = wanted.text()?;
    let fit = |c: char| c.is_ascii_graphic() || c == ' ';
    if text.len() <= 4096 && text.chars().all(fit) {
        return Ok(text.to_owned());
    }
    Err(wanted.fault(format!(
        "\"{}\" must be at most 4,096 visible ASCII characters, such as {}",
        wanted.path, wanted.example
    )))
}

pub(super) fn loss(wanted: &Wanted<'_>) -> Result<f64, Fault> {
    let loss = wanted.number()?;
    if (0.0..=0.5).contains(&loss) {
        return Ok(loss);
    }
    Err(wanted.fault(format!(
        "\"{}\" is {loss}; it is a share, from 0 to 0.5",
        wanted.path
    )))
}
