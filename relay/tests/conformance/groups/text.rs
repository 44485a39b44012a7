//! Text is UTF-8, and what is not ends the socket with the byte that shows it.

use crate::case::{
    BEGIN_TEXT, BINARY, Case, FINISH, PING, PONG, TEXT, closes, fails, frame, gives, head, hex,
    in_parts,
};

/// What stands before and after: "kosme" in Greek, of characters of two and three bytes, and ASCII.
const BEFORE: &[u8] = "\u{3ba}\u{1f79}\u{3c3}\u{3bc}\u{3b5}".as_bytes();
const AFTER: &[u8] = b"edited";

/// Characters at the edges of what is allowed. The last two of each plane are no characters, but
/// their encoding is.
fn edges() -> Vec<u32> {
    let mut edges = vec![
        0, 1, 0x7f, 0x80, 0x7ff, 0x800, 0xfff, 0x1000, 0xd7ff, 0xe000, 0xfdd0, 0xfffd, 0x1_0000,
        0x3_ffff, 0x4_0000, 0xf_ffff, 0x10_0000,
    ];
    edges.extend((0..=16).flat_map(|plane: u32| [plane << 16 | 0xfffe, plane << 16 | 0xffff]));
    edges.sort_unstable();
    edges.dedup();
    edges
}

/// Bytes that are not UTF-8, and how many of them still might be.
const WRONG: [(&[u8], usize); 44] = [
    // Nothing begins so.
    (b"\x80", 0),
    (b"\xbf", 0),
    (b"\x80\xbf\x80\xbf", 0),
    (b"\xc0", 0),
    (b"\xc1", 0),
    (b"\xf5", 0),
    (b"\xf8", 0),
    (b"\xfc", 0),
    (b"\xfe", 0),
    (b"\xff", 0),
    (b"\xfe\xfe\xff\xff", 0),
    // What was begun does not go on.
    (b"\xc2 ", 1),
    (b"\xdf ", 1),
    (b"\xe0 ", 1),
    (b"\xef ", 1),
    (b"\xf0 ", 1),
    (b"\xf4 ", 1),
    (b"\xe1\x80 ", 2),
    (b"\xf1\x80 ", 2),
    (b"\xf1\x80\x80 ", 3),
    (b"\xc3\xc3", 1),
    (b"\xe2\x82\xe2", 2),
    (b"\xf0\x9f\xa6\xf0", 3),
    // Longer than need be.
    (b"\xc0\xaf", 0),
    (b"\xc1\xbf", 0),
    (b"\xe0\x80\xaf", 1),
    (b"\xe0\x9f\xbf", 1),
    (b"\xf0\x80\x80\xaf", 1),
    (b"\xf0\x8f\xbf\xbf", 1),
    (b"\xf8\x80\x80\x80\xaf", 0),
    (b"\xfc\x80\x80\x80\x80\xaf", 0),
    (b"\xc0\x80", 0),
    (b"\xe0\x80\x80", 1),
    // Halves of pairs.
    (b"\xed\xa0\x80", 1),
    (b"\xed\xad\xbf", 1),
    (b"\xed\xae\x80", 1),
    (b"\xed\xaf\xbf", 1),
    (b"\xed\xb0\x80", 1),
    (b"\xed\xbf\xbf", 1),
    (b"\xed\xa0\x80\xed\xb0\x80", 1),
    // Beyond the last character.
    (b"\xf4\x90\x80\x80", 1),
    (b"\xf4\xbf\xbf\xbf", 1),
    (b"\xf7\xbf\xbf\xbf", 0),
    (b"\xfb\xbf\xbf\xbf\xbf", 0),
];

/// Characters that the end of a message cuts off.
const CUT_OFF: [&[u8]; 9] = [
    b"\xc2",
    b"\xdf",
    b"\xe0",
    b"\xe1\x80",
    b"\xef\xbf",
    b"\xf0",
    b"\xf0\x90",
    b"\xf0\x90\x80",
    b"\xf4\x8f\xbf",
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for edge in edges() {
        let character = char::from_u32(edge).unwrap().to_string();
        right(&mut cases, &format!("U+{edge:04X}"), character.as_bytes());
    }
    right(
        &mut cases,
        "a sentence",
        "Hello-\u{b5}@\u{df}\u{f6}\u{e4}\u{fc}\u{e0}\u{e1}-UTF-8!!".as_bytes(),
    );
    right(
        &mut cases,
        "a combined emoji",
        "\u{1f469}\u{200d}\u{1f680}".as_bytes(),
    );
    for (sequence, good) in WRONG {
        wrong(&mut cases, sequence, good);
    }
    for sequence in CUT_OFF {
        let name = hex(sequence);
        let payload = [BEFORE, sequence].concat();
        cases.push(Case::new(
            format!("text that ends within a character, {name}"),
            frame(TEXT, &payload),
            fails(1007),
        ));
        cases.push(Case::new(
            format!("text that ends within a character, {name}, in parts"),
            [frame(BEGIN_TEXT, &payload), frame(FINISH, b"")].concat(),
            fails(1007),
        ));
    }
    cases.push(Case::new(
        "a good message, then one that is not UTF-8",
        [frame(TEXT, BEFORE), frame(PING, b"p"), frame(TEXT, b"\xff")].concat(),
        closes(
            &[(TEXT, BEFORE.to_vec()), (PONG, b"p".to_vec())],
            &[Some(1007)],
        ),
    ));
    cases
}

fn right(cases: &mut Vec<Case>, name: &str, text: &[u8]) {
    let payload = [BEFORE, text, AFTER].concat();
    cases.push(Case::new(
        format!("text with {name}"),
        frame(TEXT, &payload),
        gives(vec![(TEXT, payload.clone())]),
    ));
    let bytes: Vec<&[u8]> = text.chunks(1).collect();
    let mut expected = vec![(PONG, b"?".to_vec()); bytes.len() - 1];
    expected.push((TEXT, text.to_vec()));
    cases.push(Case::new(
        format!("text of {name}, each byte a part, with pings between"),
        in_parts(BEGIN_TEXT, &bytes).join(&frame(PING, b"?")[..]),
        gives(expected),
    ));
}

fn wrong(cases: &mut Vec<Case>, sequence: &[u8], good: usize) {
    let name = hex(sequence);
    let payload = [BEFORE, sequence, AFTER].concat();
    cases.push(Case::new(
        format!("text with {name}"),
        frame(TEXT, &payload),
        fails(1007),
    ));
    // The second part is the last that comes.
    cases.push(Case::new(
        format!("the part of text that has {name}"),
        [frame(BEGIN_TEXT, BEFORE), frame(0, sequence)].concat(),
        fails(1007),
    ));
    let shown = BEFORE.len() + good + 1;
    let mut begun = head(TEXT, payload.len() as u64);
    begun.extend([0; 4]);
    begun.extend(&payload[..shown]);
    cases.push(Case::new(
        format!("text up to the byte that shows {name} to be wrong"),
        begun,
        fails(1007),
    ));
    cases.push(Case::new(
        format!("binary with {name}"),
        frame(BINARY, &payload),
        gives(vec![(BINARY, payload)]),
    ));
}
