//! What cannot be run is refused: when, with which words, and with which exit code.

use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::fake::{Fake, Plan, Silent};
use crate::program::{Story, bench, free_address, side_by_side};

fn scenario(target: &str) -> String {
    format!(
        r#"
{target}
[load]
transport = "sse"
clients = 2
rate = 10.0
[phases]
ramp = "50ms"
warm_up = "0s"
measure = "1s"
drain = "1s"
"#
    )
}

fn relay(url: &str) -> String {
    scenario(&format!(
        "target = {{ server = \"relay\", url = \"{url}\" }}"
    ))
}

#[test]
fn every_fault_of_a_scenario_is_told_with_its_line() {
    let story = Story::new("[load]\nclinets = 3\nrate = -1\n");
    story.run().expect(2).says(&[
        "story.toml:2:1",
        "unknown key \"load.clinets\"; did you mean \"clients\"?",
        "story.toml:3:8",
        "\"load.rate\" is -1",
    ]);
    story
        .bench(&["check", "story.toml"])
        .expect(2)
        .says(&["story.toml:2:1"]);
    story
        .bench(&["run", "none.toml"])
        .expect(2)
        .says(&["none.toml"]);
    story.bench(&["report", "none"]).expect(2).says(&["none"]);
    story.bench(&["run"]).expect(2);
    assert!(!story.folder().join("results").exists());
}

#[test]
fn a_target_that_refuses_is_named_within_seconds() {
    let url = format!("http://{}", free_address());
    let story = Story::new(&relay(&url));
    let ran = story.run().expect(3).says(&[&url, "refused"]);
    assert!(ran.took < Duration::from_secs(5), "{:?}", ran.took);
    let left = fs::read_dir(story.folder().join("results"))
        .unwrap()
        .count();
    assert_eq!(left, 0, "nothing was measured, so nothing is left");
}

#[test]
fn a_command_that_gives_no_server_is_told_as_what_it_is() {
    let url = format!("http://{}", free_address());
    let cases = [
        (
            r#"["sh", "-c", "echo no licence >&2; exit 7"]"#,
            vec!["sh -c", "no licence", "exit status: 7", "target.command"],
            Duration::from_secs(5),
        ),
        (
            r#"["sleep", "60"]"#,
            vec![&url, "refused", "after 15 s"],
            Duration::from_secs(20),
        ),
        (
            r#"["./none"]"#,
            vec!["./none", "No such file"],
            Duration::from_secs(5),
        ),
    ];
    side_by_side(cases, |(command, words, limit)| {
        let story = Story::new(&scenario(&format!(
            "target = {{ url = \"{url}\", command = {command} }}"
        )));
        let ran = story.run().expect(3).says(&words);
        assert!(ran.took < limit, "{:?}", ran.took);
    });
}

#[test]
fn an_address_that_bench_cannot_dial_is_refused_with_its_line() {
    for url in [
        "http://me@127.0.0.1:80",
        "http://127.0.0.1:0",
        "http://127.0.0.1/a",
    ] {
        let story = Story::new(&relay(url));
        story.run().expect(2).says(&["story.toml:2", "target.url"]);
    }
    let story = Story::new(&scenario(
        "target = { url = \"http://bench.invalid\", allow_hosts = [\"bench.invalid\"] }",
    ));
    story
        .run()
        .expect(3)
        .says(&["http://bench.invalid", "has no address"]);
}

#[test]
fn a_target_that_accepts_and_never_answers_is_named_within_seconds() {
    let cases = [
        (Silent::Everything, "does not answer"),
        (Silent::Channels, "answers no request"),
    ];
    side_by_side(cases, |(silent, words)| {
        let fake = Fake::start(Plan {
            silent,
            ..Plan::default()
        });
        let url = fake.url();
        let story = Story::new(&relay(&url));
        let address = url.trim_start_matches("http://");
        let ran = story.run().expect(3).says(&[address, words]);
        assert!(ran.took < Duration::from_secs(10), "{:?}", ran.took);
    });
}

#[test]
fn a_machine_that_is_not_this_one_is_not_loaded_unasked() {
    let story = Story::new(&relay("http://192.0.2.1:80"));
    story
        .run()
        .expect(2)
        .says(&["192.0.2.1", "allow_hosts", "story.toml:2"]);
}

#[test]
fn a_folder_that_cannot_be_written_is_told_before_anything_starts() {
    let fake = Fake::start(Plan::default());
    let story = Story::new(&relay(&fake.url()));
    fs::write(story.folder().join("file"), "").unwrap();
    for out in ["file/inside", "/proc/inside"] {
        let ran = story.bench(&["run", "story.toml", "--out", out]).expect(2);
        let ran = ran.says(&[out, "--out DIR"]);
        assert_eq!(ran.stdout, "");
    }
    // `latest` is somebody's folder.
    fs::create_dir_all(story.results()).unwrap();
    story
        .run()
        .expect(2)
        .says(&["latest", "not a symbolic link"]);
    assert!(fake.tallies().is_empty());
}

#[test]
fn a_full_disk_is_told_before_anything_starts() {
    let story = Story::new(&scenario(""));
    let small = story.folder().join("small");
    fs::create_dir(&small).unwrap();
    let mount = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=2m", "tmpfs"])
        .arg(&small)
        .output();
    if !mount.is_ok_and(|mount| mount.status.success()) {
        eprintln!("SKIPPED: a full disk needs the right to mount a small one");
        return;
    }
    let ran = story.bench(&["run", "story.toml", "--out", "small"]);
    assert!(
        Command::new("umount")
            .arg(&small)
            .status()
            .unwrap()
            .success()
    );
    ran.expect(2)
        .says(&["MiB free in `small`", "64 MiB are needed", "--out DIR"]);
}

#[test]
fn too_few_descriptors_are_told_with_the_way_out_and_just_enough_are_enough() {
    let story = Story::new(&scenario("").replace("clients = 2", "clients = 100"));
    let limited = |limit: u64, command: &str| {
        let line = format!("ulimit -n {limit} && exec \"$0\" {command} story.toml");
        let mut shell = Command::new("sh");
        shell.args(["-c", &line]).arg(bench().get_program());
        story.spawn(&mut shell).wait()
    };
    for command in ["run", "check"] {
        limited(256, command).expect(2).says(&[
            "trial sse needs 485 file descriptors",
            "the limit is 256",
            "ulimit -Hn 485",
            "lower load.clients by 229",
        ]);
    }
    assert!(!story.folder().join("results").exists());
    limited(484, "check").expect(2);
    let ran = limited(485, "run");
    ran.expect_unless_busy(0, &story.summary());
    assert_eq!(story.trial()["clients"]["connected"], 100);
}
