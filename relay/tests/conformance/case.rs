//! A case: what a client sends after the handshake, and what the server may do.

use std::fmt;

/// First bytes of frames that are the last of their message.
pub(crate) const TEXT: u8 = 0x81;
pub(crate) const BINARY: u8 = 0x82;
pub(crate) const CLOSE: u8 = 0x88;
pub(crate) const PING: u8 = 0x89;
pub(crate) const PONG: u8 = 0x8a;
/// First bytes of the parts of a message.
pub(crate) const BEGIN_TEXT: u8 = 0x01;
pub(crate) const BEGIN_BINARY: u8 = 0x02;
pub(crate) const GO_ON: u8 = 0x00;
pub(crate) const FINISH: u8 = 0x80;

/// A frame that a server sent, or may send: its first byte and its payload.
pub(crate) type Frame = (u8, Vec<u8>);

/// What is sent, and what may come of it.
#[derive(Debug, Clone)]
pub(crate) struct Case {
    pub(crate) name: String,
    pub(crate) bytes: Vec<u8>,
    /// The client ends its side of the connection after the bytes.
    pub(crate) leaves: bool,
    /// Every outcome that the RFC allows.
    pub(crate) allowed: Vec<Outcome>,
}

/// What the server did, or may do.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Outcome {
    /// Data and pong frames.
    pub(crate) frames: Vec<Frame>,
    pub(crate) end: End,
}

/// How the connection ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// It went on: the client closed it in the end, and the close was answered in kind.
    Open,
    /// The server sent a close frame with this code, none when it is empty, and ended the connection.
    Closed(Option<u16>),
    /// The connection ended without a close frame.
    Gone,
    /// Neither: the server sent nothing more. No case allows it.
    Silent,
}

impl Case {
    pub(crate) fn new(
        name: impl Into<String>,
        bytes: impl Into<Vec<u8>>,
        allowed: Vec<Outcome>,
    ) -> Self {
        Self {
            name: name.into(),
            bytes: bytes.into(),
            leaves: false,
            allowed,
        }
    }

    /// Tells whether the client is the one to close, should the server let the bytes pass.
    pub(crate) fn may_stay_open(&self) -> bool {
        self.allowed.iter().any(|outcome| outcome.end == End::Open)
    }
}

/// The server gives these frames, and the socket goes on.
pub(crate) fn gives(frames: Vec<Frame>) -> Vec<Outcome> {
    vec![Outcome {
        frames,
        end: End::Open,
    }]
}

/// The server gives these frames and closes, with one of the codes.
pub(crate) fn closes(frames: &[Frame], codes: &[Option<u16>]) -> Vec<Outcome> {
    let outcome = |code| Outcome {
        frames: frames.to_vec(),
        end: End::Closed(code),
    };
    codes.iter().copied().map(outcome).collect()
}

/// The server gives nothing and closes with this code.
pub(crate) fn fails(code: u16) -> Vec<Outcome> {
    closes(&[], &[Some(code)])
}

/// Makes a masked frame with the shortest length.
pub(crate) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    masked(first, [0x37, 0xfa, 0x21, 0x3d], payload)
}

/// Makes a frame with a given mask.
pub(crate) fn masked(first: u8, mask: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut out = head(first, payload.len() as u64);
    out.extend(mask);
    out.extend(
        payload
            .iter()
            .zip(mask.iter().cycle())
            .map(|(byte, key)| byte ^ key),
    );
    out
}

/// Makes the head of a masked frame with the shortest length, up to its mask.
pub(crate) fn head(first: u8, length: u64) -> Vec<u8> {
    let mut out = vec![first];
    match length {
        0..=125 => out.push(0x80 | length as u8),
        126..=0xffff => {
            out.push(0x80 | 126);
            out.extend((length as u16).to_be_bytes());
        }
        _ => {
            out.push(0x80 | 127);
            out.extend(length.to_be_bytes());
        }
    }
    out
}

/// Makes a frame whose length is written in 16 or 64 bits, needed or not.
pub(crate) fn long_form(first: u8, bits: u32, payload: &[u8]) -> Vec<u8> {
    let length = payload.len() as u64;
    let mut out = vec![first, 0x80 | if bits == 16 { 126 } else { 127 }];
    out.extend(&length.to_be_bytes()[8 - bits as usize / 8..]);
    // A mask of zeros changes nothing.
    out.extend([0; 4]);
    out.extend(payload);
    out
}

/// Makes the frames of a message in parts.
pub(crate) fn in_parts(begin: u8, parts: &[&[u8]]) -> Vec<Vec<u8>> {
    let last = parts.len() - 1;
    let part = |(at, part): (usize, &&[u8])| {
        let opcode = if at == 0 { begin } else { GO_ON };
        let fin = if at == last { FINISH } else { 0 };
        frame(opcode | fin, part)
    };
    parts.iter().enumerate().map(part).collect()
}

/// Makes the payload of a close frame.
pub(crate) fn close_payload(code: u16, reason: &[u8]) -> Vec<u8> {
    [&code.to_be_bytes(), reason].concat()
}

/// Some text of this many bytes.
pub(crate) fn text(length: usize) -> Vec<u8> {
    (b'a'..=b'z').cycle().take(length).collect()
}

/// Bytes of this number in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl fmt::Debug for Outcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (first, payload) in &self.frames {
            let shown = String::from_utf8_lossy(&payload[..payload.len().min(60)]);
            write!(f, "{first:02x} {shown:?} ({} bytes), ", payload.len())?;
        }
        write!(f, "{:?}", self.end)
    }
}
