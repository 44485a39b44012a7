//! How much one address may ask of the relay: a bucket of turns, and whoever has used it up waits for the next.
//!
//! A refusal costs as much as an answer, so refusing who asks too often would be the load that it is to prevent. Here
//! everybody is served, and nobody faster than the rate: each turn beyond the bucket has an instant of its own, one after
//! the other, and until then the relay reads nothing more of who asked. This is the generic cell rate algorithm (ITU-T I.371) in the form
//! that shapes and does not police.

use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::yield_now;
use tokio::time::Instant;

/// What the bucket holds: what may be asked at once after silence, as time at the rate.
const BURST: Duration = Duration::from_secs(1);
/// An address that has spent as much of it hurries.
const HURRY: Duration = Duration::from_millis(500);
/// How often the log is to name the same address.
const COMPLAINT: Duration = Duration::from_secs(60);
/// Turns a second, unless told.
const USUAL: u32 = 1000;
const SECOND: u64 = 1_000_000_000;

/// Turns a second of one address.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// 0 when there is no limit.
    turns: u32,
    /// Loopback addresses have no limit.
    others_alone: bool,
    begun: Instant,
}

/// The turns of one address.
///
/// It is spent from without a lock, and by all connections of the address together.
#[derive(Debug)]
pub struct Allowance {
    address: IpAddr,
    rate: Rate,
    /// When the bucket will be full again, in nanoseconds since `rate.begun`.
    full: AtomicU64,
    /// When the log named the address last, in the same way; 0 for never.
    named: AtomicU64,
    /// One place: where its pieces of work stand in line.
    line: Semaphore,
}

impl Rate {
    /// Gives so many turns a second; 0 for no limit.
    #[must_use]
    pub fn new(turns: u32) -> Self {
        Self {
            turns,
            others_alone: false,
            begun: Instant::now(),
        }
    }

    /// Gives a thousand turns a second to addresses of other machines. A loopback address is a program of this one, or a
    /// proxy that speaks for everybody.
    #[must_use]
    pub fn usual() -> Self {
        Self {
            others_alone: true,
            ..Self::new(USUAL)
        }
    }

    fn of(self, address: IpAddr) -> Self {
        match self.others_alone && address.is_loopback() {
            true => Self { turns: 0, ..self },
            false => self,
        }
    }

    fn now(self) -> u64 {
        nanos(self.begun.elapsed())
    }
}

impl Allowance {
    pub(super) fn new(address: IpAddr, rate: Rate) -> Self {
        Self {
            address,
            rate: rate.of(address),
            full: AtomicU64::new(0),
            named: AtomicU64::new(0),
            line: Semaphore::new(1),
        }
    }

    /// An address that may ask for as much as it likes.
    #[cfg(any(test, fuzzing))]
    pub(crate) fn unlimited() -> Self {
        Self::new([127, 0, 0, 1].into(), Rate::new(0))
    }

    /// Gives the address: of IPv6 its network of 64 bits.
    #[must_use]
    pub fn address(&self) -> IpAddr {
        self.address
    }

    /// Gives its turns a second; 0 when there is no limit.
    #[must_use]
    pub fn rate(&self) -> u32 {
        self.rate.turns
    }

    /// Takes turns, and gives the instant to wait for when there are not as many: they are taken all the same, so whoever
    /// comes next waits longer.
    pub fn spend(&self, turns: u64) -> Option<Instant> {
        if self.rate.turns == 0 || turns == 0 {
            return None;
        }
        let now = self.rate.now();
        let cost = turns.saturating_mul(SECOND) / u64::from(self.rate.turns);
        let later = |full: u64| full.max(now).saturating_add(cost);
        let before = self
            .full
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |full| {
                Some(later(full))
            });
        let ready = later(before.unwrap_or(0)).saturating_sub(nanos(BURST));
        (ready > now).then(|| self.rate.begun + Duration::from_nanos(ready))
    }

    /// Tells whether so much is spent that the address is to stand in line with all that it does.
    pub fn hurries(&self) -> bool {
        self.full_at().saturating_sub(self.rate.now()) > nanos(HURRY)
    }

    /// Stands in line before a piece of work that costs so many turns, or before any when the address
    /// [hurries](Self::hurries): of one address one piece is done, then what is ready of all others, then the next.
    ///
    /// Turns bound what an address does in a second. Without this it could do all of that at once, as when a large message goes
    /// to a hundred of its connections, and whatever others want would queue behind it. It takes no longer when there is nobody else.
    pub async fn line(&self, turns: u64) {
        if self.rate.turns == 0 || (turns == 0 && !self.hurries()) {
            return;
        }
        // Given back before the piece is done, which may have to wait for its client. It is never closed.
        let _place = self.line.acquire().await;
        yield_now().await;
    }

    /// Tells whether nothing of it is spent, so that a new one would be the same.
    pub(super) fn is_full(&self) -> bool {
        self.full_at() <= self.rate.now()
    }

    /// Gives when the bucket will be full again: the later, the more was spent.
    pub(super) fn full_at(&self) -> u64 {
        self.full.load(Ordering::Relaxed)
    }

    /// Tells whether it is time to name the address in the log, and takes it as done.
    #[must_use]
    pub fn is_to_be_named(&self) -> bool {
        let now = self.rate.now().max(1);
        let named = self.named.load(Ordering::Relaxed);
        let due = named == 0 || now.saturating_sub(named) >= nanos(COMPLAINT);
        due && self
            .named
            .compare_exchange(named, now, Ordering::Relaxed, Ordering::Relaxed)
            .is_ok()
    }
}

fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use tokio::task::JoinSet;
    use tokio::time::{advance, sleep_until, timeout};

    use super::*;

    #[tokio::test]
    async fn usually_only_other_machines_have_a_limit() {
        let rate = |address: [u8; 4], rate| Allowance::new(address.into(), rate).rate();
        assert_eq!(rate([127, 0, 0, 9], Rate::usual()), 0);
        assert_eq!(rate([10, 0, 0, 9], Rate::usual()), 1000);
        assert_eq!(rate([127, 0, 0, 9], Rate::new(7)), 7, "it was asked for");
    }

    fn allowance(turns: u32) -> Allowance {
        Allowance::new([10, 0, 0, 1].into(), Rate::new(turns))
    }

    #[tokio::test(start_paused = true)]
    async fn a_second_s_worth_is_free_and_then_each_turn_has_its_instant() {
        let (allowance, begun) = (allowance(10), Instant::now());
        for turn in 0..10 {
            assert_eq!(allowance.spend(1), None, "{turn}");
        }
        let tenth = |count| begun + Duration::from_millis(100) * count;
        assert_eq!(allowance.spend(1), Some(tenth(1)));
        assert_eq!(allowance.spend(3), Some(tenth(4)), "behind the one before");
        assert_eq!(allowance.spend(0), None, "nothing costs nothing");
        sleep_until(tenth(6)).await;
        assert_eq!(allowance.spend(2), None, "two have come since");
        assert_eq!(allowance.spend(1), Some(tenth(7)));
        // Silence fills it again, and no further.
        advance(Duration::from_secs(100)).await;
        assert!(allowance.is_full());
        assert_eq!(allowance.spend(10), None);
        assert!(allowance.spend(1).is_some() && !allowance.is_full());
    }

    #[tokio::test(start_paused = true)]
    async fn in_the_long_run_the_rate_holds_whoever_spends() {
        let (allowance, begun) = (allowance(100), Instant::now());
        let mut spent = 0;
        for step in 0..1000 {
            let turns = 1 + step % 7;
            spent += turns;
            if let Some(at) = allowance.spend(turns) {
                sleep_until(at).await;
            }
        }
        let least = Duration::from_secs(spent) / 100 - BURST;
        let took = begun.elapsed();
        assert!(
            took >= least && took < least + Duration::from_millis(10),
            "{took:?}"
        );
    }

    #[tokio::test]
    async fn of_a_crowd_of_one_address_one_goes_at_a_time_and_others_between() {
        let mine = Arc::new(allowance(10));
        let order = Arc::new(Mutex::new(String::new()));
        let mut all = JoinSet::new();
        for _ in 0..20 {
            let (mine, order) = (Arc::clone(&mine), Arc::clone(&order));
            all.spawn(async move {
                mine.line(1).await;
                order.lock().unwrap().push('m');
            });
        }
        let other = Arc::clone(&order);
        all.spawn(async move {
            for _ in 0..100 {
                other.lock().unwrap().push('o');
                yield_now().await;
            }
        });
        all.join_all().await;
        let order = order.lock().unwrap();
        assert_eq!(order.matches('m').count(), 20);
        // Two of them, when they are the last of one round and the first of the next.
        assert!(!order.contains("mmm"), "{order}");
    }

    #[tokio::test(start_paused = true)]
    async fn who_has_spent_half_stands_in_line_and_who_has_no_limit_never() {
        let (some, none) = (allowance(10), allowance(0));
        assert!(some.spend(5).is_none() && !some.hurries());
        assert!(some.spend(1).is_none() && some.hurries());
        let taken = some.line.acquire().await.unwrap();
        let short = Duration::from_millis(1);
        assert!(timeout(short, some.line(0)).await.is_err());
        advance(Duration::from_millis(200)).await;
        assert!(timeout(short, some.line(0)).await.is_ok(), "it has time");
        assert!(timeout(short, some.line(1)).await.is_err(), "it is much");
        drop(taken);
        assert!(timeout(short, some.line(1)).await.is_ok());
        let _taken = none.line.acquire().await.unwrap();
        none.spend(1000);
        assert!(timeout(short, none.line(1000)).await.is_ok());
    }

    #[tokio::test(start_paused = true)]
    async fn no_rate_is_no_limit() {
        let allowance = allowance(0);
        assert_eq!(allowance.spend(u64::MAX), None);
        assert!(allowance.is_full());
    }

    #[tokio::test(start_paused = true)]
    async fn the_log_names_an_address_once_a_minute() {
        let allowance = allowance(1);
        advance(Duration::from_secs(5)).await;
        assert!(allowance.is_to_be_named() && !allowance.is_to_be_named());
        advance(Duration::from_secs(59)).await;
        assert!(!allowance.is_to_be_named());
        advance(Duration::from_secs(1)).await;
        assert!(allowance.is_to_be_named());
    }
}
