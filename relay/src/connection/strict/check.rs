//! Where one request ends and the next begins, by the bytes alone.

use super::chunks::Chunks;
use super::head::{Framing, Head};
use super::line::Violation;

/// What a connection's bytes are, as far as they have come.
#[derive(Debug, Default)]
pub(super) struct Check {
    part: Part,
    broken: Option<(Place, Violation)>,
}

/// What the present bytes are of.
#[derive(Debug)]
enum Part {
    Head(Head),
    /// A body of which so much is still to come.
    Body(u64),
    Chunks(Chunks),
}

/// Where something is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Head,
    Body,
}

impl Default for Part {
    fn default() -> Self {
        Self::Head(Head::default())
    }
}

impl Check {
    /// Gives what ended the connection; nothing that comes after it counts.
    pub(super) fn broken(&self) -> Option<(Place, Violation)> {
        self.broken
    }

    /// Gives how many of the next bytes may go on: all of them, or those before the line that breaks the rules.
    pub(super) fn pass(&mut self, bytes: &[u8]) -> usize {
        let mut at = 0;
        while at < bytes.len() && self.broken.is_none() {
            at += self.step(&bytes[at..]);
        }
        at
    }

    fn step(&mut self, bytes: &[u8]) -> usize {
        let (place, violation, read) = match &mut self.part {
            Part::Head(head) => match head.read(bytes) {
                Ok((read, framing)) => {
                    if let Some(framing) = framing {
                        self.part = Part::after(framing);
                    }
                    return read;
                }
                Err((read, violation)) => (Place::Head, violation, read),
            },
            Part::Body(left) => {
                let read = usize::try_from(*left).map_or(bytes.len(), |left| left.min(bytes.len()));
                *left -= read as u64;
                if *left == 0 {
                    self.part = Part::default();
                }
                return read;
            }
            Part::Chunks(chunks) => match chunks.read(bytes) {
                Ok((read, over)) => {
                    if over {
                        self.part = Part::default();
                    }
                    return read;
                }
                Err((read, violation)) => (Place::Body, violation, read),
            },
        };
        self.broken = Some((place, violation));
        read
    }
}

impl Part {
    /// Gives what comes after a head.
    fn after(framing: Framing) -> Self {
        match framing {
            Framing::Length(0) => Self::default(),
            Framing::Length(length) => Self::Body(length),
            Framing::Chunks => Self::Chunks(Chunks::default()),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const POST: &str = "POST / HTTP/1.1\r\n";

    fn read(pieces: &[&[u8]]) -> (usize, Option<(Place, Violation)>) {
        let mut check = Check::default();
        let passed = pieces.iter().map(|piece| check.pass(piece)).sum();
        (passed, check.broken())
    }

    #[test]
    fn requests_follow_each_other() {
        for body in [
            "Content-Length: 3\r\n\r\n\n\n\n",
            "\r\n",
            "Transfer-Encoding: chunked\r\n\r\n2\r\n\n\n\r\n0;a=\"b\"\r\nX: y\r\n\r\n",
        ] {
            let twice = format!("\r\n{POST}{body}").repeat(2);
            assert_eq!(read(&[twice.as_bytes()]), (twice.len(), None), "{body}");
            let wrong = twice.clone() + "\n";
            let end = Some((Place::Head, Violation::BareLf));
            assert_eq!(read(&[wrong.as_bytes()]), (twice.len(), end), "{body}");
        }
    }

    #[test]
    fn what_is_wrong_is_found_on_its_line() {
        use Place::{Body, Head};
        use Violation::{BareLf, Chunk, Coding, Endless, Extension, Fragment, Framing, Length};
        let chunks = "Transfer-Encoding: chunked\r\n\r\n";
        for (before, line, place, violation) in [
            ("", "GET /#x HTTP/1.1\r\n", Head, Fragment),
            ("", "GET / HTTP/1.1\n", Head, BareLf),
            (POST, "X: y\n", Head, BareLf),
            (POST, "CONTENT-LENGTH: 5 5\r\n", Head, Length),
            (POST, "Content-Length: \r\n", Head, Length),
            (
                POST,
                "Content-Length: 18446744073709551616\r\n",
                Head,
                Length,
            ),
            (POST, "transfer-encoding: gzip\r\n", Head, Endless),
            (POST, "Transfer-Encoding: gzip, chunked\r\n", Head, Coding),
            (
                &format!("{POST}Content-Length: 1\r\n"),
                "Content-Length: 1\r\n",
                Head,
                Framing,
            ),
            (&format!("{POST}{chunks}"), "1\n", Body, BareLf),
            (&format!("{POST}{chunks}"), "1 \r\n", Body, Chunk),
            (&format!("{POST}{chunks}"), "0x1\r\n", Body, Chunk),
            (&format!("{POST}{chunks}"), "1;\0\r\n", Body, Extension),
            (&format!("{POST}{chunks}1\r\n1"), "1\r\n", Body, Chunk),
            (&format!("{POST}{chunks}0\r\n"), "X: y\n", Body, BareLf),
        ] {
            let bytes = format!("{before}{line}0\r\n\r\n");
            let found = Some((place, violation));
            assert_eq!(read(&[bytes.as_bytes()]), (before.len(), found), "{line:?}");
        }
    }

    #[test]
    fn a_chunk_line_is_not_waited_for_without_end() {
        let begun = format!("{POST}Transfer-Encoding: chunked\r\n\r\n1;");
        let mut check = Check::default();
        check.pass(begun.as_bytes());
        let passed = (0..100_000).take_while(|_| check.pass(b"x") == 1).count();
        assert!(passed <= 260, "{passed}");
        assert_eq!(check.broken(), Some((Place::Body, Violation::Extension)));
    }

    /// Pieces of requests, right and wrong.
    fn piece() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![
            "GET / HTTP/1.1\r\n",
            "\r\n",
            "\n",
            "\r",
            "X: y\r\n",
            "Content-Length: 3\r\n",
            "Content-Length: 3",
            "Transfer-Encoding: chunked\r\n",
            "\r\n\r\n",
            "3\r\nabc\r\n",
            "0\r\n\r\n",
            "abc",
            "3;x\r\n",
            "#",
        ])
    }

    proptest! {
        #[test]
        fn the_pieces_that_bytes_come_in_make_no_difference(
            pieces in prop::collection::vec(piece(), 0..12),
            cuts in prop::collection::vec(0_usize..200, 0..6),
        ) {
            let bytes = pieces.concat().into_bytes();
            let whole = read(&[&bytes]);
            let mut cuts: Vec<_> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let parts: Vec<_> = cuts.windows(2).map(|cut| &bytes[cut[0]..cut[1]]).collect();
            let mut check = Check::default();
            for part in &parts {
                check.pass(part);
            }
            prop_assert_eq!(check.broken(), whole.1);
        }

        #[test]
        fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let mut check = Check::default();
            prop_assert!(check.pass(&bytes) <= bytes.len());
        }
    }
}
