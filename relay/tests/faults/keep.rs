//! `--keep`: the file between two processes.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;

use tempfile::TempDir;

use crate::program::{Program, refused};

/// A folder and the file in it.
fn place() -> (TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("kept");
    (folder, file)
}

fn next(position: &str) -> String {
    let (epoch, offset) = position.split_once('-').unwrap();
    format!("{epoch}-{}", offset.parse::<u64>().unwrap() + 1)
}

#[test]
fn a_relay_goes_on_where_the_one_before_was_stopped() {
    let (_folder, file) = place();
    let mut relay = Program::start(&file);
    let first = relay.publish("\"one\"");
    let second = relay.publish("{\"two\": 2.0}");
    let (code, log) = relay.stop();
    assert_eq!(code, Some(0), "{log}");
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );

    let relay = relay.again(&file);
    assert!(!file.exists(), "it was read");
    assert_eq!(
        relay.after(&first),
        format!(
            r#"{{"next":"{second}","messages":[{{"position":"{second}","payload":{{"two":2.0}}}}],"missed":null}}"#
        )
    );
    assert_eq!(relay.publish("3"), next(&second));
}

#[test]
fn after_a_kill_no_file_brings_old_positions_back() {
    let (_folder, file) = place();
    let mut relay = Program::start(&file);
    let first = relay.publish("1");
    assert_eq!(relay.stop().0, Some(0));
    let relay = relay.again(&file);
    let second = relay.publish("2");
    assert_eq!(second, next(&first));

    let relay = relay.again(&file);
    assert_ne!(relay.publish("3"), second);
    for position in [first, second] {
        let told = relay.after(&position);
        assert!(
            told.contains("recreated") && told.contains("\"payload\":3"),
            "{told}"
        );
    }
}

#[test]
fn a_file_that_is_no_whole_log_is_refused_and_stays() {
    let (_folder, file) = place();
    let mut relay = Program::start(&file);
    relay.publish("1");
    relay.stop();
    let whole = fs::read(&file).unwrap();
    let mut changed = whole.clone();
    *changed.iter_mut().rfind(|byte| **byte == b'1').unwrap() = b'2';
    for (bytes, why) in [
        (&whole[..whole.len() / 2], "cut off"),
        (b"", "cut off"),
        (b"[1, 2]\n", "no log of a relay"),
        (b"relay-log 9 0\n", "version 9"),
        (&changed, "wrong"),
    ] {
        fs::write(&file, bytes).unwrap();
        let output = refused("127.0.0.1:0", &file);
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(
            said.contains(why) && said.contains("move it away"),
            "{said}"
        );
        assert!(output.stdout.is_empty(), "it did not listen");
        assert_eq!(fs::read(&file).unwrap(), bytes, "it is as it was");
    }
    let folder = refused("127.0.0.1:0", file.parent().unwrap());
    assert_eq!(folder.status.code(), Some(1), "{folder:?}");
}

#[test]
fn a_relay_that_cannot_start_leaves_the_file() {
    let (_folder, file) = place();
    let mut relay = Program::start(&file);
    let first = relay.publish("1");
    relay.stop();
    let whole = fs::read(&file).unwrap();
    let (_elsewhere, other) = place();
    let taken = Program::start(&other);
    let output = refused(&taken.address.to_string(), &file);
    assert_eq!(output.status.code(), Some(1), "{output:?}");
    assert_eq!(fs::read(&file).unwrap(), whole);
    assert!(relay.again(&file).after("earliest").contains(&first));
}

#[test]
fn two_relays_do_not_share_a_file() {
    let (_folder, file) = place();
    let mut relay = Program::start(&file);
    let first = relay.publish("1");
    let output = refused("127.0.0.1:0", &file);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains("a relay that runs"), "{said}");
    assert_eq!(relay.stop().0, Some(0));
    assert!(relay.again(&file).after("earliest").contains(&first));
}

#[test]
fn a_log_that_cannot_be_written_is_said_with_the_exit_code() {
    let (folder, file) = place();
    let inner = folder.path().join("inner");
    fs::create_dir(&inner).unwrap();
    let file = inner.join(file.file_name().unwrap());
    let mut relay = Program::start(&file);
    relay.publish("1");
    fs::remove_dir_all(&inner).unwrap();
    let (code, log) = relay.stop();
    assert_eq!(code, Some(1), "{log}");
    assert!(
        log.contains("the log is lost") && log.contains("inner/kept"),
        "{log}"
    );
    let nowhere = refused("127.0.0.1:0", &file);
    let said = String::from_utf8_lossy(&nowhere.stderr);
    assert_eq!(nowhere.status.code(), Some(1), "{said}");
    assert!(said.contains("give --keep a file in a folder"), "{said}");
}
