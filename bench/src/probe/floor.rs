//! How long a small exchange with an idle server takes: the floor under every delivery.

use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use crate::clock::Moment;
use crate::net::{self, Carrier, Content, Input, Secure, SecureError, WireTotals};
use crate::result::Floor;

/// Exchanges timed; the first ones, which find everything cold, are left out.
const EXCHANGES: usize = 100;
const COLD: usize = 10;
/// A pause before each, so that both sides have gone to sleep as they have before a single message.
const PAUSE: Duration = Duration::from_millis(1);
/// A server that takes longer in all has no floor worth the name.
const LIMIT: Duration = Duration::from_secs(2);
/// Longest answer that is read, in bytes.
const LONGEST: usize = 16 * 1024;

/// Times exchanges of a `GET` of `path`, one after another on one connection. Blocks for at most
/// twice the limit of two seconds, usually for an eighth of one.
///
/// Any answer will do, an error too. There is no floor when the server ends the connection, or is
/// slow. The wire bytes of the connection are given as well: they are part of the trial's. Over TLS and HTTP/2 the
/// exchanges are carried as those of clients are; opening the connection is not in their times.
#[must_use]
pub fn floor(
    server: SocketAddr,
    authority: &str,
    secure: Option<&Secure>,
    path: &str,
) -> (Option<Floor>, Option<WireTotals>) {
    let Ok(stream) = TcpStream::connect_timeout(&server, LIMIT) else {
        return (None, Some(WireTotals::default()));
    };
    let mut connection = Connection {
        stream,
        carrier: None,
    };
    let times = connection
        .open(secure)
        .and_then(|()| connection.exchanges(authority, path));
    let wire = net::wire(&connection.stream, server).ok();
    (times.ok().and_then(summary), wire)
}

/// The one connection that exchanges are timed on.
struct Connection {
    stream: TcpStream,
    carrier: Option<Carrier>,
}

impl Connection {
    fn open(&mut self, secure: Option<&Secure>) -> io::Result<()> {
        self.stream.set_nodelay(true)?;
        self.stream.set_read_timeout(Some(LIMIT))?;
        self.stream.set_write_timeout(Some(LIMIT))?;
        if let Some(secure) = secure {
            let carrier = self
                .carrier
                .insert(Carrier::new(secure).map_err(io::Error::other)?);
            let opened = carrier.open(&mut self.stream, false);
            opened.map_err(io::Error::other)?;
        }
        Ok(())
    }

    fn exchanges(&mut self, authority: &str, path: &str) -> io::Result<Vec<u64>> {
        let began = Moment::now();
        let request = format!("GET {path} HTTP/1.1\r\nHost: {authority}\r\n\r\n");
        let mut times = Vec::with_capacity(EXCHANGES);
        for _ in 0..COLD + EXCHANGES {
            thread::sleep(PAUSE);
            let asked = Moment::now();
            self.ask(request.as_bytes())?;
            let answered = self.answer()?;
            times.push(answered.0.saturating_sub(asked.0));
            if u128::from(answered.0.saturating_sub(began.0)) > LIMIT.as_nanos() {
                return Err(io::ErrorKind::TimedOut.into());
            }
        }
        times.drain(..COLD);
        Ok(times)
    }

    fn ask(&mut self, request: &[u8]) -> io::Result<()> {
        let Some(carrier) = &mut self.carrier else {
            return self.stream.write_all(request);
        };
        let mut out = Vec::new();
        carrier.send(request, &mut out).map_err(io::Error::other)?;
        self.stream.write_all(&out)
    }

    /// Reads one answer; gives when its first bytes were there.
    fn answer(&mut self) -> io::Result<Moment> {
        let (mut text, mut ended) = (Vec::new(), false);
        let mut buffer = [0; 1024];
        let mut first = None;
        while text.len() < LONGEST {
            let count = self.stream.read(&mut buffer)?;
            let now = Moment::now();
            if count == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            let before = text.len();
            match &mut self.carrier {
                None => text.extend_from_slice(&buffer[..count]),
                Some(carrier) => {
                    let mut out = Vec::new();
                    let take = |input: Input<'_>, _: &mut Vec<u8>| {
                        match input {
                            Input::Bytes(plain) => text.extend_from_slice(plain),
                            Input::Parts(mut parts) => {
                                ended |= parts.any(|part| matches!(part.content, Content::End));
                            }
                        }
                        Ok::<(), SecureError>(())
                    };
                    let open = carrier.receive(&buffer[..count], &mut out, take);
                    self.stream.write_all(&out)?;
                    if !open.map_err(io::Error::other)? && !ended {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                }
            }
            if text.len() == before && !ended {
                continue;
            }
            let first = *first.get_or_insert(now);
            if ended || length(&text).is_some_and(|length| text.len() >= length) {
                return Ok(first);
            }
        }
        Err(io::ErrorKind::InvalidData.into())
    }
}

/// The bytes of a whole answer, by its `Content-Length`; one without a length has no body here.
fn length(text: &[u8]) -> Option<usize> {
    let end = text.windows(4).position(|part| part == b"\r\n\r\n")? + 4;
    let head = String::from_utf8_lossy(&text[..end]).to_ascii_lowercase();
    let body = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"))
        .map_or(Some(0), |value| value.trim().parse().ok());
    Some(end + body?)
}

#[expect(
    clippy::cast_precision_loss,
    reason = "spans of seconds stay far below 2^53 ns"
)]
fn summary(mut times: Vec<u64>) -> Option<Floor> {
    times.sort_unstable();
    let at = |share: f64| {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a rank below the number of samples"
        )]
        let rank = (times.len() as f64 * share).ceil() as usize;
        times.get(rank.saturating_sub(1)).map(|time| *time as f64)
    };
    Some(Floor {
        count: times.len() as u64,
        p50: at(0.5)?,
        p99: at(0.99)?,
    })
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    /// Answers so many requests, each after a pause, and ends the connection.
    fn server(answers: usize, pause: Duration) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            stream.set_nodelay(true).unwrap();
            let mut buffer = [0; 1024];
            for _ in 0..answers {
                if stream.read(&mut buffer).unwrap_or(0) == 0 {
                    return;
                }
                thread::sleep(pause);
                let _ = stream.write_all(b"HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\n");
                let _ = stream.write_all(b"no");
            }
        });
        address
    }

    #[test]
    fn the_floor_is_what_the_server_takes() {
        let (floor, wire) = floor(
            server(1000, Duration::from_millis(1)),
            "there",
            None,
            "/healthz",
        );
        let floor = floor.unwrap();
        assert_eq!(floor.count, 100);
        // Each way at least the exchanges' own bytes and a header for each.
        assert!(wire.unwrap().sent > 110 * 80 && wire.unwrap().received > 110 * 80);
        assert!(floor.p50 >= 1e6 && floor.p99 >= floor.p50, "{floor:?}");
    }

    #[test]
    fn a_server_that_hangs_up_has_no_floor() {
        assert_eq!(
            floor(server(20, Duration::ZERO), "there", None, "/healthz").0,
            None
        );
    }

    #[test]
    fn a_slow_server_has_no_floor() {
        assert_eq!(
            floor(
                server(1000, Duration::from_millis(50)),
                "there",
                None,
                "/healthz"
            )
            .0,
            None
        );
    }

    #[test]
    fn ranks_are_the_nearest() {
        let floor = summary((1..=100).collect()).unwrap();
        assert_eq!((floor.p50, floor.p99), (50.0, 99.0));
    }
}
