//! The link between the coordinator and one worker: orders one way, what is said the other.
//!
//! A worker is a thread of this process or a process of its own. Both do the same and say the same; only what
//! carries it differs.

use std::io;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::unix::pipe;
use tokio::sync::mpsc;
use tokio::task::JoinSet;

use super::wire::{self, Beat, Order, Said};
use super::worker::{self, QUEUE};
use crate::target::Child;

/// Messages of all workers that may wait to be booked.
const NEWS: usize = 256;

/// What was said last, kept up to date whatever the coordinator is busy with.
#[derive(Debug, Default)]
pub(super) struct Board {
    pub(super) beat: Beat,
    /// Messages so far: as long as it grows, the worker lives.
    pub(super) heard: u64,
    /// Why nothing more will come.
    pub(super) ended: Option<String>,
}

/// The coordinator's end of a link.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) orders: mpsc::Sender<Order>,
    pub(super) board: Arc<Mutex<Board>>,
    /// Of a worker that is a process which was started here.
    pub(super) child: Option<Child>,
}

impl Link {
    pub(super) fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What comes from all workers, and the tasks that bring it: they end with this.
#[derive(Debug)]
pub(super) struct News {
    sender: mpsc::Sender<(usize, Said)>,
    receiver: mpsc::Receiver<(usize, Said)>,
    tasks: JoinSet<()>,
}

impl News {
    pub(super) fn new() -> Self {
        let (sender, receiver) = mpsc::channel(NEWS);
        Self {
            sender,
            receiver,
            tasks: JoinSet::new(),
        }
    }

    /// The next message and the number of its worker. Signs of life are not among them. Cancel-safe.
    pub(super) async fn next(&mut self) -> (usize, Said) {
        match self.receiver.recv().await {
            Some(news) => news,
            // Unreachable while a sender is kept here.
            None => std::future::pending().await,
        }
    }

    /// A worker on a thread of this process.
    ///
    /// # Errors
    /// When the thread cannot start.
    pub(super) fn thread(&mut self, number: usize) -> io::Result<Link> {
        let (orders, ordered) = mpsc::channel(QUEUE);
        let (said, mut saying) = mpsc::channel(QUEUE);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        // It ends when its orders do, or what it says is heard no more.
        std::thread::Builder::new()
            .name("worker".to_owned())
            .spawn(move || runtime.block_on(worker::serve(ordered, said)))?;
        let listener = self.listener(number);
        let board = Arc::clone(&listener.board);
        self.tasks.spawn(async move {
            while let Some(said) = saying.recv().await {
                listener.hear(said).await;
            }
            listener.end("its thread ended".to_owned());
        });
        Ok(Link {
            orders,
            board,
            child: None,
        })
    }

    /// A worker that is a process of this program.
    ///
    /// # Errors
    /// When it cannot start.
    pub(super) fn process(&mut self, number: usize) -> io::Result<Link> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(["worker", "--stdio"]).stdout(Stdio::piped());
        let mut child = Child::spawn(command, None)?;
        let missing = || io::Error::from(io::ErrorKind::BrokenPipe);
        let input = child.take_stdin().ok_or_else(missing)?;
        let output = child.take_stdout().ok_or_else(missing)?;
        let mut input = pipe::Sender::from_owned_fd(input.into())?;
        let mut output = pipe::Receiver::from_owned_fd(output.into())?;
        let (orders, mut ordered) = mpsc::channel::<Order>(QUEUE);
        let listener = self.listener(number);
        let board = Arc::clone(&listener.board);
        self.tasks.spawn(async move {
            while let Some(order) = ordered.recv().await {
                // A worker that has gone is noticed where it is listened to.
                if wire::write(&mut input, &order).await.is_err() {
                    break;
                }
            }
        });
        self.tasks.spawn(async move {
            let why = loop {
                match wire::read::<Said>(&mut output).await {
                    Ok(Some(said)) => listener.hear(said).await,
                    Ok(None) => break "it said no more".to_owned(),
                    Err(error) => break error.to_string(),
                }
            };
            listener.end(why);
        });
        Ok(Link {
            orders,
            board,
            child: Some(child),
        })
    }

    /// Does something as long as this lasts.
    pub(super) fn spawn(&mut self, task: impl Future<Output = ()> + Send + 'static) {
        self.tasks.spawn(task);
    }

    pub(super) fn listener(&self, number: usize) -> Listener {
        Listener {
            number,
            board: Arc::default(),
            news: self.sender.clone(),
        }
    }
}

/// Takes in what a worker says.
pub(super) struct Listener {
    number: usize,
    pub(super) board: Arc<Mutex<Board>>,
    news: mpsc::Sender<(usize, Said)>,
}

impl Listener {
    pub(super) async fn hear(&self, said: Said) {
        {
            let mut board = self.board();
            board.heard += 1;
            if let Said::Beat(beat) = said {
                board.beat = beat;
                return;
            }
        }
        // Nobody listens any more when the trial is over.
        let _ = self.news.send((self.number, said)).await;
    }

    /// A sign of life that says nothing else.
    pub(super) fn beat(&self) {
        self.board().heard += 1;
    }

    pub(super) fn end(&self, why: String) {
        self.board().ended.get_or_insert(why);
    }

    fn board(&self) -> MutexGuard<'_, Board> {
        self.board.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
