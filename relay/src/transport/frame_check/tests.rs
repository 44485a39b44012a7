//! The check against the bytes that break it, the standard library and tungstenite.

use proptest::prelude::*;

use super::*;

/// Makes a frame with a mask.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mask = [0x5a, 0, 0xff, 0x17];
    let mut out = vec![first, 0xfe];
    out.extend(u16::try_from(payload.len()).unwrap().to_be_bytes());
    out.extend(mask);
    out.extend(
        payload
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    if payload.len() < 126 {
        out[1] = 0x80 | u8::try_from(payload.len()).unwrap();
        out.drain(2..4);
    }
    out
}

#[test]
fn the_byte_that_is_wrong_ends_it() {
    for (bytes, violation) in [
        (vec![0xc1], Violation::Protocol),
        (vec![0x83], Violation::Protocol),
        (vec![0x09], Violation::Protocol),
        (vec![0x80], Violation::Protocol),
        (vec![0x81, 1], Violation::Protocol),
        (vec![0x89, 0xfe], Violation::Protocol),
        (frame(0x81, b"\xce\xba\xf4\x90"), Violation::NotUtf8),
        (frame(0x81, b"\xed\xa0"), Violation::NotUtf8),
        (frame(0x82, &[0; 1001])[..8].to_vec(), Violation::TooLarge),
        (
            vec![0x82, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4],
            Violation::Protocol,
        ),
    ] {
        let good = [
            frame(0x81, "kosme \u{1f980}".as_bytes()),
            frame(0x8a, b"\xff"),
        ]
        .concat();
        let mut check = FrameCheck::new(1000);
        let whole = [good, bytes].concat();
        let (last, before) = whole.split_last().unwrap();
        assert_eq!(check.pass(before), before.len(), "{before:x?}");
        assert_eq!(check.broken(), None, "{before:x?}");
        assert_eq!(check.pass(&[*last]), 0);
        assert_eq!(check.broken(), Some(violation));
        assert_eq!(check.pass(b"more"), 0);
    }
}

#[test]
fn the_frames_of_a_message_count_together() {
    let mut check = FrameCheck::new(1000);
    for first in [0x01, 0x00, 0x80, 0x02, 0x80] {
        let bytes = frame(first, &[b'x'; 300]);
        assert_eq!(check.pass(&bytes), bytes.len());
    }
    check.pass(&[frame(0x01, &[b'x'; 900]), frame(0x80, &[b'x'; 101])].concat());
    assert_eq!(check.broken(), Some(Violation::TooLarge));
}

proptest! {
    #[test]
    fn text_is_judged_as_the_standard_library_judges_it(
        parts in prop::collection::vec(prop_oneof![
            "\\PC{0,3}".prop_map(String::into_bytes),
            prop::collection::vec(prop_oneof![Just(0xf4), Just(0x90), Just(0xed), 0x80..=0xffu8], 0..2),
        ], 0..100),
        chop in 1..20usize,
    ) {
        let text = parts.concat();
        let bytes = frame(0x81, &text);
        let mut check = FrameCheck::new(usize::MAX);
        let passed: usize = bytes.chunks(chop).map(|chunk| check.pass(chunk)).sum();
        let wrong = from_utf8(&text).is_err();
        prop_assert_eq!(check.broken(), wrong.then_some(Violation::NotUtf8));
        prop_assert_eq!(passed == bytes.len(), !wrong);
    }

    #[test]
    fn what_tungstenite_takes_passes_and_nothing_else(
        frames in prop::collection::vec(any_frame(), 0..12),
        chop in 1..50usize,
    ) {
        let bytes = frames.concat();
        let mut check = FrameCheck::new(LARGEST);
        bytes.chunks(chop).for_each(|chunk| {
            check.pass(chunk);
        });
        prop_assert_eq!(check.broken(), by_tungstenite(&bytes));
    }
}

const LARGEST: usize = 150;

/// A frame that has one thing wrong at most, were it alone. None closes.
fn any_frame() -> impl Strategy<Value = Vec<u8>> {
    let text = prop_oneof![
        4 => "[a-z]{0,60}|\u{3ba}\u{1f980}|.{0,4}".prop_map(String::into_bytes),
        1 => prop::collection::vec(any::<u8>(), 0..4),
        1 => Just("\u{1f980}".as_bytes()[..2].to_vec()),
        1 => Just("\u{1f980}".as_bytes()[2..].to_vec()),
        1 => Just(vec![b'x'; 130]),
    ];
    let first = prop::sample::select(vec![
        0x81, 0x01, 0x01, 0x00, 0x00, 0x80, 0x80, 0x82, 0x02, 0x89, 0x8a,
    ]);
    prop_oneof![
        30 => (first, text).prop_map(|(first, payload)| frame(first, &payload)),
        1 => any::<u8>()
            .prop_filter("a close", |first| first & 0x0f != 8)
            .prop_map(|first| frame(first, b"")),
        1 => Just(vec![0x82, 1, b'x']),
    ]
}

/// What tungstenite finds when all bytes are there.
fn by_tungstenite(bytes: &[u8]) -> Option<Violation> {
    use tungstenite::Error;
    use tungstenite::protocol::{Role, WebSocketConfig, WebSocketContext};
    let config = WebSocketConfig::default()
        .max_message_size(Some(LARGEST))
        .max_frame_size(Some(LARGEST));
    let mut context = WebSocketContext::new(Role::Server, Some(config));
    let mut pipe = OneWay(std::io::Cursor::new(bytes.to_vec()));
    loop {
        match context.read(&mut pipe) {
            Ok(_) => {}
            Err(Error::Io(_)) => return None,
            Err(Error::Capacity(_)) => return Some(Violation::TooLarge),
            Err(Error::Utf8(_)) => return Some(Violation::NotUtf8),
            Err(_) => return Some(Violation::Protocol),
        }
    }
}

/// Bytes to read, and then none yet; what is written is not looked at.
struct OneWay(std::io::Cursor<Vec<u8>>);

impl std::io::Read for OneWay {
    fn read(&mut self, into: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(into)? {
            0 => Err(std::io::ErrorKind::WouldBlock.into()),
            read => Ok(read),
        }
    }
}

impl std::io::Write for OneWay {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}
