use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::time::Duration;

use super::*;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Two ends of a connection: one that does not block, and one that does.
fn pair() -> (TcpStream, TcpStream) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let here = TcpStream::connect(listener.local_addr().unwrap()).unwrap();
    here.set_nonblocking(true).unwrap();
    (here, listener.accept().unwrap().0)
}

/// Reads once something is there; a buffer that is not full was the last of it.
async fn read(watched: &Watched<TcpStream>, buffer: &mut [u8]) -> usize {
    poll_fn(|context| {
        loop {
            if watched.poll_readable(context).is_pending() {
                return Poll::Pending;
            }
            match watched.get_ref().read(buffer) {
                Ok(count) => {
                    if count > 0 && count < buffer.len() {
                        watched.not_readable();
                    }
                    return Poll::Ready(count);
                }
                Err(_) => watched.not_readable(),
            }
        }
    })
    .await
}

/// Runs a story that must not hang.
fn run_to_its_end<T>(story: impl Future<Output = T>) -> T {
    run(timeout(ms(20_000), story)).unwrap().expect("it hangs")
}

#[test]
fn what_comes_is_read_and_so_is_an_end_that_came_with_it() {
    let (here, mut there) = pair();
    run_to_its_end(async {
        let watched = Watched::new(here).unwrap();
        let (told, mut hears) = tokio::sync::mpsc::channel(4);
        let far = std::thread::spawn(move || {
            std::thread::sleep(ms(30));
            there.write_all(b"one").unwrap();
            std::thread::sleep(ms(30));
            // Both are there when it looks: one event tells of both.
            there.write_all(b"two").unwrap();
            drop(there);
            told.blocking_send(()).unwrap();
        });
        let mut buffer = [0; 64];
        assert_eq!(read(&watched, &mut buffer).await, 3);
        hears.recv().await.unwrap();
        assert_eq!(read(&watched, &mut buffer).await, 3);
        assert_eq!(read(&watched, &mut buffer).await, 0);
        far.join().unwrap();
    });
}

#[test]
fn a_full_buffer_is_written_on_when_there_is_room_again() {
    let (here, mut there) = pair();
    let sent = run_to_its_end(async {
        let watched = Watched::new(here).unwrap();
        let far = std::thread::spawn(move || {
            std::thread::sleep(ms(50));
            let mut all = Vec::new();
            there.read_to_end(&mut all).unwrap();
            all.len()
        });
        let (mut sent, mut waits) = (0, 0);
        while waits < 2 {
            poll_fn(|context| watched.poll_writable(context)).await;
            match watched.get_ref().write(&[1; 64 * 1024]) {
                Ok(count) => sent += count,
                Err(_) => {
                    waits += 1;
                    watched.not_writable();
                }
            }
        }
        drop(watched);
        assert_eq!(far.join().unwrap(), sent);
        sent
    });
    assert!(sent > 64 * 1024);
}

#[test]
fn timers_ring_in_order_never_early_and_leave_nothing_behind() {
    let order = Rc::new(RefCell::new(Vec::new()));
    run_to_its_end(async {
        let began = Moment::now();
        for millis in [40, 10, 10, 25] {
            let order = Rc::clone(&order);
            spawn(async move {
                sleep_until(began + ms(millis)).await;
                assert!(Moment::now() >= began + ms(millis));
                order.borrow_mut().push(millis);
            });
        }
        assert!(timeout(ms(5), std::future::pending::<()>()).await.is_none());
        assert_eq!(timeout(ms(5000), async { 7 }).await, Some(7));
        sleep_until(began + ms(80)).await;
        let timers = current().clockwork.borrow().waiting();
        assert_eq!(timers, 1, "but for the one that ends this story");
    });
    assert_eq!(*order.borrow(), [10, 10, 25, 40]);
}

#[test]
fn a_limit_passes_not_early_and_only_when_it_is_not_kept() {
    run_to_its_end(async {
        let ended = Rc::new(Cell::new(0));
        let mut tasks = Vec::new();
        for (span, takes) in [(ms(50), ms(30_000)), (ms(10_000), ms(20))] {
            let (told, hears) = tokio::sync::oneshot::channel();
            tasks.push(hears);
            spawn(async move {
                let began = Moment::now();
                let kept = within(span, sleep_until(began + takes)).await;
                told.send((kept, Moment::now().since(began))).unwrap();
            });
        }
        let mut tasks = tasks.into_iter();
        let (kept, took) = tasks.next().unwrap().await.unwrap();
        assert!(kept.is_none() && took >= 50_000_000, "{took} ns");
        let (kept, took) = tasks.next().unwrap().await.unwrap();
        assert!(kept.is_some() && took >= 20_000_000, "{took} ns");
        ended.set(1);
    });
}

#[test]
fn a_socket_that_always_has_more_leaves_the_others_their_turn() {
    let (here, mut there) = pair();
    let (stop, stopped) = std::sync::mpsc::channel::<()>();
    let far = std::thread::spawn(move || {
        // Far more than it can read in the time.
        while stopped.try_recv().is_err() && there.write_all(&[0; 256 * 1024]).is_ok() {}
    });
    run_to_its_end(async {
        let watched = Watched::new(here).unwrap();
        spawn(async move {
            // One byte at a time: the socket is never empty.
            while read(&watched, &mut [0]).await > 0 {}
        });
        for _ in 0..20 {
            sleep_until(Moment::now() + ms(1)).await;
        }
    });
    drop(stop);
    far.join().unwrap();
}

#[test]
fn tasks_end_with_the_executor_even_when_one_of_them_panics() {
    let alive = Rc::new(());
    for panics in [false, true] {
        let held = Rc::clone(&alive);
        let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            run(async {
                spawn(async move {
                    let _held = held;
                    std::future::pending::<()>().await;
                });
                yield_now().await;
                if panics {
                    spawn(async { panic!("planted") });
                    std::future::pending::<()>().await;
                }
            })
        }));
        assert_eq!(result.is_err(), panics);
        assert_eq!(Rc::strong_count(&alive), 1);
    }
    // And the thread may have another.
    run_to_its_end(yield_now());
}

#[test]
fn an_event_of_a_closed_descriptor_is_not_taken_for_one_of_its_successor() {
    let mut places = Places::default();
    let (first, name) = places.take(3);
    assert_eq!(places.note(name, epoll::EventFlags::IN), Some(3));
    places.give_back(first);
    let (second, successor) = places.take(4);
    assert_eq!(first, second);
    assert_eq!(places.note(name, epoll::EventFlags::IN), None);
    assert_eq!(places.note(successor, epoll::EventFlags::IN), Some(4));
}
