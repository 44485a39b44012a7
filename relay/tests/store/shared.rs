//! Several relays and one stream.

use std::sync::Arc;

use async_nats::jetstream::stream::Config;
use relay::log::{Missed, RingLimits, Start, Wait};
use relay::store::StartError;

use crate::here::{
    args, follow, log, next, node_at, open, publish, read, ring, until, until_value, values,
};
use crate::link::Link;
use crate::nats::{self, Nats};

#[tokio::test]
async fn two_relays_show_the_same_messages_at_the_same_positions() {
    let Some(nats) = Nats::start() else { return };
    let (one, two) = (node_at(nats.address).await, node_at(nats.address).await);
    let mut readers = [
        open(&one, "a", Start::Latest).await,
        open(&two, "a", Start::Latest).await,
    ];
    let mut given = Vec::new();
    for value in 0..20 {
        let node = if value % 2 == 0 { &one } else { &two };
        given.push(publish(node, "a", value).await);
        publish(node, "b", value).await;
    }
    for reader in &mut readers {
        assert_eq!(until_value(reader, 19).await, Vec::from_iter(0..20));
    }
    for node in [&one, &two] {
        let batch = read(node, "a", Start::Earliest).await;
        let positions: Vec<_> = batch.messages.iter().map(|m| m.position).collect();
        assert_eq!(positions, given);
    }
}

#[tokio::test]
async fn a_relay_that_starts_later_has_what_is_kept_and_knows_every_position() {
    let Some(nats) = Nats::start() else { return };
    let one = node_at(nats.address).await;
    let first = publish(&one, "a.b:c", 1).await;
    publish(&one, "a.b:c", 2).await;
    let two = node_at(nats.address).await;
    let batch = read(&two, "a.b:c", Start::After(first)).await;
    assert_eq!((values(&batch), batch.missed), (vec![2], None));
    // Whoever went from a channel without messages to another relay has missed nothing.
    let quiet = open(&one, "quiet", Start::Latest).await.position();
    let batch = read(&two, "quiet", Start::After(quiet)).await;
    assert!(batch.is_empty(), "{batch:?}");
}

#[tokio::test]
async fn a_position_from_a_relay_that_is_ahead_waits_for_the_one_behind() {
    let Some(nats) = Nats::start() else { return };
    let link = Link::to(nats.address).await;
    let (ahead, behind) = (node_at(nats.address).await, node_at(link.address).await);
    publish(&ahead, "a", 1).await;
    until("it has followed", || behind.kept().messages == 1).await;
    link.cut();
    let second = publish(&ahead, "a", 2).await;
    let mut reader = open(&behind, "a", Start::After(second)).await;
    assert!(reader.next(Wait::No).await.unwrap().is_empty());
    publish(&ahead, "a", 3).await;
    link.mend();
    assert_eq!(until_value(&mut reader, 3).await, [3]);
}

#[tokio::test]
async fn a_relay_that_starts_when_messages_have_gone_tells_who_was_before_them() {
    let Some(nats) = Nats::start() else { return };
    let mut few = args(nats.place());
    few.store_bytes = 4096;
    let one = follow(&few, ring()).await.unwrap();
    let first = publish(&one, "a", 0).await;
    let last = loop {
        let position = publish(&one, "a", 1).await;
        if position.offset > 200 {
            break position;
        }
    };
    let two = follow(&few, ring()).await.unwrap();
    let batch = read(&two, "a", Start::After(first)).await;
    assert_eq!((batch.missed, batch.next), (Some(Missed::Evicted), last));
    assert!(batch.messages.len() < 200);
    let batch = read(&two, "a", Start::After(last)).await;
    assert!(batch.is_empty());
    // The one that was there all the time has kept more.
    let batch = read(&one, "a", Start::After(first)).await;
    assert_eq!((batch.missed, batch.messages.len()), (None, 200));
}

#[tokio::test]
async fn a_relay_with_room_for_fewer_channels_hides_no_loss() {
    let Some(nats) = Nats::start() else { return };
    let one = node_at(nats.address).await;
    let two = node_at(nats.address).await;
    let early = publish(&one, "early", 1).await;
    for number in 0..99 {
        // So many readers hold so many channels of the second relay.
        publish(&one, &format!("c{number}"), number).await;
    }
    let late = publish(&one, "early", 2).await;
    assert_eq!(one.kept().channels, 100);
    until("it has followed", || two.kept().messages == 101).await;
    // No relay has room for it, and none takes it.
    assert!(crate::here::try_publish(&one, "full", 1).await.is_err());
    assert_eq!(values(&read(&two, "early", Start::After(early)).await), [2]);
    assert!(read(&two, "early", Start::After(late)).await.is_empty());
}

#[tokio::test]
async fn what_others_put_into_the_stream_is_passed_over_and_counted() {
    let Some(nats) = Nats::start() else { return };
    let node = node_at(nats.address).await;
    let mut reader = open(&node, "a", Start::Latest).await;
    let admin = nats.admin().await;
    for (subject, payload) in [
        ("pushmark.a", "no json"),
        ("pushmark.a/b", "1"),
        ("pushmark.a", "{\"a\":1}\n{}"),
    ] {
        admin
            .publish(subject, payload.into())
            .await
            .unwrap()
            .await
            .unwrap();
    }
    publish(&node, "a", 5).await;
    let batch = next(&mut reader).await;
    assert_eq!((values(&batch), batch.missed), (vec![5], None));
    assert_eq!(node.store().unreadable, 3);
}

#[tokio::test]
async fn a_stream_that_hides_losses_is_refused_with_the_reason() {
    let Some(nats) = Nats::start() else { return };
    let admin = nats.admin().await;
    let config = Config {
        name: "pushmark".to_owned(),
        subjects: vec!["pushmark.*".to_owned()],
        max_messages_per_subject: 5,
        ..Config::default()
    };
    admin.create_stream(config).await.unwrap();
    let refused = follow(&args(nats.place()), ring())
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("messages per subject"), "{refused}");
}

#[tokio::test]
async fn a_relay_without_its_store_does_not_start() {
    if Nats::start().is_none() {
        return;
    }
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = free.local_addr().unwrap();
    drop(free);
    let refused = follow(&args(nats::place(address)), ring())
        .await
        .unwrap_err();
    assert!(matches!(refused, StartError::Connect { .. }), "{refused}");
    assert!(
        refused.to_string().contains(&address.to_string()),
        "{refused}"
    );
}

#[tokio::test]
async fn a_payload_that_the_server_would_refuse_is_refused_at_the_start() {
    let Some(nats) = Nats::start() else { return };
    let large = RingLimits {
        bytes: 4 << 20,
        ..ring()
    };
    let refused = log(large)
        .in_store(&args(nats.place()), 2 << 20)
        .await
        .unwrap_err();
    assert!(refused.to_string().contains("max_payload"), "{refused}");
}

#[tokio::test]
async fn a_position_in_front_of_everything_is_refused_by_every_relay() {
    let Some(nats) = Nats::start() else { return };
    let (one, two) = (
        Arc::new(node_at(nats.address).await),
        node_at(nats.address).await,
    );
    let mut position = publish(&one, "a", 1).await;
    position.offset += 1000;
    for node in [&*one, &two] {
        let start = Start::After(position);
        let start = node.settle(&crate::here::name("a"), start).await;
        assert!(node.open(&crate::here::name("a"), start).is_err());
    }
}
