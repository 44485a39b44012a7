//! Bytes over TLS and HTTP/2, worked out by hand; the position in these is `xxxxxxx20`, nine bytes.

use super::*;
use crate::scenario::Http;

fn bytes(load: &Load) -> Option<f64> {
    predict(&situation(load)).wire_bytes_per_message
}

/// The same load over HTTP/1.1, HTTP/1.1 over TLS and HTTP/2 over TLS.
fn three(load: &Load) -> [f64; 3] {
    [(false, Http::One), (true, Http::One), (true, Http::Two)].map(|(tls, http)| {
        bytes(&Load {
            tls,
            http,
            ..load.clone()
        })
        .unwrap()
    })
}

#[test]
fn a_message_on_an_open_connection_gets_a_record_and_a_frame_in_place_of_a_chunk() {
    // {"position":"xxxxxxx20","payload":…} has 26 + 9 + 128 = 163 bytes, two segments 104.
    for (transport, item, http1, http2) in [
        // A line end; a chunk's "a4" and two line ends, or a frame's nine bytes.
        (Transport::Streaming, 164.0, 6.0, 9.0),
        // id: xxxxxxx20, data: …, with 13 bytes around them.
        (Transport::Sse, 150.0, 6.0, 9.0),
        // A WebSocket's own four bytes are in both.
        (Transport::Websocket, 167.0, 0.0, 9.0),
    ] {
        let [plain, secure, framed] = three(&load(transport));
        close(plain, item + http1 + 104.0);
        close(secure, item + http1 + 104.0 + 22.0);
        close(framed, item + http2 + 104.0 + 22.0);
    }
}

#[test]
fn tls_adds_a_record_to_each_request_and_each_answer() {
    let load = load(Transport::Polling);
    let [plain, secure, _] = three(&load);
    // Two messages a poll, on average.
    close(secure - plain, 44.0 / 2.0);
    let mut rare = load;
    rare.poll_interval = MS * 250;
    let [plain, secure, _] = three(&rare);
    close(secure - plain, 44.0 / 0.5);
}

#[test]
fn http_2_sends_the_lines_that_a_browser_repeats_as_a_byte_each() {
    let mut load = load(Transport::Polling);
    load.headers = Headers::Browser;
    let [plain, secure, framed] = three(&load);
    // Record, frame, three pseudo headers, the path (1 + 1 + 38, 297 bits, of Huffman's code), twelve lines.
    let request = 22.0 + 9.0 + 3.0 + 40.0 + 12.0;
    // The date is new: 1 + 1 + 23, 177 bits. The length of the body, 211: 2 + 1 + 2. Four lines, and two frames.
    let page = 22.0 + 9.0 + 4.0 + 25.0 + 5.0 + 9.0 + 39.0 + 9.0 - 1.0;
    // Two lines, the date, and the position: 2 + 1 + 8.
    let empty = 22.0 + 9.0 + 2.0 + 25.0 + 11.0;
    let silent = (-2.0_f64).exp();
    let exchange = request + 3.0 * 52.0 + silent * empty + (1.0 - silent) * page;
    close(framed, exchange / 2.0 + 164.0);
    assert!(
        framed < 0.75 * secure && plain < secure,
        "{plain} {secure} {framed}"
    );
    // Four polls a second: three of four dates were sent before.
    load.poll_interval = MS * 250;
    let silent = (-0.5_f64).exp();
    let saved = 0.75 * 24.0;
    let exchange = request + 3.0 * 52.0 + silent * empty + (1.0 - silent) * page - saved;
    close(three(&load)[2], exchange / 0.5 + 164.0);
}

#[test]
fn what_does_not_repeat_is_spelt_and_what_does_not_fit_has_no_model() {
    let mut load = load(Transport::Polling);
    (load.tls, load.http) = (true, Http::Two);
    let bare = bytes(&load).unwrap();
    // The index of `cookie` takes two bytes, the length one, 100 digits of five bits 63.
    load.cookies = "1".repeat(100);
    close(bytes(&load).unwrap() - bare, (2.0 + 1.0 + 63.0) / 2.0);
    // With an entry of 4,096 bytes a table of as many has room for nothing else.
    load.cookies = "1".repeat(4096);
    assert_eq!(bytes(&load), None);
    load.http = Http::One;
    assert!(bytes(&load).is_some());
}

#[test]
fn delays_are_those_of_the_same_floor() {
    for transport in Transport::ALL {
        let mut load = load(transport);
        let plain = predict(&situation(&load));
        (load.tls, load.http) = (true, Http::Two);
        let framed = predict(&situation(&load));
        assert_eq!(
            framed.delivery_mean_ns, plain.delivery_mean_ns,
            "{transport}"
        );
        assert_eq!(framed.delivery_p99_ns, plain.delivery_p99_ns, "{transport}");
    }
    // A connection of its own for each poll needs a round trip more for the handshake of TLS.
    let mut load = load(Transport::Polling);
    (load.keep_alive, load.tls) = (false, true);
    assert_eq!(over(&load, rtt(300)), Some(650.1));
    assert_eq!(over(&load, rtt(400)), None);
}
