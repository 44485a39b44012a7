//! `[target.template]`: read, checked, and laid over the template of a server that bench knows.

use std::collections::BTreeMap;
use std::iter;

use super::keys::{PUBLISH, TEMPLATE, WAYS};
use super::kinds::{self, IN_POSTS, IN_REQUESTS, POSITIONS, has, wanted};
use super::pattern::Slot;
use super::{Cursor, Dialect, Framing, Pattern, Posting, Socket, Template, Way};
use crate::scenario::Transport;
use crate::scenario::error::{Fault, Report};
use crate::scenario::keys::Section;
use crate::scenario::place::Place;
use crate::scenario::setting::transports;
use crate::scenario::tree::{self, Entry, Table, Value};
use crate::scenario::value::Wanted;

/// The template of Nchan.
const NCHAN: &str = include_str!("nchan.toml");

/// Reads the template of a server by that word; `section` is what the scenario says of it, `named` where it names
/// the server.
pub(in crate::scenario) fn read(
    nchan: bool,
    section: Option<&Entry>,
    named: &Place,
    report: &mut Report,
) -> Option<Dialect> {
    let before = report.len();
    let own: &[Entry] = match section.map(|section| (&section.node.value, &section.node)) {
        None => &[],
        Some((Value::Table(table), _)) => table,
        Some((_, node)) => {
            report.add(Fault::new(
                &node.place,
                "\"target.template\" is a table; write [target.template] on a line of its own",
            ));
            return None;
        }
    };
    let place = section.map_or(named, |section| &section.place);
    let template = if nchan {
        let known = tree::parse(NCHAN, &mut Report::default());
        template(&over(known, own), place, report)
    } else {
        template(own, place, report)
    };
    (report.len() == before).then(|| match nchan {
        true => Dialect::Nchan(Box::new(template)),
        false => Dialect::Template(Box::new(template)),
    })
}

/// A template with the keys of another laid over its own.
fn over(mut known: Table, own: &[Entry]) -> Table {
    for entry in own {
        let Some(there) = known.iter_mut().find(|there| there.key == entry.key) else {
            known.push(entry.clone());
            continue;
        };
        match (&mut there.node.value, &entry.node.value) {
            (Value::Table(keys), Value::Table(more)) => {
                for key in more {
                    keys.retain(|known| known.key != key.key);
                    keys.push(key.clone());
                }
                there.place = entry.place.clone();
            }
            (value, _) => *value = entry.node.value.clone(),
        }
    }
    known
}

fn template(table: &[Entry], place: &Place, report: &mut Report) -> Template {
    let mut template = Template {
        channel: Pattern::new("bench-{run}-{number}"),
        publish: Posting {
            method: "POST".to_owned(),
            url: Pattern::default(),
            headers: vec![("Content-Type".to_owned(), Pattern::new("application/json"))],
            body: Pattern::new("{payload}"),
        },
        ways: BTreeMap::new(),
    };
    let mut posts = false;
    for entry in TEMPLATE.known(table, report) {
        let key = entry.key.as_str();
        if key == "channel" {
            let channel = kinds::channel(&wanted(&entry.node, "target.template.channel"));
            template.channel = report.take(channel).unwrap_or_default();
        } else if key == "publish" {
            posts = true;
            let read = publish(&mut template.publish, entry, report);
            report.take(read);
        } else if let Some((_, transport)) = transports().iter().find(|(name, _)| *name == key)
            && let Some(way) = way(*transport, entry, report)
        {
            template.ways.insert(*transport, way);
        }
    }
    if !posts {
        report.add(Fault::new(
            place,
            "\"target.template.publish\" is missing: say how a message is posted, such as publish = { url = \"/pub/{channel}\" }",
        ));
    }
    if template.ways.is_empty() {
        report.add(Fault::new(
            place,
            "[target.template] tells of no transport; add one, such as sse = { url = \"/sub/{channel}\" }",
        ));
    }
    template
}

fn publish(posting: &mut Posting, entry: &Entry, report: &mut Report) -> Result<(), Fault> {
    for key in PUBLISH.entries(&entry.node, report) {
        let path = PUBLISH.path(&key.key);
        let wanted = wanted(&key.node, &path);
        match key.key.as_str() {
            "method" => posting.method = kinds::method(&wanted)?,
            "url" => posting.url = kinds::url(&wanted, IN_POSTS)?,
            "headers" => posting.headers = kinds::headers(&wanted, IN_POSTS)?,
            _ => posting.body = kinds::pattern(&wanted, IN_POSTS)?,
        }
    }
    if posting.url.is_empty() {
        return Err(missing_url(&PUBLISH, &entry.place));
    }
    let carries = [&posting.url, &posting.body]
        .into_iter()
        .any(|text| has(text, &[Slot::Payload, Slot::Text]));
    if !carries {
        return Err(Fault::new(
            &entry.place,
            "\"target.template.publish\" sends no message; put {payload} (with its quotes) or {text} (without) into its body",
        ));
    }
    Ok(())
}

/// What is said of a transport, and what goes without saying.
fn way(transport: Transport, entry: &Entry, report: &mut Report) -> Option<Way> {
    let polls = matches!(transport, Transport::Polling | Transport::LongPolling);
    let socket = transport == Transport::Websocket;
    let mut way = Way {
        method: "GET".to_owned(),
        url: Pattern::default(),
        resume_url: Pattern::default(),
        headers: Vec::new(),
        resume_headers: Vec::new(),
        body: Pattern::default(),
        cursor: match transport {
            Transport::Sse => Cursor::EventId,
            _ => Cursor::None,
        },
        nothing: if polls { vec![204, 304] } else { Vec::new() },
        framing: match transport {
            Transport::Polling | Transport::LongPolling => Framing::Body,
            Transport::Streaming => Framing::Line,
            Transport::Sse => Framing::Event,
            Transport::Websocket => Framing::Frame,
        },
        one: false,
        socket: socket.then(Socket::default),
    };
    let (_, section) = WAYS.iter().find(|(known, _)| *known == transport)?;
    let before = report.len();
    for key in section.entries(&entry.node, report) {
        let path = section.path(&key.key);
        let outcome = take(&mut way, transport, &wanted(&key.node, &path), &key.key);
        report.take(outcome);
    }
    if report.len() == before {
        let outcome = settle(&mut way, section, &entry.place);
        report.take(outcome);
    }
    (report.len() == before).then_some(way)
}

fn take(way: &mut Way, transport: Transport, wanted: &Wanted<'_>, key: &str) -> Result<(), Fault> {
    match key {
        "method" => way.method = kinds::method(wanted)?,
        "url" => way.url = kinds::url(wanted, IN_REQUESTS)?,
        "resume_url" => way.resume_url = kinds::url(wanted, IN_REQUESTS)?,
        "headers" => way.headers = kinds::headers(wanted, IN_REQUESTS)?,
        "resume_headers" => way.resume_headers = kinds::headers(wanted, IN_REQUESTS)?,
        "body" => way.body = kinds::pattern(wanted, IN_REQUESTS)?,
        "cursor" => way.cursor = kinds::cursor(wanted, transport)?,
        "nothing" => way.nothing = kinds::statuses(wanted)?,
        "framing" => way.framing = wanted.word(kinds::framings(transport))?,
        "messages" => way.one = wanted.word(&[("one", true), ("many", false)])?,
        _ => {
            let Some(socket) = &mut way.socket else {
                return Ok(());
            };
            match key {
                "subprotocol" => socket.subprotocol = kinds::token(wanted)?,
                "hello" => socket.hello = kinds::patterns(wanted)?,
                "ready" => socket.ready = kinds::any_text(wanted)?.to_owned(),
                "replies" => socket.replies = kinds::replies(wanted)?,
                _ => socket.publish = kinds::pattern(wanted, IN_POSTS)?,
            }
        }
    }
    Ok(())
}

/// What only shows when all of a transport is read.
fn settle(way: &mut Way, section: &Section, place: &Place) -> Result<(), Fault> {
    if way.url.is_empty() {
        return Err(missing_url(section, place));
    }
    if way.resume_url.is_empty() {
        way.resume_url = way.url.clone();
    }
    let resumes = iter::once(&way.resume_url)
        .chain(way.resume_headers.iter().map(|(_, value)| value))
        .chain(iter::once(&way.body))
        .any(|text| has(text, POSITIONS));
    if resumes && way.cursor == Cursor::None {
        return Err(Fault::new(
            place,
            format!(
                "\"{}\" asks for what comes after a {{position}}, and nothing says where that stands; add \"cursor\", such as cursor = {{ json = \"/next\" }}",
                section.name
            ),
        ));
    }
    let first = iter::once(&way.url).chain(way.headers.iter().map(|(_, value)| value));
    for text in first {
        if has(text, POSITIONS) {
            return Err(Fault::new(
                place,
                format!(
                    "\"{}\" names a {{position}} in its first request, when none is known; put it into \"resume_url\" or \"resume_headers\"",
                    section.name
                ),
            ));
        }
    }
    Ok(())
}

fn missing_url(section: &Section, place: &Place) -> Fault {
    Fault::new(
        place,
        format!(
            "\"{}.url\" is missing; add one, such as url = \"/sub/{{channel}}\"",
            section.name
        ),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_template_of_nchan_is_one() {
        let mut report = Report::default();
        let nchan = read(true, None, &Place::Whole, &mut report).unwrap();
        assert_eq!(report.len(), 0);
        assert!(Transport::ALL.iter().all(|way| nchan.speaks(*way)));
        let template = nchan.template().unwrap();
        let waits = &template.ways[&Transport::LongPolling];
        assert_eq!(
            (waits.one, waits.nothing.as_slice()),
            (true, &[304, 408][..])
        );
    }
}
