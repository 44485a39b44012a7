//! Bytes as a network hands them over: in pieces.

/// How long the first piece is, and all after it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Pieces {
    first: usize,
    others: usize,
}

impl Pieces {
    /// All at once.
    pub(crate) const WHOLE: Self = Self {
        first: usize::MAX,
        others: 1,
    };

    /// Takes the cuts from the first byte of a fuzzer's input.
    pub(crate) fn of(data: &[u8]) -> Option<(Self, &[u8])> {
        let (cuts, rest) = data.split_first()?;
        let pieces = Self {
            first: usize::from(cuts >> 4),
            others: usize::from(cuts & 0xf) + 1,
        };
        Some((pieces, rest))
    }

    pub(crate) fn cut(self, bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
        let (first, others) = bytes.split_at(self.first.min(bytes.len()));
        [first].into_iter().chain(others.chunks(self.others))
    }
}
