//! A real browser for a test, or a loud word that the test was left out.

use std::env;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};

/// Set where no test may be left out, as in CI.
const NOTHING_LEFT_OUT: &str = "PUSHMARK_NOTHING_LEFT_OUT";
const FLAGS: [&str; 6] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--window-size=1200,900",
];

/// A browser that runs; dropped, it and its driver are killed.
pub(crate) struct Browser {
    /// Speaks WebDriver to it.
    pub(crate) client: Client,
    driver: Child,
}

/// A WebDriver session.
#[derive(Clone)]
pub(crate) struct Client {
    http: reqwest::Client,
    session: String,
}

/// Starts a browser; `None` when none is installed and the calling test is therefore left out.
pub(crate) async fn start() -> Option<Browser> {
    let port = crate::program::free_address().port();
    let driver = Command::new("chromedriver")
        .arg(format!("--port={port}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn();
    let found = env::var_os("PATH")
        .is_some_and(|path| env::split_paths(&path).any(|folder| folder.join("chromium").exists()));
    let (Ok(driver), true) = (driver, found) else {
        left_out(
            "no chromium or chromedriver is on the PATH: apt-get install chromium chromium-driver",
        );
        return None;
    };
    let http = reqwest::Client::new();
    let base = format!("http://127.0.0.1:{port}/session");
    let mut browser = Browser {
        client: Client {
            http,
            session: base.clone(),
        },
        driver,
    };
    let wanted = json!({ "capabilities": { "alwaysMatch": {
        "goog:chromeOptions": { "args": FLAGS },
        "goog:loggingPrefs": { "browser": "ALL" },
    } } });
    for _ in 0..600 {
        if let Ok(made) = browser.client.post("", &wanted).await {
            let id = made["sessionId"].as_str().unwrap();
            browser.client.session = format!("{base}/{id}");
            return Some(browser);
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    panic!("the browser does not come up");
}

impl Client {
    async fn post(&self, path: &str, body: &Value) -> Result<Value, String> {
        let url = format!("{}{path}", self.session);
        let answer = self.http.post(url).json(body).send().await;
        let answer = answer.map_err(|error| error.to_string())?;
        let (well, body) = (answer.status().is_success(), answer.json::<Value>().await);
        let body = body.map_err(|error| error.to_string())?;
        if well {
            Ok(body["value"].clone())
        } else {
            Err(body.to_string())
        }
    }

    pub(crate) async fn goto(&self, url: &str) -> Result<(), String> {
        self.post("/url", &json!({ "url": url })).await.map(drop)
    }

    pub(crate) async fn refresh(&self) -> Result<(), String> {
        self.post("/refresh", &json!({})).await.map(drop)
    }

    pub(crate) async fn execute(&self, script: &str, args: Vec<Value>) -> Result<Value, String> {
        self.post("/execute/sync", &json!({ "script": script, "args": args }))
            .await
    }
}

impl Browser {
    /// What the console of its pages has said since this was last asked.
    pub(crate) async fn console(&self) -> Result<Vec<String>, String> {
        let entries = self
            .client
            .post("/se/log", &json!({ "type": "browser" }))
            .await?;
        let line = |entry: &Value| format!("{} {}", entry["level"], entry["message"]);
        Ok(entries.as_array().into_iter().flatten().map(line).collect())
    }

    /// Sends a command of the DevTools protocol to the page; gives its answer.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> Result<Value, String> {
        let body = json!({ "cmd": command, "params": parameters });
        self.client.post("/goog/cdp/execute", &body).await
    }

    /// Ends browser and driver in good order.
    pub(crate) async fn quit(self) {
        let _ = self.client.http.delete(&self.client.session).send().await;
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        // The driver ends its browser when it is asked to end.
        crate::process::signal(self.driver.id(), rustix::process::Signal::TERM);
        let _ = self.driver.wait();
    }
}

/// Tells that the calling test is left out, where the test harness does not hold it back; fails it where
/// none may be.
pub(crate) fn left_out(why: &str) {
    let thread = std::thread::current();
    // The harness gives each test a thread of its name, unless it has but one thread.
    let test = thread.name().unwrap_or("a test");
    let text = format!("LEFT OUT: {test}: {why}");
    assert!(env::var_os(NOTHING_LEFT_OUT).is_none(), "{text}");
    let _ = writeln!(std::io::stderr().lock(), "{text}");
}
