//! How many connections are served at once, in all and of one address, and what each address may ask for: counted,
//! never queued.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::allowance::{Allowance, Rate};

/// Addresses without connections that are remembered for what they have spent; at twice as many, those that have spent
/// least are forgotten.
const REMEMBERED: usize = 4096;

/// A bounded number of slots for connections.
#[derive(Debug, Clone)]
pub struct Connections {
    taken: Arc<Mutex<Taken>>,
    most: usize,
    most_of_one: usize,
    rate: Rate,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// Addresses with connections, and those whose allowance would be refilled by forgetting them.
    by_address: HashMap<IpAddr, Held>,
    /// How many of these have no connection.
    left: usize,
}

/// What one address has.
#[derive(Debug)]
struct Held {
    connections: usize,
    allowance: Arc<Allowance>,
}

/// One connection's slot, given back when dropped.
#[derive(Debug)]
pub struct Slot {
    taken: Arc<Mutex<Taken>>,
    allowance: Arc<Allowance>,
}

/// Why there is no slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Full {
    /// All are taken.
    #[error("the relay is full; try later")]
    Relay,
    /// This address has all that one may have.
    #[error("this address has too many connections; close some or try later")]
    Address,
}

impl Connections {
    /// Makes `most` free slots, of which one address may take `most_of_one`; the connections of one address together have
    /// turns at a rate.
    #[must_use]
    pub fn new(most: usize, most_of_one: usize, rate: Rate) -> Self {
        Self {
            taken: Arc::default(),
            most,
            most_of_one,
            rate,
        }
    }

    /// Takes a slot.
    ///
    /// # Errors
    /// [`Full`] when all are taken, or all of the address.
    pub fn take(&self, address: IpAddr) -> Result<Slot, Full> {
        let address = place(address);
        let taken = &mut *lock(&self.taken);
        if taken.all >= self.most {
            return Err(Full::Relay);
        }
        let held = match taken.by_address.entry(address) {
            Entry::Vacant(entry) => entry.insert(Held {
                connections: 0,
                allowance: Arc::new(Allowance::new(address, self.rate)),
            }),
            Entry::Occupied(entry) => {
                let held = entry.into_mut();
                if held.connections >= self.most_of_one {
                    return Err(Full::Address);
                }
                taken.left -= usize::from(held.connections == 0);
                held
            }
        };
        held.connections += 1;
        taken.all += 1;
        Ok(Slot {
            taken: Arc::clone(&self.taken),
            allowance: Arc::clone(&held.allowance),
        })
    }

    /// Forgets the addresses without connections that have all their turns again.
    pub fn forget(&self) {
        lock(&self.taken).forget();
    }
}

impl Slot {
    /// Gives the turns of its address.
    #[must_use]
    pub fn allowance(&self) -> &Arc<Allowance> {
        &self.allowance
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let taken = &mut *lock(&self.taken);
        taken.all -= 1;
        let address = self.allowance.address();
        let Some(held) = taken.by_address.get_mut(&address) else {
            return;
        };
        held.connections -= 1;
        if held.connections > 0 {
            return;
        }
        if self.allowance.is_full() {
            taken.by_address.remove(&address);
            taken.give_room_back();
            return;
        }
        // Who comes again finds its turns as it left them.
        taken.left += 1;
        if taken.left >= 2 * REMEMBERED {
            taken.forget();
            taken.forget_all_but(REMEMBERED);
        }
    }
}

impl Taken {
    fn forget(&mut self) {
        self.by_address
            .retain(|_, held| held.connections > 0 || !held.allowance.is_full());
        self.give_room_back();
        let left = |held: &&Held| held.connections == 0;
        self.left = self.by_address.values().filter(left).count();
    }

    /// Keeps so many of those without connections, the ones that have spent most.
    fn forget_all_but(&mut self, most: usize) {
        if self.left <= most {
            return;
        }
        let left = self
            .by_address
            .values()
            .filter(|held| held.connections == 0);
        let mut left: Vec<_> = left
            .map(|held| (held.allowance.full_at(), held.allowance.address()))
            .collect();
        let least = left.len() - most;
        left.select_nth_unstable(least);
        for (_, address) in &left[..least] {
            self.by_address.remove(address);
        }
        self.left = most;
    }

    /// A flood's room is not kept for ever.
    fn give_room_back(&mut self) {
        if self.by_address.is_empty() {
            self.by_address = HashMap::new();
        }
    }
}

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Gives what counts as one address: of IPv6 the network of 64 bits, which is the least that a customer
/// gets.
fn place(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            const NETWORK: u128 = u128::MAX << 64;
            Ipv6Addr::from_bits(v6.to_bits() & NETWORK).into()
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::{Instant, advance};

    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_slot_is_free_again_when_dropped() {
        let connections = Connections::new(2, 2, Rate::new(0));
        let take = || connections.take(ip("10.0.0.1"));
        let (first, second) = (take(), take());
        assert!(first.is_ok() && second.is_ok());
        assert_eq!(take().unwrap_err(), Full::Relay);
        assert!(take().is_err(), "a refusal takes no slot");
        drop(first);
        assert!(take().is_ok());
    }

    #[test]
    fn an_address_cannot_take_all_slots() {
        let connections = Connections::new(100, 2, Rate::new(0));
        let one = [
            ["10.0.0.1", "10.0.0.1", "::ffff:10.0.0.1"],
            ["2001:db8::1", "2001:db8::2", "2001:db8::ffff:1:2:3"],
        ];
        let mut held = Vec::new();
        for [first, second, third] in one {
            held.extend([first, second].map(|text| connections.take(ip(text)).unwrap()));
            assert_eq!(connections.take(ip(third)).unwrap_err(), Full::Address);
        }
        for other in ["10.0.0.2", "2001:db8:0:1::1"] {
            held.push(connections.take(ip(other)).unwrap());
        }
        drop(held);
        assert!(lock(&connections.taken).by_address.is_empty());
    }

    #[tokio::test(start_paused = true)]
    async fn an_address_that_leaves_and_comes_again_has_no_more_turns() {
        let connections = Connections::new(9, 9, Rate::new(10));
        let spend = |turns| {
            connections
                .take(ip("10.0.0.1"))
                .unwrap()
                .allowance()
                .spend(turns)
        };
        assert!(spend(10).is_none());
        for again in 1..=3 {
            let wait = spend(1).expect("all were spent before") - Instant::now();
            assert_eq!(wait, Duration::from_millis(100) * again);
            connections.forget();
        }
        assert_eq!(lock(&connections.taken).left, 1);
        let other = connections.take(ip("10.0.0.2")).unwrap();
        assert!(
            other.allowance().spend(10).is_none(),
            "another's are another's"
        );
        // 13 turns.
        advance(Duration::from_millis(1301)).await;
        connections.forget();
        assert_eq!(
            lock(&connections.taken).by_address.len(),
            1,
            "the one with a connection"
        );
        assert!(spend(10).is_none());
    }

    #[tokio::test(start_paused = true)]
    async fn addresses_that_come_once_fill_no_memory() {
        let connections = Connections::new(9, 9, Rate::new(1));
        for number in 0..100_000_u32 {
            let slot = connections
                .take(IpAddr::from(number.to_be_bytes()))
                .unwrap();
            slot.allowance().spend(u64::from(number % 7 == 0) * 60 + 1);
        }
        let found = |turns: u64| {
            let taken = lock(&connections.taken);
            let full = |held: &&Held| held.allowance.full_at() >= turns * 1_000_000_000;
            taken.by_address.values().filter(full).count()
        };
        assert!(
            found(0) < 2 * REMEMBERED && found(0) > REMEMBERED,
            "{}",
            found(0)
        );
        assert!(
            found(60) >= REMEMBERED,
            "those that spent most stay: {}",
            found(60)
        );
        let left = lock(&connections.taken).left;
        assert_eq!(left, found(0));
        advance(Duration::from_secs(62)).await;
        connections.forget();
        assert_eq!(lock(&connections.taken).by_address.capacity(), 0);
    }
}
