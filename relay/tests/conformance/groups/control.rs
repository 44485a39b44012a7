//! Pings and pongs.

use crate::case::{Case, PING, PONG, TEXT, closes, fails, frame, gives, head, long_form, text};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for length in [0, 1, 2, 10, 63, 64, 124, 125] {
        let payload = text(length);
        cases.push(Case::new(
            format!("ping of {length} bytes"),
            frame(PING, &payload),
            gives(vec![(PONG, payload.clone())]),
        ));
        cases.push(Case::new(
            format!("pong of {length} bytes that nobody asked for"),
            frame(PONG, &payload),
            gives(Vec::new()),
        ));
    }
    for (name, payload) in [
        ("zeros", vec![0; 20]),
        (
            "bytes that are not UTF-8",
            b"\x00\xff\xfe\xfd\xfc\xfb\x00\xff".to_vec(),
        ),
        ("every bit", vec![0xfe; 125]),
    ] {
        cases.push(Case::new(
            format!("ping of {name}"),
            frame(PING, &payload),
            gives(vec![(PONG, payload)]),
        ));
    }
    for (kind, first) in [("ping", PING), ("pong", PONG)] {
        for length in [126, 127, 1000, 65_536] {
            cases.push(Case::new(
                format!("{kind} of {length} bytes"),
                frame(first, &text(length)),
                fails(1002),
            ));
            cases.push(Case::new(
                format!("the first two bytes of {kind} of {length} bytes"),
                &head(first, length as u64)[..2],
                fails(1002),
            ));
        }
        for bits in [16, 64] {
            let answer = (first == PING).then(|| (PONG, b"abc".to_vec()));
            let mut allowed = gives(answer.into_iter().collect());
            allowed.extend(fails(1002));
            cases.push(Case::new(
                format!("{kind} of 3 bytes whose length is written in {bits} bits"),
                long_form(first, bits, b"abc"),
                allowed,
            ));
        }
    }
    let numbered = |n: u8| (PONG, vec![b'p', n]);
    for count in [2, 10, 50, 200] {
        let bytes: Vec<u8> = (0..count).flat_map(|n| frame(PING, &[b'p', n])).collect();
        cases.push(Case::new(
            format!("{count} pings in a row, each answered"),
            bytes,
            gives((0..count).map(numbered).collect()),
        ));
    }
    let pong = |payload: &[u8]| (PONG, payload.to_vec());
    let message = (TEXT, b"hello".to_vec());
    cases.push(Case::new(
        "pong that nobody asked for, then ping",
        [frame(PONG, b"old"), frame(PING, b"new")].concat(),
        gives(vec![pong(b"new")]),
    ));
    cases.push(Case::new(
        "ping before and after a message",
        [frame(PING, b"1"), frame(TEXT, b"hello"), frame(PING, b"2")].concat(),
        gives(vec![pong(b"1"), message.clone(), pong(b"2")]),
    ));
    cases.push(Case::new(
        "ping, then one that is too long",
        [frame(PING, b"1"), frame(PING, &text(126))].concat(),
        closes(&[pong(b"1")], &[Some(1002)]),
    ));
    cases.push(Case::new(
        "message, then a pong that is too long",
        [frame(TEXT, b"hello"), frame(PONG, &text(126))].concat(),
        closes(&[message], &[Some(1002)]),
    ));
    cases
}
