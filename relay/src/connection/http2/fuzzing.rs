//! What must hold of a connection of HTTP/2, whatever its client sends.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use h2::ext::Protocol;
use http::header::{self, HeaderName, HeaderValue};
use http::{Method, Request, Uri, Version};
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex, split};
use tokio::runtime::{Builder, Runtime};
use tokio::task::yield_now;
use tokio::time::timeout;

use super::super::progress::Progress;
use super::super::strict::addressed;
use super::converse;
use super::request::known;
use crate::access::Allowance;
use crate::fuzzing::Pieces;
use crate::metrics::Closed;
use crate::settings::Settings;
use crate::state::{Role, State, empty_log};

/// What a client sends first, with its settings, of which it has none.
const OPENING: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0";
/// Between the parts of an input; no text has it.
const END: u8 = 0xff;
/// Frames (RFC 9113, section 6), and flags of theirs.
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
/// The longest frame to a client that has allowed no longer ones.
const LONGEST: usize = 16 * 1024;

thread_local! {
    static RUNTIME: Runtime = Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime of one thread");
}

/// A request over HTTP/2 is let in when its like is over HTTP/1.1, for the same host; and whatever frames come, the
/// connection ends with its client, with its streams, and answers each of them once.
pub(crate) fn connection(data: &[u8]) {
    let Some((pieces, bytes)) = Pieces::of(data) else {
        return;
    };
    for part in bytes.split(|byte| *byte == END) {
        if let [b'H' | b'E', fields @ ..] = part {
            alike(&self::fields(fields));
        }
    }
    let wire = [OPENING, &framed(bytes)].concat();
    RUNTIME.with(|runtime| runtime.block_on(served(&wire, pieces)));
}

/// Lines of `name: value`, pseudo-header fields and others.
fn fields(text: &[u8]) -> Vec<(&[u8], &[u8])> {
    let lines = text.split(|byte| *byte == b'\n');
    let field = |line: &'_ [u8]| line.windows(2).position(|pair| pair == b": ");
    lines
        .filter_map(|line| field(line).map(|at| (&line[..at], &line[at + 2..])))
        .collect()
}

/// Makes frames of the parts of an input: `H` and `E` begin the fields of a new stream, which `E` ends, `D` and `F` data of the
/// last one, which `F` ends; any other part begins with a frame's type, its flags and its stream.
fn framed(bytes: &[u8]) -> Vec<u8> {
    let (mut wire, mut stream) = (Vec::new(), 0xff_u8);
    let mut frame = |kind: u8, flags: u8, stream: u8, payload: &[u8]| {
        let length = u32::try_from(payload.len()).unwrap_or_default();
        wire.extend_from_slice(&length.to_be_bytes()[1..]);
        wire.extend([kind, flags, 0, 0, 0, stream]);
        wire.extend_from_slice(payload);
    };
    for part in bytes.split(|byte| *byte == END) {
        match part {
            [kind @ (b'H' | b'E'), text @ ..] => {
                stream = stream.wrapping_add(2);
                let ends = if *kind == b'E' { END_STREAM } else { 0 };
                let block = fields(text).into_iter().flat_map(literal);
                let block: Vec<u8> = block.collect();
                frame(HEADERS, END_HEADERS | ends, stream, &block);
            }
            [kind @ (b'D' | b'F'), payload @ ..] => {
                let ends = if *kind == b'F' { END_STREAM } else { 0 };
                frame(DATA, ends, stream, payload);
            }
            [kind, flags, stream, payload @ ..] => frame(*kind, *flags, *stream, payload),
            _ => {}
        }
    }
    wire
}

/// A field as it stands, not to be remembered (RFC 7541, section 6.2.2).
fn literal((name, value): (&[u8], &[u8])) -> Vec<u8> {
    let mut out = vec![0];
    for text in [name, value] {
        let mut length = text.len();
        if length < 127 {
            out.extend(u8::try_from(length));
        } else {
            out.push(127);
            length -= 127;
            while length >= 128 {
                out.extend(u8::try_from(length % 128 + 128));
                length /= 128;
            }
            out.extend(u8::try_from(length));
        }
        out.extend_from_slice(text);
    }
    out
}

/// Holds what becomes of a request against what becomes of its like in HTTP/1.1.
fn alike(fields: &[(&[u8], &[u8])]) {
    let Some(request) = request(fields) else {
        return;
    };
    let (mut parts, ()) = request.clone().into_parts();
    let understood = known(&mut parts);
    let authority = request.uri().authority().map(|named| named.to_string());
    // Of what it has no like for.
    if let Err(refusal) = &understood
        && ["unknown_protocol", "bad_path"].contains(&refusal.code)
    {
        return;
    }
    let let_in = understood.and_then(|()| addressed(&Request::from_parts(parts.clone(), ())));
    // Whole, as a proxy is asked.
    let mut like = request.clone();
    *like.version_mut() = Version::HTTP_11;
    if let Some(named) = authority.as_deref()
        && !like.headers().contains_key(header::HOST)
        && let Ok(named) = HeaderValue::from_str(named)
    {
        like.headers_mut().insert(header::HOST, named);
    }
    if let_in.is_err() {
        assert!(addressed(&like).is_err(), "{like:?}");
        return;
    }
    if request.method() == Method::CONNECT {
        let protocol = request.extensions().get::<Protocol>();
        assert_eq!(protocol.map(Protocol::as_str), Some("websocket"));
    }
    // By its path alone, as a server is asked.
    let path = request.uri().path_and_query().map_or("/", |p| p.as_str());
    *like.uri_mut() = path.parse().expect("a path stands for itself");
    *like.headers_mut() = parts.headers.clone();
    if like.method() == Method::CONNECT {
        *like.method_mut() = Method::GET;
    }
    assert!(addressed(&like).is_ok(), "{like:?}");
    let mut hosts = parts.headers.get_all(header::HOST).iter();
    let (host, other) = (hosts.next(), hosts.next());
    let host = host.and_then(|host| host.to_str().ok());
    assert!(other.is_none() && host.is_some());
    assert!(authority.is_none_or(|named| host == Some(&named)));
}

/// The request that `h2` makes of fields; none where it makes none.
fn request(fields: &[(&[u8], &[u8])]) -> Option<Request<()>> {
    let has = |name: &[u8]| fields.iter().any(|(known, _)| *known == name);
    let is_connect = fields.contains(&(b":method", b"CONNECT"));
    let is_extended = has(b":protocol");
    if is_connect != is_extended && (is_extended || has(b":scheme") || has(b":path")) {
        return None;
    }
    let mut request = Request::new(());
    *request.version_mut() = Version::HTTP_2;
    let mut uri = Uri::builder();
    for (name, value) in fields {
        let text = std::str::from_utf8(value).ok()?;
        match *name {
            b":method" => *request.method_mut() = text.parse().ok()?,
            // It says nothing without a host.
            b":scheme" if has(b":authority") => uri = uri.scheme(text),
            b":scheme" => {}
            b":authority" => uri = uri.authority(text),
            b":path" => uri = uri.path_and_query(text),
            b":protocol" => {
                request.extensions_mut().insert(Protocol::from(text));
            }
            name => {
                let name = HeaderName::from_lowercase(name).ok()?;
                let value = HeaderValue::from_bytes(value).ok()?;
                request.headers_mut().append(name, value);
            }
        }
    }
    *request.uri_mut() = uri.build().ok()?;
    Some(request)
}

/// Serves a client that sends these bytes, reads all it gets, and goes.
async fn served(wire: &[u8], pieces: Pieces) {
    let settings = Settings::default();
    let log = empty_log(&settings);
    let address = SocketAddr::from(([127, 0, 0, 1], 1));
    let role = Role::Relay { copy: None };
    let state = Arc::new(State::new(settings, address, role, log, None));
    let (client, relay) = duplex(64 * 1024);
    let (mut reader, mut writer) = split(client);
    let progress = Progress::new(Arc::new(Allowance::unlimited()));
    let mut got = Vec::new();
    let client = async {
        let first = wire.len().min(OPENING.len());
        // The relay may have ended before all has been sent.
        let mut open = writer.write_all(&wire[..first]).await.is_ok();
        for piece in pieces.cut(&wire[first..]) {
            open = open && writer.write_all(piece).await.is_ok();
            yield_now().await;
        }
        // Streams are tasks of their own: they have their turns before the client goes.
        for _ in 0..8 {
            yield_now().await;
        }
        let _ = writer.shutdown().await;
    };
    let talk = async {
        let relay = async {
            let reason = converse(relay, &progress, &state).await;
            yield_now().await;
            reason
        };
        tokio::join!(relay, client, reader.read_to_end(&mut got)).0
    };
    let reason = timeout(Duration::from_secs(5), talk).await;
    let reason = reason.expect("it ends with its client");
    assert!(
        matches!(reason, Closed::Client | Closed::Finished | Closed::Protocol),
        "{reason:?}"
    );
    assert_eq!(state.metrics.open_streams(), 0);
    let kept = state.log.kept();
    assert_eq!(kept.messages as u64, state.metrics.published_total());
    for (stream, answer) in answers(&got) {
        assert!(
            answer.heads <= 1 && answer.ends <= 1,
            "{stream}: {answer:?}"
        );
        assert!(
            answer.data == 0 || answer.heads == 1,
            "{stream}: {answer:?}"
        );
    }
}

/// What came on one stream.
#[derive(Debug, Default)]
struct Answered {
    heads: usize,
    data: usize,
    /// By its last frame, or by a reset.
    ends: usize,
}

/// Reads what the relay sent: whole frames, each within its bounds, the last perhaps cut off.
fn answers(mut got: &[u8]) -> BTreeMap<u32, Answered> {
    let mut answers = BTreeMap::<u32, Answered>::new();
    let mut first = true;
    while let Some((head, rest)) = got.split_at_checked(9) {
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]) as usize;
        let (kind, flags) = (head[3], head[4]);
        let stream = u32::from_be_bytes([head[5], head[6], head[7], head[8]]);
        assert!(length <= LONGEST);
        assert!(!first || kind == SETTINGS, "its settings come first");
        first = false;
        let answer = answers.entry(stream).or_default();
        match kind {
            HEADERS => answer.heads += 1,
            DATA => {
                assert_eq!(answer.ends, 0, "data behind the end of {stream}");
                answer.data += 1;
            }
            RST_STREAM if answer.ends == 0 => answer.ends += 1,
            _ => {}
        }
        if (kind == HEADERS || kind == DATA) && flags & END_STREAM != 0 {
            answer.ends += 1;
        }
        let Some(rest) = rest.get(length..) else {
            break;
        };
        got = rest;
    }
    answers.remove(&0);
    answers
}
