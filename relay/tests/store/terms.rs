//! What the server allows a relay: who may come, and how much it keeps.

use relay::log::Start;
use relay::store::{StartError, StoreArgs};

use crate::here::{args, follow, publish, read, ring, values};
use crate::nats::{self, Nats};

/// A relay's flags, with somebody in the URL.
fn as_user(user: &str, nats: &Nats) -> StoreArgs {
    let url = format!("nats://{user}{}", nats.address);
    args(url.parse().unwrap())
}

async fn refused(args: &StoreArgs) -> String {
    let error: StartError = follow(args, ring()).await.unwrap_err();
    error.to_string()
}

#[tokio::test]
async fn user_and_password_of_the_url_open_the_store_and_others_do_not() {
    let config = r#"jetstream: enabled
        authorization { user: pushmark, password: "p@ss:/%" }"#;
    let Some(nats) = Nats::start_with(config) else {
        return;
    };
    let terms = as_user("pushmark:p%40ss%3A%2F%25@", &nats);
    let node = follow(&terms, ring()).await.unwrap();
    publish(&node, "a", 1).await;
    assert_eq!(values(&read(&node, "a", Start::Earliest).await), [1]);
    for wrong in ["", "pushmark:wrong@", "pushmark@"] {
        let error = follow(&as_user(wrong, &nats), ring()).await.unwrap_err();
        // At once: it is not tried again, as it is where nobody answers.
        assert!(matches!(error, StartError::Refused { .. }), "{error}");
        let said = error.to_string();
        assert!(said.contains("authorization violation"), "{said}");
        assert!(!said.contains("wrong"), "{said}");
    }
}

#[tokio::test]
async fn a_token_of_the_url_opens_the_store() {
    let config = "jetstream: enabled\nauthorization { token: s3cret }";
    let Some(nats) = Nats::start_with(config) else {
        return;
    };
    let node = follow(&as_user("s3cret@", &nats), ring()).await.unwrap();
    publish(&node, "a", 1).await;
}

#[tokio::test]
async fn a_server_with_less_room_than_asked_for_is_said_with_what_helps() {
    let Some(nats) = Nats::start_with("jetstream { max_file_store: 64MB }") else {
        return;
    };
    let mut terms = args(nats::place(nats.address));
    terms.store_bytes = 1 << 30;
    let said = refused(&terms).await;
    assert!(
        said.contains("--store-bytes (1073741824 B)") && said.contains("max_file_store"),
        "{said}"
    );
    terms.store_bytes = 32 << 20;
    publish(&follow(&terms, ring()).await.unwrap(), "a", 1).await;
    // There is one now: it is followed as it is, and the log says that it keeps less.
    terms.store_bytes = 1 << 30;
    follow(&terms, ring()).await.unwrap();
}

#[tokio::test]
async fn an_account_without_room_or_without_jetstream_is_said_with_what_helps() {
    let config = "jetstream { max_file_store: 1GB }
        accounts {
            little { users: [{ user: little, password: a }], jetstream: { max_file: 64MB } }
            none { users: [{ user: none, password: a }] }
        }";
    let Some(nats) = Nats::start_with(config) else {
        return;
    };
    let said = refused(&as_user("little:a@", &nats)).await;
    assert!(
        said.contains("--store-bytes (268435456 B)") && said.contains("max_file of the account"),
        "{said}"
    );
    let said = refused(&as_user("none:a@", &nats)).await;
    assert!(said.contains("JetStream"), "{said}");
}

#[tokio::test]
async fn what_only_a_cluster_or_jetstream_can_do_is_said() {
    let Some(nats) = Nats::start() else { return };
    let mut terms = args(nats::place(nats.address));
    terms.store_replicas = 3;
    let said = refused(&terms).await;
    assert!(said.contains("--store-replicas 3"), "{said}");
    let Some(nats) = Nats::start_with("") else {
        return;
    };
    let said = refused(&args(nats::place(nats.address))).await;
    assert!(said.contains("-js"), "{said}");
}
