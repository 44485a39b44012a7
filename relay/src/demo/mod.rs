//! The demo: pages that show the transports at work, with everything they need, in the binary.
//!
//! There is no build step: each file is served as it lies beside this one. The pages load nothing
//! from elsewhere and hold no script or style of their own, so the policy can forbid both.

mod answers;
mod browser;
mod deliveries;
mod place;
mod tape;

use bytes::Bytes;
use http::StatusCode;
use http::header::{self, HeaderMap, HeaderValue};

use crate::state::{Role, State};
use crate::transport::reply::{Refusal, Reply, content};

pub(crate) use deliveries::deliveries;
pub(crate) use place::place;

/// A file of the demo.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct File {
    path: &'static str,
    kind: &'static str,
    text: &'static str,
}

const HTML: &str = "text/html; charset=utf-8";
const CSS: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

const fn file(path: &'static str, kind: &'static str, text: &'static str) -> File {
    File { path, kind, text }
}

/// Lists files of one kind, each under the address that it has in this folder.
macro_rules! assets {
    ($kind:expr, $($name:literal),+) => {
        [$(file(concat!("/assets/", $name), $kind, include_str!(concat!("assets/", $name)))),+]
    };
}

/// Lists the clients: one file a transport, and none needs another.
macro_rules! clients {
    ($($name:literal),+) => {
        [$(file(concat!("/assets/clients/", $name), SCRIPT, include_str!(concat!("clients/", $name)))),+]
    };
}

static PAGES: [File; 4] = [
    file("/", HTML, include_str!("pages/index.html")),
    file("/chat", HTML, include_str!("pages/chat.html")),
    file("/race", HTML, include_str!("pages/race.html")),
    file("/explain", HTML, include_str!("pages/explain.html")),
];
static CLIENTS: [File; 5] = clients!(
    "polling.js",
    "long-polling.js",
    "streaming.js",
    "sse.js",
    "websocket.js"
);
static STYLES: [File; 5] = assets!(
    CSS,
    "base.css",
    "index.css",
    "chat.css",
    "race.css",
    "explain.css"
);
static SCRIPTS: [File; 14] = assets!(
    SCRIPT,
    "annotate.js",
    "anatomy.js",
    "chat.js",
    "cors.js",
    "explain.js",
    "index.js",
    "keep.js",
    "lanes.js",
    "meter.js",
    "pane.js",
    "race.js",
    "table.js",
    "tabs.js",
    "transports.js"
);
static PICTURES: [File; 1] = assets!("image/svg+xml", "icon.svg");

/// Finds the file at an address; a copy of the chat page has no other page.
pub(crate) fn find(path: &str, role: Role) -> Option<&'static File> {
    let path = match (role, path) {
        (Role::Copy { .. }, "/") => "/chat",
        (Role::Copy { .. }, "/race" | "/explain") => return None,
        _ => path,
    };
    let lists: [&'static [File]; 5] = [&PAGES, &CLIENTS, &STYLES, &SCRIPTS, &PICTURES];
    lists.into_iter().flatten().find(|file| file.path == path)
}

/// Gives a file; a page comes with the policy that its browser is to hold it to.
pub(crate) fn give(file: &File, state: &State, asked: &HeaderMap) -> Reply {
    let mut reply = content(
        StatusCode::OK,
        file.kind,
        Bytes::from_static(file.text.as_bytes()),
    );
    if file.kind == HTML {
        let headers = reply.headers_mut();
        headers.insert(header::CONTENT_SECURITY_POLICY, policy(state, asked));
    }
    reply
}

/// Nothing is loaded and nothing is reached but the relay that the page is of.
fn policy(state: &State, asked: &HeaderMap) -> HeaderValue {
    let relay = match state.role {
        Role::Relay { .. } | Role::Echo => String::new(),
        Role::Copy { relay } => {
            let authority = place::authority(relay, asked);
            let scheme = state.scheme();
            let web = if scheme == "https" { "wss" } else { "ws" };
            format!(" {scheme}://{authority} {web}://{authority}")
        }
    };
    let policy = format!(
        "default-src 'none'; connect-src 'self'{relay}; style-src 'self'; script-src 'self'; \
         img-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    );
    HeaderValue::try_from(policy).expect("invariant: an authority is plain ASCII")
}

/// Tells what the relay answers to a page of the copy's origin; there is nothing to tell elsewhere.
pub(crate) async fn answers(state: &State, asked: &HeaderMap) -> Result<Reply, Refusal> {
    match state.role {
        Role::Copy { relay } => answers::to_page(state, relay, asked).await,
        Role::Relay { .. } | Role::Echo => Err(Refusal::nothing_here()),
    }
}

/// Tells whether a browser asks for something that a page of another site holds, such as a picture:
/// it then sends no origin, but says so.
pub(crate) fn is_of_another_page(asked: &HeaderMap) -> bool {
    !asked.contains_key(header::ORIGIN)
        && asked
            .get("sec-fetch-site")
            .is_some_and(|site| site == "cross-site" || site == "same-site")
}
