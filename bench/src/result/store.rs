//! The folder of a run: proved writable before the run, written in whole files.

use std::fs::{self, File};
use std::io::{self, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::{FORMAT, RunResult, Witnessed};

const SUMMARY: &str = "summary.json";
const WITNESS: &str = "witness.json";
const LATEST: &str = "latest";
/// A run with many trials writes a few megabytes; charts and logs as much again.
const FREE_BYTES: u64 = 64 * 1024 * 1024;

/// Why results could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder cannot be made or written.
    #[error("cannot write results in `{}`: {source}; choose a folder you may write with --out DIR", folder.display())]
    Unwritable {
        /// The folder.
        folder: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The disk is nearly full.
    #[error("only {} MiB free in `{}`, {} MiB are needed; make room or choose another disk with --out DIR",
        free >> 20, folder.display(), FREE_BYTES >> 20)]
    NoSpace {
        /// The folder.
        folder: PathBuf,
        /// Bytes free.
        free: u64,
    },
    /// Something that is not a link stands where the link to the newest run goes.
    #[error("`{}` is not a symbolic link, so it cannot be pointed at the newest run; move it away or use --out DIR", .0.display())]
    LatestTaken(PathBuf),
    /// A file of a run cannot be read.
    #[error("cannot read `{}`: {source}; name a folder that `bench run` made", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The document was written by a newer program.
    #[error("`{}` has format {found}, this program reads up to {FORMAT}; use a newer bench", file.display())]
    Newer {
        /// The file.
        file: PathBuf,
        /// Its format.
        found: u32,
    },
    /// The document is not a results document.
    #[error("`{}` is not a results document: {source}", file.display())]
    Malformed {
        /// The file.
        file: PathBuf,
        /// What is wrong and where.
        source: serde_json::Error,
    },
}

/// The folder of one run.
#[derive(Debug)]
pub struct Store {
    dir: PathBuf,
    /// `latest` and the name it is to point at; none for a run that was opened again.
    link: Option<(PathBuf, PathBuf)>,
}

impl Store {
    /// Makes `OUT/<scenario>-<UTC time>/`, a folder that did not exist, and proves
    /// that it can be written.
    ///
    /// # Errors
    /// When the folder cannot be made or written, when the disk is nearly full,
    /// or when `OUT/latest` is something else than a link.
    pub fn create(out: &Path, scenario: &str, now: Timestamp) -> Result<Self, StoreError> {
        let unwritable = |source| StoreError::Unwritable {
            folder: out.to_path_buf(),
            source,
        };
        fs::create_dir_all(out).map_err(unwritable)?;
        let latest = out.join(LATEST);
        if fs::symlink_metadata(&latest).is_ok_and(|meta| !meta.is_symlink()) {
            return Err(StoreError::LatestTaken(latest));
        }
        check_space(out)?;
        let name = make_folder(out, scenario, now).map_err(unwritable)?;
        let dir = out.join(&name);
        if let Err(source) = prove(&dir) {
            let _ = fs::remove_dir_all(&dir); // empty, and the first error is the one to tell
            return Err(StoreError::Unwritable {
                folder: dir,
                source,
            });
        }
        Ok(Self {
            dir,
            link: Some((latest, name)),
        })
    }

    /// Opens the folder of an earlier run; `latest` and the path of a `summary.json` work too.
    ///
    /// # Errors
    /// When there is no such folder.
    pub fn open(dir: &Path) -> Result<Self, StoreError> {
        let found = fs::canonicalize(dir).map_err(|source| StoreError::Unreadable {
            file: dir.to_path_buf(),
            source,
        })?;
        let dir = match found.parent() {
            Some(parent) if found.is_file() => parent.to_path_buf(),
            _ => found,
        };
        Ok(Self { dir, link: None })
    }

    /// The folder.
    #[must_use]
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Writes what is known so far, so that a run that dies later loses nothing.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn checkpoint(&self, run: &RunResult) -> Result<(), StoreError> {
        self.put_json(SUMMARY, run)
    }

    /// Writes what a browser saw beside the run.
    ///
    /// # Errors
    /// When the file cannot be written.
    pub fn put_witness(&self, witnessed: &Witnessed) -> Result<(), StoreError> {
        self.put_json(WITNESS, witnessed)
    }

    /// Reads what a browser saw beside the run; `None` when there was none.
    ///
    /// # Errors
    /// When the file cannot be read, is no such document, or is newer than this program.
    pub fn load_witness(&self) -> Result<Option<Witnessed>, StoreError> {
        let file = self.dir.join(WITNESS);
        let text = match fs::read(&file) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(StoreError::Unreadable { file, source }),
        };
        document(&file, &text).map(Some)
    }

    fn put_json(&self, name: &str, document: &impl Serialize) -> Result<(), StoreError> {
        let json = serde_json::to_vec_pretty(document);
        let mut json = json.map_err(|source| StoreError::Malformed {
            file: self.dir.join(name),
            source,
        })?;
        json.push(b'\n');
        self.put(name, &json)
    }

    /// Writes the document, the interval logs and the scenario as resolved, then
    /// points `latest` at this run.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(
        &self,
        run: &RunResult,
        logs: &[(String, Vec<u8>)],
        scenario: &str,
    ) -> Result<(), StoreError> {
        self.put("scenario.toml", scenario.as_bytes())?;
        for (name, log) in logs {
            self.put(name, log)?;
        }
        self.checkpoint(run)?;
        match &self.link {
            Some((latest, name)) => point(latest, name).map_err(|source| StoreError::Unwritable {
                folder: latest.clone(),
                source,
            }),
            None => Ok(()),
        }
    }

    /// Reads the document.
    ///
    /// # Errors
    /// When it is missing, not a results document, or newer than this program.
    pub fn load(&self) -> Result<RunResult, StoreError> {
        load(&self.dir)
    }

    fn put(&self, name: &str, content: &[u8]) -> Result<(), StoreError> {
        let file = self.dir.join(name);
        put(&file, content).map_err(|source| StoreError::Unwritable {
            folder: file,
            source,
        })
    }
}

/// Reads the document in a run's folder.
///
/// # Errors
/// When it is missing, not a results document, or newer than this program.
pub fn load(dir: &Path) -> Result<RunResult, StoreError> {
    let file = dir.join(SUMMARY);
    let text = match fs::read(&file) {
        Ok(text) => text,
        Err(source) => return Err(StoreError::Unreadable { file, source }),
    };
    document(&file, &text)
}

/// Reads a document of a run from its text; `file` is named in errors.
///
/// # Errors
/// When it is no such document, or newer than this program.
pub fn document<T: DeserializeOwned>(file: &Path, text: &[u8]) -> Result<T, StoreError> {
    #[derive(Deserialize)]
    struct Head {
        format: u32,
    }
    let malformed = |source| StoreError::Malformed {
        file: file.to_path_buf(),
        source,
    };
    // The format first: a newer document need not parse as ours.
    let head: Head = serde_json::from_slice(text).map_err(malformed)?;
    if head.format > FORMAT {
        return Err(StoreError::Newer {
            file: file.to_path_buf(),
            found: head.format,
        });
    }
    serde_json::from_slice(text).map_err(malformed)
}

/// Writes a whole file or nothing: a reader never sees half of it.
///
/// # Errors
/// What the system said.
pub(crate) fn put(file: &Path, content: &[u8]) -> io::Result<()> {
    let mut name = file.file_name().unwrap_or_default().to_os_string();
    name.push(".part");
    let part = file.with_file_name(name);
    let written = File::create(&part).and_then(|mut out| {
        out.write_all(content)?;
        out.sync_all()?;
        fs::rename(&part, file)
    });
    if written.is_err() {
        let _ = fs::remove_file(&part); // the first error is the one to tell
    }
    written
}

fn make_folder(out: &Path, scenario: &str, now: Timestamp) -> io::Result<PathBuf> {
    let base = format!("{scenario}-{}", now.strftime("%Y-%m-%dT%H-%M-%SZ"));
    let mut name = PathBuf::from(&base);
    for again in 2..1000 {
        match fs::create_dir(out.join(&name)) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => {
                name = PathBuf::from(format!("{base}-{again}"));
            }
            made => return made.map(|()| name),
        }
    }
    Err(io::ErrorKind::AlreadyExists.into())
}

fn prove(dir: &Path) -> io::Result<()> {
    let probe = dir.join("probe");
    put(&probe, &[0; 4096])?;
    fs::remove_file(probe)
}

fn check_space(out: &Path) -> Result<(), StoreError> {
    // A file system that does not say how much is free is tried rather than refused.
    let Ok(space) = rustix::fs::statvfs(out) else {
        return Ok(());
    };
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    if free < FREE_BYTES {
        return Err(StoreError::NoSpace {
            folder: out.to_path_buf(),
            free,
        });
    }
    Ok(())
}

/// Points the link at a folder beside it, in one step.
fn point(latest: &Path, name: &Path) -> io::Result<()> {
    let next = latest.with_file_name(format!(".{LATEST}-{}", std::process::id()));
    let _ = fs::remove_file(&next); // left by a run that died here
    symlink(name, &next)?;
    fs::rename(&next, latest)
}
