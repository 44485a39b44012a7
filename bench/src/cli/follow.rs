//! `--live`: the page that follows what runs.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;

use clap::Args;
use tokio::signal::unix::{SignalKind, signal};
use tokio_util::sync::CancellationToken;

use super::{complain, tell};
use crate::exit::Exit;
use crate::live::web::{Feed, Web};
use crate::result::RunResult;

/// Whether and where a run can be followed in a browser.
#[derive(Debug, Args)]
pub(crate) struct FollowArgs {
    /// Serve a page that follows the run in a browser and becomes its report; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS")]
    live: Option<SocketAddr>,
    /// Serve the page after the end, too, until Ctrl-C
    #[arg(long, requires = "live")]
    live_stay: bool,
    /// Let --live take an address that other machines can reach: whoever can, sees the run
    #[arg(long, requires = "live")]
    live_remote: bool,
}

/// The page, while it is served.
#[derive(Debug)]
pub(super) struct Follow {
    web: Web,
    feed: Feed,
    stay: bool,
}

impl FollowArgs {
    /// Starts to serve, if asked to, and says where.
    pub(super) fn start(&self, quiet: bool) -> Result<Option<Follow>, Exit> {
        let Some(address) = self.live else {
            return Ok(None);
        };
        if !address.ip().is_loopback() && !self.live_remote {
            complain(&format!(
                "other machines could see the run at {address}; use a loopback address such as 127.0.0.1:{}, or add --live-remote",
                address.port()
            ));
            return Err(Exit::Usage);
        }
        let web = Web::start(address).map_err(|error| {
            complain(&format!("cannot serve the page at {address}: {error}"));
            Exit::Usage
        })?;
        if !quiet {
            tell(&format!("live at http://{}/", web.address()));
        }
        let feed = web.feed();
        Ok(Some(Follow {
            web,
            feed,
            stay: self.live_stay,
        }))
    }
}

impl Follow {
    pub(super) fn feed(&mut self) -> &mut Feed {
        &mut self.feed
    }

    /// Hands the report in `dir` to viewers; `turn` counts the runs that go on together.
    pub(super) fn report(&mut self, turn: usize, result: &RunResult, dir: &Path) {
        // Why there is none, when there is none, was told.
        if let Ok(page) = fs::read_to_string(dir.join("report.html")) {
            let folder = dir.display().to_string();
            self.feed.report(turn, result, &folder, page);
        }
    }

    /// Tells viewers what came of it and lets them go: at once, or when a Ctrl-C says so.
    /// Who stopped the run by one wants no page to stay.
    pub(super) fn end(mut self, exit: Exit, text: &str, stop: &CancellationToken, quiet: bool) {
        let stays = self.stay && !stop.is_cancelled();
        self.feed.end(exit.code(), text, stays);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build();
        let Ok(runtime) = runtime else { return };
        if stays && !quiet {
            tell(&format!(
                "still at http://{}/; Ctrl-C ends bench",
                self.web.address()
            ));
        }
        runtime.block_on(async {
            let (Ok(mut interrupt), Ok(mut terminate)) = (
                signal(SignalKind::interrupt()),
                signal(SignalKind::terminate()),
            ) else {
                return;
            };
            let go = async {
                if stays {
                    std::future::pending::<()>().await;
                }
                self.web.let_go().await;
            };
            // Nothing is lost with any of them.
            tokio::select! {
                () = go => {}
                // The terminal has put `^C` where the cursor is.
                _ = interrupt.recv() => tell(""),
                _ = terminate.recv() => {}
            }
        });
    }
}
