//! Lengths, messages in a row, masks.

use crate::case::{
    BEGIN_TEXT, BINARY, CLOSE, Case, FINISH, PING, PONG, TEXT, closes, fails, frame, gives, head,
    hex, long_form, masked, text,
};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (kind, first) in [("text", TEXT), ("binary", BINARY)] {
        for length in [
            0, 1, 2, 124, 125, 126, 127, 128, 1023, 1024, 1025, 4096, 65_535, 65_536,
        ] {
            let payload = text(length);
            cases.push(Case::new(
                format!("{kind} of {length} bytes"),
                frame(first, &payload),
                gives(vec![(first, payload)]),
            ));
        }
        for (bits, length) in [
            (16, 0),
            (16, 5),
            (16, 125),
            (64, 0),
            (64, 5),
            (64, 126),
            (64, 65_535),
        ] {
            // The RFC forbids the client to send it, and leaves open what the server does.
            let payload = text(length);
            let mut allowed = gives(vec![(first, payload.clone())]);
            allowed.extend(fails(1002));
            cases.push(Case::new(
                format!("{kind} of {length} bytes whose length is written in {bits} bits"),
                long_form(first, bits, &payload),
                allowed,
            ));
        }
        for length in [1 << 63, u64::MAX] {
            let bytes = [head(first, length), vec![0; 4]].concat();
            let allowed = closes(&[], &[Some(1002), Some(1009)]);
            cases.push(Case::new(
                format!("{kind} whose length has its highest bit set, {length:x}"),
                bytes,
                allowed,
            ));
        }
    }
    let both = |n: usize| {
        (
            if n.is_multiple_of(2) { TEXT } else { BINARY },
            text(n * 50),
        )
    };
    for count in [2, 10, 100] {
        let sent: Vec<_> = (0..count).map(both).collect();
        let bytes: Vec<u8> = sent
            .iter()
            .flat_map(|(first, payload)| frame(*first, payload))
            .collect();
        cases.push(Case::new(
            format!("{count} messages in a row, text and binary in turns"),
            bytes,
            gives(sent),
        ));
    }
    cases
}

pub(super) fn masking() -> Vec<Case> {
    let mut cases = Vec::new();
    for mask in [
        [0; 4],
        [0xff; 4],
        [1, 2, 3, 4],
        [0x80, 0, 0, 0],
        [0, 0, 0, 0x7f],
    ] {
        for length in [0, 1, 3, 4, 5, 8, 13, 126] {
            let payload = text(length);
            cases.push(Case::new(
                format!("text of {length} bytes under the mask {}", hex(&mask)),
                masked(TEXT, mask, &payload),
                gives(vec![(TEXT, payload)]),
            ));
        }
    }
    for (kind, first) in [
        ("text", TEXT),
        ("part of text", BEGIN_TEXT),
        ("binary", BINARY),
        ("ping", PING),
        ("pong", PONG),
        ("close", CLOSE),
    ] {
        for payload in [&b""[..], b"\x03\xe8"] {
            cases.push(Case::new(
                format!("{kind} of {} bytes without a mask", payload.len()),
                [&[first, payload.len() as u8], payload].concat(),
                fails(1002),
            ));
        }
        cases.push(Case::new(
            format!("the first two bytes of {kind} without a mask"),
            vec![first, 5],
            fails(1002),
        ));
    }
    let begun = frame(BEGIN_TEXT, b"abc");
    cases.push(Case::new(
        "the last part of a message without a mask",
        [&begun[..], &[FINISH, 1, b'd']].concat(),
        fails(1002),
    ));
    cases.push(Case::new(
        "text without a mask after text with one",
        [&frame(TEXT, b"abc")[..], &[TEXT, 1, b'd']].concat(),
        closes(&[(TEXT, b"abc".to_vec())], &[Some(1002)]),
    ));
    cases
}
