//! Values of the kinds that keys take, each with its bounds and an example.

use std::fmt;
use std::ops::RangeInclusive;
use std::time::Duration;

use super::error::Fault;
use super::keys::{brief, nearest};
use super::tree::{Node, Value};
use crate::units::{
    parse_bandwidth, parse_bytes, parse_duration, show_count, write_bytes, write_duration,
};

/// A bandwidth without limit, as a person writes it.
pub(super) const UNLIMITED: &str = "unlimited";

/// A value about to be read: the key it belongs to, and how it is written well.
pub(super) struct Wanted<'a> {
    /// The key with its section, such as `load.clients`.
    pub(super) path: &'a str,
    /// A good line, such as `clients = 1000`.
    pub(super) example: &'a str,
    pub(super) node: &'a Node,
}

impl Wanted<'_> {
    /// A whole number within bounds.
    pub(super) fn whole(&self, bounds: RangeInclusive<u64>) -> Result<u64, Fault> {
        let Value::Whole(number) = self.node.value else {
            return Err(self.wrong_kind("a whole number"));
        };
        let (low, high) = (show_count(*bounds.start()), show_count(*bounds.end()));
        u64::try_from(number)
            .ok()
            .filter(|number| bounds.contains(number))
            .ok_or_else(|| self.out_of_bounds(&number, &low, &high))
    }

    /// A whole number that counts things in memory.
    pub(super) fn count(&self, bounds: RangeInclusive<usize>) -> Result<usize, Fault> {
        let (low, high) = (*bounds.start() as u64, *bounds.end() as u64);
        let number = self.whole(low..=high)?;
        usize::try_from(number).map_err(|_| self.out_of_bounds(&number, &low, &high))
    }

    /// A number, whole or not; never infinite.
    #[expect(
        clippy::cast_precision_loss,
        reason = "nothing in a scenario needs more than 2^53"
    )]
    pub(super) fn number(&self) -> Result<f64, Fault> {
        match self.node.value {
            Value::Whole(number) => Ok(number as f64),
            Value::Number(number) if number.is_finite() => Ok(number),
            _ => Err(self.wrong_kind("a number")),
        }
    }

    /// A span of time within bounds.
    pub(super) fn span(&self, bounds: RangeInclusive<Duration>) -> Result<Duration, Fault> {
        let Value::Text(text) = &self.node.value else {
            return Err(self.wrong_kind("a span of time with its unit, in quotes"));
        };
        let span = parse_duration(text).map_err(|why| self.unreadable(&why))?;
        if bounds.contains(&span) {
            return Ok(span);
        }
        let (low, high) = (bounds.start(), bounds.end());
        Err(self.out_of_bounds(text, &write_duration(*low), &write_duration(*high)))
    }

    /// An amount of bytes within bounds.
    pub(super) fn bytes(&self, bounds: RangeInclusive<usize>) -> Result<usize, Fault> {
        let Value::Text(text) = &self.node.value else {
            return Err(self.wrong_kind("an amount of bytes with its unit, in quotes"));
        };
        let bytes = parse_bytes(text).map_err(|why| self.unreadable(&why))?;
        if bounds.contains(&bytes) {
            return Ok(bytes);
        }
        let (low, high) = (bounds.start(), bounds.end());
        Err(self.out_of_bounds(text, &write_bytes(*low), &write_bytes(*high)))
    }

    /// A bandwidth in bits a second, or "unlimited".
    pub(super) fn bandwidth(&self) -> Result<Option<u64>, Fault> {
        let Value::Text(text) = &self.node.value else {
            return Err(self.wrong_kind("a bandwidth with its unit, in quotes"));
        };
        if text == UNLIMITED {
            return Ok(None);
        }
        parse_bandwidth(text)
            .map(Some)
            .map_err(|why| self.unreadable(&why))
    }

    /// A line of text.
    pub(super) fn text(&self) -> Result<&str, Fault> {
        match &self.node.value {
            Value::Text(text) if text.chars().any(char::is_control) => {
                Err(self.fault(format!("\"{}\" must be one line of text", self.path)))
            }
            Value::Text(text) if text.trim().is_empty() => Err(self.fault(format!(
                "\"{}\" is empty; write {}",
                self.path, self.example
            ))),
            Value::Text(text) => Ok(text),
            _ => Err(self.wrong_kind("text in quotes")),
        }
    }

    /// `true` or `false`.
    pub(super) fn truth(&self) -> Result<bool, Fault> {
        match self.node.value {
            Value::Truth(truth) => Ok(truth),
            _ => Err(self.wrong_kind("true or false")),
        }
    }

    /// One of a few words.
    pub(super) fn word<T: Copy>(&self, words: &[(&str, T)]) -> Result<T, Fault> {
        let names: Vec<&str> = words.iter().map(|(name, _)| *name).collect();
        let choice = names.join(", ");
        let Value::Text(text) = &self.node.value else {
            return Err(self.wrong_kind(&format!("one of {choice}")));
        };
        if let Some((_, value)) = words.iter().find(|(name, _)| name == text) {
            return Ok(*value);
        }
        let hint = nearest(text, &names).map_or_else(
            || format!("it must be one of {choice}"),
            |near| format!("did you mean \"{near}\"? It is one of {choice}"),
        );
        Err(self.fault(format!("\"{}\" is \"{}\"; {hint}", self.path, brief(text))))
    }

    /// A list that is not empty.
    pub(super) fn list(&self) -> Result<&[Node], Fault> {
        match &self.node.value {
            Value::List(list) if list.is_empty() => Err(self.fault(format!(
                "\"{}\" is empty; write {}",
                self.path, self.example
            ))),
            Value::List(list) => Ok(list),
            _ => Err(self.wrong_kind("a list")),
        }
    }

    /// Something else than the key takes.
    pub(super) fn wrong_kind(&self, kind: &str) -> Fault {
        self.fault(format!(
            "\"{}\" takes {kind}, such as {}; this is {}",
            self.path,
            self.example,
            found(&self.node.value)
        ))
    }

    pub(super) fn fault(&self, text: String) -> Fault {
        Fault::new(&self.node.place, text)
    }

    fn out_of_bounds(
        &self,
        found: &dyn fmt::Display,
        low: &dyn fmt::Display,
        high: &dyn fmt::Display,
    ) -> Fault {
        self.fault(format!(
            "\"{}\" is {found}; it must be from {low} to {high}",
            self.path
        ))
    }

    fn unreadable(&self, why: &str) -> Fault {
        self.fault(format!("\"{}\": {}", self.path, why.replace('`', "\"")))
    }
}

fn found(value: &Value) -> String {
    match value {
        Value::Text(text) => format!("the text \"{}\"", brief(text)),
        Value::Whole(number) => format!("the number {number}"),
        Value::Number(number) => format!("the number {number}"),
        Value::Truth(truth) => truth.to_string(),
        Value::List(_) => "a list".to_owned(),
        Value::Table(_) => "a table".to_owned(),
        Value::Odd(what) => (*what).to_owned(),
    }
}
