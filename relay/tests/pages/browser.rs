//! Chromium and its driver, or a loud word that they are missing.

use std::env;
use std::io::{BufRead, BufReader, Write};
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::{Mutex, MutexGuard};
use tokio::time::{Instant, sleep};

/// How long a page may take to do what it is told: nothing here is a matter of speed.
const PATIENCE: Duration = Duration::from_secs(30);
const BROWSERS: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];
/// Set where no test may be left out.
const NOTHING_LEFT_OUT: &str = "PUSHMARK_NOTHING_LEFT_OUT";

static ALONE: Mutex<()> = Mutex::const_new(());

/// A browser with one window. Driver and browser are killed with the guard.
pub(crate) struct Browser {
    client: Client,
    driver: Child,
    _profile: TempDir,
    _alone: MutexGuard<'static, ()>,
}

/// Starts a browser; `None` when this machine has none, and the calling test is left out.
pub(crate) async fn start() -> Option<Browser> {
    start_with(&[]).await
}

/// The same with further flags.
pub(crate) async fn start_with(more: &[&str]) -> Option<Browser> {
    let alone = ALONE.lock().await;
    let Some(binary) = BROWSERS.iter().find(|name| installed(name)) else {
        return left_out("chromium");
    };
    if !installed("chromedriver") {
        return left_out("chromedriver");
    }
    let profile = tempfile::tempdir().unwrap();
    // A process group of their own, so that the browser ends with its driver.
    let mut driver = Command::new("chromedriver")
        .arg("--port=0")
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let port = BufReader::new(driver.stdout.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .find_map(|line| {
            let (_, port) = line.rsplit_once("started successfully on port ")?;
            Some(port.trim_end_matches('.').to_owned())
        });
    let port = port.unwrap_or_else(|| panic!("chromedriver does not start"));
    let flags = [
        "--headless=new",
        "--no-sandbox",
        "--disable-gpu",
        "--disable-dev-shm-usage",
        "--window-size=1200,900",
        // A window that is not looked at is to go on.
        "--disable-background-timer-throttling",
        "--disable-backgrounding-occluded-windows",
        "--disable-renderer-backgrounding",
    ];
    let mut flags: Vec<String> = flags
        .iter()
        .chain(more)
        .map(|&flag| flag.to_owned())
        .collect();
    flags.push(format!("--user-data-dir={}", profile.path().display()));
    let options = json!({
        "goog:chromeOptions": { "binary": path_of(binary), "args": flags },
        "goog:loggingPrefs": { "browser": "ALL" },
    });
    let Value::Object(options) = options else {
        panic!("options are an object")
    };
    let mut builder = ClientBuilder::new(HttpConnector::new());
    builder.capabilities(options);
    let connected = builder.connect(&format!("http://127.0.0.1:{port}")).await;
    let client = match connected {
        Ok(client) => client,
        Err(error) => {
            kill(&mut driver);
            panic!("no session: {error}");
        }
    };
    Some(Browser {
        client,
        driver,
        _profile: profile,
        _alone: alone,
    })
}

fn path_of(name: &str) -> Option<std::path::PathBuf> {
    env::split_paths(&env::var_os("PATH")?)
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

fn installed(name: &str) -> bool {
    path_of(name).is_some()
}

/// Tells that the calling test is left out, past the harness, which would keep it to itself.
fn left_out(missing: &str) -> Option<Browser> {
    let thread = std::thread::current();
    let test = thread.name().unwrap_or("a test of the pages");
    let text = format!(
        "LEFT OUT: {test}: {missing} is not installed (apt-get install chromium chromium-driver)"
    );
    assert!(env::var_os(NOTHING_LEFT_OUT).is_none(), "{text}");
    let _ = writeln!(std::io::stderr().lock(), "{text}");
    None
}

fn kill(driver: &mut Child) {
    if let Some(group) = i32::try_from(driver.id()).ok().and_then(Pid::from_raw) {
        // It is gone already when nothing is left to kill.
        let _ = kill_process_group(group, Signal::KILL);
    }
    let _ = driver.wait();
}

impl Drop for Browser {
    fn drop(&mut self) {
        kill(&mut self.driver);
    }
}

impl Browser {
    /// Opens a page in the current window and waits until its script has begun.
    pub(crate) async fn open(&self, address: &str) {
        self.client.goto(address).await.unwrap();
        let ready = "return document.documentElement.dataset.ready === 'true'";
        self.until(ready, json!([]), address).await;
    }

    /// Goes to an address, whatever stands there.
    pub(crate) async fn go(&self, address: &str) {
        self.client.goto(address).await.unwrap();
    }

    /// Opens a page in another window and gives its handle.
    pub(crate) async fn open_beside(&self, address: &str) -> fantoccini::wd::WindowHandle {
        let window = self.client.new_window(false).await.unwrap().handle;
        self.client.switch_to_window(window.clone()).await.unwrap();
        self.open(address).await;
        window
    }

    pub(crate) async fn window(&self) -> fantoccini::wd::WindowHandle {
        self.client.window().await.unwrap()
    }

    pub(crate) async fn switch(&self, window: &fantoccini::wd::WindowHandle) {
        self.client.switch_to_window(window.clone()).await.unwrap();
    }

    /// Runs a script in the page and gives what it returns.
    pub(crate) async fn run(&self, script: &str, arguments: Value) -> Value {
        let Value::Array(arguments) = arguments else {
            panic!("arguments are a list")
        };
        self.client
            .execute(script, arguments)
            .await
            .unwrap_or_else(|error| panic!("{script}: {error}"))
    }

    /// Waits until a script returns what counts as true, and gives it.
    pub(crate) async fn until(&self, script: &str, arguments: Value, what: &str) -> Value {
        let begun = Instant::now();
        loop {
            let value = self.run(script, arguments.clone()).await;
            if value != Value::Bool(false) && value != Value::Null {
                return value;
            }
            if begun.elapsed() > PATIENCE {
                let text = self.run("return document.body.innerText", json!([])).await;
                panic!("{what}: not within {PATIENCE:?}; the page says {text}");
            }
            sleep(Duration::from_millis(25)).await;
        }
    }

    /// Fails when the console has shown an error since it was last asked, of a script or of the network.
    pub(crate) async fn assert_no_errors(&self, page: &str) {
        let log = Vendor {
            path: "se/log",
            body: json!({ "type": "browser" }),
        };
        let Value::Array(mut entries) = self.client.issue_cmd(log).await.unwrap() else {
            panic!("the log is a list")
        };
        entries.retain(|entry| entry["level"] == "SEVERE");
        assert!(entries.is_empty(), "{page}: {entries:?}");
    }

    /// Sends a command of the DevTools protocol.
    pub(crate) async fn devtools(&self, command: &str, parameters: Value) -> Value {
        let command = Vendor {
            path: "goog/cdp/execute",
            body: json!({ "cmd": command, "params": parameters }),
        };
        self.client.issue_cmd(command).await.unwrap()
    }
}

/// A command of chromedriver's own.
#[derive(Debug)]
struct Vendor {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Vendor {
    fn endpoint(
        &self,
        base: &url::Url,
        session: Option<&str>,
    ) -> Result<url::Url, url::ParseError> {
        let session = session.unwrap_or_default();
        base.join(&format!("session/{session}/{}", self.path))
    }

    fn method_and_body(&self, _: &url::Url) -> (http::Method, Option<String>) {
        (http::Method::POST, Some(self.body.to_string()))
    }
}
