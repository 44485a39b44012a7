//! What `bench check` tells of a plan.

use bench::scenario::describe;

use crate::{shipped, text};

#[test]
fn a_plan_is_told_in_a_table() {
    let sets = [
        "target.url=http://127.0.0.1:8080",
        "target.pid=4242",
        "matrix.transport=[sse,websocket]",
        "load.rate=0.5",
        "load.payload=100KiB",
    ];
    let plan = shipped("chat.toml", &sets[..3]);
    let told = describe(&plan);
    let (_, told) = told.split_once("\n  target").unwrap();
    assert!(told.starts_with("  http://127.0.0.1:8080, process 4242 watched\n"));
    let expected = "\
  phases  ramp 3s, warm-up 3s, measure 20s, drain at most 5s
  seed    42
  clients headers = \"browser\"

  trial      transport  clients  channels  messages/s  payload  messages  deliveries  descriptors
  sse        sse          1,000       200          50     256B     1,000       5,000        1,080
  websocket  websocket    1,000       200          50     256B     1,000       5,000        1,264
";
    assert!(told.contains(expected), "{told}");
    let told = describe(&shipped("smoke.toml", &sets[2..]));
    assert!(
        told.ends_with(
            "note: a relay refuses payloads over 64KiB unless its limit is raised\n\
             2 trials in about 4 s, at most 5 s\n"
        ),
        "{told}"
    );
}

#[test]
fn a_plan_tells_the_link_that_all_its_trials_share() {
    let told = describe(&text("[link]\npreset = \"4g\"\nloss = 0.02", &[]).unwrap());
    let link = "\n  link    rtt 60ms, jitter 15ms, loss 0.02, down 9Mbit, up 1500kbit, emulated for each subscriber\n";
    assert!(told.contains(link), "{told}");
    for other in ["", "[matrix]\npreset = [\"none\", \"4g\"]"] {
        let told = describe(&text(other, &[]).unwrap());
        assert!(!told.contains("  link "), "{told}");
    }
}

#[test]
fn a_plan_tells_how_clients_ask_where_it_is_not_as_usual() {
    let usual = describe(&text("[load]\nclients = 3\n", &[]).unwrap());
    assert!(!usual.contains("\n  clients "), "{usual}");
    let scenario = "[load]\ntransport = \"polling\"\nheaders = \"browser\"\norigin = \"cross\"\nkeep_alive = false\n\
                    [matrix]\nbatch = [0, 1, 5]\n";
    let told = describe(&text(scenario, &[]).unwrap());
    let line = "\n  clients headers = \"browser\"; origin = \"cross\"; keep_alive = false; batch = 1 or 5\n";
    assert!(told.contains(line), "{told}");
}
