//! A row of the table: bytes that a client may send, and what the RFCs say to them.

/// What RFC 9110 or 9112 says to a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Demand {
    /// It is to be refused: whoever takes it takes what hides in it for a part of it, or not.
    Hiding,
    /// It is to be refused: whoever takes it agrees on where it ends.
    Refuse,
    /// It may be refused or taken.
    May,
    /// It is to be taken as one request, whatever is answered.
    One,
    /// It is two requests, and both are to be answered.
    Two,
}

impl Demand {
    pub(crate) fn words(self) -> &'static str {
        match self {
            Self::Hiding | Self::Refuse => "refuse",
            Self::May => "may refuse",
            Self::One => "one request",
            Self::Two => "two requests",
        }
    }
}

/// One row.
#[derive(Debug)]
pub(crate) struct Row {
    pub(crate) name: &'static str,
    pub(crate) demand: Demand,
    /// Where the RFCs say so.
    pub(crate) section: &'static str,
    /// The bytes as Latin-1, with [`MARKER`] and what is made of its length still to be filled in.
    pub(crate) template: String,
}

/// Stands for the request that is hidden in another.
pub(crate) const MARKER: &str = "<MARKER>";
/// Stand for the length of that request in decimal and in hexadecimal digits.
pub(crate) const LENGTH: &str = "<LENGTH>";
pub(crate) const HEX: &str = "<HEX>";

/// The length of that request and `more`, in decimal digits.
pub(crate) fn plus(more: usize) -> String {
    (marker("x.000").len() + more).to_string()
}

/// The hidden request: it publishes on a channel that nothing else publishes on.
///
/// Names of channels are equally long, so that its length is always the same.
pub(crate) fn marker(channel: &str) -> String {
    format!(
        "POST /channels/{channel}/messages HTTP/1.1\r\nHost: localhost\r\n\
         Content-Type: application/json\r\nContent-Length: 1\r\n\r\n1"
    )
}

impl Row {
    pub(crate) fn new(
        name: &'static str,
        demand: Demand,
        section: &'static str,
        template: String,
    ) -> Self {
        Self {
            name,
            demand,
            section,
            template,
        }
    }

    /// Gives the bytes, with the hidden request for one channel.
    pub(crate) fn bytes(&self, channel: &str) -> Vec<u8> {
        let marker = marker(channel);
        let text = self
            .template
            .replace(LENGTH, &marker.len().to_string())
            .replace(HEX, &format!("{:x}", marker.len()))
            .replace(MARKER, &marker);
        text.chars()
            .map(|c| u8::try_from(u32::from(c)).unwrap())
            .collect()
    }
}

/// A request that publishes `1` when it is taken, with more fields and another body.
pub(crate) fn post(fields: &str, body: &str) -> String {
    posts("HTTP/1.1", fields, body)
}

/// The same in some version.
pub(crate) fn posts(version: &str, fields: &str, body: &str) -> String {
    format!(
        "POST /channels/row/messages {version}\r\nHost: localhost\r\n\
         Content-Type: application/json\r\n{fields}\r\n{body}"
    )
}

/// A request that is answered with 200, with another field, and another request behind it.
pub(crate) fn field(line: &str) -> String {
    format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\n{line}\r\n\r\n")
}

/// A request with another first line.
pub(crate) fn line(line: &str) -> String {
    format!("{line}\r\nHost: localhost\r\n\r\n")
}
