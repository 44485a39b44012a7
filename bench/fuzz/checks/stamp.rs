//! Stamps: what is read is what was written, and nothing else.

use bench::clock::Moment;
use bench::stamp::{LENGTH, Stamp};

/// What reads as a stamp is written as it stood; and a stamp is found among any bytes, once.
pub(crate) fn check(data: &[u8]) {
    for at in 0..data.len() {
        if let Some(stamp) = Stamp::read(&data[at..]) {
            assert_eq!(&data[at..at + LENGTH], &written(stamp, 0)[1..=LENGTH]);
        }
    }
    let Some((fields, noise)) = data.split_first_chunk::<24>() else {
        return;
    };
    let number = |from: usize| u32::from_le_bytes([0, 1, 2, 3].map(|at| fields[from + at]));
    let stamp = Stamp {
        run: number(0),
        channel: number(4) >> 12,
        publisher: u16::from_le_bytes([fields[8], fields[9]]),
        sequence: number(12),
        due: Moment(u64::from(number(16)) << 32 | u64::from(number(20))),
    };
    let size = usize::from(u16::from_le_bytes([fields[10], fields[11]]) >> 4);
    let payload = written(stamp, size);
    assert_eq!(payload.len(), size.max(LENGTH + 2));
    let text: String = serde_json::from_slice(&payload).expect("a payload is a JSON string");
    assert_eq!(Stamp::read(text.as_bytes()), Some(stamp));
    // Between others, whatever these are.
    let (before, after) = noise.split_at(noise.len() / 2);
    let among = [before, &payload, after].concat();
    let all: Vec<_> = Stamp::find_all(&among).collect();
    let by_eye = (0..among.len()).filter_map(|at| Stamp::read(&among[at..]));
    assert!(all.iter().copied().eq(by_eye));
    assert!(all.contains(&stamp));
}

fn written(stamp: Stamp, size: usize) -> Vec<u8> {
    let mut out = Vec::new();
    stamp.write_payload(size, &mut out);
    out
}
