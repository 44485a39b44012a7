//! Where the server does otherwise than the cases allow, and why that stays.

use crate::case::End;

/// Cases that do not pass.
#[derive(Debug)]
pub(crate) struct Deviation {
    pub(crate) group: &'static str,
    /// How the names of its cases begin.
    pub(crate) cases: &'static str,
    /// What happens instead.
    pub(crate) instead: End,
    pub(crate) reason: &'static str,
}

/// All of them. A case that passes again must leave the list: the tests say so.
pub(crate) const DEVIATIONS: [Deviation; 1] = [Deviation {
    group: "Close",
    cases: "close 1014",
    instead: End::Closed(Some(1002)),
    reason: "1014 (bad gateway) was registered after the RFC; tungstenite takes it for a code without \
             meaning and answers 1002. It is a gateway's to send, and the socket closes either way",
}];

impl Deviation {
    /// Tells whether a case is one of these.
    pub(crate) fn is(&self, group: &str, case: &str) -> bool {
        self.group == group && case.starts_with(self.cases)
    }
}
