//! A scenario as a tree of values that know where they were written.

use std::ops::Range;

use toml::Spanned;
use toml::de::{DeTable, DeValue};

use super::error::{Fault, Report};
use super::place::Place;

/// A value and its place.
#[derive(Debug, Clone)]
pub(super) struct Node {
    pub(super) value: Value,
    pub(super) place: Place,
}

/// A value of a scenario file.
#[derive(Debug, Clone)]
pub(super) enum Value {
    Text(String),
    Whole(i64),
    Number(f64),
    Truth(bool),
    List(Vec<Node>),
    Table(Table),
    /// What no key takes, in words: a date, or a number out of all bounds.
    Odd(&'static str),
}

/// The entries of a table, in the order they were written.
pub(super) type Table = Vec<Entry>;

/// A key and its value.
#[derive(Debug, Clone)]
pub(super) struct Entry {
    pub(super) key: String,
    pub(super) place: Place,
    pub(super) node: Node,
}

/// Reads TOML; what it cannot read is noted and missing from the tree.
pub(super) fn parse(text: &str, report: &mut Report) -> Table {
    let (table, errors) = DeTable::parse_recoverable(text);
    for error in errors {
        let place = error
            .span()
            .map_or(Place::Whole, |span| file_place(&span, text));
        let message = error.message().lines().collect::<Vec<_>>().join(" ");
        report.add(Fault::new(&place, format!("not TOML: {message}")));
    }
    entries(table.get_ref(), &|span| file_place(&span, text))
}

/// Reads one TOML value for `set`; nothing when the text is not TOML.
pub(super) fn parse_value(text: &str, set: &str) -> Option<Node> {
    let value = DeValue::parse(text).ok()?;
    Some(node(&value, &|_| Place::Set(set.to_owned())))
}

/// Reads a dotted key such as `load.clients`; nothing when the text is not one.
pub(super) fn parse_path(text: &str) -> Option<Vec<String>> {
    let document = format!("{text} = 0");
    let table = DeTable::parse(&document).ok()?;
    let mut path = Vec::new();
    let mut level = table.into_inner();
    loop {
        let mut entries = level.into_iter();
        let (key, value) = entries.next()?;
        if entries.next().is_some() {
            return None;
        }
        path.push(key.into_inner().into_owned());
        match value.into_inner() {
            DeValue::Table(inner) => level = inner,
            DeValue::Integer(_) => return Some(path),
            _ => return None,
        }
    }
}

/// Where a dotted key was written, for faults that only the whole scenario shows.
pub(super) fn place_of(root: &[Entry], path: &str) -> Place {
    let mut level = root;
    let mut place = Place::Whole;
    for key in path.split('.') {
        let Some(entry) = level.iter().find(|entry| entry.key == key) else {
            break;
        };
        place = entry.place.clone();
        level = match &entry.node.value {
            Value::Table(table) => table,
            _ => &[],
        };
    }
    place
}

fn file_place(span: &Range<usize>, text: &str) -> Place {
    // An error at the very end would point behind the last line.
    let last = text.trim_end().len();
    let start = span.start.min(last);
    Place::File(start..span.end.max(start))
}

type Locate<'a> = dyn Fn(Range<usize>) -> Place + 'a;

fn entries(table: &DeTable<'_>, locate: &Locate<'_>) -> Table {
    let mut written: Vec<_> = table.iter().collect();
    // The parser sorts by name; the matrix needs the order of the file.
    written.sort_by_key(|(key, _)| key.span().start);
    written
        .into_iter()
        .map(|(key, value)| Entry {
            key: key.get_ref().to_string(),
            place: locate(key.span()),
            node: node(value, locate),
        })
        .collect()
}

fn node(value: &Spanned<DeValue<'_>>, locate: &Locate<'_>) -> Node {
    let place = locate(value.span());
    let value = match value.get_ref() {
        DeValue::String(text) => Value::Text(text.to_string()),
        DeValue::Integer(number) => i64::from_str_radix(number.as_str(), number.radix())
            .map_or(Value::Odd("a number out of all bounds"), Value::Whole),
        DeValue::Float(number) => number
            .as_str()
            .parse()
            .map_or(Value::Odd("a number out of all bounds"), Value::Number),
        DeValue::Boolean(truth) => Value::Truth(*truth),
        DeValue::Datetime(_) => Value::Odd("a date"),
        DeValue::Array(list) => Value::List(list.iter().map(|value| node(value, locate)).collect()),
        DeValue::Table(table) => Value::Table(entries(table, locate)),
    };
    Node { value, place }
}
