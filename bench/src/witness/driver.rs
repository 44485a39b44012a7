//! The browser's driver: a program that takes WebDriver commands over HTTP.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::str::FromStr;
use std::time::Duration;

use fantoccini::wd::{Capabilities, WebDriverCompatibleCommand};
use fantoccini::{Client, ClientBuilder};
use http::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use reqwest::Url;
use serde_json::{Value, json};
use tokio::sync::oneshot;

use super::BrowserError;
use crate::target::Child;

/// What stands before the port in what the driver prints, and the mark that it is ready.
const ON_PORT: &str = "started successfully on port ";

/// Starts the driver and lets it take over the browser whose DevTools listen on `devtools`.
pub(super) async fn start(
    program: &Path,
    devtools: u16,
    limit: Duration,
) -> Result<(Child, Client), BrowserError> {
    let mut command = Command::new(program);
    command
        .arg("--port=0")
        .stdout(Stdio::piped())
        .stderr(Stdio::null());
    let started = Child::spawn(command, None);
    let mut child = started.map_err(|source| BrowserError::Start {
        program: program.to_owned(),
        source,
    })?;
    let silent = |reason: String| BrowserError::Silent {
        program: program.to_owned(),
        reason,
    };
    let said = port(child.take_stdout()).map_err(|error| silent(error.to_string()))?;
    let port = match tokio::time::timeout(limit, said).await {
        Ok(Ok(port)) => port,
        Ok(Err(_)) => {
            let how = child.ended().unwrap_or_else(|| "no port named".to_owned());
            return Err(silent(how));
        }
        Err(_) => {
            return Err(silent(format!(
                "no word of it within {} s",
                limit.as_secs()
            )));
        }
    };
    let mut capabilities = Capabilities::new();
    let _ = capabilities.insert(
        "goog:chromeOptions".to_owned(),
        json!({ "debuggerAddress": format!("127.0.0.1:{devtools}") }),
    );
    let _ = capabilities.insert("goog:loggingPrefs".to_owned(), json!({ "browser": "ALL" }));
    let address = format!("http://127.0.0.1:{port}");
    let mut builder = ClientBuilder::new(HttpConnector::new());
    let session = builder.capabilities(capabilities).connect(&address);
    match tokio::time::timeout(limit, session).await {
        Ok(Ok(client)) => Ok((child, client)),
        Ok(Err(error)) => Err(BrowserError::Session(error.to_string())),
        Err(_) => Err(BrowserError::Session(format!(
            "no session within {} s",
            limit.as_secs()
        ))),
    }
}

/// The version of the browser behind a session.
pub(super) async fn version(client: &Client) -> Result<String, BrowserError> {
    let body = json!({ "cmd": "Browser.getVersion", "params": {} });
    let path = "goog/cdp/execute";
    let answer = client.issue_cmd(Vendor { path, body }).await;
    let answer = answer.map_err(|error| BrowserError::Command(error.to_string()))?;
    // As `HeadlessChrome/140.0.7339.80`, of Chromium too.
    let product = answer["product"].as_str().unwrap_or_default();
    let version = product.split_once('/').map(|(_, version)| version);
    Ok(version.unwrap_or("of an unknown version").to_owned())
}

/// The port that the driver names, when it has named it. A thread reads what it prints, and ends with it.
fn port(stdout: Option<ChildStdout>) -> std::io::Result<oneshot::Receiver<u16>> {
    let (send, port) = oneshot::channel();
    std::thread::Builder::new()
        .name("driver-stdout".to_owned())
        .spawn(move || {
            let mut send = Some(send);
            for line in stdout
                .into_iter()
                .flat_map(|out| BufReader::new(out).lines())
            {
                let Ok(line) = line else { return };
                let found = line.split_once(ON_PORT).map(|(_, rest)| rest);
                let found = found.and_then(|rest| rest.trim_end_matches('.').parse().ok());
                if let (Some(port), Some(send)) = (found, send.take_if(|_| found.is_some())) {
                    // Whoever asked has given up.
                    let _ = send.send(port);
                }
            }
        })?;
    Ok(port)
}

/// A command that the WebDriver standard does not have.
#[derive(Debug)]
pub(super) struct Vendor {
    /// Behind the session's address.
    pub(super) path: &'static str,
    /// What is asked for.
    pub(super) body: Value,
}

impl WebDriverCompatibleCommand for Vendor {
    fn endpoint(
        &self,
        base_url: &Url,
        session_id: Option<&str>,
    ) -> Result<Url, <Url as FromStr>::Err> {
        let session = session_id.unwrap_or_default();
        base_url.join(&format!("session/{session}/{}", self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}
