//! Requests that are malformed, or that two servers may read in two ways: a table of them, played over raw sockets.
//!
//! Each is sent to the relay, to nginx, and to the relay through nginx. Many hide a second request, which publishes
//! on a channel of its own; whether it was executed is read back from there. The manual's table is held to
//! what was seen, and what was seen to the rules of RFC 9110 and 9112.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod manual;
mod nginx;
mod row;
mod rows;
#[path = "../common/served.rs"]
mod served;
mod verdict;

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::Duration;

use manual::Verdicts;
use nginx::Nginx;
use row::{Demand, Row};
use served::Served;
use verdict::{Verdict, ask};

/// Rows in flight: most of the time they wait for silence.
const CLIENTS: usize = 12;
/// How long a server says nothing that is taken to keep the connection open, and how long it may take when
/// that is not what is expected.
const SILENCE: [Duration; 2] = [Duration::from_millis(300), Duration::from_millis(1500)];

/// One way that a row is sent: to whom, and the letters of its channels, one for each try.
struct Road {
    address: SocketAddr,
    letters: [char; 2],
}

impl Road {
    /// Plays a row, and once more with more patience when that is not as expected.
    fn play(&self, row: &Row, index: usize, expected: &str, relay: SocketAddr) -> Verdict {
        let mut verdict = None;
        for (letter, silence) in self.letters.into_iter().zip(SILENCE) {
            let channel = channel(letter, index);
            let (statuses, closed) = ask(self.address, &row.bytes(&channel), silence);
            let marker = executed(relay, &channel);
            let seen = Verdict {
                statuses,
                closed,
                marker,
            };
            if seen.to_string() == expected {
                return seen;
            }
            verdict = Some(seen);
        }
        verdict.unwrap()
    }
}

fn channel(letter: char, index: usize) -> String {
    format!("{letter}.{index:03}")
}

/// Tells whether the hidden request for such a channel was executed.
fn executed(relay: SocketAddr, channel: &str) -> bool {
    let read = format!("GET /channels/{channel}/messages?after=earliest HTTP/1.0");
    match ask(relay, row::line(&read).as_bytes(), SILENCE[1] * 4).0[..] {
        [200] => true,
        [204] => false,
        ref other => panic!("{channel}: {other:?}"),
    }
}

/// What came of each row on each road that there is.
fn play(rows: &[&Row], expected: &Verdicts) -> Vec<[Option<Verdict>; 3]> {
    let relay = Served::start(|_| ());
    let nginx = Nginx::start(relay.address);
    let road = |address, letters| Road { address, letters };
    let roads = [
        Some(road(relay.address, ['a', 'b'])),
        nginx.as_ref().map(|nginx| road(nginx.alone, ['c', 'd'])),
        nginx.as_ref().map(|nginx| road(nginx.proxy, ['e', 'f'])),
    ];
    let next = AtomicUsize::new(0);
    let play_some = || {
        let mut seen = Vec::new();
        while let Some((index, row)) = take(&next, rows) {
            let expected = expected.get(row.name).cloned().unwrap_or_default();
            let verdicts = std::array::from_fn(|at| {
                let road: Option<&Road> = roads[at].as_ref();
                road.map(|road| road.play(row, index, &expected[at], relay.address))
            });
            seen.push((index, verdicts));
        }
        seen
    };
    let mut seen: Vec<_> = thread::scope(|scope| {
        let clients = [(); CLIENTS].map(|()| scope.spawn(play_some));
        clients
            .into_iter()
            .flat_map(|client| client.join().unwrap())
            .collect()
    });
    seen.sort_by_key(|(index, _)| *index);
    // What was left behind on a connection between the two may have been executed since.
    for (index, verdicts) in &mut seen {
        for (road, verdict) in roads.iter().zip(verdicts) {
            if let (Some(road), Some(verdict)) = (road, verdict) {
                verdict.marker = road
                    .letters
                    .iter()
                    .any(|letter| executed(relay.address, &channel(*letter, *index)));
            }
        }
    }
    seen.into_iter().map(|(_, verdicts)| verdicts).collect()
}

/// Gives the next row that nobody plays.
fn take<'a>(next: &AtomicUsize, rows: &[&'a Row]) -> Option<(usize, &'a Row)> {
    let index = next.fetch_add(1, Ordering::Relaxed);
    Some((index, *rows.get(index)?))
}

/// Says in what a server, or two of them behind each other, read a row as nobody may, if they do.
fn breach(row: &Row, road: &str, verdict: &Verdict) -> Option<&'static str> {
    // What says nothing final is no answer.
    let answers = verdict.statuses.iter().filter(|status| **status != 100);
    let both = answers.count() > 1;
    let refused = verdict.closed && !both && verdict.statuses.iter().all(|status| *status >= 400);
    match row.demand {
        Demand::One | Demand::Hiding if verdict.marker => Some("executes what is hidden"),
        // The relay lets none of these through.
        Demand::Refuse | Demand::Hiding if road == manual::ROADS[0] && !refused => {
            Some("takes what is to be refused, or goes on after it")
        }
        _ if verdict.marker && !both => {
            Some("executes what nobody asked for, as far as its client can tell")
        }
        _ => None,
    }
}

#[test]
fn a_malformed_request_smuggles_nothing_and_the_manual_tells_what_is_answered() {
    let groups = rows::all();
    let rows: Vec<_> = groups.iter().flat_map(|(_, rows)| rows).collect();
    let table = manual::table();
    let expected = manual::expected(&table);
    let mut breaches = Vec::new();
    let mut told = Verdicts::new();
    for (row, verdicts) in rows.iter().zip(play(&rows, &expected)) {
        for (road, verdict) in manual::ROADS.iter().zip(&verdicts) {
            let breach = verdict
                .as_ref()
                .and_then(|verdict| breach(row, road, verdict));
            breaches.extend(breach.map(|breach| format!("{} ({road}): {breach}", row.name)));
        }
        // A server that is left out keeps what the manual says of it.
        let mut words = expected.get(row.name).cloned().unwrap_or_default();
        for (word, verdict) in words.iter_mut().zip(verdicts) {
            *word = verdict.map_or_else(|| word.clone(), |verdict| verdict.to_string());
        }
        told.insert(row.name.to_owned(), words);
    }
    let actual = manual::write(&groups, &told);
    assert!(breaches.is_empty(), "{breaches:#?}\n{actual}");
    let held = |line: &&str| !table.lines().any(|held| held == *line);
    let wrong: Vec<_> = actual.lines().filter(held).collect();
    let wrong = wrong.join("\n");
    assert!(
        actual == table,
        "README.md has not these rows:\n{wrong}\nall of them:\n{actual}"
    );
}

#[test]
fn every_row_has_a_name_of_its_own_and_most_hide_a_request() {
    let groups = rows::all();
    let mut names = BTreeSet::new();
    let rows: Vec<_> = groups.iter().flat_map(|(_, rows)| rows).collect();
    for row in &rows {
        assert!(names.insert(row.name), "{}", row.name);
        assert!(!row.name.contains(" | "), "{}", row.name);
    }
    assert!(rows.len() >= 80, "{}", rows.len());
    let hiding = rows.iter().filter(|row| row.template.contains(row::MARKER));
    assert!(hiding.count() >= rows.len() / 2);
}
