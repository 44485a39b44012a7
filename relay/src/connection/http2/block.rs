//! Whether what a client sends is in the middle of something, frame by frame: h2 tells of a head only when it is whole.

/// What comes before the first frame: RFC 9113, section 3.4.
const PREFACE: usize = 24;
/// The head of a frame (section 4.1): length in three bytes, type, flags, stream.
const HEAD: usize = 9;
const HEADERS: u8 = 1;
const CONTINUATION: u8 = 9;
/// The flag of a frame that ends its header block.
const END_HEADERS: u8 = 0x4;

/// The bytes of one client, as far as they have come.
#[derive(Debug)]
pub(super) struct Block {
    preface: usize,
    head: [u8; HEAD],
    have: usize,
    /// Bytes of the present frame still to come, when its head is complete.
    left: usize,
    /// A header block has begun, and no frame has ended it.
    open: bool,
}

impl Default for Block {
    fn default() -> Self {
        Self {
            preface: PREFACE,
            head: [0; HEAD],
            have: 0,
            left: 0,
            open: false,
        }
    }
}

impl Block {
    /// Reads along. What is wrong with a frame is for h2 to say.
    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
        let preface = self.preface.min(bytes.len());
        self.preface -= preface;
        bytes = &bytes[preface..];
        while let Some((first, rest)) = bytes.split_first() {
            if self.left > 0 {
                let step = self.left.min(bytes.len());
                self.left -= step;
                bytes = &bytes[step..];
                continue;
            }
            self.head[self.have] = *first;
            self.have += 1;
            bytes = rest;
            if self.have == HEAD {
                self.begin();
            }
        }
    }

    fn begin(&mut self) {
        let [a, b, c, kind, flags, ..] = self.head;
        self.have = 0;
        self.left = usize::from(a) << 16 | usize::from(b) << 8 | usize::from(c);
        if matches!(kind, HEADERS | CONTINUATION) {
            self.open = flags & END_HEADERS == 0;
        }
    }

    /// Tells whether a frame or a header block has begun and not ended.
    pub(super) fn is_unfinished(&self) -> bool {
        self.have > 0 || self.left > 0 || self.open
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, payload: &[u8]) -> Vec<u8> {
        let length = u8::try_from(payload.len()).unwrap();
        [&[0, 0, length, kind, flags, 0, 0, 0, 1], payload].concat()
    }

    #[test]
    fn a_head_is_unfinished_until_the_frame_that_ends_it_however_it_is_cut() {
        const DATA: u8 = 0;
        const PING: u8 = 6;
        let pieces = [
            (vec![7; PREFACE], false),
            (frame(PING, 0, &[0; 8]), false),
            (frame(HEADERS, END_HEADERS, b"whole"), false),
            (frame(HEADERS, 0, b"begun"), true),
            (frame(CONTINUATION, 0, b""), true),
            (frame(CONTINUATION, END_HEADERS, b"ended"), false),
            (frame(DATA, 0, b"")[..1].to_vec(), true),
            (frame(DATA, 0, b"")[1..].to_vec(), false),
            (frame(DATA, 0, b"xy")[..10].to_vec(), true),
            (b"y".to_vec(), false),
        ];
        for most in [1, 2, 5, 100] {
            let mut block = Block::default();
            for (number, (bytes, unfinished)) in pieces.iter().enumerate() {
                bytes.chunks(most).for_each(|chunk| block.pass(chunk));
                assert_eq!(block.is_unfinished(), *unfinished, "{number}, by {most}");
            }
        }
    }
}
