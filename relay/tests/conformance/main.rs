//! RFC 6455 from the outside: a table of cases over raw sockets, after the list of the Autobahn test suite.
//!
//! Each case is played against the echo server and the relay's own socket, in one write, byte by
//! byte, and in one write with the handshake. The relay answers a message that is no publish with an
//! error as text, which stands for the echo there.
#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by a panic")]

mod case;
mod client;
mod deviations;
mod groups;
mod handshake;
mod server;
#[path = "../common/spawn.rs"]
mod spawn;
mod table;

use std::collections::BTreeSet;
use std::thread;

use case::{BINARY, Case, End, Frame, Outcome, TEXT};
use client::Writes;
use deviations::{DEVIATIONS, Deviation};
use groups::Group;
use server::{Example, Kind, Server};

/// Clients at a time: a case waits for answers most of its time.
const CLIENTS: usize = 4;

/// Plays a group against both servers; what is wrong must be what the list of deviations says.
fn hold(name: &str) {
    let group = groups::all()
        .into_iter()
        .find(|group| group.name == name)
        .unwrap();
    for kind in [Kind::Echo, Kind::Relay] {
        let server = Server::start(kind, group.max_body);
        let per_client = group.cases.len().div_ceil(CLIENTS);
        let wrong: Vec<String> = thread::scope(|scope| {
            let clients: Vec<_> = group
                .cases
                .chunks(per_client)
                .map(|cases| scope.spawn(|| judge_all(&group, cases, &server)))
                .collect();
            clients
                .into_iter()
                .flat_map(|client| client.join().unwrap())
                .collect()
        });
        assert!(
            wrong.is_empty(),
            "at least {} of {} by {kind:?}:\n{}",
            wrong.len(),
            group.cases.len(),
            wrong.join("\n")
        );
    }
}

fn judge_all(group: &Group, cases: &[Case], server: &Server) -> Vec<String> {
    // A few tell enough, and a server that is silent takes its time.
    cases
        .iter()
        .filter_map(|case| {
            let mut known = DEVIATIONS.iter();
            let known = known.find(|known| known.is(group.name, &case.name));
            judge(case, known, server)
        })
        .take(3)
        .collect()
}

/// Says what is wrong with a case, if something is.
fn judge(case: &Case, known: Option<&Deviation>, server: &Server) -> Option<String> {
    for writes in [Writes::Whole, Writes::Chops, Writes::WithHandshake] {
        let got = client::play(server.address, server.path(), case, writes);
        let passes = case
            .allowed
            .iter()
            .any(|allowed| agrees(server.kind, allowed, &got));
        let wrong = match known {
            None if passes => continue,
            Some(_) if passes => "passes now: take it off the list of deviations",
            Some(known) if got.end == known.instead => continue,
            Some(_) => "deviates otherwise than the list says",
            None => "is not allowed",
        };
        let (name, allowed) = (&case.name, &case.allowed);
        return Some(format!(
            "{name} ({writes:?}) {wrong}:\n  got {got:?}\n  allowed {allowed:?}"
        ));
    }
    None
}

/// Tells whether a server did what is allowed. The relay's answer to any message is an error.
fn agrees(kind: Kind, allowed: &Outcome, got: &Outcome) -> bool {
    let same = |(allowed, got): (&Frame, &Frame)| match (kind, allowed.0) {
        (Kind::Relay, TEXT | BINARY) => {
            got.0 == TEXT && got.1.starts_with(br#"{"error":{"code":"bad_frame","#)
        }
        _ => allowed == got,
    };
    allowed.end == got.end
        && allowed.frames.len() == got.frames.len()
        && allowed.frames.iter().zip(&got.frames).all(same)
}

#[test]
fn frames_of_every_length_come_back() {
    hold("Framing");
}

#[test]
fn what_is_not_masked_is_refused() {
    hold("Masking");
}

#[test]
fn pings_are_answered() {
    hold("Ping and pong");
}

#[test]
fn reserved_bits_are_refused() {
    hold("Reserved bits");
}

#[test]
fn opcodes_without_meaning_are_refused() {
    hold("Opcodes");
}

#[test]
fn messages_may_come_in_parts() {
    hold("Fragmentation");
}

#[test]
fn text_is_utf_8_and_what_is_not_ends_the_socket_at_once() {
    hold("UTF-8");
}

#[test]
fn a_close_is_answered_with_the_right_code() {
    hold("Close");
}

#[test]
fn a_message_has_a_largest_size() {
    hold("Limits");
}

#[test]
fn the_handshake_is_that_of_the_rfc() {
    for kind in [Kind::Echo, Kind::Relay] {
        let server = Server::start(kind, None);
        for case in handshake::cases() {
            for chop in [usize::MAX, 1] {
                let played = handshake::play(server.address, server.path(), &case, chop);
                assert_eq!(played, Ok(()), "{} by {kind:?}", case.name);
            }
        }
    }
}

#[test]
fn every_case_has_a_name_of_its_own() {
    let mut names = BTreeSet::new();
    for group in groups::all() {
        for case in &group.cases {
            assert!(
                names.insert((group.name, case.name.clone())),
                "{} / {}",
                group.name,
                case.name
            );
            assert!(!case.allowed.is_empty(), "{}", case.name);
            assert!(
                case.allowed
                    .iter()
                    .all(|allowed| allowed.end != End::Silent)
            );
        }
    }
    for known in &DEVIATIONS {
        assert!(
            names.iter().any(|(group, case)| known.is(group, case)),
            "no case is {known:?}"
        );
    }
}

#[test]
fn the_example_is_such_an_echo() {
    let Some(example) = Example::start() else {
        return;
    };
    let text = case::frame(TEXT, b"hello");
    for case in [
        Case::new("echo", text, case::gives(vec![(TEXT, b"hello".to_vec())])),
        Case::new("failure", case::frame(TEXT, b"\xff"), case::fails(1007)),
    ] {
        let got = client::play(example.address, "/", &case, Writes::Whole);
        assert!(agrees(Kind::Echo, &case.allowed[0], &got), "{got:?}");
    }
}

#[test]
fn a_wrong_answer_is_noticed() {
    let server = Server::start(Kind::Echo, None);
    let text = case::frame(TEXT, b"hello");
    for wrong in [
        case::gives(Vec::new()),
        case::gives(vec![(BINARY, b"hello".to_vec())]),
        case::gives(vec![(TEXT, b"hellO".to_vec())]),
        case::gives(vec![(TEXT, b"hello".to_vec()); 2]),
    ] {
        let case = Case::new("wrong", text.clone(), wrong);
        let got = client::play(server.address, server.path(), &case, Writes::Whole);
        assert!(!agrees(Kind::Echo, &case.allowed[0], &got), "{got:?}");
    }
    let case = Case::new("wrong", case::frame(0x83, b""), case::fails(1007));
    let got = client::play(server.address, server.path(), &case, Writes::Whole);
    assert_eq!(got.end, End::Closed(Some(1002)));
}

#[test]
fn a_deviation_that_is_none_any_more_is_noticed() {
    let server = Server::start(Kind::Echo, None);
    let wrong = case::frame(TEXT, b"\xff");
    let judged = |instead, code| {
        let known = Deviation {
            group: "",
            cases: "",
            instead,
            reason: "",
        };
        let case = Case::new("text", wrong.clone(), case::fails(code));
        judge(&case, Some(&known), &server)
    };
    let mended = judged(End::Closed(Some(1002)), 1007).unwrap();
    assert!(mended.contains("passes now"), "{mended}");
    let other = judged(End::Silent, 1002).unwrap();
    assert!(other.contains("deviates otherwise"), "{other}");
    assert_eq!(judged(End::Closed(Some(1007)), 1002), None);
}
