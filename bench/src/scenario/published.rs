//! `[[published]]`: figures that others published, to stand beside ours.

use super::error::{Fault, Report};
use super::keys::{PUBLISHED, listed};
use super::known::{self, Known};
use super::plan::Published;
use super::setting::{example, transports};
use super::tree::{Entry, Node, Value};
use super::value::Wanted;

/// Reads every figure.
pub(super) fn read(section: &Entry, known: &[Known<'_>], report: &mut Report) -> Vec<Published> {
    let Value::List(list) = &section.node.value else {
        report.add(Fault::new(
            &section.place,
            "\"published\" is a list of tables; begin each with [[published]]",
        ));
        return Vec::new();
    };
    list.iter()
        .filter_map(|node| figure(section, node, known, report))
        .collect()
}

fn figure(
    section: &Entry,
    node: &Node,
    known: &[Known<'_>],
    report: &mut Report,
) -> Option<Published> {
    let mut figure = Published {
        source: String::new(),
        transport: super::Transport::Websocket,
        metric: String::new(),
        value: 0.0,
        note: None,
    };
    let before = report.len();
    let entries = PUBLISHED.entries(node, report);
    let missing: Vec<&str> = ["source", "transport", "metric", "value"]
        .into_iter()
        .filter(|key| !entries.iter().any(|entry| entry.key == *key))
        .collect();
    for entry in entries {
        let outcome = read_key(&mut figure, entry, known);
        report.take(outcome);
    }
    if report.len() == before && !missing.is_empty() {
        let text = format!("a [[published]] table has no {}", listed(&missing));
        report.add(Fault::new(&section.place, text));
    }
    (report.len() == before).then_some(figure)
}

fn read_key(figure: &mut Published, entry: &Entry, known: &[Known<'_>]) -> Result<(), Fault> {
    let path = PUBLISHED.path(&entry.key);
    let wanted = |example| Wanted {
        path: &path,
        example,
        node: &entry.node,
    };
    match entry.key.as_str() {
        "transport" => figure.transport = wanted(example("transport")).word(&transports())?,
        "value" => figure.value = wanted("value = 2000").number()?,
        "source" => wanted("source = \"Lubbers and Greco 2010\"")
            .text()?
            .clone_into(&mut figure.source),
        "metric" => {
            let metric = wanted("metric = \"delivery.p99\"");
            let name = metric.text()?;
            let found = known::find(name, known).map_err(|why| metric.fault(why))?;
            found.name.clone_into(&mut figure.metric);
        }
        _ => figure.note = Some(wanted("note = \"headers only\"").text()?.to_owned()),
    }
    Ok(())
}
