//! The access table over HTTP/2: the same requests, the same answers.

use http::Method;

use crate::harness::Relay;
use crate::multiplex::{Mux, WebStream, tell};

/// Asks over HTTP/2 what is written in the words of HTTP/1.1, and gives the answer in them.
///
/// On a socket that opens, `frame` is sent as text, and the frame given that comes back.
pub(crate) fn ask(
    relay: &Relay,
    request: &str,
    frame: Option<&str>,
) -> (String, Option<(u8, Vec<u8>)>) {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    let mut lines = head.split("\r\n");
    let mut first = lines.next().unwrap().split(' ');
    let method: Method = first.next().unwrap().parse().unwrap();
    let path = first.next().unwrap();
    let fields: Vec<(String, &str)> = lines
        .map(|line| line.split_once(": ").unwrap())
        .map(|(name, value)| (name.to_ascii_lowercase(), value))
        .collect();
    let is_socket = fields.iter().any(|(name, _)| name == "upgrade");
    // What says in HTTP/1.1 that it is a WebSocket; here the method does.
    let only_there = ["connection", "upgrade", "sec-websocket-key"];
    let fields: Vec<(&str, &str)> = fields
        .iter()
        .filter(|(name, _)| !only_there.contains(&name.as_str()))
        .map(|(name, value)| (name.as_str(), *value))
        .collect();
    let method = if is_socket { Method::CONNECT } else { method };
    let body = (method == Method::POST).then_some(body);
    let (mut text, mut then) = (String::new(), None);
    tell(async {
        let mut mux = Mux::open(relay).await;
        let begun = mux.ask(method, path, &fields, body).await;
        let (mut answer, send) = begun.both().await;
        text = format!("HTTP/2 {} \r\n", answer.status);
        for (name, value) in &answer.headers {
            text += &format!("{name}: {}\r\n", value.to_str().unwrap());
        }
        text += "\r\n";
        if answer.headers.contains_key("content-length") {
            text += &answer.text().await;
        } else if let Some(frame) = frame {
            let mut socket = WebStream { answer, send };
            socket.text(frame);
            then = Some(socket.next().await);
        }
    });
    (text, then)
}
