//! Messages in parts.

use crate::case::{
    BEGIN_BINARY, BEGIN_TEXT, BINARY, CLOSE, Case, FINISH, GO_ON, PING, PONG, TEXT, close_payload,
    closes, fails, frame, gives, in_parts, masked, text,
};

/// Name, first byte of the first part, first byte of the whole.
const KINDS: [(&str, u8, u8); 2] = [("text", BEGIN_TEXT, TEXT), ("binary", BEGIN_BINARY, BINARY)];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for kind in KINDS {
        whole_messages(&mut cases, kind);
        wrong_order(&mut cases, kind);
    }
    control_within(&mut cases);
    parts_of_control(&mut cases);
    cases
}

fn whole_messages(cases: &mut Vec<Case>, (kind, begin, whole): (&str, u8, u8)) {
    for (count, size) in [
        (2, 1),
        (2, 126),
        (3, 1000),
        (10, 70),
        (126, 1),
        (500, 3),
        (2, 30_000),
    ] {
        let payload = text(count * size);
        let parts: Vec<&[u8]> = payload.chunks(size).collect();
        cases.push(Case::new(
            format!("{kind} in {count} parts of {size} bytes"),
            in_parts(begin, &parts).concat(),
            gives(vec![(whole, payload)]),
        ));
    }
    for parts in [
        &[&b""[..], b""][..],
        &[b"", b"", b""],
        &[b"", b"abc", b"def"],
        &[b"abc", b"", b"def"],
        &[b"abc", b"def", b""],
        &[b"", b"", b"abc", b"", b""],
    ] {
        let sizes: Vec<_> = parts.iter().map(|part| part.len()).collect();
        cases.push(Case::new(
            format!("{kind} in parts of {sizes:?} bytes"),
            in_parts(begin, parts).concat(),
            gives(vec![(whole, parts.concat())]),
        ));
    }
    for (name, between, answer) in [("ping", PING, true), ("pong", PONG, false)] {
        for count in [2, 3, 10] {
            let payload = text(count * 5);
            let parts: Vec<&[u8]> = payload.chunks(5).collect();
            let bytes = in_parts(begin, &parts).join(&frame(between, b"hello")[..]);
            let pong = (PONG, b"hello".to_vec());
            let mut expected = vec![pong; if answer { count - 1 } else { 0 }];
            expected.push((whole, payload));
            cases.push(Case::new(
                format!("{kind} in {count} parts with a {name} between each two"),
                bytes,
                gives(expected),
            ));
        }
    }
    cases.push(Case::new(
        format!("{kind} in parts, each under its own mask"),
        [
            masked(begin, [1, 2, 3, 4], b"abc"),
            masked(GO_ON, [0xff; 4], b"defgh"),
            masked(FINISH, [0; 4], b"i"),
        ]
        .concat(),
        gives(vec![(whole, b"abcdefghi".to_vec())]),
    ));
    let twice = in_parts(begin, &[b"abc", b"def"]).concat().repeat(2);
    cases.push(Case::new(
        format!("{kind} in parts, two messages in a row"),
        twice,
        gives(vec![(whole, b"abcdef".to_vec()); 2]),
    ));
}

fn wrong_order(cases: &mut Vec<Case>, (kind, begin, whole): (&str, u8, u8)) {
    let good = (whole, b"good".to_vec());
    for (what, first) in [("not last", GO_ON), ("last", FINISH)] {
        for payload in [&b""[..], b"hello"] {
            let name = format!("a part of {} bytes, {what},", payload.len());
            let part = frame(first, payload);
            if begin == BEGIN_TEXT {
                cases.push(Case::new(
                    format!("{name} of no message"),
                    part.clone(),
                    fails(1002),
                ));
            }
            cases.push(Case::new(
                format!("{name} after whole {kind}"),
                [frame(whole, b"good"), part.clone()].concat(),
                closes(std::slice::from_ref(&good), &[Some(1002)]),
            ));
            cases.push(Case::new(
                format!("{name} after {kind} in parts"),
                [in_parts(begin, &[b"go", b"od"]).concat(), part].concat(),
                closes(std::slice::from_ref(&good), &[Some(1002)]),
            ));
        }
    }
    for (other, opcode, _) in KINDS {
        for (what, fin) in [("whole", FINISH), ("the first part of", 0)] {
            let next = frame(opcode | fin, b"def");
            cases.push(Case::new(
                format!("{what} {other} within {kind} in parts"),
                [frame(begin, b"abc"), next.clone()].concat(),
                fails(1002),
            ));
            cases.push(Case::new(
                format!("the first byte of {what} {other} within {kind} in parts"),
                [&frame(begin, b"abc")[..], &next[..1]].concat(),
                fails(1002),
            ));
        }
    }
}

fn control_within(cases: &mut Vec<Case>) {
    for (kind, begin, _) in KINDS {
        cases.push(Case::new(
            format!("close within {kind} in parts"),
            [
                frame(begin, b"abc"),
                frame(CLOSE, &close_payload(1001, b"")),
                frame(FINISH, b"def"),
            ]
            .concat(),
            closes(&[], &[Some(1001), Some(1000)]),
        ));
        cases.push(Case::new(
            format!("{kind} whose last part never comes, then the client's end"),
            [
                frame(begin, b"abc"),
                frame(GO_ON, b"def"),
                frame(PING, b"still here"),
            ]
            .concat(),
            gives(vec![(PONG, b"still here".to_vec())]),
        ));
    }
}

fn parts_of_control(cases: &mut Vec<Case>) {
    for (kind, opcode) in [("ping", 9), ("pong", 10), ("close", 8u8)] {
        for payload in [&b""[..], b"\x03\xe8"] {
            cases.push(Case::new(
                format!(
                    "{kind} of {} bytes that is not the last part",
                    payload.len()
                ),
                frame(opcode, payload),
                fails(1002),
            ));
        }
        cases.push(Case::new(
            format!("{kind} in two parts"),
            [frame(opcode, b"\x03"), frame(FINISH, b"\xe8")].concat(),
            fails(1002),
        ));
        cases.push(Case::new(
            format!("{kind} that is not the last part, within text in parts"),
            [
                frame(BEGIN_TEXT, b"abc"),
                frame(opcode, b""),
                frame(FINISH, b"def"),
            ]
            .concat(),
            fails(1002),
        ));
        cases.push(Case::new(
            format!("the first byte of {kind} that is not the last part"),
            vec![opcode],
            fails(1002),
        ));
    }
}
