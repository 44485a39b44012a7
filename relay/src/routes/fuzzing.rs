//! What must hold of addresses.

use http::Method;

use super::query::{Query, decode};
use super::target::Target;
use crate::access::Wanted;
use crate::message::ChannelName;
use crate::state::Role;

const ROLE: Role = Role::Relay { copy: None };

/// An address means the same however it is written, and none of a channel's passes for anybody's.
pub(crate) fn target(data: &[u8]) {
    let Ok(text) = std::str::from_utf8(data) else {
        return;
    };
    let (path, query) = match text.split_once('?') {
        Some((path, query)) => (path, Some(query)),
        None => (text, None),
    };
    let query = Query::parse(query);
    let target = Target::of(path, ROLE);
    let channel = target.channel();
    if let Some(Ok(name)) = &channel {
        for method in [Method::GET, Method::POST, Method::DELETE] {
            match target.wanted(&method, channel.as_ref(), &query) {
                Wanted::Read(wanted) | Wanted::Publish(wanted) => assert_eq!(wanted, name.as_str()),
                other => unreachable!("{other:?} for {path}"),
            }
        }
        // Written in full, it is the same address.
        let leaf = path.rsplit('/').next().unwrap_or_default();
        let again = format!("/channels/{}/{leaf}", in_full(name.as_str()));
        let target_again = Target::of(&again, ROLE);
        assert_eq!(target_again.channel(), channel.clone());
        assert_eq!(
            target_again.route(&Method::GET, false),
            target.route(&Method::GET, false)
        );
    }
    assert_eq!(decode(&in_full(text)).as_deref(), Some(text));
    match decode(path) {
        Some(decoded) => assert_eq!(decoded.len() + 2 * escapes(path), path.len()),
        None => assert!(path.contains('%')),
    }
    // A value goes through a query unharmed, and the first counts.
    let written = format!(
        "x=1&after={}&after=other&wait={}",
        in_full(text),
        in_full(path)
    );
    let read = Query::parse(Some(&written));
    assert_eq!(
        (read.after.as_deref(), read.wait.as_deref()),
        (Some(text), Some(path))
    );
    assert_eq!(Query::parse(Some("")), Query::default());
    if ChannelName::parse(text).is_ok() {
        let path = format!("/channels/{text}/events");
        let found = Target::of(&path, ROLE).channel();
        assert_eq!(
            found.and_then(Result::ok).as_ref().map(ChannelName::as_str),
            Some(text)
        );
    }
}

fn in_full(text: &str) -> String {
    text.bytes().map(|byte| format!("%{byte:02x}")).collect()
}

/// The `%XX` of a text that is decoded from left to right.
fn escapes(text: &str) -> usize {
    text.bytes().filter(|byte| *byte == b'%').count()
}
