//! The opening handshake: what a client may write, and what is refused with which status.

use std::net::SocketAddr;

use crate::case::{CLOSE, TEXT, close_payload, frame};
use crate::client::{KEY, Raw};

const HOST: &str = "Host: localhost";
const UPGRADE: &str = "Upgrade: websocket";
const CONNECTION: &str = "Connection: Upgrade";
const VERSION: &str = "Sec-WebSocket-Version: 13";
const KEY_LINE: &str = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==";

/// A request, and the statuses that may answer it.
#[derive(Debug)]
pub(crate) struct Handshake {
    pub(crate) name: &'static str,
    line: &'static str,
    fields: Vec<&'static str>,
    statuses: &'static [u16],
    /// Lines of the answer's head; those of an accepted key when the status is 101.
    says: Vec<&'static str>,
}

/// Gives the handshake whose other lines are as they should be.
fn changed(
    name: &'static str,
    from: &'static str,
    to: &[&'static str],
    statuses: &'static [u16],
) -> Handshake {
    let fields = [HOST, UPGRADE, CONNECTION, VERSION, KEY_LINE];
    let fields = fields.into_iter().flat_map(|field| {
        if field == from {
            to.to_vec()
        } else {
            vec![field]
        }
    });
    Handshake {
        name,
        line: "GET PATH HTTP/1.1",
        fields: fields.collect(),
        statuses,
        says: Vec::new(),
    }
}

/// Gives a good handshake with one more line.
fn with(name: &'static str, more: &'static str) -> Handshake {
    changed(name, KEY_LINE, &[KEY_LINE, more], &[101])
}

const ACCEPT: &str = "sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

pub(crate) fn cases() -> Vec<Handshake> {
    let mut cases = accepted();
    cases.extend(refused());
    for case in &mut cases {
        if case.statuses == [101] {
            if case.says.is_empty() {
                case.says.push(ACCEPT);
            }
            case.says
                .extend(["upgrade: websocket", "connection: upgrade"]);
        } else if case.statuses == [426] && case.name.contains("version") {
            case.says.push("sec-websocket-version: 13");
        }
    }
    cases
}

fn accepted() -> Vec<Handshake> {
    let mut cases = vec![
        changed("as in the RFC", "", &[], &[101]),
        changed(
            "Upgrade in other letters",
            UPGRADE,
            &["upgrade: WebSocket"],
            &[101],
        ),
        changed(
            "Upgrade among others",
            UPGRADE,
            &["Upgrade: h2c, websocket"],
            &[101],
        ),
        changed(
            "Upgrade on two lines",
            UPGRADE,
            &["Upgrade: h2c", UPGRADE],
            &[101],
        ),
        changed(
            "Connection in other letters",
            CONNECTION,
            &["CONNECTION: upgrade"],
            &[101],
        ),
        changed(
            "Connection among others",
            CONNECTION,
            &["Connection: keep-alive, Upgrade"],
            &[101],
        ),
        changed(
            "Connection among others, without spaces",
            CONNECTION,
            &["Connection:keep-alive,Upgrade,x"],
            &[101],
        ),
        changed(
            "Connection on two lines",
            CONNECTION,
            &["Connection: keep-alive", CONNECTION],
            &[101],
        ),
        changed(
            "white space around the values",
            UPGRADE,
            &["Upgrade: \t websocket \t "],
            &[101],
        ),
        changed(
            "names in lower case",
            KEY_LINE,
            &["sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=="],
            &[101],
        ),
        with(
            "another origin's name is not the server's business here",
            "X-Forwarded-Proto: https",
        ),
        with("a cookie", "Cookie: a=b; c=d"),
        with(
            "an extension that is not agreed to",
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
        ),
        with(
            "two extensions that are not agreed to",
            "Sec-WebSocket-Extensions: x-webkit-deflate-frame, foo; bar=2",
        ),
        with(
            "a subprotocol that is not spoken",
            "Sec-WebSocket-Protocol: chat, superchat",
        ),
        with("a field that nobody knows", "X-Something: else"),
    ];
    let mut other = changed(
        "another key",
        KEY_LINE,
        &["Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw=="],
        &[101],
    );
    other
        .says
        .push("sec-websocket-accept: HSmrc0sMlYUkAGmm5OPpG2HaGWk=");
    cases.push(other);
    cases
}

fn refused() -> Vec<Handshake> {
    let mut cases = vec![
        changed("no Host", HOST, &[], &[400]),
        changed("no Upgrade", UPGRADE, &[], &[426]),
        changed(
            "Upgrade to something else",
            UPGRADE,
            &["Upgrade: h2c"],
            &[426],
        ),
        changed(
            "Upgrade to something like it",
            UPGRADE,
            &["Upgrade: websocket2"],
            &[426],
        ),
        changed("no Connection", CONNECTION, &[], &[426]),
        changed(
            "Connection without Upgrade",
            CONNECTION,
            &["Connection: keep-alive"],
            &[426],
        ),
        changed("no version", VERSION, &[], &[426]),
        changed("version 8", VERSION, &["Sec-WebSocket-Version: 8"], &[426]),
        changed(
            "version 14",
            VERSION,
            &["Sec-WebSocket-Version: 14"],
            &[426],
        ),
        changed(
            "version 013",
            VERSION,
            &["Sec-WebSocket-Version: 013"],
            &[426],
        ),
        changed(
            "versions 8 and 13 at once",
            VERSION,
            &["Sec-WebSocket-Version: 8, 13"],
            &[426],
        ),
        changed(
            "the version twice",
            VERSION,
            &[VERSION, VERSION],
            &[400, 426],
        ),
        changed("no key", KEY_LINE, &[], &[400]),
        changed("an empty key", KEY_LINE, &["Sec-WebSocket-Key:"], &[400]),
        changed(
            "a key of 15 bytes",
            KEY_LINE,
            &["Sec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1"],
            &[400],
        ),
        changed(
            "a key of 17 bytes",
            KEY_LINE,
            &["Sec-WebSocket-Key: MTIzNDU2Nzg5MDEyMzQ1Njc="],
            &[400],
        ),
        changed(
            "a key that is not Base64",
            KEY_LINE,
            &["Sec-WebSocket-Key: !!!!!!!!!!!!!!!!!!!!!!=="],
            &[400],
        ),
        changed(
            "a key without its padding",
            KEY_LINE,
            &["Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ"],
            &[400],
        ),
        changed(
            "the key twice",
            KEY_LINE,
            &[KEY_LINE, "Sec-WebSocket-Key: x3JJHMbDL1EzLkh9GBhXDw=="],
            &[400],
        ),
    ];
    for (name, line, statuses) in [
        ("POST", "POST PATH HTTP/1.1", &[400, 405][..]),
        ("PUT", "PUT PATH HTTP/1.1", &[400, 405]),
        ("HTTP/1.0", "GET PATH HTTP/1.0", &[400, 426]),
    ] {
        cases.push(Handshake {
            line,
            ..changed(name, "", &[], statuses)
        });
    }
    cases
}

/// Says what is wrong with the answer, if something is.
pub(crate) fn play(
    address: SocketAddr,
    path: &str,
    case: &Handshake,
    chop: usize,
) -> Result<(), String> {
    let line = case.line.replace("PATH", path);
    let request = format!("{line}\r\n{}\r\n\r\n", case.fields.join("\r\n"));
    let mut raw = Raw::connect(address);
    raw.send(request.as_bytes(), chop);
    let head = raw.head();
    let status: u16 = head.split(' ').nth(1).unwrap().parse().unwrap();
    let lines: Vec<String> = head.lines().map(str::to_ascii_lowercase).collect();
    let said = |line: &&str| lines.contains(&line.to_ascii_lowercase());
    if !case.statuses.contains(&status) || !case.says.iter().all(said) {
        return Err(head);
    }
    if status != 101 {
        return Ok(());
    }
    let unasked = [
        "sec-websocket-extensions:",
        "sec-websocket-protocol:",
        "content-length:",
        "transfer-encoding:",
    ];
    if lines
        .iter()
        .any(|line| unasked.iter().any(|name| line.starts_with(name)))
    {
        return Err(head);
    }
    raw.send(&frame(TEXT, b"hello"), usize::MAX);
    raw.send(&frame(CLOSE, &close_payload(1000, b"")), usize::MAX);
    raw.speaks().then_some(()).ok_or(head)
}

#[test]
fn the_key_is_that_of_the_other_cases() {
    assert!(KEY_LINE.ends_with(KEY));
}
