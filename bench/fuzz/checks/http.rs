//! Responses, and bodies in chunks.

use bench::net::http::{Head, HttpError, Piece, Reader};

use super::pieces::{Pieces, chunked as in_chunks};

/// What a connection brought.
#[derive(Debug, Default, PartialEq, Eq)]
struct Read {
    heads: Vec<Head>,
    /// The bodies, one for each head that has one.
    bodies: Vec<Vec<u8>>,
    ends: usize,
    error: Option<HttpError>,
    ends_with_close: bool,
    /// Bytes up to the end of the first response.
    first: Option<usize>,
}

fn read(wire: &[u8], pieces: Pieces) -> Read {
    let (mut reader, mut read) = (Reader::default(), Read::default());
    let mut taken_in_all = 0;
    for mut input in pieces.cut(wire) {
        loop {
            let (taken, piece) = match reader.read(input) {
                Ok(next) => next,
                Err(error) => {
                    read.error = Some(error);
                    return read;
                }
            };
            input = &input[taken..];
            taken_in_all += taken;
            match piece {
                Piece::Head(head) => {
                    assert!(head.length <= wire.len());
                    read.heads.push(head);
                    read.bodies.push(Vec::new());
                }
                Piece::Body(bytes) => match read.bodies.last_mut() {
                    Some(body) => body.extend_from_slice(bytes),
                    None => unreachable!("a body without a head"),
                },
                Piece::End => {
                    read.ends += 1;
                    read.first.get_or_insert(taken_in_all);
                }
                Piece::More => break,
            }
        }
        assert!(input.is_empty(), "more is asked for and not all was taken");
    }
    read.ends_with_close = reader.ends_with_close();
    read
}

/// Responses read alike however they are cut, and their heads as httparse reads them.
pub(crate) fn responses(data: &[u8]) {
    let Some((pieces, wire)) = Pieces::of(data) else {
        return;
    };
    let whole = read(wire, Pieces::WHOLE);
    assert_eq!(read(wire, pieces), whole);
    let mut headers = [httparse::EMPTY_HEADER; 64];
    let mut response = httparse::Response::new(&mut headers);
    let status = response.parse(wire);
    match (whole.heads.first(), status) {
        (Some(head), Ok(httparse::Status::Complete(length))) => {
            assert_eq!((Some(head.status), head.length), (response.code, length));
        }
        (Some(head), other) => unreachable!("{head:?}, and httparse says {other:?}"),
        (None, Ok(httparse::Status::Complete(_))) => assert!(whole.error.is_some()),
        (None, _) => {}
    }
}

/// A body in chunks is what was put in them; and what is taken for chunks is what httparse takes.
pub(crate) fn chunked(data: &[u8]) {
    const HEAD: &[u8] = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n";
    let Some((pieces, bytes)) = Pieces::of(data) else {
        return;
    };
    let wrapped = [HEAD, &in_chunks(pieces, bytes, true)].concat();
    let back = read(&wrapped, pieces);
    assert_eq!((back.bodies.concat(), back.ends), (bytes.to_vec(), 1));

    let wire = [HEAD, bytes].concat();
    let whole = read(&wire, Pieces::WHOLE);
    assert_eq!(read(&wire, pieces), whole);
    if let Some(length) = whole.first {
        let by_httparse = by_httparse(&wire[HEAD.len()..length]);
        assert_eq!(by_httparse.as_ref(), whole.bodies.first());
    }
}

/// Takes the chunk framing off a whole body; nothing when httparse does not take a size.
fn by_httparse(mut chunks: &[u8]) -> Option<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let httparse::Status::Complete((head, size)) = httparse::parse_chunk_size(chunks).ok()?
        else {
            return None;
        };
        chunks = chunks.get(head..)?;
        if size == 0 {
            return Some(body);
        }
        let size = usize::try_from(size).ok()?;
        body.extend_from_slice(chunks.get(..size)?);
        chunks = chunks.get(size..)?.strip_prefix(b"\r\n")?;
    }
}
