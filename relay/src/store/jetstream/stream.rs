//! The stream: what it has to be like, and how one is told from another.

use std::time::Duration;

use async_nats::jetstream::stream::{Config, DiscardPolicy, Info, RetentionPolicy, StorageType};
use sha2::{Digest, Sha256};

use crate::store::{StoreArgs, known_twice, subject};

/// What a stream says of itself. With its time of creation it is the stream's identity: whoever changes it makes every
/// channel begin another life.
const DESCRIPTION: &str = "Pushmark: the messages that its relays share";

/// Gives what a stream is made with.
pub(super) fn config(args: &StoreArgs, age: Duration) -> Config {
    Config {
        name: args.store_name.clone(),
        description: Some(DESCRIPTION.to_owned()),
        subjects: vec![subject::all(&args.store_name)],
        max_bytes: i64::try_from(args.store_bytes).unwrap_or(i64::MAX),
        max_age: age,
        max_messages: -1,
        max_messages_per_subject: -1,
        max_message_size: -1,
        max_consumers: -1,
        discard: DiscardPolicy::Old,
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        num_replicas: usize::from(args.store_replicas),
        // No longer than messages are kept, or the server refuses.
        duplicate_window: known_twice(age),
        // Only its front may go: see the module above.
        deny_delete: true,
        deny_purge: true,
        ..Config::default()
    }
}

/// Says what is wrong with a stream that somebody else has made, if it cannot be followed without hiding losses.
pub(super) fn objection(config: &Config) -> Option<&'static str> {
    if config.max_messages_per_subject > 0 {
        Some(
            "the stream bounds messages per subject, and so loses some in its middle: it has to be unbounded there",
        )
    } else if config.discard != DiscardPolicy::Old {
        Some("the stream refuses new messages when it is full: its discard policy has to be `old`")
    } else if config.retention != RetentionPolicy::Limits {
        Some("the stream loses messages that were read: its retention has to be `limits`")
    } else if config.subjects != [subject::all(&config.name)] {
        Some("the stream's only subject has to be its name and `.*`")
    } else {
        None
    }
}

/// Says where a stream that was there already keeps less than this relay is to: it is as it was made.
pub(super) fn remark(found: &Config, args: &StoreArgs, age: Duration) {
    if found.max_age > Duration::ZERO && found.max_age < age {
        let (stream, ring) = (found.max_age, age);
        tracing::warn!(
            ?stream,
            ?ring,
            "the stream keeps messages for less than --ring-age"
        );
    }
    let most = u64::try_from(found.max_bytes).unwrap_or(u64::MAX);
    let asked = u64::try_from(args.store_bytes).unwrap_or(u64::MAX);
    if found.max_bytes > 0 && most < asked {
        tracing::warn!(
            stream = most,
            asked,
            "the stream keeps fewer bytes than --store-bytes, which counts when it is made (nats stream edit --max-bytes)"
        );
    }
}

/// Gives a number that no other stream has, of this name or another.
pub(super) fn identity(info: &Info) -> u128 {
    let created = info.created.unix_timestamp_nanos();
    let mut hash = Sha256::new().chain_update(created.to_be_bytes());
    hash.update(info.config.name.as_bytes());
    hash.update([0]);
    hash.update(info.config.description.as_deref().unwrap_or_default());
    let bytes: [u8; 32] = hash.finalize().into();
    bytes[..16]
        .iter()
        .fold(0, |number, byte| number << 8 | u128::from(*byte))
}

/// The stream's last number before its first message that is kept.
pub(super) fn gone(info: &Info) -> u64 {
    let state = &info.state;
    if state.messages == 0 {
        state.last_sequence
    } else {
        state.first_sequence.saturating_sub(1)
    }
}

/// Gives the description of the next life of a stream: the same whichever relay computes it, from the same life.
pub(super) fn next_life(description: Option<&str>) -> String {
    const MARK: &str = " (life ";
    let text = description.unwrap_or(DESCRIPTION);
    let (before, life) = text
        .rsplit_once(MARK)
        .and_then(|(before, rest)| Some((before, rest.strip_suffix(')')?.parse::<u64>().ok()?)))
        .unwrap_or((text, 1));
    format!("{before}{MARK}{})", life.saturating_add(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lives_are_counted_in_the_description() {
        assert_eq!(next_life(Some("a log")), "a log (life 2)");
        assert_eq!(next_life(Some("a log (life 2)")), "a log (life 3)");
        assert_eq!(next_life(Some("a (life x)")), "a (life x) (life 2)");
        assert_eq!(next_life(None), format!("{DESCRIPTION} (life 2)"));
    }
}
