//! Channels as subjects of NATS: one token each, below the stream's name.

use crate::message::ChannelName;

/// Separates tokens in a subject, and may stand in a channel's name.
const DOT: char = '.';
/// Stands for it in a subject. No channel's name has one, so no two channels meet.
const TILDE: char = '~';

/// Gives the subject of a channel. Of what a name may hold only the dot means something to NATS.
pub(super) fn subject(stream: &str, channel: &ChannelName) -> String {
    format!("{stream}.{}", channel.as_str().replace(DOT, "~"))
}

/// Gives the subjects of all channels.
pub(super) fn all(stream: &str) -> String {
    format!("{stream}.*")
}

/// Gives the channel of a subject; `None` when no relay has made it.
pub(super) fn channel(stream: &str, subject: &str) -> Option<ChannelName> {
    let token = subject.strip_prefix(stream)?.strip_prefix(DOT)?;
    if token.contains(DOT) {
        return None;
    }
    ChannelName::parse(&token.replace(TILDE, ".")).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_channel_is_one_token_and_comes_back(text in "[A-Za-z0-9_.:-]{1,128}") {
            let name = ChannelName::parse(&text).unwrap();
            let subject = subject("pushmark", &name);
            prop_assert_eq!(subject.matches('.').count(), 1);
            prop_assert!(!subject.contains(['*', '>', ' ']) && !subject.ends_with('.'));
            prop_assert_eq!(channel("pushmark", &subject), Some(name));
        }
    }

    #[test]
    fn what_no_relay_made_is_no_channel() {
        for foreign in [
            "pushmark",
            "pushmark.",
            "pushmark.a.b",
            "pushmarks.a",
            "other.a",
            "pushmark.a/b",
        ] {
            assert_eq!(channel("pushmark", foreign), None, "{foreign}");
        }
    }
}
