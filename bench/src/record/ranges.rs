//! A set of sequence numbers, kept as ranges.

use serde::{Deserialize, Serialize};

/// A set of `u32`. Costs one range when nothing is missing, and one more for each hole.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Ranges {
    /// Half-open, sorted, not touching.
    ranges: Vec<(u32, u32)>,
}

impl Ranges {
    /// Adds `value`; gives `false` when it was there.
    pub fn insert(&mut self, value: u32) -> bool {
        // The common case: the next number of the last range.
        if let Some((_, end)) = self.ranges.last_mut()
            && *end == value
        {
            *end += 1;
            return true;
        }
        let at = self.ranges.partition_point(|&(_, end)| end < value);
        match self.ranges.get_mut(at) {
            Some((start, end)) if *start <= value && value < *end => return false,
            Some((_, end)) if *end == value => {
                *end += 1;
                self.join(at);
            }
            Some((start, _)) if value + 1 == *start => *start = value,
            _ => self.ranges.insert(at, (value, value + 1)),
        }
        true
    }

    fn join(&mut self, at: usize) {
        if self
            .ranges
            .get(at + 1)
            .is_some_and(|next| next.0 == self.ranges[at].1)
        {
            self.ranges[at].1 = self.ranges[at + 1].1;
            self.ranges.remove(at + 1);
        }
    }

    /// The largest number.
    #[must_use]
    pub fn last(&self) -> Option<u32> {
        self.ranges.last().map(|range| range.1 - 1)
    }

    /// How many numbers are both here and there.
    #[must_use]
    pub fn common(&self, other: &Self) -> u64 {
        let (mut here, mut there, mut count) = (
            self.ranges.iter().peekable(),
            other.ranges.iter().peekable(),
            0,
        );
        while let (Some(&&(a_start, a_end)), Some(&&(b_start, b_end))) = (here.peek(), there.peek())
        {
            count += u64::from(a_end.min(b_end).saturating_sub(a_start.max(b_start)));
            if a_end < b_end {
                here.next()
            } else {
                there.next()
            };
        }
        count
    }

    /// Ranges that it is kept as.
    #[must_use]
    pub fn ranges(&self) -> usize {
        self.ranges.len()
    }

    /// Bytes that it keeps beside itself.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.ranges.capacity() * size_of::<(u32, u32)>()
    }

    /// Those of the numbers that are at least `low` and below `high`.
    #[must_use]
    pub fn within(&self, low: u32, high: u32) -> Self {
        let cut = |&(start, end): &(u32, u32)| (start.max(low), end.min(high));
        let ranges = self.ranges.iter().map(cut);
        Self {
            ranges: ranges.filter(|(start, end)| start < end).collect(),
        }
    }

    /// How many numbers there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.ranges
            .iter()
            .map(|&(start, end)| u64::from(end - start))
            .sum()
    }
}
