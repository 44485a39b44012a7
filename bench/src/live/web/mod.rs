//! The page that follows a run, and the small server behind it.
//!
//! All that happens goes into one bounded log, and every viewer is a cursor in it: there is no queue
//! for a viewer, so one that is slow is merely behind, and one that comes late or comes again reads from where it
//! wants. The server has a thread of its own, which gives way to every other, and shares nothing with
//! the rest of bench but the log; the thread that watches the run adds to it and never waits.

mod feed;
mod log;
mod serve;
mod viewer;

use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio_util::sync::CancellationToken;

pub use feed::Feed;

use log::Board;

/// Viewers at a time; one more is told to try later.
pub const VIEWERS: usize = 16;
/// How long bench waits at the end for viewers to take the report.
const PATIENCE: Duration = Duration::from_secs(5);
/// How often it looks whether they have it.
const LOOK: Duration = Duration::from_millis(10);
/// Serving gives way to whatever else wants the processor.
const NICENESS: i32 = 10;

/// A server of the page. Dropped, it is gone.
#[derive(Debug)]
pub struct Web {
    address: SocketAddr,
    board: Arc<Board>,
    viewers: Arc<Semaphore>,
    stop: CancellationToken,
    thread: Option<JoinHandle<()>>,
}

impl Web {
    /// Starts serving at `address`; port 0 takes one that is free.
    ///
    /// # Errors
    /// When the address cannot be bound or a thread cannot start.
    pub fn start(address: SocketAddr) -> io::Result<Self> {
        let listener = TcpListener::bind(address)?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let mut web = Self {
            address,
            board: Arc::new(Board::new()),
            viewers: Arc::new(Semaphore::new(VIEWERS)),
            stop: CancellationToken::new(),
            thread: None,
        };
        let server = serve::Server {
            board: Arc::clone(&web.board),
            viewers: Arc::clone(&web.viewers),
            is_local: address.ip().is_loopback(),
        };
        let stop = web.stop.clone();
        let thread = std::thread::Builder::new()
            .name("live".to_owned())
            .spawn(move || {
                let _ = rustix::process::nice(NICENESS);
                // Without a listener nobody is served, and the run is none the worse for it.
                let _ = runtime.block_on(server.run(listener, stop));
            })?;
        web.thread = Some(thread);
        Ok(web)
    }

    /// Where it listens.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What is to be told to viewers goes in here.
    #[must_use]
    pub fn feed(&self) -> Feed {
        Feed::new(Arc::clone(&self.board))
    }

    /// Waits until every viewer has all there is and has been let go; a few seconds at most, and no time without viewers.
    pub async fn let_go(&self) {
        let gone = async {
            while self.viewers.available_permits() < VIEWERS {
                tokio::time::sleep(LOOK).await;
            }
        };
        // Who takes nothing for so long never will.
        let _ = tokio::time::timeout(PATIENCE, gone).await;
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        self.stop.cancel();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}
