//! What header lines cost over HTTP/2 (RFC 7541), on a connection that has carried their like before.
//!
//! A line that was sent before is one byte, an index of the dynamic table. One whose value is new names its name
//! by an index and spells its value in Huffman's code. What encoders keep out of the table by habit (paths,
//! cookies, tokens, lengths) is spelt each time: this follows the crate `h2`, which client and relay both use.

/// What an entry of the dynamic table costs beside its name and value (section 4.1).
const ENTRY: usize = 32;
/// The size of the dynamic table unless somebody sets another.
const TABLE: usize = 4096;
/// Lines that are of the connection and not of the request, so HTTP/2 has none of them (RFC 9113, section 8.2.2),
/// and what an upgrade needs and an extended CONNECT does not (RFC 8441, section 5).
const HOP_BY_HOP: [&str; 4] = ["host", "connection", "upgrade", "sec-websocket-key"];
/// Lines whose value is never put into the table, with the index of the name in the static table.
const SPELT: [(&str, usize); 2] = [("authorization", 23), ("cookie", 32)];
/// The longest code of the visible characters, in bits.
const LONGEST: usize = 19;

/// Bits of the codes of the characters from space to `~` (appendix B).
const BITS: [u8; 95] = [
    6, 10, 10, 12, 13, 6, 8, 11, 10, 10, 8, 11, 8, 6, 6, 6, // space to /
    5, 5, 5, 6, 6, 6, 6, 6, 6, 6, 7, 8, 15, 6, 12, 10, // 0 to ?
    13, 6, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, 7, // @ to O
    7, 7, 7, 7, 7, 7, 7, 7, 8, 7, 8, 13, 19, 13, 14, 6, // P to _
    15, 5, 6, 5, 6, 5, 6, 6, 6, 5, 7, 7, 6, 6, 6, 5, // ` to o
    6, 7, 6, 5, 5, 6, 7, 7, 7, 7, 7, 15, 11, 14, 13, // p to ~
];

/// Bytes of a line that was sent before.
pub(super) const AGAIN: usize = 1;

/// Bytes of an index or a length, of which `prefix` bits stand in its first byte (section 5.1).
fn integer(value: usize, prefix: u32) -> usize {
    let room = (1 << prefix) - 1;
    if value < room {
        return 1;
    }
    let (mut rest, mut bytes) = (value - room, 2);
    while rest >= 128 {
        rest /= 128;
        bytes += 1;
    }
    bytes
}

/// Bytes of a text with its length (section 5.2).
pub(super) fn text(text: &str) -> usize {
    let bits = text.bytes().map(|byte| {
        let visible = usize::from(byte).checked_sub(32);
        visible
            .and_then(|at| BITS.get(at).copied())
            .map_or(LONGEST, usize::from)
    });
    let bytes = bits.sum::<usize>().div_ceil(8);
    integer(bytes, 7) + bytes
}

/// A new value of a name with an index, put into the table (section 6.2.1).
pub(super) fn changed(name: usize, value: &str) -> usize {
    integer(name, 6) + text(value)
}

/// A value of a name with an index, kept out of the table (section 6.2.2).
pub(super) fn spelt(name: usize, value: &str) -> usize {
    integer(name, 4) + text(value)
}

/// A request like those before it, of another path, by its head in HTTP/1.1; `None` when its lines do not
/// fit into the table, so that none of them is there any more when it is needed.
pub(super) fn request(head: &str) -> Option<usize> {
    let mut lines = head.split("\r\n");
    let path = lines.next()?.split(' ').nth(1)?;
    // The method and the scheme are in the static table, the authority in the dynamic one.
    let mut bytes = 3 * AGAIN + spelt(4, path);
    let mut table = 0;
    for (name, value) in lines.filter_map(|line| line.split_once(": ")) {
        let name = name.to_ascii_lowercase();
        table += ENTRY + name.len() + value.len();
        if HOP_BY_HOP.contains(&name.as_str()) {
            continue;
        }
        let kept_out = SPELT.iter().find(|(known, _)| *known == name);
        bytes += kept_out.map_or(AGAIN, |(_, index)| spelt(*index, value));
    }
    (table <= TABLE).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn huffmans_code_is_that_of_the_standards_own_examples() {
        // Appendix C.4 and C.6, a byte of length before each.
        for (value, bytes) in [
            ("www.example.com", 12),
            ("no-cache", 6),
            ("custom-key", 8),
            ("custom-value", 9),
            ("302", 2),
            ("private", 5),
            ("Mon, 21 Oct 2013 20:13:21 GMT", 22),
            ("https://www.example.com", 17),
            ("307", 3),
            ("gzip", 3),
            (
                "foo=ASDJKHQKBZXOQWEOPIUAXQWEOIU; max-age=3600; version=1",
                45,
            ),
        ] {
            assert_eq!(text(value), 1 + bytes, "{value}");
        }
    }

    #[test]
    fn an_integer_takes_as_many_bytes_as_the_standard_says() {
        // Appendix C.1: 10 and 1337 with a prefix of 5 bits, 42 with one of 8.
        assert_eq!(
            [integer(10, 5), integer(1337, 5), integer(42, 8)],
            [1, 3, 1]
        );
        assert_eq!([integer(62, 6), integer(63, 6), integer(28, 4)], [1, 2, 2]);
    }

    #[test]
    fn a_repeated_request_is_a_byte_a_line_and_its_path() {
        let head = "GET /poll?after=1 HTTP/1.1\r\nHost: localhost\r\nConnection: keep-alive\r\nAccept: */*\r\n\
                    User-Agent: a browser\r\nCookie: a=b\r\n\r\n";
        // /poll?after=1 has 77 bits, a=b 17: 10 bytes and 3, each with a byte of length, behind the index of its name.
        assert_eq!((text("/poll?after=1"), text("a=b")), (11, 4));
        // Method, scheme, authority, path; two lines; the cookie, whose name's index needs two bytes.
        assert_eq!(request(head), Some(3 + (1 + 11) + 2 + (2 + 4)));
        let long = format!("GET / HTTP/1.1\r\nX-Pad: {}\r\n\r\n", ".".repeat(4096));
        assert_eq!(request(&long), None);
    }
}
