//! The view that stays at the bottom of a terminal while lines go by above it.
//!
//! A thread of its own draws a few times a second, so that a terminal that is slow or held by
//! Ctrl-S holds up nothing. While it is there, standard error is a pipe that this thread reads, and what
//! comes out of it is printed above the view: an error of bench, a panic of any thread, a word of
//! the server that bench started, each whole. No mode of the terminal is changed, and the cursor rests on the line
//! below the view: whatever ends bench, there is nothing to restore.

use std::env;
use std::fs::File;
use std::io::{self, IsTerminal, PipeReader, Read, Write};
use std::os::fd::AsFd;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use console::{is_dumb, measure_text_width};
use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};

use super::lines::{Room, lines};
use super::state::State;

/// How often the thread listens.
const TICK: Duration = Duration::from_millis(50);
/// It draws each so many ticks, and when something was said.
const DRAW: u32 = 5;
/// Drawing gives way to whatever else wants the processor.
const NICENESS: i32 = 10;
/// Where the size of the terminal is not told.
const USUAL: (u16, u16) = (80, 24);
/// A line that is longer is printed in pieces.
const LONGEST_LINE: usize = 1 << 16;
/// How long a process that is in a hurry waits for a terminal that takes nothing.
const HURRY: Duration = Duration::from_millis(500);

/// The view that there is now.
static SHOWN: Mutex<Option<Shown>> = Mutex::new(None);

/// What ends a view.
#[derive(Debug)]
struct Shown {
    /// What standard error was before.
    terminal: File,
    /// Dropped, it tells the thread to take the view away.
    _end: SyncSender<()>,
    /// Disconnected when that is done.
    ended: Receiver<()>,
}

/// A view on the terminal. Dropped, it is gone, and standard error is the terminal again.
#[derive(Debug)]
pub struct Screen {
    thread: Option<JoinHandle<()>>,
}

impl Screen {
    /// Starts a view of `state` when standard error is a terminal that can show one.
    ///
    /// # Errors
    /// When there are no descriptors or threads left.
    pub fn start(state: &Arc<Mutex<State>>) -> io::Result<Option<Self>> {
        if !io::stderr().is_terminal() || is_dumb() {
            return Ok(None);
        }
        let (reader, writer) = io::pipe()?;
        fcntl_setfl(&reader, fcntl_getfl(&reader)? | OFlags::NONBLOCK)?;
        let terminal = File::from(io::stderr().as_fd().try_clone_to_owned()?);
        let painter = Painter {
            terminal: terminal.try_clone()?,
            color: env::var_os("NO_COLOR").is_none_or(|value| value.is_empty()),
            drawn: Vec::new(),
            words: Vec::new(),
        };
        let (end, told) = sync_channel(0);
        let (ending, ended) = sync_channel(0);
        rustix::stdio::dup2_stderr(&writer)?;
        *shown() = Some(Shown {
            terminal,
            _end: end,
            ended,
        });
        let mut screen = Self { thread: None };
        let state = Arc::clone(state);
        let thread = std::thread::Builder::new()
            .name("screen".to_owned())
            .spawn(move || {
                watch(painter, reader, &state, &told);
                drop(ending);
            })?;
        screen.thread = Some(thread);
        Ok(Some(screen))
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        if let Some(Shown { terminal, .. }) = shown().take() {
            give_back(terminal);
        }
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

/// Whether there is a view.
#[must_use]
pub fn is_shown() -> bool {
    shown().is_some()
}

/// Takes the view away, if there is one, for a process that ends without unwinding.
pub fn leave() {
    if let Some(Shown {
        terminal,
        _end: end,
        ended,
    }) = shown().take()
    {
        give_back(terminal);
        drop(end);
        let _ = ended.recv_timeout(HURRY);
    }
}

fn shown() -> std::sync::MutexGuard<'static, Option<Shown>> {
    SHOWN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Makes standard error the terminal again.
fn give_back(terminal: File) {
    // It fails for a descriptor that is closed, and this one is not.
    let _ = rustix::stdio::dup2_stderr(terminal);
}

/// The life of the thread that draws.
fn watch(mut painter: Painter, mut pipe: PipeReader, state: &Mutex<State>, told: &Receiver<()>) {
    let _ = rustix::process::nice(NICENESS);
    // What the terminal does not take is lost: there is nowhere else to put it.
    for tick in 0_u32.. {
        painter.hear(&mut pipe);
        if tick % DRAW == 0 || painter.has_a_line() {
            let (width, height) = size(&painter.terminal);
            let room = Room {
                width,
                height,
                color: painter.color,
            };
            let view = lines(&state.lock().unwrap_or_else(PoisonError::into_inner), room);
            let _ = painter.draw(&view, width);
        }
        if told.recv_timeout(TICK) != Err(RecvTimeoutError::Timeout) {
            break;
        }
    }
    painter.hear(&mut pipe);
    let _ = painter.leave();
}

/// Columns and rows. A serial line tells 0.
fn size(terminal: &File) -> (usize, usize) {
    let told = rustix::termios::tcgetwinsize(terminal)
        .ok()
        .filter(|size| size.ws_col > 0 && size.ws_row > 0);
    let (width, height) = told.map_or(USUAL, |size| (size.ws_col, size.ws_row));
    (usize::from(width), usize::from(height))
}

#[derive(Debug)]
struct Painter {
    terminal: File,
    color: bool,
    /// The widths of the lines that stand above the cursor.
    drawn: Vec<usize>,
    /// What came out of the pipe and is not printed yet.
    words: Vec<u8>,
}

impl Painter {
    /// Takes what waits in the pipe, at most what it holds.
    fn hear(&mut self, pipe: &mut PipeReader) {
        let mut buffer = [0; 4096];
        for _ in 0..64 {
            match pipe.read(&mut buffer) {
                Ok(0) | Err(_) => return,
                Ok(count) => self.words.extend_from_slice(&buffer[..count]),
            }
        }
    }

    fn has_a_line(&self) -> bool {
        self.words.contains(&b'\n') || self.words.len() > LONGEST_LINE
    }

    /// Draws `view` in the place of what was drawn before, and the lines that were said above it.
    fn draw(&mut self, view: &[String], width: usize) -> io::Result<()> {
        let mut out = self.erase(width);
        match self.words.iter().rposition(|byte| *byte == b'\n') {
            Some(last) => out.extend(self.words.drain(..=last)),
            None if self.words.len() > LONGEST_LINE => {
                out.append(&mut self.words);
                out.push(b'\n');
            }
            None => {}
        }
        for line in view {
            out.extend_from_slice(line.as_bytes());
            out.push(b'\n');
        }
        self.drawn = view.iter().map(|line| measure_text_width(line)).collect();
        self.terminal.write_all(&out)
    }

    /// Takes the view away and prints all that was said.
    fn leave(&mut self) -> io::Result<()> {
        let mut out = self.erase(size(&self.terminal).0);
        out.append(&mut self.words);
        self.terminal.write_all(&out)
    }

    /// What takes the view away. A terminal that has become narrower has broken its lines.
    fn erase(&mut self, width: usize) -> Vec<u8> {
        let rows = |line: usize| line.div_ceil(width.max(1)).max(1);
        let rows: usize = self.drawn.drain(..).map(rows).sum();
        match rows {
            0 => Vec::new(),
            // To the first column, up, and clear to the end of the screen.
            _ => format!("\r\x1b[{rows}A\x1b[J").into_bytes(),
        }
    }
}
