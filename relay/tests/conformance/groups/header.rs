//! The first byte of a frame: bits and opcodes that nobody has given a meaning.

use crate::case::{
    BEGIN_TEXT, BINARY, CLOSE, Case, FINISH, GO_ON, PING, PONG, TEXT, closes, fails, frame,
};

pub(super) fn reserved_bits() -> Vec<Case> {
    let mut cases = Vec::new();
    let begun = || frame(BEGIN_TEXT, b"abc");
    for bits in 1..=7u8 {
        let rsv = bits << 4;
        let name = |what: &str| format!("{what} with the reserved bits {bits:03b}");
        let lone = [
            ("empty text", TEXT, &b""[..]),
            ("text", TEXT, b"hello"),
            ("binary", BINARY, b"\x00\xff"),
            ("the first part of text", BEGIN_TEXT, b"hello"),
            ("ping", PING, b"hello"),
            ("pong", PONG, b"hello"),
            ("close", CLOSE, b"\x03\xe8"),
        ];
        for (what, first, payload) in lone {
            cases.push(Case::new(
                name(what),
                frame(first | rsv, payload),
                fails(1002),
            ));
        }
        for (what, first) in [("a middle part", GO_ON), ("the last part", FINISH)] {
            let bytes = [begun(), frame(first | rsv, b"def")].concat();
            cases.push(Case::new(name(what), bytes, fails(1002)));
        }
        cases.push(Case::new(
            name("the first byte of text"),
            vec![TEXT | rsv],
            fails(1002),
        ));
        cases.push(Case::new(
            name("text, after a message and a ping,"),
            [
                frame(TEXT, b"good"),
                frame(PING, b"p"),
                frame(TEXT | rsv, b"bad"),
            ]
            .concat(),
            closes(
                &[(TEXT, b"good".to_vec()), (PONG, b"p".to_vec())],
                &[Some(1002)],
            ),
        ));
    }
    cases
}

pub(super) fn opcodes() -> Vec<Case> {
    let mut cases = Vec::new();
    for opcode in (3..=7).chain(11..=15u8) {
        let name = |what: &str| format!("opcode {opcode}{what}");
        let whole = FINISH | opcode;
        for (what, bytes) in [
            (", empty", frame(whole, b"")),
            (", 5 bytes", frame(whole, b"hello")),
            (", 200 bytes", frame(whole, &[b'x'; 200])),
            (", not the last part", frame(opcode, b"hello")),
            (", its first byte only", vec![whole]),
            (
                " within a message",
                [frame(BEGIN_TEXT, b"abc"), frame(whole, b"def")].concat(),
            ),
            (
                " and then a ping",
                [frame(whole, b""), frame(PING, b"")].concat(),
            ),
        ] {
            cases.push(Case::new(name(what), bytes, fails(1002)));
        }
        cases.push(Case::new(
            name(" after a message"),
            [
                frame(TEXT, b"good"),
                frame(whole, b"bad"),
                frame(TEXT, b"late"),
            ]
            .concat(),
            closes(&[(TEXT, b"good".to_vec())], &[Some(1002)]),
        ));
    }
    cases
}
