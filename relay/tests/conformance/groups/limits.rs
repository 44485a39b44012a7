//! The largest message, whole and in parts, and what is announced beyond it.

use crate::case::{
    BEGIN_BINARY, BEGIN_TEXT, BINARY, Case, FINISH, GO_ON, PING, PONG, TEXT, closes, fails, frame,
    gives, head, in_parts, text,
};

/// What the server of these cases is started with.
pub(super) const MAX_BODY: usize = 1000;
/// The longest message it takes: a payload and what a publish needs around it.
const LARGEST: usize = MAX_BODY + 1024;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (kind, begin, whole) in [("text", BEGIN_TEXT, TEXT), ("binary", BEGIN_BINARY, BINARY)] {
        for length in [LARGEST - 1, LARGEST] {
            let payload = text(length);
            cases.push(Case::new(
                format!("{kind} of {length} bytes"),
                frame(whole, &payload),
                gives(vec![(whole, payload)]),
            ));
        }
        for length in [
            LARGEST as u64 + 1,
            65_535,
            65_536,
            1 << 31,
            1 << 32,
            u64::MAX >> 1,
        ] {
            cases.push(Case::new(
                format!("the head of {kind} of {length} bytes"),
                [head(whole, length), vec![0; 4]].concat(),
                fails(1009),
            ));
        }
        cases.push(Case::new(
            format!("{kind} of {} bytes", LARGEST + 1),
            frame(whole, &text(LARGEST + 1)),
            fails(1009),
        ));
        in_parts_too(&mut cases, kind, begin, whole);
        let largest = (whole, text(LARGEST));
        cases.push(Case::new(
            format!("{kind}, three of the largest, each counted anew"),
            frame(whole, &largest.1).repeat(3),
            gives(vec![largest; 3]),
        ));
        cases.push(Case::new(
            format!("a good message, then {kind} that is too large"),
            [frame(TEXT, b"good"), frame(whole, &text(LARGEST + 1))].concat(),
            closes(&[(TEXT, b"good".to_vec())], &[Some(1009)]),
        ));
    }
    cases
}

fn in_parts_too(cases: &mut Vec<Case>, kind: &str, begin: u8, whole: u8) {
    for sizes in [
        &[1000, 1024][..],
        &[LARGEST, 0],
        &[0, LARGEST],
        &[LARGEST - 1, 0, 1],
    ] {
        let payload = text(LARGEST);
        let mut rest = &payload[..];
        let parts: Vec<&[u8]> = sizes
            .iter()
            .map(|size| {
                let (part, after) = rest.split_at(*size);
                rest = after;
                part
            })
            .collect();
        cases.push(Case::new(
            format!("{kind} in parts of {sizes:?} bytes"),
            in_parts(begin, &parts).concat(),
            gives(vec![(whole, payload.clone())]),
        ));
    }
    for (first, second) in [(1000, 1025), (LARGEST, 1), (1, LARGEST)] {
        cases.push(Case::new(
            format!("{kind} in parts of {first} bytes and {second}, too large together"),
            [
                frame(begin, &text(first)),
                head(GO_ON, second as u64),
                vec![0; 4],
            ]
            .concat(),
            fails(1009),
        ));
    }
    let single: Vec<u8> = frame(GO_ON, b"x").repeat(LARGEST);
    cases.push(Case::new(
        format!("{kind} in {LARGEST} parts of one byte, and an empty first"),
        [&frame(begin, b"")[..], &single, &frame(FINISH, b"")].concat(),
        gives(vec![(whole, vec![b'x'; LARGEST])]),
    ));
    cases.push(Case::new(
        format!("{kind} in {} parts of one byte", LARGEST + 1),
        [&frame(begin, b"")[..], &single, &frame(FINISH, b"x")].concat(),
        fails(1009),
    ));
    let pings = frame(PING, &text(125)).repeat(30);
    let mut expected = vec![(PONG, text(125)); 30];
    expected.push((whole, text(LARGEST)));
    cases.push(Case::new(
        format!("{kind} in two parts with 30 pings between, which do not count"),
        [frame(begin, &text(LARGEST)), pings, frame(FINISH, b"")].concat(),
        gives(expected),
    ));
}
