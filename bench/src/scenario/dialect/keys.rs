//! The tables of `[target.template]` and the keys they take.

use crate::scenario::Transport;
use crate::scenario::keys::Section;

pub(super) const TEMPLATE: Section = Section {
    name: "target.template",
    keys: &[
        "channel",
        "publish",
        "polling",
        "long-polling",
        "streaming",
        "sse",
        "websocket",
    ],
};

pub(super) const PUBLISH: Section = Section {
    name: "target.template.publish",
    keys: &["method", "url", "headers", "body"],
};

const POLLS: &[&str] = &[
    "method",
    "url",
    "resume_url",
    "headers",
    "resume_headers",
    "body",
    "cursor",
    "nothing",
    "framing",
    "messages",
];

/// The keys of each transport.
pub(super) const WAYS: [(Transport, Section); 5] = [
    (
        Transport::Polling,
        Section {
            name: "target.template.polling",
            keys: POLLS,
        },
    ),
    (
        Transport::LongPolling,
        Section {
            name: "target.template.long-polling",
            keys: POLLS,
        },
    ),
    (
        Transport::Streaming,
        Section {
            name: "target.template.streaming",
            keys: &[
                "method",
                "url",
                "resume_url",
                "headers",
                "resume_headers",
                "body",
                "cursor",
                "framing",
            ],
        },
    ),
    (
        Transport::Sse,
        Section {
            name: "target.template.sse",
            keys: &[
                "method",
                "url",
                "resume_url",
                "headers",
                "resume_headers",
                "body",
                "cursor",
            ],
        },
    ),
    (
        Transport::Websocket,
        Section {
            name: "target.template.websocket",
            keys: &[
                "url",
                "resume_url",
                "headers",
                "resume_headers",
                "cursor",
                "subprotocol",
                "hello",
                "ready",
                "replies",
                "publish",
            ],
        },
    ),
];
