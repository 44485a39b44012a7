//! Tickets: a place at an event stream or a socket, for browsers that cannot send a token there.

use std::time::Duration;

use relay::access::Claims;

use crate::harness::{HANDSHAKE, Relay, Web, get};
use crate::tokens::{Signer, ask, ask_ticket, bearer, claims, ticket};

fn socket(relay: &Relay, ticket: &str) -> String {
    ask_socket(relay, &format!("?ticket={ticket}"))
}

fn ask_socket(relay: &Relay, query: &str) -> String {
    let handshake = format!("GET /channels/a/socket{query} HTTP/1.1\r\nHost: r\r\n{HANDSHAKE}\r\n");
    relay.send(handshake).head()
}

fn events(relay: &Relay, ticket: &str) -> String {
    relay
        .get(&format!("/channels/a/events?ticket={ticket}"))
        .head()
}

#[test]
fn a_ticket_opens_one_event_stream_or_socket_once() {
    let signer = Signer::new();
    let relay = signer.relay(|_| ());
    let token = bearer(&signer.token(&["a"], &["a"], 60));
    let one = ticket(&relay, "a", &token);
    assert!(events(&relay, &one).starts_with("HTTP/1.1 200"));
    assert!(events(&relay, &one).starts_with("HTTP/1.1 401"));
    let other = ticket(&relay, "a", &token);
    assert!(socket(&relay, &other).starts_with("HTTP/1.1 101"));
    assert!(socket(&relay, &other).starts_with("HTTP/1.1 401"));
    assert_ne!(one, other);
}

#[test]
fn a_ticket_is_for_one_channel_one_origin_and_not_for_what_can_send_a_token() {
    let signer = Signer::new();
    let relay = signer.relay(|settings| {
        settings.allow_origins = vec!["https://app.example".to_owned()];
    });
    let token = bearer(&signer.token(&["*"], &["*"], 60));
    let new = |lines: &str| ticket(&relay, "a", &(token.clone() + lines));
    for leaf in ["messages", "messages?wait=5s", "stream"] {
        let mark = if leaf.contains('?') { '&' } else { '?' };
        let spare = new("");
        let answer = relay.ask(get(&format!("/channels/a/{leaf}{mark}ticket={spare}")));
        assert!(answer.contains("token_missing"), "{leaf}: {answer}");
        assert!(
            events(&relay, &spare).starts_with("HTTP/1.1 200"),
            "not spent: it was not looked at"
        );
    }
    let wrong = new("");
    assert!(
        relay
            .ask(get(&format!("/channels/b/events?ticket={wrong}")))
            .contains("bad_ticket")
    );
    assert!(events(&relay, &wrong).starts_with("HTTP/1.1 401"), "spent");
    let page = "Origin: https://app.example\r\n";
    let stolen = new(page);
    assert!(
        events(&relay, &stolen).starts_with("HTTP/1.1 401"),
        "of another origin"
    );
    let own = format!("/channels/a/events?ticket={}", new(page));
    let head = relay
        .send(format!("GET {own} HTTP/1.1\r\nHost: r\r\n{page}\r\n"))
        .head();
    assert!(
        head.starts_with("HTTP/1.1 200")
            && head.contains("access-control-allow-origin: https://app.example"),
        "{head}"
    );
    // A page of the relay's own names its origin when it posts and not when it reads.
    let own = ticket(&relay, "a", &(token.clone() + "Origin: http://me:1\r\n"));
    assert!(events(&relay, &own).starts_with("HTTP/1.1 200"));
}

#[test]
fn of_many_who_show_the_same_ticket_at_once_one_gets_in() {
    let signer = Signer::new();
    let relay = signer.relay(|_| ());
    let token = bearer(&signer.token(&["a"], &[], 60));
    for _ in 0..10 {
        let ticket = ticket(&relay, "a", &token);
        let heads: Vec<String> = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| events(&relay, &ticket)))
                .collect();
            tries.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let let_in = heads.iter().filter(|head| head.starts_with("HTTP/1.1 200"));
        assert_eq!(let_in.count(), 1);
    }
}

#[test]
fn a_ticket_is_asked_for_properly() {
    let signer = Signer::new();
    let relay = signer.relay(|_| ());
    let token = bearer(&signer.token(&["a"], &["b"], 60));
    for channel in ["a", "b"] {
        ticket(&relay, channel, &token);
    }
    assert!(ask_ticket(&relay, "c", &token).contains("token_scope"));
    assert!(ask_ticket(&relay, "c d", &token).contains("bad_channel"));
    assert!(ask_ticket(&relay, "a", "").contains("token_missing"));
    let spent = ticket(&relay, "a", &token);
    let by_ticket = relay.ask(format!(
        "POST /tickets?ticket={spent} HTTP/1.1\r\nHost: r\r\nContent-Length: 0\r\n\r\n"
    ));
    assert!(
        by_ticket.contains("token_missing"),
        "a ticket gets no ticket"
    );
    let post = |lines: &str, body: &str| {
        relay.ask(format!(
            "POST /tickets HTTP/1.1\r\nHost: r\r\n{token}{lines}Content-Length: {}\r\n\r\n{body}",
            body.len()
        ))
    };
    let json = "Content-Type: application/json\r\n";
    assert!(post("Content-Type: text/plain\r\n", r#"{"channel":"a"}"#).contains("not_json"));
    for body in ["", "{}", "[]", r#"{"channel":1}"#, r#""a""#] {
        assert!(post(json, body).contains("bad_json"), "{body}");
    }
    assert!(ask(&relay, "/tickets", &token).starts_with("HTTP/1.1 405"));
    let without = Relay::start();
    let answer = ask_ticket(&without, "a", "").replace("me:1", "me");
    assert!(answer.contains("no_tickets"), "{answer}");
}

#[test]
fn the_tickets_that_wait_are_counted() {
    let signer = Signer::new();
    let relay = signer.relay(|settings| settings.ticket_life = Duration::from_millis(1500));
    let token = bearer(&signer.token(&["a"], &[], 60));
    let operator = bearer(&signer.sign(&Claims {
        operate: true,
        ..claims(&[], &[], 60)
    }));
    let told = |count: usize| {
        let stats = ask(&relay, "/stats", &operator);
        assert!(stats.contains(&format!(r#""tickets":{count},"#)), "{stats}");
        let metrics = ask(&relay, "/metrics", &operator);
        assert!(
            metrics.contains(&format!("\nrelay_tickets {count}\n")),
            "{metrics}"
        );
    };
    told(0);
    let one = ticket(&relay, "a", &token);
    ticket(&relay, "a", &token);
    told(2);
    events(&relay, &one);
    told(1);
    std::thread::sleep(Duration::from_millis(1600));
    told(0);
}

#[test]
fn tickets_wait_in_bounded_number_and_time() {
    let signer = Signer::new();
    let relay = signer.relay(|settings| {
        settings.max_tickets = 80;
        settings.ticket_life = Duration::from_millis(1500);
    });
    let token = bearer(&signer.token(&["a"], &[], 60));
    let other = bearer(&signer.token(&["a"], &[], 61));
    let late = ticket(&relay, "a", &token);
    for _ in 0..9 {
        ticket(&relay, "a", &token);
    }
    let full = ask_ticket(&relay, "a", &token);
    assert!(
        full.starts_with("HTTP/1.1 503")
            && full.contains("too_many_tickets")
            && full.contains("retry-after"),
        "{full}"
    );
    ticket(&relay, "a", &other);
    std::thread::sleep(Duration::from_millis(1600));
    assert!(
        events(&relay, &late).starts_with("HTTP/1.1 401"),
        "it waited too long"
    );
    ticket(&relay, "a", &token);
}

#[test]
fn what_a_ticket_opened_ends_with_the_token_behind_it() {
    let signer = Signer::new();
    let relay = signer.relay(|_| ());
    let ticket = ticket(&relay, "a", &bearer(&signer.token(&["a"], &[], 2)));
    let mut client = relay.send(format!(
        "GET /channels/a/socket?ticket={ticket} HTTP/1.1\r\nHost: r\r\n{HANDSHAKE}\r\n"
    ));
    assert!(client.head().starts_with("HTTP/1.1 101"));
    assert_eq!(Web(client).closed(), 3000);
}
