//! How a load is dealt out to workers.

use std::ops::Range;

use crate::swarm::{Assignment, Share};

/// The shards of each worker, of so many threads that each could have. Together they are every shard, each once.
pub(super) fn shards(clients: usize, threads: &[usize]) -> Vec<Range<usize>> {
    // A shard without a client would be a thread for nothing.
    let enough = threads.iter().sum::<usize>() <= clients;
    let mut next = 0;
    let each = threads.iter().map(|threads| {
        let count = if enough { *threads } else { 1 };
        let first = next;
        next = (next + count).min(clients.max(1));
        first..next
    });
    each.collect()
}

/// The assignment of each worker: the first one publishes.
pub(super) fn assignments(whole: &Assignment, shares: &[Range<usize>]) -> Vec<Assignment> {
    let total = shares.last().map_or(0, |last| last.end);
    let numbered = shares.iter().enumerate();
    let one = |(number, shards): (usize, &Range<usize>)| Assignment {
        shards: total,
        share: Share {
            shards: shards.clone(),
            publishes: number == 0,
            clock: 0,
        },
        ..whole.clone()
    };
    numbered.map(one).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_client_is_dealt_to_one_worker(clients in 1..5_000_usize, threads in proptest::collection::vec(1..9_usize, 1..20)) {
            let dealt = shards(clients, &threads);
            prop_assert_eq!(dealt.len(), threads.len());
            let all: Vec<usize> = dealt.iter().cloned().flatten().collect();
            let total = dealt.last().unwrap().end;
            prop_assert_eq!(&all, &(0..total).collect::<Vec<_>>());
            prop_assert!(total >= 1 && total <= clients);
            let mut owners = vec![0; clients];
            for shard in all {
                (shard..clients).step_by(total).for_each(|client| owners[client] += 1);
            }
            prop_assert!(owners.iter().all(|count| *count == 1));
        }
    }
}
