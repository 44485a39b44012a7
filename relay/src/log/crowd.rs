//! Those who wait for a channel to grow, woken a few at a time.
//!
//! A thousand readers woken at once stand in the runtime's queue before everybody else, and before the next message's publisher too.
//! So only a few are on their way at any time, and each of them that arrives, or gives up, wakes the next. It is a circle: who has
//! read has to wait for all others before it reads again, however fast messages come.

use std::pin::Pin;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// How many are on their way at most.
const FLYING: usize = 64;

/// Those who wait for one channel.
#[derive(Debug, Default)]
pub(super) struct Crowd(Mutex<Circle>);

#[derive(Debug, Default)]
struct Circle {
    /// Moves whenever there is something to look at.
    version: u64,
    closed: bool,
    /// One for each reader; taken by whoever wakes it, so who finds its own gone is on its way.
    seats: Vec<Option<Waker>>,
    free: Vec<u32>,
    /// The seat that comes next.
    hand: usize,
    /// Seats to go by until everybody was woken once.
    left: usize,
    flying: usize,
}

/// One reader's place in the circle. It is to be given back.
#[derive(Debug)]
pub(super) struct Seat {
    number: u32,
    seen: u64,
}

impl Crowd {
    fn circle(&self) -> MutexGuard<'_, Circle> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives a seat that sees all that happens from now on.
    pub(super) fn sit(&self) -> Seat {
        let mut circle = self.circle();
        let number = circle.free.pop().unwrap_or_else(|| {
            circle.seats.push(None);
            // One more to go by, or the last of those who are being woken would not have its turn.
            circle.left += usize::from(circle.left > 0);
            u32::try_from(circle.seats.len() - 1).expect("invariant: fewer readers than that")
        });
        Seat {
            number,
            seen: circle.version,
        }
    }

    /// Takes a seat back, which nobody waits on.
    pub(super) fn leave(&self, seat: &Seat) {
        let mut circle = self.circle();
        circle.free.push(seat.number);
        if circle.free.len() == circle.seats.len() {
            // The room of a crowd is not kept when it has gone.
            (circle.seats, circle.free) = (Vec::new(), Vec::new());
        }
    }

    /// Says that the channel has grown.
    pub(super) fn tell(&self) {
        self.wake(|_| ());
    }

    /// Says whether the log is closed.
    pub(super) fn tell_closed(&self, closed: bool) {
        self.wake(|circle| circle.closed = closed);
    }

    fn wake(&self, change: impl FnOnce(&mut Circle)) {
        let mut woken = [const { None }; FLYING];
        {
            let mut circle = self.circle();
            change(&mut circle);
            circle.version += 1;
            circle.left = circle.seats.len();
            for place in &mut woken {
                *place = circle.next();
                if place.is_none() {
                    break;
                }
            }
        }
        // A waker may do anything, and so is called without the lock.
        woken.into_iter().flatten().for_each(Waker::wake);
    }

    /// Tells whether the log is closed, and takes all that has happened as seen.
    pub(super) fn look(&self, seat: &mut Seat) -> bool {
        let circle = self.circle();
        seat.seen = circle.version;
        circle.closed
    }

    /// Waits until something has happened that the seat has not seen, and takes it as seen. It is cancel-safe.
    pub(super) fn changed<'a>(&'a self, seat: &'a mut Seat) -> Changed<'a> {
        Changed {
            crowd: self,
            seat,
            waits: false,
        }
    }
}

impl Circle {
    /// Takes the waker of whoever is to be woken next, if one more may be.
    fn next(&mut self) -> Option<Waker> {
        while self.flying < FLYING && self.left > 0 {
            self.left -= 1;
            self.hand = (self.hand + 1) % self.seats.len().max(1);
            if let Some(waker) = self.seats.get_mut(self.hand).and_then(Option::take) {
                self.flying += 1;
                return Some(waker);
            }
        }
        None
    }

    /// Notes that whoever waited on a seat does so no longer, and gives who is to be woken in its place.
    fn arrive(&mut self, seat: &Seat) -> Option<Waker> {
        if self.seats[seat.number as usize].take().is_some() {
            return None;
        }
        self.flying -= 1;
        self.next()
    }
}

/// A wait of one reader.
#[derive(Debug)]
pub(super) struct Changed<'a> {
    crowd: &'a Crowd,
    seat: &'a mut Seat,
    /// It has left its waker.
    waits: bool,
}

impl Future for Changed<'_> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let this = &mut *self;
        let mut circle = this.crowd.circle();
        let mut next = None;
        if std::mem::take(&mut this.waits) {
            next = circle.arrive(this.seat);
        }
        let moved = circle.version != this.seat.seen;
        if moved {
            this.seat.seen = circle.version;
        } else {
            circle.seats[this.seat.number as usize] = Some(cx.waker().clone());
            this.waits = true;
        }
        drop(circle);
        if let Some(next) = next {
            next.wake();
        }
        if moved {
            Poll::Ready(())
        } else {
            Poll::Pending
        }
    }
}

impl Drop for Changed<'_> {
    fn drop(&mut self) {
        if self.waits {
            let next = self.crowd.circle().arrive(self.seat);
            if let Some(next) = next {
                next.wake();
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::task::Wake;

    use super::*;

    /// Counts how often it is woken.
    #[derive(Default)]
    struct Bell(AtomicUsize);

    impl Wake for Bell {
        fn wake(self: Arc<Self>) {
            self.0.fetch_add(1, Ordering::Relaxed);
        }
    }

    impl Bell {
        fn rung(&self) -> usize {
            self.0.load(Ordering::Relaxed)
        }
    }

    fn poll(wait: &mut Changed<'_>, bell: &Arc<Bell>) -> bool {
        let waker = Waker::from(Arc::clone(bell));
        let mut cx = Context::from_waker(&waker);
        Pin::new(wait).poll(&mut cx).is_ready()
    }

    /// Lets all of a crowd wait, and gives their bells.
    fn gather<'a>(crowd: &'a Crowd, seats: &'a mut [Seat]) -> Vec<(Changed<'a>, Arc<Bell>)> {
        let waits = seats.iter_mut().map(|seat| {
            let (mut wait, bell) = (crowd.changed(seat), Arc::<Bell>::default());
            assert!(!poll(&mut wait, &bell));
            (wait, bell)
        });
        waits.collect()
    }

    fn awake(waits: &[(Changed<'_>, Arc<Bell>)]) -> usize {
        waits.iter().filter(|(_, bell)| bell.rung() > 0).count()
    }

    #[test]
    fn all_are_woken_and_never_more_than_a_few_at_a_time() {
        let crowd = Crowd::default();
        let mut seats: Vec<Seat> = (0..200).map(|_| crowd.sit()).collect();
        let mut waits = gather(&crowd, &mut seats);
        crowd.tell();
        assert_eq!(awake(&waits), FLYING);
        for read in 0..200 {
            let at = waits
                .iter()
                .position(|(wait, bell)| wait.waits && bell.rung() == 1);
            let (wait, bell) = &mut waits[at.unwrap()];
            assert!(poll(wait, bell));
            assert_eq!(awake(&waits), (read + 1 + FLYING).min(200));
        }
        drop(waits);
        seats.iter().for_each(|seat| crowd.leave(seat));
        assert!(crowd.circle().seats.is_empty() && crowd.circle().flying == 0);
    }

    #[test]
    fn who_comes_meanwhile_takes_nobodys_turn() {
        let crowd = Crowd::default();
        let mut seats: Vec<Seat> = (0..200).map(|_| crowd.sit()).collect();
        let mut waits = gather(&crowd, &mut seats);
        crowd.tell();
        let mut late: Vec<Seat> = (0..3).map(|_| crowd.sit()).collect();
        let mut late = gather(&crowd, &mut late);
        for _ in 0..200 {
            let next = waits
                .iter_mut()
                .find(|(wait, bell)| wait.waits && bell.rung() == 1);
            let (wait, bell) = next.expect("everybody who waited is woken");
            assert!(poll(wait, bell));
        }
        let waits = |(wait, bell): &mut (Changed<'_>, Arc<Bell>)| !poll(wait, bell);
        assert!(late.iter_mut().all(waits), "they have missed nothing");
    }

    #[test]
    fn who_gives_up_on_its_way_wakes_the_next() {
        let crowd = Crowd::default();
        let mut seats: Vec<Seat> = (0..200).map(|_| crowd.sit()).collect();
        let mut waits = gather(&crowd, &mut seats);
        crowd.tell();
        for left in (0..200).rev() {
            let at = waits.iter().position(|(_, bell)| bell.rung() == 1);
            drop(waits.swap_remove(at.unwrap()));
            assert_eq!(awake(&waits), left.min(FLYING));
        }
        assert_eq!(crowd.circle().flying, 0);
    }

    #[test]
    fn who_gives_up_before_wakes_nobody_and_is_passed_over() {
        let crowd = Crowd::default();
        let mut seats: Vec<Seat> = (0..200).map(|_| crowd.sit()).collect();
        let mut waits = gather(&crowd, &mut seats);
        waits.drain(..150);
        assert_eq!(awake(&waits), 0);
        crowd.tell();
        assert_eq!(awake(&waits), 50);
    }

    #[test]
    fn what_happened_before_a_wait_ends_it_at_once() {
        let crowd = Crowd::default();
        let mut seat = crowd.sit();
        crowd.tell();
        let bell = Arc::default();
        assert!(poll(&mut crowd.changed(&mut seat), &bell));
        assert!(!poll(&mut crowd.changed(&mut seat), &bell));
        crowd.tell_closed(true);
        assert!(crowd.look(&mut seat));
        assert!(!poll(&mut crowd.changed(&mut seat), &bell));
    }

    #[test]
    fn everybody_has_a_turn_however_fast_it_grows() {
        let crowd = Crowd::default();
        let mut seats: Vec<Seat> = (0..200).map(|_| crowd.sit()).collect();
        let mut waits = gather(&crowd, &mut seats);
        // Whoever was woken first is polled first, as a runtime does.
        let (mut turns, mut rung, mut queue) = (vec![0; 200], vec![0; 200], VecDeque::new());
        for _ in 0..2000 {
            crowd.tell();
            for (at, (_, bell)) in waits.iter().enumerate() {
                if bell.rung() > rung[at] {
                    rung[at] = bell.rung();
                    queue.push_back(at);
                }
            }
            let at = queue.pop_front().unwrap();
            turns[at] += 1;
            let (wait, bell) = &mut waits[at];
            assert!(poll(wait, bell));
            assert!(!poll(wait, bell), "it has seen it");
        }
        assert!(turns.iter().all(|turns| *turns >= 5), "{turns:?}");
    }
}
