//! A real Chromium with a profile of its own: found, started, and ended with all that it started.

use std::env;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use fantoccini::Client;
use serde_json::Value;
use tempfile::TempDir;
use thiserror::Error;

use super::driver::{self, Vendor};
use crate::target::Child;

/// How long a browser or its driver may take to come up, on a machine that is busy with other things.
const START_LIMIT: Duration = Duration::from_secs(60);
/// How often a file is looked for.
const LOOK: Duration = Duration::from_millis(20);

/// Names of Chromium, the first one found is taken.
const BROWSERS: [&str; 4] = [
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
];
const DRIVER: &str = "chromedriver";

/// Where Chromium writes the port of its DevTools, in its profile.
const PORT_FILE: &str = "DevToolsActivePort";

/// Without a window, without leave of the kernel for a sandbox (containers give none; it opens the
/// pages of the server under test alone), without talk of its own on the network, and with timers
/// that run as in a page that a person looks at.
const FLAGS: [&str; 15] = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--disable-extensions",
    "--disable-sync",
    "--disable-background-timer-throttling",
    "--disable-backgrounding-occluded-windows",
    "--disable-renderer-backgrounding",
    "--no-first-run",
    "--remote-debugging-port=0",
    "--window-size=1200,900",
];

/// Why there is no browser to drive.
#[derive(Debug, Error)]
pub enum BrowserError {
    /// A program is not installed.
    #[error(
        "no {0} is on the PATH; on Debian `apt-get install chromium chromium-driver` brings both that are needed, elsewhere install Chromium or Chrome and the chromedriver of the same version"
    )]
    Missing(&'static str),
    /// A program cannot be started.
    #[error("cannot start `{}`: {source}", program.display())]
    Start {
        /// The program.
        program: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A program was started and did not come up.
    #[error("`{}` did not come up: {reason}", program.display())]
    Silent {
        /// The program.
        program: PathBuf,
        /// What is known of it.
        reason: String,
    },
    /// The driver does not take the browser; versions that do not fit are the usual cause.
    #[error("the driver cannot drive the browser: {0}")]
    Session(String),
    /// A command to a running browser failed.
    #[error("the browser did not do as it was told: {0}")]
    Command(String),
}

/// The two programs that driving a browser takes.
#[derive(Debug, Clone)]
pub struct Programs {
    /// Chromium or Chrome.
    pub browser: PathBuf,
    /// Its WebDriver.
    pub driver: PathBuf,
}

impl Programs {
    /// Looks for both on the PATH.
    ///
    /// # Errors
    /// [`BrowserError::Missing`], with how to install them.
    pub fn find() -> Result<Self, BrowserError> {
        Ok(Self {
            browser: Self::browser()?,
            driver: on_path(&[DRIVER]).ok_or(BrowserError::Missing(DRIVER))?,
        })
    }

    /// Looks for the browser alone.
    ///
    /// # Errors
    /// As [`Programs::find`].
    pub fn browser() -> Result<PathBuf, BrowserError> {
        on_path(&BROWSERS).ok_or(BrowserError::Missing("Chromium"))
    }
}

/// The first of these names that is a file in a folder of the PATH.
fn on_path(names: &[&str]) -> Option<PathBuf> {
    let path = env::var_os("PATH")?;
    let folders: Vec<PathBuf> = env::split_paths(&path).collect();
    let mut programs = names
        .iter()
        .flat_map(|name| folders.iter().map(move |folder| folder.join(name)));
    programs.find(|program| program.is_file())
}

/// A browser that runs; dropped, it and its driver are killed and its profile is gone.
#[derive(Debug)]
pub struct Browser {
    /// Speaks WebDriver to it.
    pub client: Client,
    /// Its name and version, as `Chromium 140.0.7339.80`.
    pub version: String,
    /// The port of its DevTools.
    pub(super) devtools: u16,
    browser: Child,
    driver: Child,
    /// The last field: removed when nobody writes into it any more.
    _profile: TempDir,
}

impl Browser {
    /// Starts the browser of this machine, without a window and with an empty page.
    ///
    /// Browser and driver end with the thread that calls this, whatever ends it. Cancel-safe: dropped
    /// half-way, it kills what it started.
    ///
    /// # Errors
    /// [`BrowserError`], within about two minutes.
    ///
    /// # Panics
    /// Outside a tokio runtime with I/O and time.
    pub async fn start() -> Result<Self, BrowserError> {
        Self::of(&Programs::find()?).await
    }

    /// The same with programs that are known.
    ///
    /// # Errors
    /// As [`Browser::start`].
    ///
    /// # Panics
    /// As [`Browser::start`].
    pub async fn of(programs: &Programs) -> Result<Self, BrowserError> {
        let failed = |source| BrowserError::Start {
            program: programs.browser.clone(),
            source,
        };
        let profile = tempfile::Builder::new()
            .prefix("bench-browser-")
            .tempdir()
            .map_err(failed)?;
        let mut command = Command::new(&programs.browser);
        command
            .args(FLAGS)
            .arg(format!("--user-data-dir={}", profile.path().display()))
            .arg("about:blank")
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let mut browser = Child::spawn(command, None).map_err(failed)?;
        let port = listening(&mut browser, profile.path())
            .await
            .map_err(|reason| BrowserError::Silent {
                program: programs.browser.clone(),
                reason,
            })?;
        let (driver, client) = driver::start(&programs.driver, port, START_LIMIT).await?;
        let version = driver::version(&client).await?;
        let file = programs.browser.file_name().unwrap_or_default();
        let chromium = file.to_string_lossy().contains("chromium");
        let name = if chromium { "Chromium" } else { "Chrome" };
        Ok(Self {
            client,
            version: format!("{name} {version}"),
            devtools: port,
            browser,
            driver,
            _profile: profile,
        })
    }

    /// Sends a command of the DevTools protocol to the page, as `Emulation.setDeviceMetricsOverride`; gives its answer.
    ///
    /// # Errors
    /// [`BrowserError::Command`].
    pub async fn devtools(&self, command: &str, parameters: Value) -> Result<Value, BrowserError> {
        let body = serde_json::json!({ "cmd": command, "params": parameters });
        self.vendor("goog/cdp/execute", body).await
    }

    /// What the console of its pages has said since this was last asked, errors of scripts and of the
    /// network included: each as `SEVERE http://… message`.
    ///
    /// # Errors
    /// [`BrowserError::Command`].
    pub async fn console(&self) -> Result<Vec<String>, BrowserError> {
        let body = serde_json::json!({ "type": "browser" });
        let entries = self.vendor("se/log", body).await?;
        let line = |entry: &Value| {
            let part = |key: &str| entry[key].as_str().unwrap_or_default().to_owned();
            format!("{} {}", part("level"), part("message"))
        };
        Ok(entries.as_array().into_iter().flatten().map(line).collect())
    }

    /// The process of the browser. Its helpers are in the process group of the same number.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.browser.id()
    }

    /// Whether browser or driver have ended by themselves, and how.
    pub fn ended(&mut self) -> Option<String> {
        let (browser, driver) = (self.browser.ended(), self.driver.ended());
        browser
            .map(|status| format!("the browser ended ({status})"))
            .or(driver.map(|status| format!("its driver ended ({status})")))
    }

    /// Ends browser and driver in good order, and kills what does not end.
    pub async fn quit(self) {
        let Self {
            client,
            browser,
            driver,
            ..
        } = self;
        drop(client);
        tokio::join!(browser.stop(), driver.stop());
    }

    async fn vendor(&self, path: &'static str, body: Value) -> Result<Value, BrowserError> {
        let answer = self.client.issue_cmd(Vendor { path, body }).await;
        answer.map_err(|error| BrowserError::Command(error.to_string()))
    }
}

/// The port of the browser's DevTools, once it has written it down.
async fn listening(browser: &mut Child, profile: &Path) -> Result<u16, String> {
    let file = profile.join(PORT_FILE);
    let deadline = tokio::time::Instant::now() + START_LIMIT;
    loop {
        // It is written in one piece: a port, a line break and a path.
        let text = fs::read_to_string(&file).unwrap_or_default();
        if let Some((port, _)) = text.split_once('\n') {
            return port
                .parse()
                .map_err(|_| format!("`{port}` is not the number of a port"));
        }
        if let Some(status) = browser.ended() {
            return Err(format!("it ended ({status})"));
        }
        if tokio::time::Instant::now() > deadline {
            return Err(format!("no word of it within {} s", START_LIMIT.as_secs()));
        }
        tokio::time::sleep(LOOK).await;
    }
}
