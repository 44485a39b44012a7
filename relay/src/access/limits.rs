//! How many connections are served at once, in all and of one address: counted, never queued.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A bounded number of slots for connections.
#[derive(Debug, Clone)]
pub struct Connections {
    taken: Arc<Mutex<Taken>>,
    most: usize,
    most_of_one: usize,
}

#[derive(Debug, Default)]
struct Taken {
    all: usize,
    /// Addresses with connections, none with none.
    by_address: HashMap<IpAddr, usize>,
}

/// One connection's slot, given back when dropped.
#[derive(Debug)]
pub struct Slot {
    taken: Arc<Mutex<Taken>>,
    address: IpAddr,
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

fn lock(taken: &Mutex<Taken>) -> MutexGuard<'_, Taken> {
    taken.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Connections {
    /// Makes `most` free slots, of which one address may take `most_of_one`.
    #[must_use]
    pub fn new(most: usize, most_of_one: usize) -> Self {
        Self {
            taken: Arc::default(),
            most,
            most_of_one,
        }
    }

    /// Takes a slot.
    ///
    /// # Errors
    /// [`Full`] when all are taken, or all of the address.
    pub fn take(&self, address: IpAddr) -> Result<Slot, Full> {
        let address = place(address);
        let mut taken = lock(&self.taken);
        if taken.all >= self.most {
            return Err(Full::Relay);
        }
        let of_it = taken.by_address.entry(address).or_insert(0);
        if *of_it >= self.most_of_one {
            return Err(Full::Address);
        }
        *of_it += 1;
        taken.all += 1;
        Ok(Slot {
            taken: Arc::clone(&self.taken),
            address,
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        let mut taken = lock(&self.taken);
        taken.all -= 1;
        if let Some(of_it) = taken.by_address.get_mut(&self.address) {
            *of_it -= 1;
            if *of_it == 0 {
                taken.by_address.remove(&self.address);
                // A flood's room is not kept for ever.
                if taken.by_address.is_empty() {
                    taken.by_address = HashMap::new();
                }
            }
        }
    }
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
    use super::*;

    fn ip(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_slot_is_free_again_when_dropped() {
        let connections = Connections::new(2, 2);
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
        let connections = Connections::new(100, 2);
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
}
