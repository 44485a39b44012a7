//! What a hostile page tries from a real browser, and what comes of it.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener};

use serde_json::{Value, json};

use crate::browser::{self, Browser};
use crate::program::{Program, free};

/// Each way in, tried one after the other: its name and what the page saw. `arguments[0]` is the relay.
const TRIES: &str = r#"
const relay = arguments[0];
const messages = `${relay}/channels/bank/messages`;
const body = '"stolen"';
const told = (promise) => promise.catch((error) => `${error.name}`);
const soon = (begin) => Promise.race([
  new Promise(begin),
  new Promise((resolve) => { setTimeout(() => resolve('nothing within 5 s'), 5000); }),
]);
// A form's answer goes to a frame, which tells only that it has come.
const form = (enctype, name) => soon((resolve) => {
  const frame = Object.assign(document.createElement('iframe'), { name: `answers ${enctype}` });
  document.body.append(frame);
  const form = document.body.appendChild(document.createElement('form'));
  Object.assign(form, { action: messages, method: 'post', enctype, target: frame.name });
  const field = form.appendChild(document.createElement('input'));
  Object.assign(field, { name, value: '"}' });
  frame.onload = () => resolve('an answer that it cannot read');
  form.submit();
});
const post = (type, options) => told(fetch(messages, { method: 'POST', headers: { 'Content-Type': type }, body, ...options })
  .then((answer) => (answer.type === 'opaque' ? 'an answer that it cannot read' : `${answer.status}`)));
const read = (leaf, options) => told(fetch(`${relay}/channels/bank/${leaf}`, options)
  .then((answer) => (answer.type === 'opaque' ? 'an answer that it cannot read' : `${answer.status}`)));
const events = (options) => soon((resolve) => {
  const source = new EventSource(`${relay}/channels/bank/events?after=earliest`, options);
  source.onmessage = ({ data }) => { source.close(); resolve(`the message ${data}`); };
  source.onerror = () => resolve(source.readyState === 2 ? 'an error, and it stays closed' : 'an error');
});
const load = (element, at) => soon((resolve) => {
  element.onload = () => resolve(window.leaked ? 'the messages' : 'it loaded, and nothing ran');
  element.onerror = () => resolve('an error');
  element.src = at;
  document.body.append(element);
});
const tries = [
  ['posts a form as `text/plain`, so that its body is JSON', () => form('text/plain', '{"text":"')],
  ['posts a form as any form is', () => form('application/x-www-form-urlencoded', 'text')],
  ['posts a form with files', () => form('multipart/form-data', 'text')],
  ['`fetch` by POST, `no-cors`', () => post('text/plain', { mode: 'no-cors', credentials: 'include' })],
  ['`fetch` by POST of JSON, `no-cors`', () => post('application/json', { mode: 'no-cors', credentials: 'include' })],
  ['`fetch` by POST of JSON', () => post('application/json', {})],
  ['`sendBeacon` of text', async () => (navigator.sendBeacon(messages, body) ? 'that it was sent' : 'no')],
  ['`fetch` of what is kept', () => read('messages?after=earliest', {})],
  ['the same with credentials', () => read('messages?after=earliest', { credentials: 'include' })],
  ['the same, `no-cors`', () => read('messages?after=earliest', { mode: 'no-cors', credentials: 'include' })],
  ['opens a WebSocket', () => soon((resolve) => {
    const socket = new WebSocket(`${relay.replace('http', 'ws')}/channels/bank/socket?after=earliest`);
    socket.onmessage = ({ data }) => { socket.close(); resolve(`the message ${JSON.parse(data).payload}`); };
    socket.onerror = () => resolve('an error');
  })],
  ['opens an event source', () => events({})],
  ['opens an event source with credentials', () => events({ withCredentials: true })],
  ['loads messages as a script, with a callback (JSONP)', () => {
    window.steal = () => { window.leaked = true; };
    return load(document.createElement('script'), `${messages}?after=earliest&callback=steal`);
  }],
  ['loads a stream as a picture', () => load(new Image(), `${relay}/channels/bank/stream`)],
];
(async () => {
  const seen = [];
  for (const [name, attempt] of tries) seen.push([name, await attempt()]);
  window.seen = seen;
})();
"#;

/// Serves one empty page at every address, for as long as the test runs.
fn page() -> SocketAddr {
    const PAGE: &str =
        "<!doctype html><html data-ready=\"true\"><title>Prizes</title><body></body></html>";
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    // It ends with the process: there is nobody to tell an accepting thread.
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let mut head = BufReader::new(&stream).lines().map_while(Result::ok);
            if head.any(|line| line.is_empty()) {
                let length = PAGE.len();
                // A browser that opens a connection ahead of need may be gone.
                let _ = write!(
                    &stream,
                    "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nConnection: close\r\nContent-Length: {length}\r\n\r\n{PAGE}"
                );
            }
        }
    });
    address
}

async fn tried(browser: &Browser, relay: &Program) -> Vec<[String; 2]> {
    browser.run(TRIES, json!([relay.page("")])).await;
    let seen = browser
        .until("return window.seen ?? false", json!([]), "all is tried")
        .await;
    serde_json::from_value(seen).unwrap()
}

/// What the relay has counted: messages published, and those given to anybody.
fn counted(relay: &Program) -> (Value, Value) {
    let stats = relay.ask("GET /stats HTTP/1.1\r\n\r\n");
    let stats: Value = serde_json::from_str(stats.split("\r\n\r\n").nth(1).unwrap()).unwrap();
    (stats["published"].clone(), stats["delivered"].clone())
}

#[tokio::test]
async fn a_hostile_page_neither_publishes_nor_reads_by_any_road() {
    let Some(browser) = browser::start().await else {
        return;
    };
    let hostile = format!("http://{}", page());
    let relay = Program::start(free(), &[]);
    relay.publish("bank", "1000");
    browser.open(&hostile).await;
    let seen = tried(&browser, &relay).await;
    assert_eq!(counted(&relay), (json!(1), json!(0)), "{seen:?}");
    let table: String = seen
        .iter()
        .map(|[name, seen]| format!("| {name} | {seen} |\n"))
        .collect();
    let table = format!("| the page | and sees |\n|---|---|\n{table}");
    let manual =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md")).unwrap();
    assert!(
        manual.contains(&format!(
            "<!-- attacks table -->\n{table}<!-- end of attacks table -->"
        )),
        "README.md is to hold, between the marks of the attacks table:\n{table}"
    );

    // The same page, listed: so the tries are ones that could succeed.
    let relay = Program::start(free(), &["--allow-origin", &hostile]);
    relay.publish("bank", "1000");
    browser.open(&hostile).await;
    let seen = tried(&browser, &relay).await;
    let of = |name: &str| {
        let found = seen.iter().find(|[found, _]| found.starts_with(name));
        found.unwrap_or_else(|| panic!("{name}: {seen:?}"))[1].as_str()
    };
    let exactly = "`fetch` by POST of JSON".to_owned();
    assert!(seen.contains(&[exactly, "201".to_owned()]), "{seen:?}");
    assert_eq!(of("`fetch` of what is kept"), "200");
    assert_eq!(of("opens a WebSocket"), "the message 1000");
    assert_eq!(of("opens an event source"), "the message 1000");
    // Credentials are not for anybody, and neither a form nor a script is a way in for a listed page.
    assert_eq!(of("the same with credentials"), "TypeError");
    assert_eq!(
        of("opens an event source with credentials"),
        "an error, and it stays closed"
    );
    assert_eq!(
        counted(&relay).0,
        json!(2),
        "only the one that asked: {seen:?}"
    );
}

#[tokio::test]
async fn a_page_by_a_bent_name_is_not_of_the_relays_own_origin() {
    let bent = ["--host-resolver-rules=MAP evil.example 127.0.0.1"];
    let Some(browser) = browser::start_with(&bent).await else {
        return;
    };
    let relay = Program::start(free(), &[]);
    relay.publish("bank", "1000");
    let by_name = format!("http://evil.example:{}", relay.address.port());
    browser.go(&by_name).await;
    let read = "
        window.seen = null;
        fetch('/channels/bank/messages?after=earliest').then(async (answer) => { window.seen = [answer.status, await answer.text()]; });";
    browser.run(read, json!([])).await;
    let seen = browser
        .until("return window.seen ?? false", json!([]), "it is answered")
        .await;
    assert_eq!(seen[0], 421, "{seen}");
    assert!(!seen[1].as_str().unwrap().contains("1000"), "{seen}");
    assert_eq!(counted(&relay), (json!(1), json!(0)));
    // The name is one that the relay could go by, had its operator said so.
    let relay = Program::start(free(), &["--allow-host", "evil.example"]);
    relay.publish("bank", "1000");
    let by_name = format!("http://evil.example:{}/", relay.address.port());
    browser.open(&by_name).await;
    browser.run(read, json!([])).await;
    let seen = browser
        .until("return window.seen ?? false", json!([]), "it is answered")
        .await;
    assert_eq!(seen[0], 200, "{seen}");
}

#[tokio::test]
async fn a_browser_follows_by_ticket_or_first_frame_what_it_cannot_ask_for_with_a_token() {
    let Some(browser) = browser::start().await else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    let key = folder.path().join("key").to_str().unwrap().to_owned();
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_relay"))
            .args(arguments)
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    run(&["key", &key]);
    let token = run(&[
        "token",
        "--keys",
        &key,
        "--read",
        "room",
        "--publish",
        "room",
    ]);
    // Another origin than the relay's, so that all of it crosses by the list.
    let origin = format!("http://{}", page());
    let flags = [
        "--token-keys",
        &key,
        "--allow-origin",
        &origin,
        "--header-deadline",
        "2s",
    ];
    let relay = Program::start(free(), &flags);
    browser.open(&origin).await;
    let script = r#"
        const [relay, token] = arguments;
        const headers = { 'Content-Type': 'application/json', Authorization: `Bearer ${token}` };
        const post = (path, body) => fetch(relay + path, { method: 'POST', headers, body: JSON.stringify(body) });
        const ticket = async () => (await (await post('/tickets', { channel: 'room' })).json()).ticket;
        const socket = (query) => new Promise((resolve) => {
          const web = new WebSocket(`${relay.replace('http', 'ws')}/channels/room/socket?after=earliest&${query}`);
          web.onmessage = ({ data }) => resolve(JSON.parse(data).payload);
          // Without a ticket it is open until the time for its first frame is over.
          web.onerror = web.onclose = () => resolve('refused');
        });
        const framed = (token) => new Promise((resolve) => {
          const web = new WebSocket(`${relay.replace('http', 'ws')}/channels/room/socket?after=earliest`);
          const heard = [];
          web.onopen = () => web.send(JSON.stringify({ token }));
          web.onmessage = ({ data }) => {
            heard.push(JSON.parse(data));
            if (heard.length === 2) resolve(`${Object.keys(heard[0])}, ${heard[1].payload}`);
          };
          web.onclose = ({ code }) => resolve(`closed ${code}`);
        });
        const events = (query) => new Promise((resolve) => {
          const source = new EventSource(`${relay}/channels/room/events?after=earliest&${query}`);
          source.onmessage = ({ data }) => resolve(JSON.parse(data));
          source.onerror = () => resolve('refused');
        });
        (async () => {
          const seen = [(await post('/channels/room/messages', 'hello')).status];
          for (const follow of [socket, events]) {
            const one = await ticket();
            seen.push(await follow(''), await follow(`ticket=${one}`), await follow(`ticket=${one}`));
          }
          seen.push(await framed(token), await framed(`${token}x`));
          window.seen = seen;
        })();
    "#;
    browser.run(script, json!([relay.page(""), token])).await;
    let seen = browser
        .until("return window.seen ?? false", json!([]), "all is tried")
        .await;
    let once = ["refused", "hello", "refused"];
    let wanted = [json!(201)]
        .into_iter()
        .chain([once, once].concat().into_iter().map(Value::from))
        .chain(["admitted, hello", "closed 3000"].map(Value::from));
    assert_eq!(seen, wanted.collect::<Value>());
}
