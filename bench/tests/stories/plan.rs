//! `bench plan`: machines from a stored run whose costs are known.

use std::fs;
use std::path::Path;

use serde_json::{Value, json};

use crate::program::bench;

/// A stored run of WebSockets in which a delivery costs 10 µs and 200 B down and 50 B up, and a client 8 kB: every clients, rate
/// and number of channels with every other.
fn stored(folder: &Path, change: impl Fn(&mut Value)) {
    let reference = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../results/reference/bozdag-2007-push/summary.json");
    let mut run: Value = serde_json::from_slice(&fs::read(reference).unwrap()).unwrap();
    let model = run["trials"]
        .as_array()
        .unwrap()
        .iter()
        .find(|trial| trial["transport"] == "websocket");
    let model = model.unwrap().clone();
    let mut trials = Vec::new();
    for clients in [100_u64, 1_000, 10_000] {
        for channels in [1_u64, 10] {
            for rate in [1_u64, 4] {
                let mut trial = model.clone();
                let deliveries = clients / channels * rate * 10;
                trial["load"]["clients"] = json!(clients);
                trial["load"]["channels"] = json!(channels);
                trial["load"]["rate"] = json!(rate);
                trial["load"]["payload"] = json!(128);
                trial["clients"]["connected"] = json!(clients);
                trial["phases"]["measure"] = json!(10_000_000_000_u64);
                trial["bytes"]["deliveries"] = json!(deliveries);
                trial["bytes"]["wire_received"] = json!(deliveries * 200);
                trial["bytes"]["wire_sent"] = json!(deliveries * 50);
                trial["server"]["cpu_ns"] = json!(deliveries * 10_000);
                trial["server"]["rss_base"] = json!(5_000_000);
                trial["server"]["rss_loaded"] = json!(5_000_000 + clients * 4_000);
                trial["server"]["kernel_socket_memory"] = json!(clients * 4_000);
                change(&mut trial);
                trials.push(trial);
            }
        }
    }
    run["trials"] = json!(trials);
    fs::write(folder.join("summary.json"), run.to_string()).unwrap();
}

fn plan(folder: &Path, more: &[&str]) -> (Option<i32>, String, String) {
    let mut command = bench();
    command.args(["plan", "--costs"]).arg(folder).args(more);
    let out = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (out.status.code(), text(out.stdout), text(out.stderr))
}

const DEMAND: [&str; 6] = [
    "--clients",
    "10_000_000",
    "--rate",
    "1000",
    "--channels",
    "100_000",
];

#[test]
fn known_costs_give_the_machines_that_they_must() {
    let folder = tempfile::tempdir().unwrap();
    stored(folder.path(), |_| {});
    // 100,000 deliveries/s of 10 µs are one processor; 10 million clients of 8 kB are 80 GB.
    let (code, out, error) = plan(folder.path(), &DEMAND);
    assert_eq!((code, error.as_str()), (Some(0), ""));
    let row = out
        .lines()
        .find(|line| line.starts_with("websocket"))
        .unwrap();
    let cells: Vec<&str> = row
        .split("   ")
        .map(str::trim)
        .filter(|cell| !cell.is_empty())
        .collect();
    // Half a million connections each, of which 60 % may be used: 34 machines.
    assert_eq!(
        cells[1..7],
        [
            "34",
            "connections",
            "1",
            "80.0 GB",
            "20.0 MB/s",
            "5.00 MB/s"
        ],
        "{out}"
    );
    assert!(
        out.contains(&folder.path().display().to_string()),
        "the file that it rests on: {out}"
    );
    assert!(out.contains("times what was measured"), "{out}");
    // Of memory 80 GB and of a machine's 16 GiB 60 %: 7.8 of them.
    let few = ["--connections", "1_000_000_000", "--memory", "16GiB"];
    let (_, out, _) = plan(folder.path(), &[&DEMAND[..], &few].concat());
    let row = out
        .lines()
        .find(|line| line.starts_with("websocket"))
        .unwrap();
    let cells: Vec<&str> = row.split_whitespace().collect();
    assert_eq!(cells[1..3], ["8", "memory"], "{out}");
}

#[test]
fn a_cost_that_grows_is_carried_on_and_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    // Ten times the clients, twice the cost of a delivery.
    stored(folder.path(), |trial| {
        let clients = trial["load"]["clients"].as_f64().unwrap();
        let cost =
            trial["server"]["cpu_ns"].as_f64().unwrap() * 2_f64.powf((clients / 100.0).log10());
        trial["server"]["cpu_ns"] = json!(cost as u64);
    });
    let one = [
        "--clients",
        "100_000",
        "--rate",
        "1",
        "--connections",
        "1000000",
        "--cores",
        "1000",
    ];
    let (code, out, _) = plan(folder.path(), &one);
    assert_eq!(code, Some(0));
    assert!(
        out.contains("+0.30 ± 0.00"),
        "the logarithm of 2 to the base of 10: {out}"
    );
    assert!(
        out.contains("a machine does 10 times what was measured"),
        "{out}"
    );
    // 100,000 deliveries a second of 10 µs, doubled three times.
    let row = out
        .lines()
        .find(|line| line.starts_with("websocket"))
        .unwrap();
    assert_eq!(row.split_whitespace().nth(3), Some("8"), "{out}");
}

#[test]
fn a_plan_that_cannot_be_made_says_why_and_what_to_do() {
    let folder = tempfile::tempdir().unwrap();
    let (code, _, error) = plan(&folder.path().join("nothing"), &DEMAND);
    assert_eq!(code, Some(2));
    assert!(error.contains("bench run scenarios/costs.toml"), "{error}");
    stored(folder.path(), |trial| trial["valid"] = json!(false));
    let (code, _, error) = plan(folder.path(), &DEMAND);
    assert_eq!(code, Some(2));
    assert!(error.contains("no trial of it can be trusted"), "{error}");
    stored(folder.path(), |trial| {
        trial["load"]["tls"] = json!(trial["load"]["clients"] == 100)
    });
    let (code, _, error) = plan(folder.path(), &DEMAND);
    assert_eq!(code, Some(2));
    assert!(error.contains("differ in tls"), "{error}");
    stored(folder.path(), |_| {});
    let (code, _, error) = plan(
        folder.path(),
        &[&DEMAND[..], &["--transport", "sse"]].concat(),
    );
    assert_eq!(code, Some(2));
    assert!(
        error.contains("measured no sse; it has websocket"),
        "{error}"
    );
    let (code, out, _) = plan(folder.path(), &["--clients", "1000", "--rate", "1e9"]);
    assert_eq!(code, Some(0));
    assert!(out.contains("none suffice"), "{out}");
}
