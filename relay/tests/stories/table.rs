//! How a client asks × the origin of its page × its token: all of it asked over sockets, and the
//! manual's table of it held to what was answered.

use std::time::Duration;

use crate::harness::{HANDSHAKE, Relay, Web};
use crate::http2_table;
use crate::tokens::{Signer, bearer, ticket};

const LISTED: &str = "https://app.example";

/// A way to use a channel.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    Publish,
    Get(&'static str),
    GetByTicket(&'static str),
    Socket,
    SocketByTicket,
    SocketByFrame,
    Ticket,
}

const WAYS: [(&str, Way); 10] = [
    ("publish", Way::Publish),
    ("polling", Way::Get("messages?after=earliest")),
    ("long polling", Way::Get("messages?after=earliest&wait=5s")),
    ("streaming", Way::Get("stream?")),
    ("SSE", Way::Get("events?")),
    ("SSE by ticket", Way::GetByTicket("events")),
    ("WebSocket", Way::Socket),
    ("WebSocket by ticket", Way::SocketByTicket),
    ("WebSocket by first frame", Way::SocketByFrame),
    ("`POST /tickets`", Way::Ticket),
];

const ORIGINS: [(&str, Option<&str>); 5] = [
    ("none", None),
    ("same", Some("http://me:1")),
    ("listed", Some(LISTED)),
    ("unlisted", Some("https://evil.example")),
    ("`null`", Some("null")),
];

#[derive(Clone, Copy, PartialEq)]
enum Token {
    None,
    WrongChannel,
    Expired,
    Right,
}

const TOKENS: [(&str, Token); 4] = [
    ("no token", Token::None),
    ("for another channel", Token::WrongChannel),
    ("expired", Token::Expired),
    ("right", Token::Right),
];

/// What is asked, and of whom: a ticket that has waited too long is one of a relay that does not wait.
struct Rig {
    signer: Signer,
    relay: Relay,
    hasty: Relay,
    /// Asked over HTTP/2.
    framed: bool,
}

impl Rig {
    fn new(framed: bool) -> Self {
        let signer = Signer::new();
        let start = |life| {
            let change = |settings: &mut relay::Settings| {
                signer.guard(settings);
                settings.allow_origins = vec![LISTED.to_owned()];
                settings.ticket_life = life;
            };
            if framed {
                Relay::secure(false, change)
            } else {
                Relay::with(change)
            }
        };
        let (relay, hasty) = (
            start(Duration::from_secs(60)),
            start(Duration::from_millis(1)),
        );
        for relay in [&relay, &hasty] {
            let token = bearer(&signer.token(&[], &["a"], 60));
            let published = relay.ask(post("/channels/a/messages", "1", &token));
            assert!(published.starts_with("HTTP/1.1 201"), "{published}");
        }
        Self {
            signer,
            relay,
            hasty,
            framed,
        }
    }

    /// Asks and gives the head of the answer and the code in it.
    fn ask(&self, way: Way, origin: Option<&str>, token: Token) -> String {
        // A relay that speaks TLS is of another origin.
        let origin = match origin {
            Some("http://me:1") if self.framed => Some("https://me:1"),
            other => other,
        };
        let line = origin.map_or_else(String::new, |origin| format!("Origin: {origin}\r\n"));
        let by_ticket = matches!(way, Way::GetByTicket(_) | Way::SocketByTicket);
        let relay = match token {
            Token::Expired if by_ticket => &self.hasty,
            _ => &self.relay,
        };
        let by_frame = way == Way::SocketByFrame || way == Way::Socket && token == Token::None;
        let shown = if by_ticket {
            self.ticket(relay, origin, token)
        } else {
            self.token(token)
        };
        let get = |leaf: &str, query: &str, lines: &str| {
            format!("GET /channels/a/{leaf}{query} HTTP/1.1\r\nHost: me:1\r\n{line}{lines}\r\n")
        };
        let token = shown
            .trim_start_matches("Authorization: Bearer ")
            .trim_end();
        let token = format!(r#"{{"token":"{token}"}}"#);
        let query = |shown: &str| format!("?ticket={shown}");
        let request = match way {
            Way::Publish => post("/channels/a/messages", "2", &(line + &shown)),
            Way::Ticket => post("/tickets", r#"{"channel":"a"}"#, &(line + &shown)),
            Way::Get(path) => get(path, "", &shown),
            Way::GetByTicket(leaf) => get(leaf, &query(&shown), ""),
            Way::Socket => get("socket", "", &(shown + HANDSHAKE)),
            Way::SocketByFrame => get("socket", "", HANDSHAKE),
            Way::SocketByTicket => get("socket", &query(&shown), HANDSHAKE),
        };
        if self.framed {
            let first = by_frame.then_some(token.as_str());
            let (answer, then) = http2_table::ask(relay, &request, first);
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            return with(then, &cell(head, body));
        }
        let mut client = relay.send(request);
        let head = client.head();
        if by_frame && head.starts_with("HTTP/1.1 101") {
            let mut web = Web(client);
            web.text(&token);
            return with(Some(web.next()), &cell(&head, ""));
        }
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let body = client.take(length.map_or(0, |length| length.parse().unwrap()));
        cell(&head, &String::from_utf8(body).unwrap())
    }

    fn token(&self, token: Token) -> String {
        match token {
            Token::None => String::new(),
            Token::WrongChannel => bearer(&self.signer.token(&["b"], &["b"], 60)),
            Token::Expired => bearer(&self.signer.token(&["a"], &["a"], -1)),
            Token::Right => bearer(&self.signer.token(&["a"], &["a"], 60)),
        }
    }

    /// A ticket of the page, or, for a page that gets none, one that it has stolen.
    fn ticket(&self, relay: &Relay, origin: Option<&str>, token: Token) -> String {
        let all = bearer(&self.signer.token(&["*"], &["*"], 60));
        let mine = match origin {
            Some(LISTED) => format!("{all}Origin: {LISTED}\r\n"),
            _ => all,
        };
        let ticket = match token {
            Token::None => String::new(),
            Token::WrongChannel => ticket(relay, "b", &mine),
            Token::Expired | Token::Right => ticket(relay, "a", &mine),
        };
        if token == Token::Expired {
            std::thread::sleep(Duration::from_millis(5));
        }
        ticket
    }
}

/// Says behind the status what frame was sent to who has shown a token in its own.
fn with(frame: Option<(u8, Vec<u8>)>, cell: &str) -> String {
    let then = match frame {
        None => return cell.to_owned(),
        Some((0x81, text)) if text.starts_with(br#"{"admitted""#) => "`admitted`".to_owned(),
        Some((0x88, close)) => {
            let code = u16::from_be_bytes([close[0], close[1]]);
            format!("{code} `{}`", String::from_utf8_lossy(&close[2..]))
        }
        other => panic!("{other:?}"),
    };
    format!("{}, then {then}{}", &cell[..3], &cell[3..])
}

fn post(path: &str, body: &str, lines: &str) -> String {
    format!(
        "POST {path} HTTP/1.1\r\nHost: me:1\r\nContent-Type: application/json\r\nContent-Length: {}\r\n{lines}\r\n{body}",
        body.len()
    )
}

/// The status, the code of an error, and whether a page of another origin is let read it.
fn cell(head: &str, body: &str) -> String {
    let status = head.split(' ').nth(1).unwrap();
    let code = body
        .split(r#""code":""#)
        .nth(1)
        .and_then(|rest| rest.split('"').next());
    let code = code.map_or_else(String::new, |code| format!(" `{code}`"));
    let shared = head
        .lines()
        .filter_map(|line| line.strip_prefix("access-control-allow-origin: "));
    let shared: Vec<_> = shared.collect();
    assert!(!head.contains("access-control-allow-credentials"), "{head}");
    match shared.as_slice() {
        [] => format!("{status}{code}"),
        [LISTED] => format!("{status}{code} + CORS"),
        other => panic!("{other:?} may read it"),
    }
}

/// Asks everything and writes it down; origins that are treated alike share a row.
fn table(framed: bool) -> String {
    let rig = Rig::new(framed);
    let columns: Vec<_> = TOKENS.iter().map(|(name, _)| *name).collect();
    let mut table = format!(
        "| how | origin | {} |\n|---|---|---|---|---|---|\n",
        columns.join(" | ")
    );
    for (name, way) in WAYS {
        let mut rows: Vec<(Vec<&str>, Vec<String>)> = Vec::new();
        for (origin_name, origin) in ORIGINS {
            let cells = TOKENS
                .map(|(_, token)| rig.ask(way, origin, token))
                .to_vec();
            match rows.iter_mut().find(|(_, found)| *found == cells) {
                Some((names, _)) => names.push(origin_name),
                None => rows.push((vec![origin_name], cells)),
            }
        }
        for (origins, cells) in rows {
            table += &format!(
                "| {name} | {} | {} |\n",
                origins.join(", "),
                cells.join(" | ")
            );
        }
    }
    table
}

#[test]
fn the_manual_says_what_is_answered_to_whom() {
    let manual =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    let asked = table(false);
    let written = manual
        .split("<!-- access table -->\n")
        .nth(1)
        .and_then(|rest| rest.split("<!-- end of access table -->").next())
        .unwrap();
    assert!(
        written.trim() == asked.trim(),
        "README.md is to hold, between the marks of the access table:\n{asked}"
    );
}

#[test]
fn http2_answers_the_same_to_whom() {
    // A WebSocket is accepted with another status there.
    let plain = table(false).replace("101", "200");
    assert_eq!(plain, table(true));
}

/// The same without the manual: what the table has to say, whatever it looks like.
#[test]
fn only_the_right_token_from_a_page_that_may_ask_opens_anything() {
    let rig = Rig::new(false);
    for (name, way) in WAYS {
        for (origin_name, origin) in ORIGINS {
            for (token_name, token) in TOKENS {
                let cell = rig.ask(way, origin, token);
                let foreign = matches!(origin, Some("https://evil.example" | "null"));
                let closes = cell.contains("101, then 3000") || cell.contains("101, then 1008");
                let opens = cell.starts_with('2') || cell.starts_with("101") && !closes;
                // Whoever is no page shows its token in a header, and there alone.
                let page = way != Way::SocketByFrame || origin.is_some();
                // A ticket for a channel is asked for with a token for another, and refused by the body.
                assert_eq!(
                    opens,
                    token == Token::Right && !foreign && page,
                    "{name}, {origin_name}, {token_name}: {cell}"
                );
                assert_eq!(
                    cell.starts_with("403 `origin"),
                    foreign,
                    "{name}, {origin_name}"
                );
                assert_eq!(
                    cell.ends_with("+ CORS"),
                    origin == Some(LISTED),
                    "{name}, {origin_name}"
                );
            }
        }
    }
}
