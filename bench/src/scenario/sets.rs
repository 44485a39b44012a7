//! `--set KEY=VALUE`: changes to the tree before anything is read from it.

use super::error::{Fault, Report};
use super::place::Place;
use super::tree::{Entry, Node, Table, Value, parse_path, parse_value};

/// Applies each `--set` in turn, so that of two for one key the last one counts.
///
/// A key set in `[load]`, `[link]` or `[target]` takes the place of the same key in `[matrix]`, and the
/// other way round: whoever writes `--set load.clients=200` wants 200 clients.
pub(super) fn apply(root: &mut Table, sets: &[String], report: &mut Report) {
    for set in sets {
        let outcome = apply_one(root, set);
        report.take(outcome);
    }
}

fn apply_one(root: &mut Table, set: &str) -> Result<(), Fault> {
    let place = Place::Set(set.to_owned());
    let (path, value) = split(set)
        .and_then(|(key, value)| Some((parse_path(key)?, value)))
        .ok_or_else(|| {
            Fault::new(
                &place,
                "write it as KEY=VALUE, such as --set load.clients=200",
            )
        })?;
    match [path[0].as_str(), path.get(1).map_or("", |k| k)] {
        ["load" | "link" | "target", key] => remove(root, "matrix", key),
        ["matrix", key] => {
            remove(root, "load", key);
            remove(root, "link", key);
            remove(root, "target", key);
        }
        _ => {}
    }
    let value = value.trim();
    // A title may look like a number; the shell has taken its quotes away.
    let node = if path == ["title"] && !value.starts_with(['"', '\'']) {
        Node {
            value: Value::Text(value.to_owned()),
            place: place.clone(),
        }
    } else {
        value_of(value, set)
    };
    insert(root, &path, node, &place)
}

/// Splits at the first `=` outside quotes: the key of a gate is quoted and may hold one.
fn split(set: &str) -> Option<(&str, &str)> {
    let mut quote = None;
    for (at, c) in set.char_indices() {
        match (quote, c) {
            (None, '=') => return Some((&set[..at], &set[at + 1..])),
            (None, '"' | '\'') => quote = Some(c),
            (Some(open), _) if c == open => quote = None,
            _ => {}
        }
    }
    None
}

/// TOML where it is TOML; otherwise text, since a shell takes the quotes away.
fn value_of(text: &str, set: &str) -> Node {
    parse_value(text, set).unwrap_or_else(|| {
        let place = Place::Set(set.to_owned());
        let inner = text
            .strip_prefix('[')
            .and_then(|text| text.strip_suffix(']'));
        // No key takes a list of lists.
        let value = match inner.filter(|items| !items.contains('[')) {
            Some(items) => Value::List(
                items
                    .split(',')
                    .map(|item| value_of(item.trim(), set))
                    .collect(),
            ),
            None => Value::Text(text.to_owned()),
        };
        Node { value, place }
    })
}

fn insert(table: &mut Table, path: &[String], node: Node, place: &Place) -> Result<(), Fault> {
    let [key, rest @ ..] = path else {
        return Ok(());
    };
    let index = table
        .iter()
        .position(|entry| entry.key == *key)
        .unwrap_or_else(|| {
            table.push(Entry {
                key: key.clone(),
                place: place.clone(),
                node: Node {
                    value: Value::Table(Table::new()),
                    place: place.clone(),
                },
            });
            table.len() - 1
        });
    let entry = &mut table[index];
    if rest.is_empty() {
        entry.node = node;
        entry.place = place.clone();
        return Ok(());
    }
    match &mut entry.node.value {
        Value::Table(inner) => insert(inner, rest, node, place),
        _ => Err(Fault::new(
            place,
            format!("\"{key}\" has no keys under it; set \"{key}\" itself"),
        )),
    }
}

fn remove(root: &mut Table, section: &str, key: &str) {
    for entry in root.iter_mut().filter(|entry| entry.key == section) {
        if let Value::Table(table) = &mut entry.node.value {
            table.retain(|entry| entry.key != key);
        }
    }
}
