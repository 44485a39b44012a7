//! The table of cases, by group.

mod close;
mod control;
mod fragments;
mod framing;
mod header;
mod limits;
mod text;

use crate::case::Case;

/// The cases of one subject.
#[derive(Debug)]
pub(crate) struct Group {
    pub(crate) name: &'static str,
    /// What the RFC says of it, by section.
    pub(crate) sections: &'static str,
    pub(crate) cases: Vec<Case>,
    /// The relay's `--max-body`; none for its default.
    pub(crate) max_body: Option<usize>,
}

/// Gives all groups.
pub(crate) fn all() -> Vec<Group> {
    let group = |name, sections, cases| Group {
        name,
        sections,
        cases,
        max_body: None,
    };
    vec![
        group("Framing", "5.2, 5.6", framing::cases()),
        group("Masking", "5.1, 5.3", framing::masking()),
        group("Ping and pong", "5.5.2, 5.5.3", control::cases()),
        group("Reserved bits", "5.2", header::reserved_bits()),
        group("Opcodes", "5.2", header::opcodes()),
        group("Fragmentation", "5.4, 5.5", fragments::cases()),
        group("UTF-8", "5.6, 8.1", text::cases()),
        group("Close", "5.5.1, 7.1, 7.4", close::cases()),
        Group {
            max_body: Some(limits::MAX_BODY),
            ..group("Limits", "10.4, 7.4.1", limits::cases())
        },
    ]
}
