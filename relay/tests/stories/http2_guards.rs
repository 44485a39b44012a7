//! Clients of HTTP/2 that are slow or mean harm: each is ended, counted, and alone in it.

use std::time::Duration;

use bytes::Bytes;
use h2::Reason;
use h2::client::Builder;
use http::Request;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::harness::Relay;
use crate::multiplex::{Mux, connect, tell};

const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const CONTINUATION: u8 = 9;

/// Makes a frame of HTTP/2.
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    let mut out = length[1..].to_vec();
    out.extend([kind, flags]);
    out.extend(stream.to_be_bytes());
    out.extend(payload);
    out
}

/// Sends bytes on a new connection and gives the code of the GOAWAY that it is ended with.
async fn ended_with(relay: &Relay, parts: impl Iterator<Item = Vec<u8>>) -> Option<u32> {
    let (mut read, mut write) = tokio::io::split(connect(relay).await);
    let sending = async {
        let begin = [PREFACE, &frame(SETTINGS, 0, 0, &[])].concat();
        write.write_all(&begin).await?;
        for part in parts {
            write.write_all(&part).await?;
        }
        write.flush().await
    };
    let reading = async {
        loop {
            let mut head = [0; 9];
            read.read_exact(&mut head).await.ok()?;
            let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
            let mut payload = vec![0; usize::try_from(length).unwrap()];
            read.read_exact(&mut payload).await.ok()?;
            if head[3] == GOAWAY {
                return Some(u32::from_be_bytes(payload[4..8].try_into().unwrap()));
            }
        }
    };
    // The relay may close before all is sent: that is what is asked for.
    let both = async { tokio::join!(sending, reading).1 };
    timeout(Duration::from_secs(10), both).await.unwrap()
}

/// `GET https://relay/healthz`, in HPACK without a table.
fn request() -> Vec<u8> {
    let mut block = vec![0x82, 0x87, 0x04, 8];
    block.extend(b"/healthz");
    block.extend([0x01, 5]);
    block.extend(b"relay");
    block
}

#[test]
fn floods_end_their_connection() {
    let relay = Relay::secure(false, |_| ());
    let calm = u32::from(Reason::ENHANCE_YOUR_CALM);
    tell(async {
        let mut witness = Mux::open(&relay).await;
        // Rapid reset (CVE-2023-44487): requests that are taken back at once.
        let resets = (0..2000).map(|n| {
            let stream = n * 2 + 1;
            let cancel = u32::from(Reason::CANCEL).to_be_bytes();
            [
                frame(HEADERS, 5, stream, &request()),
                frame(RST_STREAM, 0, stream, &cancel),
            ]
            .concat()
        });
        // Sent as one, so that the relay finds all of it.
        let resets = std::iter::once(resets.flatten().collect());
        assert_eq!(ended_with(&relay, resets).await, Some(calm));
        // CONTINUATION without an end (2024).
        let more = (0..10_000).map(|n| match n {
            0 => frame(HEADERS, 1, 1, &request()),
            _ => frame(CONTINUATION, 0, 1, b"\x00\x01a\x01b"),
        });
        assert_eq!(ended_with(&relay, more).await, Some(calm));
        // Nonsense.
        let nonsense = std::iter::once(frame(HEADERS, 5, 1, &[0xff; 20]));
        let code = u32::from(Reason::PROTOCOL_ERROR);
        assert_eq!(ended_with(&relay, nonsense).await, Some(code));
        relay.counts("relay_closed_total{reason=\"protocol\"} 3");
        assert_eq!(witness.get("/healthz").await.status, 200);
    });
}

#[test]
fn a_head_that_is_too_large_is_refused() {
    let relay = Relay::secure(false, |_| ());
    tell(async {
        let mut mux = Mux::open(&relay).await;
        let long = "x".repeat(20_000);
        let begun = mux.begin("/healthz", &[("x-long", &long)]).await;
        assert_eq!(begun.answer().await.status, 431);
        assert_eq!(mux.get("/healthz").await.status, 200);
        let mut request = Request::get("https://relay/healthz").body(()).unwrap();
        let headers = request.headers_mut();
        headers.insert("host", "evil.example".parse().unwrap());
        let begun = mux.send(request, true, None).await;
        assert_eq!(begun.answer().await.status, 400, "two hosts are none");
    });
}

#[test]
fn a_body_has_its_size_and_its_time() {
    let relay = Relay::secure(false, |settings| {
        settings.max_body = 100;
        settings.body_deadline = Duration::from_millis(300);
    });
    tell(async {
        let mut mux = Mux::open(&relay).await;
        let post = || {
            let request = Request::post("https://relay/channels/a/messages");
            let request = request.header("content-type", "application/json");
            request.body(()).unwrap()
        };
        let long = format!("\"{}\"", "x".repeat(200));
        let begun = mux.send(post(), false, Some(&long)).await;
        assert_eq!(begun.answer().await.status, 413);
        let mut slow = mux.send(post(), false, None).await;
        slow.send
            .send_data(Bytes::from_static(b"\"x"), false)
            .unwrap();
        assert_eq!(slow.answer().await.status, 408);
        assert_eq!(mux.get("/healthz").await.status, 200);
    });
}

#[test]
fn a_connection_has_four_answers_under_way_and_its_waits_beside() {
    let relay = Relay::secure(false, |_| ());
    tell(async {
        let mut other = Mux::open(&relay).await;
        let page = format!("\"{}\"", "x".repeat(60_000));
        other.publish(&page).await;
        // It asks for page upon page and takes a hundred bytes of each.
        let mut windows = Builder::new();
        windows.initial_window_size(100);
        let mut greedy = Mux::with(&relay, windows).await;
        let mut stream = greedy.get("/channels/a/stream").await;
        let mut asked = JoinSet::new();
        for _ in 0..10 {
            let begun = greedy.begin("/channels/a/messages?after=earliest", &[]);
            asked.spawn(begun.await.answer());
        }
        let mut answers = Vec::new();
        let pause = Duration::from_secs(1);
        while let Ok(Some(answer)) = timeout(pause, asked.join_next()).await {
            answers.push(answer.unwrap());
        }
        assert_eq!(answers.len(), 4, "the others wait until the write deadline");
        other.publish("1").await;
        assert!(stream.until("\n").await.contains("\"payload\":1"));
        assert_eq!(other.get("/healthz").await.status, 200);
    });
}

#[test]
fn a_connection_without_requests_is_ended() {
    let relay = Relay::secure(false, |settings| {
        settings.header_deadline = Duration::from_millis(400);
        settings.keep_alive = Duration::from_millis(200);
    });
    tell(async {
        // It waits: that is no idleness.
        let mut waits = Mux::open(&relay).await;
        let mut stream = waits.get("/channels/a/stream").await;
        let mut silent = connect(&relay).await;
        // An end or a cut: it is over.
        let mut read = Vec::new();
        let ended = silent.read_to_end(&mut read);
        let _ = timeout(Duration::from_secs(5), ended).await.unwrap();
        let idle = Mux::open(&relay).await;
        idle.ended().await.unwrap();
        waits.publish("1").await;
        assert!(stream.until("\n").await.contains("\"payload\":1"));
        // Asked on the connection that lives: another one would be counted too.
        let counted = waits.get("/metrics").await.text().await;
        for reason in ["header_deadline", "finished"] {
            let line = format!("relay_closed_total{{reason=\"{reason}\"}} 1\n");
            assert!(counted.contains(&line), "{line}: {counted}");
        }
    });
}

#[test]
fn a_client_that_reads_nothing_of_its_connection_is_closed() {
    let relay = Relay::secure(false, |settings| {
        settings.write_deadline = Duration::from_millis(400);
        settings.ring_bytes = 64 << 20;
    });
    tell(async {
        let stream = connect(&relay).await;
        let mut windows = Builder::new();
        windows
            .initial_window_size(1 << 30)
            .initial_connection_window_size(1 << 30);
        let (mut requests, mut connection) = windows.handshake::<_, Bytes>(stream).await.unwrap();
        let request = Request::get("https://relay/channels/a/stream")
            .body(())
            .unwrap();
        let (answer, _) = requests.send_request(request, true).unwrap();
        tokio::select! {
            answer = answer => assert_eq!(answer.unwrap().status(), 200),
            _ = &mut connection => panic!("it ended"),
        }
        // From here on nobody reads: the windows are wide, and TCP is full.
        let mut other = Mux::open(&relay).await;
        let text = format!("\"{}\"", "x".repeat(60_000));
        for _ in 0..300 {
            other.publish(&text).await;
        }
        let mut closed = String::new();
        for _ in 0..500 {
            closed = other.get("/metrics").await.text().await;
            if closed.contains("relay_closed_total{reason=\"write_deadline\"} 1\n") {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{closed}");
    });
}

#[test]
fn a_head_without_an_end_has_the_time_of_a_head_behind_other_requests_too() {
    let relay = Relay::secure(false, |settings| {
        settings.header_deadline = Duration::from_millis(300);
    });
    tell(async {
        let parts = [
            frame(HEADERS, 5, 1, &request()),
            // No END_HEADERS, and a part of the frame that could end it.
            frame(HEADERS, 1, 3, &request()),
            frame(CONTINUATION, 4, 3, b"\x00\x01a\x01b")[..11].to_vec(),
        ];
        let code = u32::from(Reason::NO_ERROR);
        assert_eq!(ended_with(&relay, parts.into_iter()).await, Some(code));
        relay.counts("relay_closed_total{reason=\"header_deadline\"} 1");
    });
}
