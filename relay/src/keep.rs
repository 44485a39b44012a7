//! The file that carries the logs over a restart.
//!
//! It exists only between two processes. The one that ends writes it, the one that starts reads and removes it before it
//! serves anybody: were it still there after a crash, its positions would be given out a second time, for other messages.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, BufWriter, ErrorKind, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use rustix::fs::{FlockOperation, flock};

use crate::log::{Kept, Log, Restored, SnapshotError};

/// How much is read or written at once.
const BUFFER: usize = 256 * 1024;

/// The reason the logs could not be taken up or written down.
#[derive(Debug, thiserror::Error)]
pub(crate) enum KeepError {
    /// The lock cannot be made: most likely nothing can be written there.
    #[error(
        "cannot lock {path}: {source} (give --keep a file in a folder that the relay may write to)"
    )]
    Lock {
        /// The lock's file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Two relays would write the same file.
    #[error("{path} is the --keep file of a relay that runs: give each its own")]
    InUse {
        /// The file.
        path: PathBuf,
    },
    /// It cannot be used.
    #[error(
        "cannot go on with the log in {path}: {source} (it is left as it is; move it away to start \
         without: clients are then told that their channels were recreated)"
    )]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: SnapshotError,
    },
    /// It would be read again after a crash.
    #[error(
        "cannot remove {path} after reading it: {source} (let the relay write to its folder: a file \
         that stays would be read again after a crash, and its positions given out twice)"
    )]
    Remove {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// What the logs kept is lost.
    #[error("the log is lost, cannot write it to {path}: {source}")]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A file that is this relay's, until the process ends.
#[derive(Debug)]
pub(crate) struct Keep {
    path: PathBuf,
    /// Holds the lock, which the kernel lifts with the process, however that ends.
    _lock: File,
}

impl Keep {
    /// Locks the file, puts what is in it into an empty log, and removes it.
    ///
    /// It is called with the port in hand and before anything is served: a relay that cannot start
    /// leaves the file alone, and one that serves has none. Without a path there is nothing to do.
    pub(crate) fn take(path: Option<PathBuf>, log: &Log) -> Result<Option<Self>, KeepError> {
        let Some(path) = path else {
            return Ok(None);
        };
        let lock = lock(&path)?;
        let keep = Self { path, _lock: lock };
        if let Some(restored) = keep.read(log)? {
            keep.remove().map_err(|source| KeepError::Remove {
                path: keep.path.clone(),
                source,
            })?;
            tell(&keep.path, restored);
        }
        // Left by a process that ended while it wrote.
        let _ = fs::remove_file(keep.new_file());
        Ok(Some(keep))
    }

    fn read(&self, log: &Log) -> Result<Option<Restored>, KeepError> {
        let failed = |source| KeepError::Read {
            path: self.path.clone(),
            source,
        };
        let file = match File::open(&self.path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(failed(error.into())),
        };
        let mut file = BufReader::with_capacity(BUFFER, file);
        log.restore(now(), &mut file).map(Some).map_err(failed)
    }

    fn remove(&self) -> io::Result<()> {
        fs::remove_file(&self.path)?;
        self.settle()
    }

    /// Writes down what the log keeps: the file is there whole or not at all, also after a power cut.
    ///
    /// It is called when nobody is served any more, so all that was acknowledged is in it. It writes on a thread of its own:
    /// a second signal does not wait for a disk.
    pub(crate) async fn write(keep: Option<Self>, log: Arc<Log>) -> Result<(), KeepError> {
        let Some(keep) = keep else {
            return Ok(());
        };
        let path = keep.path.clone();
        let written = tokio::task::spawn_blocking(move || keep.write_whole(&log)).await;
        let Kept {
            channels,
            messages,
            bytes,
            ..
        } = written
            .unwrap_or_else(|stopped| Err(io::Error::other(stopped)))
            .map_err(|source| KeepError::Write {
                path: path.clone(),
                source,
            })?;
        tracing::info!(path = %path.display(), channels, messages, bytes, "the log is kept for the next process");
        Ok(())
    }

    fn write_whole(&self, log: &Log) -> io::Result<Kept> {
        let new = self.new_file();
        let written = self.write_to(&new, log);
        if written.is_err() {
            let _ = fs::remove_file(&new);
        }
        written
    }

    fn write_to(&self, new: &Path, log: &Log) -> io::Result<Kept> {
        let file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            // Payloads are for those who may read their channels.
            .mode(0o600)
            .open(new)?;
        let mut out = BufWriter::with_capacity(BUFFER, file);
        let kept = log.save(now(), &mut out)?;
        out.flush()?;
        out.get_ref().sync_all()?;
        fs::rename(new, &self.path)?;
        self.settle()?;
        Ok(kept)
    }

    /// Makes what was done to names in the folder last.
    fn settle(&self) -> io::Result<()> {
        File::open(folder(&self.path))?.sync_all()
    }

    fn new_file(&self) -> PathBuf {
        beside(&self.path, ".new")
    }
}

fn lock(path: &Path) -> Result<File, KeepError> {
    let name = beside(path, ".lock");
    let failed = |source: io::Error| KeepError::Lock {
        path: name.clone(),
        source,
    };
    let file = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600)
        .open(&name)
        .map_err(failed)?;
    match flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(file),
        Err(rustix::io::Errno::WOULDBLOCK) => Err(KeepError::InUse {
            path: path.to_owned(),
        }),
        Err(error) => Err(failed(error.into())),
    }
}

/// The name with something behind it: in the same folder, so that a rename stays within one file system.
fn beside(path: &Path, end: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(end);
    name.into()
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn tell(path: &Path, restored: Restored) {
    let path = path.display();
    let Restored {
        channels,
        messages,
        channels_left,
        messages_left,
    } = restored;
    tracing::info!(%path, channels, messages, "goes on with the log of the process before");
    if channels_left > 0 {
        tracing::warn!(
            channels = channels_left,
            "channels of the process before were left behind: --max-channels allows no more"
        );
    }
    if messages_left > 0 {
        tracing::warn!(
            messages = messages_left,
            "messages of the process before were left behind: by now they are too old, or a channel may keep no more"
        );
    }
}

/// The time of day in milliseconds since 1970.
#[expect(
    clippy::disallowed_methods,
    reason = "how long there was no relay: no other clock goes on from one process to the next"
)]
fn now() -> u64 {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    since.map_or(0, |since| {
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    })
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use proptest::prelude::*;

    use super::*;
    use crate::message::{ChannelName, Payload, Position};
    use crate::settings::Settings;
    use crate::state::empty_log;

    /// How a process ends.
    #[derive(Debug, Clone)]
    enum End {
        InOrder,
        Killed,
        /// Killed while it wrote, with so much on disk.
        KilledInWriting(usize),
        /// Killed before it served anybody, after it had read the file but not removed it.
        KilledInReading,
    }

    fn end() -> impl Strategy<Value = End> {
        prop_oneof![
            3 => Just(End::InOrder),
            1 => Just(End::Killed),
            1 => (0..200_usize).prop_map(End::KilledInWriting),
            1 => Just(End::KilledInReading),
        ]
    }

    proptest! {
        // Each waits for a disk many times.
        #![proptest_config(ProptestConfig::with_cases(32))]
        /// Each process publishes a few messages and ends in some way.
        #[test]
        fn however_processes_end_no_position_is_given_twice(story in prop::collection::vec((0..4_u64, end()), 1..12)) {
            let folder = tempfile::tempdir().unwrap();
            let path = folder.path().join("kept");
            let channel = ChannelName::parse("a").unwrap();
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let mut given: HashMap<Position, u64> = HashMap::new();
            // What the next process has to find, when the one before ended in order.
            let mut owed: Option<usize> = None;
            for (count, end) in story {
                let log = empty_log(&Settings::default());
                if matches!(end, End::KilledInReading) {
                    let keep = Keep { path: path.clone(), _lock: lock(&path).unwrap() };
                    keep.read(&log).unwrap();
                    continue;
                }
                let keep = Keep::take(Some(path.clone()), &log).unwrap().unwrap();
                prop_assert!(!path.exists() && !keep.new_file().exists());
                prop_assert_eq!(log.kept().messages, owed.unwrap_or(0));
                for value in 0..count {
                    let value = given.len() as u64 * 10 + value;
                    let payload = Payload::parse(value.to_string().as_bytes(), 99).unwrap();
                    let position = runtime.block_on(log.append(&channel, payload)).unwrap();
                    prop_assert_eq!(given.insert(position, value), None);
                }
                owed = None;
                match end {
                    End::InOrder => {
                        keep.write_whole(&log).unwrap();
                        owed = Some(log.kept().messages);
                    }
                    End::KilledInWriting(bytes) => {
                        let mut whole = Vec::new();
                        log.save(0, &mut whole).unwrap();
                        whole.truncate(bytes);
                        fs::write(keep.new_file(), whole).unwrap();
                    }
                    End::Killed | End::KilledInReading => {}
                }
            }
        }
    }
}
