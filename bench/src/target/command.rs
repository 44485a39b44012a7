//! The places that `target.command` names.

use tempfile::TempDir;

use super::TargetError;

/// A folder of its own for a server that is started, removed when it has ended.
const SCRATCH: &str = "{scratch}";
/// The folder that bench was started in, for programs that want a whole path.
const HERE: &str = "{here}";

/// The words of a command with their places filled in; makes the folder when one is named.
pub(super) fn fill(
    words: &[String],
    scratch: &mut Option<TempDir>,
) -> Result<Vec<String>, TargetError> {
    let place = |place| move |source| TargetError::Place { place, source };
    let names = |name: &str| words.iter().any(|word| word.contains(name));
    let mut filled = words.to_vec();
    if names(SCRATCH) {
        let folder = scratch.insert(tempfile::tempdir().map_err(place("temporary folder"))?);
        let path = folder.path().to_string_lossy();
        filled = replaced(&filled, SCRATCH, &path);
    }
    if names(HERE) {
        let here = std::env::current_dir().map_err(place("current folder"))?;
        filled = replaced(&filled, HERE, &here.to_string_lossy());
    }
    Ok(filled)
}

fn replaced(words: &[String], name: &str, path: &str) -> Vec<String> {
    words.iter().map(|word| word.replace(name, path)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_given_a_folder_that_goes_with_it() {
        let mut scratch = None;
        let words = ["a", "--in={scratch}/x", "{here}/b"].map(str::to_owned);
        let filled = fill(&words, &mut scratch).unwrap();
        let folder = scratch.as_ref().unwrap().path().to_owned();
        assert_eq!(filled[1], format!("--in={}/x", folder.display()));
        assert!(folder.is_dir() && filled[2].starts_with('/') && filled[2].ends_with("/b"));
        drop(scratch);
        assert!(!folder.exists());
        let mut none = None;
        assert_eq!(fill(&words[..1], &mut none).unwrap(), words[..1]);
        assert!(none.is_none());
    }
}
