//! Bytes over a link, on real sockets.

use std::future::poll_fn;
use std::io::Read;
use std::net::TcpListener;
use std::thread;

use super::*;
use crate::net::{Over, Socket, Traffic, dial};
use crate::reactor;
use crate::scenario::Link;

fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

/// Connects over a link to a server that does `serve`, and does `client` there.
fn over<T>(
    link: Link,
    serve: impl FnOnce(TcpStream) -> T + Send + 'static,
    client: impl AsyncFnOnce(Socket),
) -> T
where
    T: Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || serve(listener.accept().unwrap().0));
    let driven = reactor::run(async {
        let wheel = Wheel::new().unwrap();
        let over = Over {
            link,
            seed: 1,
            wheel: Rc::clone(&wheel),
        };
        let traffic = Rc::new(Traffic::to(address));
        let story = async {
            client(
                dial::dial(address, None, traffic, Some(over))
                    .await
                    .unwrap(),
            )
            .await;
        };
        tokio::select! {
            () = story => {}
            error = wheel.turn() => unreachable!("{error}"),
            () = reactor::sleep_until(Moment::now() + ms(20_000)) => unreachable!("it hangs"),
        }
    });
    driven.unwrap();
    server.join().unwrap()
}

fn rtt(millis: u64) -> Link {
    Link {
        rtt: ms(millis),
        ..Link::NONE
    }
}

async fn receive(socket: &Socket) -> io::Result<(Vec<u8>, Option<Moment>)> {
    let mut buffer = vec![0; 65_536];
    let received = poll_fn(|context| socket.poll_receive(context, &mut buffer)).await?;
    buffer.truncate(received.count);
    Ok((buffer, received.arrival))
}

#[test]
fn each_way_takes_half_a_round_trip_and_connecting_a_whole_one() {
    let began = Moment::now();
    let (heard, answered) = over(
        rtt(100),
        |mut stream| {
            let mut request = [0; 3];
            stream.read_exact(&mut request).unwrap();
            let heard = Moment::now();
            stream.write_all(&request).unwrap();
            (heard, Moment::now())
        },
        async |socket| {
            assert!(Moment::now() >= began + ms(100));
            let sent = Moment::now();
            socket.send_all(b"abc").await.unwrap();
            let (bytes, arrival) = receive(&socket).await.unwrap();
            assert_eq!(bytes, b"abc");
            let arrival = arrival.unwrap();
            // Within a microsecond or so: the two clocks are not read at once.
            assert!(arrival.since(sent) >= 100_000_000 - 50_000);
            assert!(Moment::now() >= arrival);
        },
    );
    assert!(heard >= began + ms(150) && answered >= heard);
}

#[test]
fn the_end_comes_after_the_bytes_before_it() {
    over(
        rtt(100),
        |mut stream| {
            // Asked first, as what comes before the client's socket is ready has no stamp.
            stream.read_exact(&mut [0; 5]).unwrap();
            stream.write_all(b"bye").unwrap();
        },
        async |socket| {
            socket.send_all(b"hello").await.unwrap();
            let (bytes, arrival) = receive(&socket).await.unwrap();
            assert_eq!(bytes, b"bye");
            let (nothing, _) = receive(&socket).await.unwrap();
            assert!(nothing.is_empty() && Moment::now() >= arrival.unwrap());
        },
    );
}

#[test]
fn a_reset_travels_too_and_then_stays() {
    over(
        rtt(200),
        |mut stream| {
            stream.write_all(b"bye").unwrap();
            // Until it has been fetched, long before it is due.
            thread::sleep(ms(150));
            let socket = socket2::Socket::from(stream);
            socket.set_linger(Some(Duration::ZERO)).unwrap();
        },
        async |socket| {
            assert_eq!(receive(&socket).await.unwrap().0, b"bye");
            for _ in 0..2 {
                let error = receive(&socket).await.unwrap_err();
                assert_eq!(error.kind(), io::ErrorKind::ConnectionReset);
            }
        },
    );
}

#[test]
fn a_server_that_sends_more_than_the_link_carries_has_to_wait() {
    let narrow = Link {
        down: Some(80_000),
        ..Link::NONE
    };
    let wrote = over(
        narrow,
        |mut stream| {
            stream.set_nonblocking(true).unwrap();
            let (mut wrote, began) = (0, Moment::now());
            // Until the client has gone.
            while Moment::now() < began + ms(10_000) {
                match stream.write(&[b'x'; 65_536]) {
                    Ok(count) => wrote += count,
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => {
                        thread::sleep(ms(5));
                    }
                    Err(_) => break,
                }
            }
            wrote
        },
        async |socket| {
            let began = Moment::now();
            let mut got = 0;
            while Moment::now() < began + ms(600) {
                got += receive(&socket).await.unwrap().0.len();
            }
            // A segment of 1,500 bytes each 150 ms.
            assert!((1_448..=20 * 1_448).contains(&got), "{got}");
        },
    );
    // Loopback would have carried a hundred times as much.
    assert!(wrote < 10 << 20, "{wrote}");
}

#[test]
fn a_client_that_sends_more_than_the_link_holds_has_to_wait_and_loses_nothing() {
    const ALL: usize = 8 << 20;
    let got = over(
        rtt(20),
        |mut stream| {
            thread::sleep(ms(200));
            let (mut buffer, mut got) = (vec![0; 65_536], 0);
            while got < ALL {
                got += stream.read(&mut buffer).unwrap();
            }
            got
        },
        async |socket| {
            let all = vec![b'x'; ALL];
            let mut sent = 0;
            while let Ok(count) = socket.try_send(&all[sent..]) {
                sent += count;
            }
            assert!((1..ALL / 2).contains(&sent), "{sent}");
            socket.send_all(&all[sent..]).await.unwrap();
            // What has been sent still has its way to go.
            reactor::sleep_until(Moment::now() + ms(500)).await;
        },
    );
    assert_eq!(got, ALL);
}
