//! The manual pages and the shell completions, from the same definition as the help.

use std::io;
use std::path::Path;

use clap::CommandFactory;

use super::{Cli, complain, say};
use crate::exit::Exit;

/// Prints a script that completes commands and flags.
pub(super) fn completions(shell: clap_complete::Shell) -> Exit {
    let mut script = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "bench", &mut script);
    say(&String::from_utf8_lossy(&script))
}

/// Prints the manual page, or writes that of bench and one for each command into a folder.
pub(super) fn pages(folder: Option<&Path>) -> Exit {
    let Some(folder) = folder else {
        let mut page = Vec::new();
        return match clap_mangen::Man::new(Cli::command()).render(&mut page) {
            Ok(()) => say(&String::from_utf8_lossy(&page)),
            Err(error) => failed(Path::new("standard output"), &error),
        };
    };
    let made = std::fs::create_dir_all(folder)
        .and_then(|()| clap_mangen::generate_to(Cli::command(), folder));
    match made {
        Ok(()) => say(&format!(
            "wrote the manual to {}; read it with `man {}`\n",
            folder.display(),
            folder.join("bench.1").display()
        )),
        Err(error) => failed(folder, &error),
    }
}

fn failed(place: &Path, error: &io::Error) -> Exit {
    complain(&format!("cannot write `{}`: {error}", place.display()));
    Exit::Usage
}
