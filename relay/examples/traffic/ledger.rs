//! What was published, what came of it, and what each follower has seen of it.

use std::collections::BTreeMap;

/// What became of one numbered message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fate {
    /// Its publisher has sent it and has no answer yet; or the connection ended before there was one.
    Unknown,
    /// The relay said that it is in the log.
    Acknowledged,
    /// The relay said that it is not.
    Refused,
}

/// One channel's messages: number `n` stands at `n - 1`.
#[derive(Debug, Default)]
pub(crate) struct Published {
    fates: Vec<Fate>,
}

impl Published {
    /// Takes the next number.
    pub(crate) fn begin(&mut self) -> u64 {
        self.fates.push(Fate::Unknown);
        self.last()
    }

    pub(crate) fn end(&mut self, number: u64, fate: Fate) {
        self.fates[at(number)] = fate;
    }

    /// The last number that was taken.
    pub(crate) fn last(&self) -> u64 {
        self.fates.len() as u64
    }

    pub(crate) fn count(&self, fate: Fate) -> usize {
        self.fates.iter().filter(|f| **f == fate).count()
    }

    /// The last number that was acknowledged, 0 before there is one.
    pub(crate) fn last_acknowledged(&self) -> u64 {
        let at = self.fates.iter().rposition(|f| *f == Fate::Acknowledged);
        at.map_or(0, |at| at as u64 + 1)
    }

    fn acknowledged(&self, from: u64, to: u64) -> usize {
        let all = &self.fates[at(from + 1)..at(to.max(from + 1))];
        all.iter().filter(|f| **f == Fate::Acknowledged).count()
    }
}

fn at(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX) - 1
}

/// Numbers that did not come, between these two.
#[derive(Debug)]
struct Gap {
    after: u64,
    before: u64,
    told: bool,
}

/// One follower's book.
#[derive(Debug)]
pub(crate) struct Book {
    pub(crate) transport: &'static str,
    /// The last number it has seen; at first the last that was taken when it began.
    pub(crate) last: u64,
    pub(crate) counts: Counts,
    gaps: Vec<Gap>,
    /// It was told that it has missed something, and nothing has come since.
    told: bool,
}

/// What is counted.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Counts {
    pub(crate) followers: u64,
    pub(crate) received: u64,
    pub(crate) lost: u64,
    pub(crate) told_lost: u64,
    pub(crate) duplicated: u64,
    pub(crate) evicted: u64,
    pub(crate) recreated: u64,
    pub(crate) reconnects: u64,
    pub(crate) silent: u64,
}

impl Counts {
    pub(crate) fn add(&mut self, other: Self) {
        self.followers += other.followers;
        self.received += other.received;
        self.lost += other.lost;
        self.told_lost += other.told_lost;
        self.duplicated += other.duplicated;
        self.evicted += other.evicted;
        self.recreated += other.recreated;
        self.reconnects += other.reconnects;
        self.silent += other.silent;
    }
}

impl Book {
    pub(crate) fn new(transport: &'static str) -> Self {
        Self {
            transport,
            last: 0,
            counts: Counts {
                followers: 1,
                ..Counts::default()
            },
            gaps: Vec::new(),
            told: false,
        }
    }

    /// A message came. `begun` is the number that the follower began behind: before it everything is welcome once.
    pub(crate) fn received(&mut self, number: u64, begun: u64) {
        self.counts.received += 1;
        if number <= begun && self.counts.received == 1 {
            // It was on its way when the follower began.
            self.last = number;
            return;
        }
        if number <= self.last {
            self.counts.duplicated += 1;
            return;
        }
        let after = self.last;
        if number > after + 1 {
            self.gaps.push(Gap {
                after,
                before: number,
                told: self.told,
            });
        }
        self.told = false;
        self.last = number;
    }

    pub(crate) fn missed(&mut self, reason: &str) {
        self.told = true;
        if reason == "recreated" {
            self.counts.recreated += 1;
        } else {
            self.counts.evicted += 1;
        }
    }

    /// Counts what was lost; a follower that stayed is owed everything up to the end.
    pub(crate) fn settle(&mut self, published: &Published, begun: u64, stayed: bool) -> Counts {
        if stayed && self.last < published.last() {
            self.gaps.push(Gap {
                after: self.last,
                before: published.last() + 1,
                told: self.told,
            });
        }
        for gap in &self.gaps {
            let count = published.acknowledged(gap.after.max(begun), gap.before) as u64;
            if gap.told {
                self.counts.told_lost += count;
            } else {
                self.counts.lost += count;
            }
        }
        self.counts
    }
}

/// The sums by transport, as a table and the line of totals.
#[derive(Debug, Default)]
pub(crate) struct Sums(BTreeMap<&'static str, Counts>);

impl Sums {
    pub(crate) fn add(&mut self, transport: &'static str, counts: Counts) {
        self.0.entry(transport).or_default().add(counts);
    }

    pub(crate) fn total(&self) -> Counts {
        let mut total = Counts::default();
        self.0.values().for_each(|counts| total.add(*counts));
        total
    }

    pub(crate) fn print(&self) {
        println!(
            "{:<13} {:>9} {:>9} {:>5} {:>9} {:>10} {:>8} {:>9} {:>10} {:>6}",
            "transport",
            "followers",
            "received",
            "lost",
            "told lost",
            "duplicated",
            "evicted",
            "recreated",
            "reconnects",
            "silent"
        );
        for (transport, c) in &self.0 {
            println!(
                "{transport:<13} {:>9} {:>9} {:>5} {:>9} {:>10} {:>8} {:>9} {:>10} {:>6}",
                c.followers,
                c.received,
                c.lost,
                c.told_lost,
                c.duplicated,
                c.evicted,
                c.recreated,
                c.reconnects,
                c.silent
            );
        }
    }
}
