//! How a socket closes.

use crate::case::{
    BEGIN_TEXT, CLOSE, Case, End, Outcome, PING, PONG, TEXT, close_payload, closes, fails, frame,
    gives, hex, long_form, text,
};

/// Codes that an endpoint may send: of the RFC, of the registry, of libraries, of programs.
const GOOD: [u16; 17] = [
    1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3001, 3999, 4000,
    4999,
];
/// Codes that never go over the wire, and those that nobody has given a meaning.
const BAD: [u16; 15] = [
    0, 1, 100, 999, 1004, 1005, 1006, 1015, 1016, 1017, 1100, 1999, 2000, 2500, 2999,
];
/// The RFC says nothing of these.
const BEYOND: [u16; 3] = [5000, 10_000, 65_535];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        Case::new(
            "close without a code",
            frame(CLOSE, b""),
            closes(&[], &[None, Some(1000)]),
        ),
        Case::new("close with half a code", frame(CLOSE, b"\x03"), fails(1002)),
    ];
    // An answer usually has the code of what it answers.
    let answered = |code| closes(&[], &[Some(code), Some(1000)]);
    for code in GOOD {
        for reason in [&b""[..], b"so it is"] {
            let payload = close_payload(code, reason);
            cases.push(Case::new(
                format!("close {code}, a reason of {} bytes", reason.len()),
                frame(CLOSE, &payload),
                answered(code),
            ));
        }
    }
    for code in BAD {
        for reason in [&b""[..], b"so it is"] {
            let payload = close_payload(code, reason);
            cases.push(Case::new(
                format!("close {code}, a reason of {} bytes", reason.len()),
                frame(CLOSE, &payload),
                fails(1002),
            ));
        }
    }
    for code in BEYOND {
        let allowed = closes(&[], &[Some(1002), Some(code), Some(1000)]);
        let bytes = frame(CLOSE, &close_payload(code, b""));
        cases.push(Case::new(format!("close {code}"), bytes, allowed));
    }
    for length in [1, 2, 122, 123] {
        let bytes = frame(CLOSE, &close_payload(1000, &text(length)));
        let name = format!("close with a reason of {length} bytes");
        cases.push(Case::new(name, bytes, answered(1000)));
    }
    for length in [124, 125, 1000] {
        let bytes = frame(CLOSE, &close_payload(1000, &text(length)));
        let name = format!("close with a reason of {length} bytes, too long");
        cases.push(Case::new(name, bytes, fails(1002)));
    }
    let mut allowed = answered(1000);
    allowed.extend(fails(1002));
    cases.push(Case::new(
        "close whose length is written in 16 bits",
        long_form(CLOSE, 16, b"\x03\xe8"),
        allowed,
    ));
    let right = "\u{3ba}\u{1f79}\u{3c3}\u{3bc}\u{3b5} \u{1f980}".as_bytes();
    cases.push(Case::new(
        "close with a reason of many scripts",
        frame(CLOSE, &close_payload(1000, right)),
        answered(1000),
    ));
    for wrong in [
        &b"\xff"[..],
        b"\xc0\xaf",
        b"\xed\xa0\x80",
        b"\xf4\x90\x80\x80",
        b"\xe2\x82",
    ] {
        cases.push(Case::new(
            format!("close with a reason that is not UTF-8, {}", hex(wrong)),
            frame(CLOSE, &close_payload(1000, &[b"so ", wrong].concat())),
            fails(1007),
        ));
    }
    in_order(&mut cases);
    without_close(&mut cases);
    cases
}

fn in_order(cases: &mut Vec<Case>) {
    let close = || frame(CLOSE, &close_payload(1000, b""));
    let message = (TEXT, b"hello".to_vec());
    for (name, late) in [
        ("text", frame(TEXT, b"late")),
        ("ping", frame(PING, b"late")),
        ("another close", frame(CLOSE, &close_payload(1001, b"late"))),
        ("part of text", frame(BEGIN_TEXT, b"late")),
        ("what is no frame", b"\xff\xff\xff\xff late".to_vec()),
        ("much", frame(TEXT, &text(1000)).repeat(30)),
    ] {
        cases.push(Case::new(
            format!("close, then {name}, which is not looked at"),
            [close(), late].concat(),
            closes(&[], &[Some(1000)]),
        ));
    }
    cases.push(Case::new(
        "message, ping, close",
        [frame(TEXT, b"hello"), frame(PING, b"p"), close()].concat(),
        closes(&[message.clone(), (PONG, b"p".to_vec())], &[Some(1000)]),
    ));
    let many: Vec<_> = vec![message; 100];
    cases.push(Case::new(
        "100 messages, close",
        [frame(TEXT, b"hello").repeat(100), close()].concat(),
        closes(&many, &[Some(1000)]),
    ));
    for (name, wrong, code) in [
        ("a frame without meaning", vec![0x83], 1002),
        ("text that is not UTF-8", frame(TEXT, b"\xff"), 1007),
    ] {
        cases.push(Case::new(
            format!("{name}, then more, which is not looked at"),
            [wrong, frame(TEXT, b"late"), frame(PING, b"late"), close()].concat(),
            fails(code),
        ));
    }
}

/// Clients that end the connection without a close frame.
fn without_close(cases: &mut Vec<Case>) {
    let whole = frame(TEXT, b"hello");
    for (name, bytes, frames) in [
        ("at once", Vec::new(), Vec::new()),
        (
            "after a message",
            whole.clone(),
            vec![(TEXT, b"hello".to_vec())],
        ),
        (
            "within the head of a frame",
            whole[..1].to_vec(),
            Vec::new(),
        ),
        (
            "within the mask of a frame",
            whole[..4].to_vec(),
            Vec::new(),
        ),
        (
            "within the payload of a frame",
            whole[..8].to_vec(),
            Vec::new(),
        ),
        (
            "within a message in parts",
            frame(BEGIN_TEXT, b"abc"),
            Vec::new(),
        ),
    ] {
        let gone = Outcome {
            frames: frames.clone(),
            end: End::Gone,
        };
        // A close frame that nobody reads is allowed too.
        let mut allowed = closes(&frames, &[Some(1002), Some(1000)]);
        allowed.push(gone);
        cases.push(Case {
            leaves: true,
            ..Case::new(format!("the client leaves {name}"), bytes, allowed)
        });
    }
    cases.push(Case::new(
        "nothing but the client's close, with a reason",
        Vec::new(),
        gives(Vec::new()),
    ));
}
