//! The one timer of a connection, for whatever it waits for next.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::task::{Poll, ready};
use std::time::Duration;

use tokio::time::{Instant, Sleep};

/// A timer that lives as long as its connection.
pub(super) type Timer<'a> = Pin<&'a mut Sleep>;

/// Does `work` within `limit`; gives nothing when it takes longer.
///
/// The timer is set again only once it has run out. Nearly every answer is here long before, and to set a timer
/// for each and take it back would cost more than to read what it says.
pub(super) async fn within<T>(
    limit: Duration,
    mut timer: Timer<'_>,
    work: impl Future<Output = T>,
) -> Option<T> {
    let until = Instant::now() + limit;
    let mut work = pin!(work);
    poll_fn(|context| {
        if let Poll::Ready(done) = work.as_mut().poll(context) {
            return Poll::Ready(Some(done));
        }
        loop {
            ready!(timer.as_mut().poll(context));
            if timer.deadline() >= until {
                return Poll::Ready(None);
            }
            timer.as_mut().reset(until);
        }
    })
    .await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run<T>(work: impl Future<Output = T>) -> T {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .build()
            .unwrap();
        runtime.block_on(work)
    }

    const SHORT: Duration = Duration::from_millis(20);

    #[test]
    fn what_takes_too_long_is_given_up_neither_sooner_nor_never() {
        run(async {
            // It runs out in the middle of the second limit, and is set anew for what is left of it.
            let mut timer = pin!(tokio::time::sleep(SHORT));
            let quick = within(SHORT, timer.as_mut(), tokio::time::sleep(SHORT / 2)).await;
            assert_eq!(quick, Some(()));
            let began = Instant::now();
            let never = within(SHORT, timer.as_mut(), std::future::pending::<()>()).await;
            assert_eq!(never, None);
            assert!(began.elapsed() >= SHORT, "{:?}", began.elapsed());
        });
    }

    #[test]
    fn a_timer_that_ran_out_long_ago_gives_work_its_whole_time() {
        run(async {
            let mut timer = pin!(tokio::time::sleep(Duration::ZERO));
            timer.as_mut().await;
            let done = within(SHORT * 50, timer.as_mut(), tokio::time::sleep(SHORT)).await;
            assert_eq!(done, Some(()));
        });
    }
}
