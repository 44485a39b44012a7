//! The browser's DevTools, spoken to without its driver: the shortest way to read a page's clock.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use rustls::RootCertStore;
use serde_json::{Value, json};
use tungstenite::{Message, WebSocket, client};

use super::WitnessError;
use crate::clock::Moment;
use crate::net::trusting;

/// How long the browser may take over one question.
const LIMIT: Duration = Duration::from_secs(10);

/// One reading of a page's clock: before, what it showed in milliseconds, and after.
pub(super) type Reading = (Moment, f64, Moment);

/// Reads the clock of the browser's only page so many times, on a thread that may block.
pub(super) async fn read_clock(port: u16, times: u32) -> Result<Vec<Reading>, WitnessError> {
    let failed = |error: String| WitnessError::Page(format!("its DevTools fail: {error}"));
    let list = format!("http://127.0.0.1:{port}/json/list");
    let answer = clear().map_err(failed)?.get(&list).send().await;
    let answer = answer.map_err(|error| failed(error.to_string()))?;
    let targets: Vec<Value> = answer
        .json()
        .await
        .map_err(|error| failed(error.to_string()))?;
    let page = targets.iter().find(|target| target["type"] == "page");
    let url = page.and_then(|page| page["webSocketDebuggerUrl"].as_str());
    let url = url.ok_or_else(|| failed("there is no page".to_owned()))?;
    let url = url.to_owned();
    let read = tokio::task::spawn_blocking(move || readings(port, &url, times)).await;
    read.map_err(|error| failed(error.to_string()))?
        .map_err(|error| failed(error.to_string()))
}

/// A client that trusts nobody: the browser is on this machine, and spoken to in the clear.
fn clear() -> Result<reqwest::Client, String> {
    let config = trusting(RootCertStore::empty()).map_err(|error| error.to_string())?;
    let client = reqwest::Client::builder().tls_backend_preconfigured(config);
    client.build().map_err(|error| error.to_string())
}

fn readings(port: u16, url: &str, times: u32) -> io::Result<Vec<Reading>> {
    let address = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
    let stream = TcpStream::connect_timeout(&address, LIMIT)?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(LIMIT))?;
    stream.set_write_timeout(Some(LIMIT))?;
    let opened = client(url, stream).map_err(io::Error::other);
    let (mut socket, _) = opened?;
    (0..times)
        .map(|number| reading(&mut socket, number))
        .collect()
}

fn reading(socket: &mut WebSocket<TcpStream>, number: u32) -> io::Result<Reading> {
    let parameters = json!({ "expression": "performance.now()", "returnByValue": true });
    let ask = json!({ "id": number, "method": "Runtime.evaluate", "params": parameters });
    let ask = Message::text(ask.to_string());
    let before = Moment::now();
    socket.send(ask).map_err(io::Error::other)?;
    loop {
        let message = socket.read().map_err(io::Error::other)?;
        let after = Moment::now();
        let answer: Value = serde_json::from_slice(&message.into_data())?;
        if answer["id"] == number {
            let now = answer["result"]["result"]["value"].as_f64();
            let now = now.ok_or_else(|| io::Error::other("the page tells no time"))?;
            return Ok((before, now, after));
        }
    }
}
