//! Little that becomes much: compressed bodies, frames that announce more than there is, deep and wide JSON.

use std::fs;
use std::process::{Child, Command, Stdio};

use tokio::time::Instant;

use crate::harness::{Client, HANDSHAKE, Relay, Web, frame, get, post};
use crate::spawn;

/// A relay as a process of its own, whose memory can be told from the test's.
struct Apart {
    child: Child,
    address: std::net::SocketAddr,
}

impl Apart {
    fn start(arguments: &[&str]) -> Self {
        let mut relay = Command::new(env!("CARGO_BIN_EXE_relay"));
        relay
            .args(["--listen", "127.0.0.1:0", "--log-level", "off"])
            .args(arguments)
            .stdin(Stdio::null());
        let (child, line) = spawn::spawn(&mut relay);
        let address = spawn::address(&line);
        Self { child, address }
    }

    fn connect(&self) -> Client {
        Client::plain(self.address)
    }

    fn socket(&self) -> Web {
        let mut client = self.connect();
        client.send(format!(
            "GET /channels/a/socket HTTP/1.1\r\nHost: localhost\r\n{HANDSHAKE}\r\n"
        ));
        assert!(client.head().starts_with("HTTP/1.1 101"));
        Web(client)
    }

    /// The most memory that it ever had, in kilobytes.
    fn most_memory(&self) -> u64 {
        self.memory("VmHWM:")
    }

    /// What the kernel says under some name, in kilobytes.
    fn memory(&self, name: &str) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix(name));
        line.unwrap()
            .trim()
            .trim_end_matches(" kB")
            .parse()
            .unwrap()
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A frame's head that announces a payload of some length, and its mask.
fn announces(first: u8, length: u64) -> Vec<u8> {
    [&[first, 0xff], &length.to_be_bytes()[..], &[1, 2, 3, 4]].concat()
}

#[test]
fn a_frame_that_announces_more_than_there_is_takes_no_memory() {
    let relay = Apart::start(&[]);
    let largest = 64 * 1024 + 1024;
    let before = {
        let _sockets: Vec<_> = (0..100).map(|_| relay.socket()).collect();
        relay.most_memory()
    };
    for (length, code) in [
        (1 << 63, 1002),
        (u64::MAX, 1002),
        ((1 << 63) - 1, 1009),
        (1 << 32, 1009),
        (largest + 1, 1009),
    ] {
        for first in [0x81, 0x82, 0x01] {
            let mut sockets: Vec<_> = (0..10).map(|_| relay.socket()).collect();
            for socket in &mut sockets {
                socket.0.send(announces(first, length));
                assert_eq!(socket.closed(), code, "{length} {first:x}");
            }
        }
    }
    // What may come is waited for, and takes no more memory than has come of it.
    let mut sockets: Vec<_> = (0..100).map(|_| relay.socket()).collect();
    for socket in &mut sockets {
        socket.0.send(announces(0x81, largest));
    }
    assert!(sockets.iter_mut().all(|socket| socket.0.is_silent()));
    let more = relay.most_memory() - before;
    assert!(more < 4 * 1024, "{more} kB for frames that never came");
}

#[test]
fn a_socket_keeps_no_room_of_its_largest_message() {
    let relay = Apart::start(&["--max-body", "512KiB"]);
    let mut sockets: Vec<_> = (0..64).map(|_| relay.socket()).collect();
    let message = "x".repeat(512 * 1024);
    let mut send = |web: &mut Web| {
        web.text(&message);
        assert!(web.next_text().contains("bad_frame"));
    };
    // What the first one needs, the next ones can have again.
    sockets[..4].iter_mut().for_each(&mut send);
    let before = relay.memory("VmRSS:");
    sockets[4..].iter_mut().for_each(&mut send);
    let more = relay.memory("VmRSS:").saturating_sub(before);
    assert!(more < 8 * 1024, "{more} kB, of 30 MiB that 60 sockets sent");
}

#[test]
fn a_message_in_the_smallest_pieces_has_the_same_largest_size() {
    let relay = Relay::with(|settings| settings.max_body = 1024);
    let most = 1024 + 1024;
    let mut web = Web::open(&relay, "?receive=false");
    let mut pieces = frame(0x01, b"x");
    pieces.extend(frame(0x00, b"x").repeat(most - 1));
    // As many empty ones as one likes change nothing.
    pieces.extend(frame(0x00, b"").repeat(50_000));
    web.0.send(&pieces);
    assert!(web.0.is_silent(), "it is not over");
    web.0.send(frame(0x80, b""));
    assert!(
        web.next_text().contains("bad_frame"),
        "all of it is a message"
    );
    web.0.send(&pieces);
    web.0.send(frame(0x00, b"x"));
    assert_eq!(web.closed(), 1009, "one more");
}

#[test]
fn nothing_is_inflated() {
    let relay = Relay::start();
    for coding in [
        "gzip",
        "x-gzip",
        "deflate",
        "br",
        "zstd",
        "compress",
        "gzip, identity",
    ] {
        let plain = post("/channels/a/messages", "1");
        let coded = plain.replace(
            "Content-Length",
            &format!("Content-Encoding: {coding}\r\nContent-Length"),
        );
        let answer = relay.ask(coded);
        assert!(
            answer.starts_with("HTTP/1.1 415") && answer.contains("accept-encoding: identity\r\n"),
            "{coding}: {answer}"
        );
    }
    let handshake = format!(
        "GET /channels/a/socket HTTP/1.1\r\nHost: relay\r\n{HANDSHAKE}\
         Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n\r\n"
    );
    let mut client = relay.send(handshake);
    let head = client.head();
    assert!(
        head.starts_with("HTTP/1.1 101") && !head.contains("extensions"),
        "{head}"
    );
    let mut web = Web(client);
    // RSV1: a compressed message, of a client that does not ask what was agreed.
    web.frame(0xc1, b"\x4a\x04\x00");
    assert_eq!(web.closed(), 1002);
    relay.counts("relay_published_total 0");
}

#[test]
fn deep_json_is_refused_and_ends_nothing() {
    let relay = Relay::with(|settings| {
        (settings.max_body, settings.ring_bytes) = (4 << 20, 16 << 20);
    });
    let depth = 100_000;
    let mut web = Web::open(&relay, "?receive=false");
    for (open, close) in [("[", "]"), (r#"{"a":"#, "}")] {
        for deep in [
            open.repeat(depth),
            format!("{}1{}", open.repeat(depth), close.repeat(depth)),
        ] {
            let answer = relay.ask(post("/channels/a/messages", &deep));
            assert!(
                answer.starts_with("HTTP/1.1 400") && answer.contains("bad_json"),
                "{answer:.300}"
            );
            web.text(&format!(r#"{{"publish":{deep},"id":1}}"#));
            let answer = web.next_text();
            assert!(answer.contains(r#""error""#), "{answer:.300}");
            web.text(&deep);
            assert!(web.next_text().contains("bad_frame"));
        }
    }
    web.text(r#"{"publish":1}"#);
    assert!(web.next_text().contains("published"), "the socket goes on");
}

/// Makes JSON of some length.
type Make = fn(usize) -> String;

#[test]
fn wide_json_takes_time_by_its_length() {
    let relay = Relay::with(|settings| {
        (settings.max_body, settings.ring_bytes) = (4 << 20, 16 << 20);
    });
    let mut web = Web::open(&relay, "?receive=false");
    let make: [(&str, Make); 7] = [
        ("digits", |size| "9".repeat(size)),
        ("digits behind a point", |size| {
            format!("0.{}", "1".repeat(size))
        }),
        ("an exponent", |size| format!("1e{}", "9".repeat(size))),
        ("a string of escapes", |size| {
            format!("\"{}\"", r"\u0000".repeat(size / 6))
        }),
        ("a string of backslashes", |size| {
            format!("\"{}\"", r"\\".repeat(size / 2))
        }),
        ("the same key", |size| {
            format!("{{{}\"k\":0}}", "\"k\":1,".repeat(size / 6))
        }),
        ("empty arrays", |size| {
            format!("[{}[]]", "[],".repeat(size / 3))
        }),
    ];
    for (name, json) in make {
        let mut time = |size: usize| {
            let (post, text) = (
                post("/channels/a/messages", &json(size)),
                format!(r#"{{"publish":{}}}"#, json(size)),
            );
            // Other tests run beside it: of several times the shortest is its own.
            let times = (0..3).map(|_| {
                let begun = Instant::now();
                assert!(relay.ask(&post).starts_with("HTTP/1.1 201"), "{name}");
                web.text(&text);
                assert!(web.next_text().contains("published"), "{name}");
                begun.elapsed()
            });
            times.min().unwrap()
        };
        let (short, long) = (time(100_000), time(1_600_000));
        // 16 times as long; in quadratic time it would be 256 times.
        assert!(long < short * 100, "{name}: {short:?}, {long:?}");
    }
}

#[test]
fn json_stays_as_it_came() {
    let relay = Relay::start();
    let mut web = Web::open(&relay, "?receive=false");
    for json in [
        r#"{"a":1,"a":2,"a":{"a":3}}"#,
        r#""\u0061\u00e9\/\ud83d\ude00\u0000""#,
        "123456789012345678901234567890.10E+0009",
        "-0.0",
        r#"{"__proto__":{"x":1},"constructor":[]}"#,
        r#""</script><!--""#,
    ] {
        relay.publish(json);
        web.text(&format!(r#"{{"publish":{json}}}"#));
        assert!(web.next_text().contains("published"));
        let kept = relay.ask(get("/channels/a/messages?after=earliest"));
        assert_eq!(
            kept.matches(&format!(r#""payload":{json}}}"#)).count(),
            2,
            "{kept}"
        );
    }
}
