//! Delays by buckets of about 1.5 % width.

/// Buckets of each power of two.
const FINE: u64 = 64;

/// Counts of delays, in nanoseconds.
pub(crate) struct Histogram {
    counts: Vec<u64>,
    total: u64,
}

impl Histogram {
    pub(crate) fn new() -> Self {
        Self {
            counts: vec![0; 64 * FINE as usize],
            total: 0,
        }
    }

    pub(crate) fn add(&mut self, delay: u64, count: u64) {
        self.counts[bucket(delay)] += count;
        self.total += count;
    }

    /// Gives a quantile in milliseconds: the upper end of its bucket.
    pub(crate) fn quantile(&self, share: f64) -> f64 {
        let wanted = (share * self.total as f64).ceil() as u64;
        let mut seen = 0;
        for (at, count) in self.counts.iter().enumerate() {
            seen += count;
            if seen >= wanted && seen > 0 {
                return upper(at as u64) as f64 / 1e6;
            }
        }
        f64::NAN
    }
}

fn bucket(delay: u64) -> usize {
    if delay < FINE {
        return delay as usize;
    }
    let shift = delay.ilog2() - FINE.ilog2();
    (u64::from(shift + 1) * FINE + (delay >> shift) - FINE) as usize
}

fn upper(bucket: u64) -> u64 {
    if bucket < FINE {
        return bucket;
    }
    let shift = bucket / FINE - 1;
    (((bucket % FINE) + FINE + 1) << shift) - 1
}
